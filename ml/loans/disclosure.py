"""Statement of the total cost of a personal loan (个人贷款综合融资成本明示表), as data.

Required by 《个人贷款业务明示综合融资成本规定》 (National Financial Regulatory Administration and People's Bank of
China, in force since 2026-08-01). The statement lists the principal; every interest and fee item with its standard, way
of collection, collecting party and annualised rate; the annualised cost of all items if payments are made on time; the
contingent costs with standard and collecting party; and the declaration that nothing else is charged. The borrower
signs it before the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.calendar import periods
from ml.domain.loans.cost import NoInternalRate, cost
from ml.domain.loans.product import Form
from ml.domain.loans.schedule import Schedule
from ml.loans.amounts import fen
from ml.loans.catalogue.fields import Money
from ml.loans.catalogue.files import Lending
from ml.loans.disclosure_contingent import HEAVIER_ALONE, ContingentCost, contingent_costs
from ml.loans.disclosure_form import FormEntries
from ml.loans.disclosure_items import CostItem, SubsidyItem, adding_up, fee_item, interest_item, subsidy_items
from ml.loans.disclosure_payments import Payments, payments_of
from ml.loans.disclosure_texts import DAY_COUNTS
from ml.loans.eligibility import product_by_name
from ml.loans.extras import Extra
from ml.loans.repayment import schedule_for

STATEMENT = Text(
    zh="除上述已明示的成本外，贷款人及其合作机构不再收取任何其他与本贷款相关的息费。",
    en="Beyond the costs shown above, neither the lender nor its partners charge any other interest or fee in "
    "connection with this loan.",
)
FORMS: Mapping[Form, Text] = MappingProxyType(
    {
        "equal_instalment": Text(zh="等额本息", en="equal instalments"),
        "equal_principal": Text(zh="等额本金", en="equal principal"),
        "interest_only": Text(zh="先息后本", en="interest monthly, principal at maturity"),
        "balloon": Text(zh="气球贷（到期尾款）", en="equal instalments and a balloon at maturity"),
        "flat_rate": Text(zh="等本等息", en="flat-rate instalments"),
    }
)
ON_BALANCE = Text(zh="按剩余本金", en="on the outstanding principal")
ON_ORIGINAL_AMOUNT = Text(zh="按贷款本金，不随还款减少", en="on the original amount until maturity")


class CostWithoutSubsidy(Section):
    """Cost of a loan if the state's subsidy is not paid: money in fen (yuan in JSON), rates as yearly fractions."""

    total_cost: Money
    total_payment: Money
    annualised_cost: float
    effective_cost: float


class FinancedExtra(Section):
    """Item that the principal pays for besides the vehicle; money in fen (yuan in JSON)."""

    name: str
    amount: Money


class Disclosure(Section):
    """Statement of the total cost of a loan; money in fen (yuan in JSON), rates as yearly fractions with 6 decimals.

    Attributes
    ----------
    form : FormEntries
        Entries that do not follow from the loan; None for a line to fill in by hand.
    lender, product, repayment : Text
    on, first_due, maturity : date
        Day of disbursement, due date of the first payment, due date of the last payment.
    principal, term_months : int
    financed_extras : tuple of FinancedExtra
        Parts of the principal that do not pay for the vehicle.
    annual_rate : float
        Contract rate.
    rate_basis, day_count, first_period : Text
        Principal that bears the contract rate; how interest days are counted; length of the first period, None for a
        whole month.
    payments : Payments
    items : tuple of CostItem
        Interest and fees if payments are made on time.
    items_note : Text or None
        Why the annualised rates of the items do not add up to the total; None if they do.
    subsidies : tuple of SubsidyItem
    total_cost, total_payment : int
        Interest and fees; principal, interest and fees.
    annualised_cost, effective_cost : float
        Of all items together, as the borrower bears them: 12 x monthly internal rate, and
        (1 + monthly internal rate)^12 - 1.
    without_state_subsidy : CostWithoutSubsidy or None
        The same if the state pays no subsidy; None for a loan without one.
    forgone_discount : int
        Cash discount that the borrower loses with this product.
    implied_cost : float or None
        Annualised cost with the forgone discount as an additional cost; None without such a discount, or if it is as
        large as the loan.
    contingent : tuple of ContingentCost
        Costs of stated events, those that are not charged included.
    contingent_note : Text or None
        What holds for several of them.
    statement : Text
    unchecked : tuple of Text
        Limits that the request does not allow to check; they are not printed.
    """

    form: FormEntries
    lender: Text
    product: Text
    repayment: Text
    on: date
    first_due: date
    maturity: date
    principal: Money
    financed_extras: tuple[FinancedExtra, ...]
    term_months: int
    annual_rate: float
    rate_basis: Text
    day_count: Text
    first_period: Text | None
    payments: Payments
    items: tuple[CostItem, ...]
    items_note: Text | None
    subsidies: tuple[SubsidyItem, ...]
    total_cost: Money
    total_payment: Money
    annualised_cost: float
    effective_cost: float
    without_state_subsidy: CostWithoutSubsidy | None
    forgone_discount: Money
    implied_cost: float | None
    contingent: tuple[ContingentCost, ...]
    contingent_note: Text | None
    statement: Text = STATEMENT
    unchecked: tuple[Text, ...] = ()


def disclose(
    lending: Lending,
    name: str,
    schedule: Schedule,
    *,
    form: FormEntries | None = None,
    extras: Sequence[Extra] = (),
) -> Disclosure:
    """Return the statement of the total cost of a loan.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of the product in the catalogue.
    schedule : Schedule
        Schedule of a loan of that product, as returned by `ml.loans.repayment.schedule_for`.
    form : FormEntries, optional
        Borrower, vehicle, contract and place; by default every entry is a line to fill in by hand.
    extras : sequence of Extra
        Items of the deal besides the vehicle; those that the loan pays for are named as parts of the principal.

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
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> terms = LoanTerms(product="bank_standard", on=day, amount=100_000.0, annual_rate=0.035, term_months=36)
    >>> form = disclose(lending, "bank_standard", schedule_for(build_loan(lending, terms), day))
    >>> form.principal, form.total_cost, form.annualised_cost
    (10000000, 524405, 0.033401)
    >>> form.without_state_subsidy.total_cost, form.without_state_subsidy.annualised_cost
    (548745, 0.035)
    """
    product = product_by_name(lending, name)
    lender = lending.catalogue.lenders[product.lender]
    total, discount = cost(schedule), product.forgone_discount_on(schedule.start)
    items = (
        interest_item(schedule, lender),
        *(fee_item(lending, product, lender, schedule, fee) for fee in schedule.fees),
    )
    contingent = contingent_costs(lending, name, schedule)
    return Disclosure(
        form=form or FormEntries(),
        lender=lender.name,
        product=product.name,
        repayment=FORMS[product.form],
        on=schedule.start,
        first_due=next(row.due for row in schedule.rows if row.payment),
        maturity=schedule.rows[-1].due,
        principal=schedule.loan.amount,
        financed_extras=tuple(FinancedExtra(name=x.name, amount=fen(x.amount)) for x in extras if x.financed),
        term_months=schedule.loan.term_months,
        annual_rate=schedule.loan.annual_rate,
        rate_basis=ON_ORIGINAL_AMOUNT if product.form == "flat_rate" else ON_BALANCE,
        day_count=DAY_COUNTS[schedule.loan.product.calendar.day_count],
        first_period=_first_period(schedule),
        payments=payments_of(schedule),
        items=items,
        items_note=adding_up(items, total.nominal),
        subsidies=subsidy_items(schedule),
        total_cost=schedule.total_cost,
        total_payment=schedule.total_payment,
        annualised_cost=round(total.nominal, 6),
        effective_cost=round(total.effective, 6),
        without_state_subsidy=_without_state_subsidy(schedule),
        forgone_discount=discount,
        implied_cost=_implied_cost(schedule, discount),
        contingent=contingent,
        contingent_note=HEAVIER_ALONE if any(c.key == "misuse" and c.collected_by for c in contingent) else None,
    )


def _implied_cost(schedule: Schedule, discount: int) -> float | None:
    if not discount:
        return None
    try:
        return round(cost(schedule, forgone_discount=discount).nominal, 6)
    except NoInternalRate:
        return None


def _first_period(schedule: Schedule) -> Text | None:
    calendar = schedule.loan.product.calendar
    first = periods(calendar, schedule.start, 1)
    if first.months[0] == 1:
        return None
    if calendar.first_period_interest == "month":
        days = int(first.days[0])
        return Text(
            zh=f"首期 {days} 天，按一个月计息",
            en=f"the first period of {days} days bears interest for one month",
        )
    days = int(first.days[0] if calendar.day_count == "actual/actual" else first.numerator[0])
    return Text(zh=f"首期按 {days} 天计息", en=f"the first period bears interest for {days} days")


def _without_state_subsidy(schedule: Schedule) -> CostWithoutSubsidy | None:
    if not any(amount for subsidy, amount in schedule.subsidy_totals if subsidy.payer == "state"):
        return None
    loan = schedule.loan
    subsidies = tuple(subsidy for subsidy in loan.product.subsidies if subsidy.payer != "state")
    full = schedule_for(replace(loan, product=replace(loan.product, subsidies=subsidies)), schedule.start)
    rates = cost(full)
    return CostWithoutSubsidy(
        total_cost=full.total_cost,
        total_payment=full.total_payment,
        annualised_cost=round(rates.nominal, 6),
        effective_cost=round(rates.effective, 6),
    )
