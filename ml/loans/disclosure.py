"""Statement of the total cost of a personal loan (个人贷款综合融资成本明示表), as data.

Required by 《个人贷款业务明示综合融资成本规定》 (National Financial Regulatory Administration and People's Bank of
China, in force since 2026-08-01). The statement lists the principal; every interest and fee item with its standard, way
of collection, collecting party and annualised rate; the annualised cost of all items if payments are made on time; the
contingent costs; and the declaration that nothing else is charged. The borrower signs it before the contract.
"""

from __future__ import annotations

from datetime import date

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.cost import cost
from ml.domain.loans.product import Form
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.fields import Money
from ml.loans.catalogue.files import Lending
from ml.loans.disclosure_items import (
    ContingentCost,
    CostItem,
    SubsidyItem,
    early_settlement,
    fee_item,
    interest_item,
    late_interest,
)
from ml.loans.eligibility import product_by_name

STATEMENT = Text(
    zh="除上述已明示的成本外，贷款人及其合作机构不再收取任何其他与本贷款相关的息费。",
    en="Beyond the costs shown above, neither the lender nor its partners charge any other interest or fee in "
    "connection with this loan.",
)
FORMS: dict[Form, Text] = {
    "equal_instalment": Text(zh="等额本息", en="equal instalments"),
    "equal_principal": Text(zh="等额本金", en="equal principal"),
    "interest_only": Text(zh="先息后本", en="interest monthly, principal at maturity"),
    "balloon": Text(zh="气球贷（到期尾款）", en="equal instalments and a balloon at maturity"),
    "flat_rate": Text(zh="等本等息", en="flat-rate instalments"),
}
PAYERS = {
    "maker": Text(zh="厂家贴息", en="interest paid by the maker"),
    "dealer": Text(zh="经销商贴息", en="interest paid by the dealer"),
    "state": Text(zh="财政贴息", en="interest subsidy by the state"),
}


class Disclosure(Section):
    """Statement of the total cost of a loan; money in fen (yuan in JSON), rates as yearly fractions with 6 decimals.

    Attributes
    ----------
    lender, product, form : Text
    on, first_due, maturity : date
        Day of disbursement, due date of the first payment, due date of the last payment.
    principal, term_months : int
    monthly_payment, final_payment : int
        Largest payment before the last one; last payment, including a balloon or principal due at maturity.
    items : tuple of CostItem
        Interest and fees if payments are made on time.
    subsidies : tuple of SubsidyItem
    total_cost, total_payment : int
        Interest and fees; principal, interest and fees.
    annualised_cost, effective_cost : float
        Of all items together: 12 x monthly internal rate, and (1 + monthly internal rate)^12 - 1.
    forgone_discount : int
        Cash discount that the borrower loses with this product.
    implied_cost : float or None
        Annualised cost with the forgone discount as an additional cost; None without such a discount.
    contingent : tuple of ContingentCost
        Costs of late payment and early settlement.
    statement : Text
    """

    lender: Text
    product: Text
    form: Text
    on: date
    first_due: date
    maturity: date
    principal: Money
    term_months: int
    monthly_payment: Money
    final_payment: Money
    items: tuple[CostItem, ...]
    subsidies: tuple[SubsidyItem, ...]
    total_cost: Money
    total_payment: Money
    annualised_cost: float
    effective_cost: float
    forgone_discount: Money
    implied_cost: float | None
    contingent: tuple[ContingentCost, ...]
    statement: Text = STATEMENT


def disclose(lending: Lending, name: str, schedule: Schedule) -> Disclosure:
    """Return the statement of the total cost of a loan.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of the product in the catalogue.
    schedule : Schedule
        Schedule of a loan of that product, as returned by `ml.loans.repayment.schedule_for`.

    Returns
    -------
    Disclosure
        Rows of the mandatory form, amounts in fen, annualised costs as yearly fractions. The amounts of `items` add up
        to `total_cost` exactly.

    Raises
    ------
    DataError
        The product is not in the catalogue.
    ml.domain.loans.cost.NoInternalRate
        Costs at disbursement are as large as the loan or larger.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.repayment import schedule_for
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> terms = LoanTerms(product="bank_standard", on=day, amount=100_000.0, annual_rate=0.035, term_months=36)
    >>> form = disclose(lending, "bank_standard", schedule_for(build_loan(lending, terms), day))
    >>> form.principal, form.total_cost, form.annualised_cost
    (10000000, 524405, 0.033401)
    """
    product = product_by_name(lending, name)
    lender = lending.catalogue.lenders[product.lender]
    total = cost(schedule)
    discount = product.forgone_discount_on(schedule.start)
    return Disclosure(
        lender=lender.name,
        product=product.name,
        form=FORMS[product.form],
        on=schedule.start,
        first_due=next(row.due for row in schedule.rows if row.payment),
        maturity=schedule.rows[-1].due,
        principal=schedule.loan.amount,
        term_months=schedule.loan.term_months,
        monthly_payment=max((row.payment for row in schedule.rows[:-1]), default=schedule.rows[-1].payment),
        final_payment=schedule.rows[-1].payment,
        items=(
            interest_item(schedule, lender),
            *(fee_item(lending, product, lender, schedule, fee) for fee in schedule.fees),
        ),
        subsidies=tuple(SubsidyItem(name=PAYERS[s.payer], amount=amount) for s, amount in schedule.subsidy_totals),
        total_cost=schedule.total_cost,
        total_payment=schedule.total_payment,
        annualised_cost=round(total.nominal, 6),
        effective_cost=round(total.effective, 6),
        forgone_discount=discount,
        implied_cost=round(cost(schedule, forgone_discount=discount).nominal, 6) if discount else None,
        contingent=(late_interest(schedule, lender), early_settlement(lender)),
    )
