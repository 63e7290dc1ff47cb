"""Cost items of the statement: amount, standard, collection, collecting party and annualised rate."""

from __future__ import annotations

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.cost import item_cost
from ml.domain.loans.product import LoanProduct
from ml.domain.loans.rounding import MILLION, millionths
from ml.domain.loans.schedule import FeeTotal, Schedule
from ml.loans.catalogue.fields import Money
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Lender, Product
from ml.loans.catalogue.services import LENDER

_AT_DISBURSEMENT = Text(zh="放款时一次性收取", en="once, at disbursement")
_PER_INSTALMENT = Text(zh="随每期还款收取", en="with every instalment")


class CostItem(Section):
    """One cost item of a loan that is repaid on time.

    Attributes
    ----------
    name : Text
    amount : int
        Amount that the borrower pays over the whole loan, fen (yuan in JSON).
    standard, collection, collected_by : Text
        Basis of calculation, way of collection, and collecting party.
    annualised : float
        Nominal annualised cost as if this item were the only cost, a yearly fraction.
    """

    name: Text
    amount: Money
    standard: Text
    collection: Text
    collected_by: Text
    annualised: float


class SubsidyItem(Section):
    """Interest paid by another party over the whole loan, fen (yuan in JSON); not in the interest item."""

    name: Text
    amount: Money


class ContingentCost(Section):
    """Cost of late payment or early settlement; `annualised` is a yearly fraction, None if it is not a rate."""

    name: Text
    standard: Text
    collected_by: Text
    annualised: float | None


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
        standard = Text(zh=f"{standard.zh}，已扣除贴息", en=f"{standard.en}, after subsidies")
    return CostItem(
        name=Text(zh="贷款利息", en="Interest"),
        amount=schedule.total_interest,
        standard=standard,
        collection=_interest_collection(product),
        collected_by=lender.name,
        annualised=round(item_cost(schedule, [row.interest for row in schedule.rows]).nominal, 6),
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
        standard = Text(zh=f"{zh}{yuan(fee.amount)}", en=f"{yuan(fee.amount)}{en}")
    elif fee.share:
        standard = Text(zh=f"{zh}贷款本金的 {percent(fee.share)}", en=f"{percent(fee.share)} of the loan amount{en}")
    else:
        share = percent(fee.yearly_share_of_balance)
        standard = Text(zh=f"剩余本金的 {share}（每年）", en=f"{share} a year of the outstanding principal")
    return CostItem(
        name=fee.name,
        amount=total.total,
        standard=standard,
        collection=_PER_INSTALMENT if per_instalment else _AT_DISBURSEMENT,
        collected_by=lender.name if fee.collected_by == LENDER else lending.catalogue.parties[fee.collected_by],
        annualised=round(item_cost(schedule, total.rows, up_front=total.up_front).nominal, 6),
    )


def late_interest(schedule: Schedule, lender: Lender) -> ContingentCost:
    """Return the contingent cost of late payment: the contract rate times the lender's multiple, on overdue amounts.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`; its loan has the contract rate.
    lender : Lender
        An element of ``ml.loans.endpoints.read_lending(Path("configs")).catalogue.lenders``, by key; its
        `late_interest` is the multiple.

    Returns
    -------
    ContingentCost
        `annualised` is the rate of late interest, a yearly fraction.

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
    >>> lender.late_interest, late_interest(schedule, lender).annualised
    (1.5, 0.0525)
    """
    rate = millionths(schedule.loan.annual_rate, "annual_rate") * lender.late_interest / MILLION
    times = f"{lender.late_interest:g}"
    return ContingentCost(
        name=Text(zh="逾期罚息", en="Late interest"),
        standard=Text(
            zh=f"逾期金额按年利率 {percent(rate)}（合同利率的 {times} 倍）按日计收",
            en=f"{percent(rate)} a year ({times} times the contract rate) on overdue amounts, charged daily",
        ),
        collected_by=lender.name,
        annualised=rate,
    )


def early_settlement(lender: Lender) -> ContingentCost:
    """Return the contingent cost of early settlement, as text of the lender's terms; `annualised` is None.

    Parameters
    ----------
    lender : Lender
        An element of ``ml.loans.endpoints.read_lending(Path("configs")).catalogue.lenders``, by key.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> lenders = read_lending(Path("configs")).catalogue.lenders
    >>> early_settlement(lenders["riverside_bank"]).standard.en
    '1.00% of the outstanding principal; free of charge after 12 months'
    """
    rule = lender.early_settlement
    zh, en = [], []
    if rule.share_of_outstanding:
        zh.append(f"剩余本金的 {percent(rule.share_of_outstanding)}")
        en.append(f"{percent(rule.share_of_outstanding)} of the outstanding principal")
    if rule.months_of_interest:
        zh.append(f"{rule.months_of_interest} 个月利息")
        months = "one month" if rule.months_of_interest == 1 else f"{rule.months_of_interest} months"
        en.append(f"{months} of interest on the outstanding principal")
    zh, en = ["加".join(zh) or "不收取"], [" plus ".join(en) or "none"]
    charged = rule.share_of_outstanding or rule.months_of_interest
    if charged and rule.free_after_months is not None:
        zh.append(f"放款满 {rule.free_after_months} 个月后免收")
        en.append(f"free of charge after {rule.free_after_months} months")
    if rule.up_front_rebate:
        zh.append(f"退还一次性费用未到期部分的 {percent(rule.up_front_rebate)}")
        en.append(f"{percent(rule.up_front_rebate)} of the unearned up-front fees is refunded")
    standard = Text(zh="；".join(zh), en="; ".join(en))
    name = Text(zh="提前还款违约金", en="Early settlement")
    return ContingentCost(name=name, standard=standard, collected_by=lender.name, annualised=None)


def yuan(fen: int) -> str:
    """Return an amount in fen as text in yuan.

    Examples
    --------
    >>> yuan(10_000_050)
    '¥100,000.50'
    """
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def percent(rate: float) -> str:
    """Return a fraction as a percentage with two to four decimals.

    Examples
    --------
    >>> percent(0.04), percent(0.07485)
    ('4.00%', '7.485%')
    """
    text = f"{rate * 100:.4f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}%"
