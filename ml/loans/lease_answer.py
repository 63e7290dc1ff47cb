"""What a finance lease means for the customer: owner, deposit, residual and purchase option, in amounts and words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.domain.loans.lease import PURCHASE_OPTION, DepositReturn, LeaseKind
from ml.domain.loans.loan import Loan
from ml.domain.loans.rounding import millionths, share_of

OWNERS: Mapping[LeaseKind, Text] = {
    "direct": Text(
        zh="直租：出租人购车，租赁期内车辆归出租人所有",
        en="direct lease: the lessor buys the vehicle and owns it during the lease",
    ),
    "leaseback": Text(
        zh="回租：承租人将车辆卖给出租人后租回，车辆登记在承租人名下并抵押给出租人",
        en="leaseback: the lessee sells the vehicle to the lessor and leases it back; it is registered to the lessee "
        "and mortgaged to the lessor",
    ),
}
DEPOSIT_RETURNS: Mapping[DepositReturn, Text] = {
    "last_rents": Text(zh="保证金抵扣最后几期应付款", en="the deposit pays the last payments"),
    "at_maturity": Text(zh="保证金随最后一期退还", en="the deposit is returned with the last payment"),
}


class LeaseAnswer(BaseModel):
    """Terms of a finance lease besides its rents; money in yuan."""

    owner: Text = Field(description="owner and registration of the vehicle during the lease")
    deposit: float = Field(description="paid at the start, without interest; counted in the annualised cost")
    deposit_return: Text
    residual: float = Field(description="principal that is due with the last rent")
    purchase_option: float = Field(description="price with which the lessee acquires the vehicle at the end")


def lease_answer(loan: Loan) -> LeaseAnswer | None:
    """Return the terms of a finance lease for the customer, or None for a loan.

    Parameters
    ----------
    loan : Loan
        Such as the `loan` of an offer of `ml.loans.quotes.offers_for`.

    Returns
    -------
    LeaseAnswer or None
        Amounts in yuan.

    Examples
    --------
    >>> from ml.domain.loans.lease import Lease
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> product = LoanProduct(form="finance_lease", lease=Lease(kind="direct", deposit_share=0.1))
    >>> answer = lease_answer(Loan(product, amount=10_000_000, annual_rate=0.06, term_months=36, balloon=2_000_000))
    >>> answer.deposit, answer.residual, answer.deposit_return.en
    (10000.0, 20000.0, 'the deposit pays the last payments')
    """
    lease = loan.product.lease
    if lease is None:
        return None
    share = millionths(lease.deposit_share, "deposit_share")
    return LeaseAnswer(
        owner=OWNERS[lease.kind],
        deposit=int(share_of(loan.amount, share, loan.product.half_up)) / 100,
        deposit_return=DEPOSIT_RETURNS[lease.deposit_return],
        residual=loan.balloon / 100,
        purchase_option=sum(fee.amount for fee in loan.product.fees if fee.name == PURCHASE_OPTION) / 100,
    )
