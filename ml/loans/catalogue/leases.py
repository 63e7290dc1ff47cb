"""Finance lease in the product file: deposit, purchase option, and the lenders that may lease."""

from __future__ import annotations

from pydantic import field_validator

from features.yaml_config import Section
from ml.domain.loans.lease import MAX_DEPOSIT_SHARE, PURCHASE_OPTION, DepositReturn, Lease, LeaseKind
from ml.domain.loans.product import Fee
from ml.loans.catalogue.fields import Share, Yuan
from ml.loans.catalogue.lender_rules import LenderKind

LESSORS: frozenset[LenderKind] = frozenset({"finance_leasing_company", "auto_finance_company"})


class LeaseTerms(Section):
    """Terms of a finance lease besides rents and residual.

    Attributes
    ----------
    kind : {"direct", "leaseback"}
        直租: the lessor buys the vehicle and owns it until the end; 回租: the lessee sells it to the lessor and leases
        it back, with a mortgage for the lessor.
    deposit_share : float
        Deposit as a fraction of the financed amount, at most a half, without interest.
    deposit_return : {"last_rents", "at_maturity"}
        Whether the deposit pays the last payments or is returned with the last one.
    purchase_option : int
        Price with which the lessee acquires the vehicle at the end, fen (yuan in YAML). A nominal price makes the
        lessee the owner once the rents are paid (Civil Code, article 759).
    """

    kind: LeaseKind
    deposit_share: Share = 0.0
    deposit_return: DepositReturn = "last_rents"
    purchase_option: Yuan = 0

    @field_validator("deposit_share")
    @classmethod
    def _check_share(cls, share: float) -> float:
        if share > MAX_DEPOSIT_SHARE:
            raise ValueError(f"must be at most {MAX_DEPOSIT_SHARE} of the financed amount, got {share:g}")
        return share

    @property
    def lease(self) -> Lease:
        """The terms as an `ml.domain.loans.lease.Lease`."""
        return Lease(kind=self.kind, deposit_share=self.deposit_share, deposit_return=self.deposit_return)

    @property
    def fees(self) -> tuple[Fee, ...]:
        """The purchase option as a fee at maturity; empty if it costs nothing."""
        if not self.purchase_option:
            return ()
        return (Fee(name=PURCHASE_OPTION, charged="at_maturity", amount=self.purchase_option),)


def lessor_problem(lease: LeaseTerms | None, lender_kind: LenderKind, *, state_subsidy: bool) -> str | None:
    """Return why a kind of lender must not have a product, or None if it may.

    A finance leasing company must not lend (融资租赁公司监督管理暂行办法, 银保监发〔2020〕22号, article 8 (2)), and of
    the lenders only an auto finance company may lease vehicles.

    Parameters
    ----------
    lease : LeaseTerms or None
        Terms of the lease; None for a loan.
    lender_kind : str
        One of `ml.loans.catalogue.lender_rules.LenderKind`.
    state_subsidy : bool
        Whether the state's interest subsidy applies to the product.

    Examples
    --------
    >>> lessor_problem(None, "finance_leasing_company", state_subsidy=False)
    'a finance_leasing_company must not lend: set the form to finance_lease with its lease, or choose another lender'
    """
    if lease is None:
        if lender_kind != "finance_leasing_company":
            return None
        return (
            "a finance_leasing_company must not lend: set the form to finance_lease with its lease, or choose another "
            "lender"
        )
    if lender_kind not in LESSORS:
        return f"a {lender_kind} must not lease: the form finance_lease needs a lender of kind {' or '.join(LESSORS)}"
    if state_subsidy:
        return "the state subsidises personal loans, and a finance lease is none: set state_subsidy: false"
    return None
