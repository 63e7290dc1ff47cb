"""Cost items of the statement: amount, standard, collection, collecting party and annualised rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.cost import item_cost
from ml.domain.loans.product import LoanProduct, Payer
from ml.domain.loans.schedule import FeeTotal, Schedule
from ml.loans.catalogue.fields import Money
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Lender, Product
from ml.loans.catalogue.services import LENDER
from ml.loans.disclosure_texts import basis_points, money, percent, yearly

PAYERS: Mapping[Payer, Text] = MappingProxyType(
    {
        "maker": Text(zh="厂家贴息", en="interest paid by the maker"),
        "dealer": Text(zh="经销商贴息", en="interest paid by the dealer"),
        "state": Text(zh="财政贴息", en="interest subsidy by the state"),
    }
)
_AT_DISBURSEMENT = Text(zh="放款时一次性收取", en="once, at disbursement")
_PER_INSTALMENT = Text(zh="随每期还款收取", en="with every instalment")


class CostItem(Section):
    """One cost item of a loan that is repaid on time.

    Attributes
    ----------
    name : Text
    service : Text or None
        What is rendered for a fee; None for interest.
    amount : int
        Amount that the borrower pays over the whole loan, fen (yuan in JSON).
    standard, collection, collected_by : Text
        Basis of calculation, way of collection, and collecting party.
    annualised : float
        Nominal annualised cost as if this item were the only cost, a yearly fraction.
    """

    name: Text
    service: Text | None
    amount: Money
    standard: Text
    collection: Text
    collected_by: Text
    annualised: float


class SubsidyItem(Section):
    """Interest paid by another party; not in the interest item.

    Attributes
    ----------
    name : Text
    payer : {"maker", "dealer", "state"}
    amount : int
        Over the whole loan, fen (yuan in JSON); above 0.
    first_due, last_due : date
        Due dates of the first and last month whose interest it lowers.
    """

    name: Text
    payer: Payer
    amount: Money
    first_due: date
    last_due: date


def interest_item(schedule: Schedule, lender: Lender) -> CostItem:
    """Return the cost item of the interest that the borrower pays.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`.
    lender : Lender
        The lender of the loan's product: ``lending.catalogue.lenders[product.lender]``, with
        ``lending = ml.loans.endpoints.read_lending(Path("configs"))``.

    Returns
    -------
    CostItem
        `amount` in fen, after subsidies; `annualised` as a yearly fraction.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.repayment import schedule_for
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> lender = lending.catalogue.lenders["riverside_bank"]
    >>> terms = LoanTerms(product="bank_standard", on=day, amount=100_000.0, annual_rate=0.035, term_months=36)
    >>> schedule = schedule_for(build_loan(lending, terms), day)
    >>> item = interest_item(schedule, lender)
    >>> item.amount, item.annualised, item.collection.en
    (524405, 0.033401, 'with every instalment')
    """
    rate, product = percent(schedule.loan.annual_rate), schedule.loan.product
    if product.form == "flat_rate":
        standard = Text(
            zh=f"按贷款本金每年 {rate} 计收，不随还款减少", en=f"{rate} a year on the original amount until maturity"
        )
    else:
        standard = Text(zh=f"按剩余本金，年利率 {rate}（单利）", en=f"{rate} a year on the outstanding principal")
    if any(amount for _, amount in schedule.subsidy_totals):
        part = Text(zh="已扣除贴息", en="after subsidies")
        if not schedule.total_interest:
            part = Text(zh="全部由贴息承担", en="all paid by the subsidies")
        standard = Text(zh=f"{standard.zh}，{part.zh}", en=f"{standard.en}, {part.en}")
    return CostItem(
        name=Text(zh="贷款利息", en="Interest"),
        service=None,
        amount=schedule.total_interest,
        standard=standard,
        collection=_interest_collection(product),
        collected_by=lender.name,
        annualised=round(item_cost(schedule, [row.interest for row in schedule.rows]).nominal, 6),
    )


def subsidy_items(schedule: Schedule) -> tuple[SubsidyItem, ...]:
    """Return the subsidies that lower the interest of at least one month, in the order of the product.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`.

    Returns
    -------
    tuple of SubsidyItem
        `amount` in fen.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> from ml.loans.repayment import schedule_for
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> terms = LoanTerms(product="bank_standard", on=day, amount=100_000.0, annual_rate=0.035, term_months=36)
    >>> (state,) = subsidy_items(schedule_for(build_loan(lending, terms), day))
    >>> state.amount, str(state.first_due), str(state.last_due)
    (24340, '2026-10-01', '2026-12-01')
    """
    items = []
    for k, (subsidy, amount) in enumerate(schedule.subsidy_totals):
        due = [row.due for row in schedule.rows if row.subsidies[k]]
        if due:
            name = PAYERS[subsidy.payer]
            item = SubsidyItem(name=name, payer=subsidy.payer, amount=amount, first_due=due[0], last_due=due[-1])
            items.append(item)
    return tuple(items)


def adding_up(items: Sequence[CostItem], total: float) -> Text | None:
    """Return why the annualised rates of the items, as printed, do not add up to that of all of them; None if they do.

    Each rate is the internal rate of the loan with one item as its only cost. The internal rate of all items together
    is not the sum of those rates.

    Parameters
    ----------
    items : sequence of CostItem
        All items of the loan.
    total : float
        Nominal annualised cost of all items together, a yearly fraction.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> text = Text(zh="利息", en="interest")
    >>> item = CostItem(
    ...     name=text, service=None, amount=1, standard=text, collection=text, collected_by=text, annualised=0.0602
    ... )
    >>> adding_up([item], 0.0602) is None
    True
    >>> adding_up([item, item], 0.1207).en
    '...The column adds up to 12.04%, 0.03 percentage points below the total of 12.07%. The amounts add up exactly.'
    """
    printed = sum(basis_points(item.annualised) for item in items)
    difference = basis_points(total) - printed
    if not difference:
        return None
    column, points = yearly(printed / 10_000), f"{abs(difference) / 100:.2f}"
    zh, en = ("低", "below") if difference > 0 else ("高", "above")
    return Text(
        zh=f"各项目年化水平分别按只有该项成本时的内部收益率计算，不能直接相加：相加为 {column}，比合计 {yearly(total)} "
        f"{zh} {points} 个百分点。各项金额相加等于合计。",
        en="Each rate is the internal rate with that item as the only cost, so the rates are not meant to be added. "
        f"The column adds up to {column}, {points} percentage points {en} the total of {yearly(total)}. "
        "The amounts add up exactly.",
    )


def _interest_collection(product: LoanProduct) -> Text:
    months = product.deferred_months
    if not months or product.deferral == "interest_only":
        return _PER_INSTALMENT
    if product.deferral == "interest_free":
        return Text(
            zh=f"前 {months} 期免息，此后随每期还款收取", en=f"none for {months} months, then with every instalment"
        )
    return Text(
        zh=f"前 {months} 期利息并入首个还款期，此后随每期还款收取",
        en=f"interest of the first {months} months with the first instalment, then with every instalment",
    )


def fee_item(lending: Lending, product: Product, lender: Lender, schedule: Schedule, total: FeeTotal) -> CostItem:
    """Return the cost item of one fee.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`; names the collecting parties.
    product : Product
        As returned by `ml.loans.eligibility.product_by_name`.
    lender : Lender
        Its lender: ``lending.catalogue.lenders[product.lender]``.
    schedule : Schedule
        Schedule of a loan of the product, as returned by `ml.loans.repayment.schedule_for`.
    total : FeeTotal
        An element of `schedule.fees`.

    Returns
    -------
    CostItem
        `amount` in fen, as a sum over the whole loan; `annualised` as a yearly fraction.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.repayment import schedule_for
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> product, lender = lending.catalogue.products["short_interest_only"], lending.catalogue.lenders["harbour_credit"]
    >>> terms = LoanTerms(product="short_interest_only", on=day, amount=100_000.0, annual_rate=0.06, term_months=6)
    >>> schedule = schedule_for(build_loan(lending, terms), day)
    >>> item = fee_item(lending, product, lender, schedule, schedule.fees[0])
    >>> item.name.en, item.amount, item.standard.en
    ('Service fee', 150000, '1.50% of the loan amount')
    """
    fee = product.fees[total.fee.name]
    per_instalment = fee.charged == "per_instalment"
    zh, en = ("每期", " with every instalment") if per_instalment else ("", "")
    if fee.amount:
        amount = money(fee.amount)
        standard = Text(zh=f"{zh} {amount.zh}".strip(), en=f"{amount.en}{en}")
    elif fee.share:
        standard = Text(zh=f"{zh}贷款本金的 {percent(fee.share)}", en=f"{percent(fee.share)} of the loan amount{en}")
    else:
        share = percent(fee.yearly_share_of_balance)
        standard = Text(zh=f"剩余本金的 {share}（每年）", en=f"{share} a year of the outstanding principal")
    return CostItem(
        name=fee.name,
        service=fee.service,
        amount=total.total,
        standard=standard,
        collection=_PER_INSTALMENT if per_instalment else _AT_DISBURSEMENT,
        collected_by=lender.name if fee.collected_by == LENDER else lending.catalogue.parties[fee.collected_by],
        annualised=round(item_cost(schedule, total.rows, up_front=total.up_front).nominal, 6),
    )
