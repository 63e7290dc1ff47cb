"""The single costs of a loan as the statement of its cost lists them: standard, collection, collector, annualised."""

from __future__ import annotations

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.cost import item_cost
from ml.domain.loans.product import LoanProduct
from ml.domain.loans.rounding import MILLION, millionths
from ml.domain.loans.schedule import FeeTotal, Schedule
from ml.loans.catalogue.fields import Money
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import LENDER, Lender, Product

_ONCE = Text(zh="放款时一次性收取", en="once, at disbursement")
_WITH_ROWS = Text(zh="随每期还款收取", en="with every instalment")


class CostItem(Section):
    """One cost of a loan that is kept to.

    Attributes
    ----------
    name : Text
    amount : int
        Fen over the whole loan, as the borrower bears it.
    standard, collection, collected_by : Text
        How it is reckoned, how it is collected, and by whom.
    annualised : float
        Nominal annualised cost of the loan if this were its only cost.
    """

    name: Text
    amount: Money
    standard: Text
    collection: Text
    collected_by: Text
    annualised: float


class SubsidyItem(Section):
    """Interest that somebody else pays: fen over the whole loan, already taken off the interest item."""

    name: Text
    amount: Money


class ContingentCost(Section):
    """A cost that arises only if the loan is not kept to; `annualised` where it is a rate."""

    name: Text
    standard: Text
    collected_by: Text
    annualised: float | None


def interest_item(schedule: Schedule, lender: Lender) -> CostItem:
    """The interest that the borrower pays."""
    rate, product = percent(schedule.loan.annual_rate), schedule.loan.product
    if product.form == "flat_rate":
        standard = Text(
            zh=f"按贷款本金每年 {rate} 计收，不随还款减少", en=f"{rate} a year on the original amount to the end"
        )
    else:
        standard = Text(zh=f"按剩余本金，年利率 {rate}（单利）", en=f"{rate} a year on the outstanding principal")
    if any(amount for _, amount in schedule.subsidy_totals):
        standard = Text(zh=f"{standard.zh}，已扣除贴息", en=f"{standard.en}, less what others pay")
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
        return _WITH_ROWS
    if product.deferral == "interest_free":
        return Text(
            zh=f"前 {months} 期免息，此后随每期还款收取", en=f"none for {months} months, then with every instalment"
        )
    return Text(
        zh=f"前 {months} 期利息并入首个还款期，此后随每期还款收取",
        en=f"that of the first {months} months with the first instalment, then with every instalment",
    )


def fee_item(lending: Lending, product: Product, lender: Lender, schedule: Schedule, found: FeeTotal) -> CostItem:
    """One fee of the product."""
    fee = product.fees[found.fee.name]
    each = fee.charged == "per_instalment"
    zh, en = ("每期", " with every instalment") if each else ("", "")
    if fee.amount:
        standard = Text(zh=f"{zh}{yuan(fee.amount)}", en=f"{yuan(fee.amount)}{en}")
    elif fee.share:
        standard = Text(zh=f"{zh}贷款本金的 {percent(fee.share)}", en=f"{percent(fee.share)} of the amount lent{en}")
    else:
        share = percent(fee.yearly_share_of_balance)
        standard = Text(zh=f"剩余本金的 {share}（每年）", en=f"{share} a year of the outstanding principal")
    return CostItem(
        name=fee.name,
        amount=found.total,
        standard=standard,
        collection=_WITH_ROWS if each else _ONCE,
        collected_by=lender.name if fee.collected_by == LENDER else lending.catalogue.parties[fee.collected_by],
        annualised=round(item_cost(schedule, found.rows, up_front=found.up_front).nominal, 6),
    )


def late_interest(schedule: Schedule, lender: Lender) -> ContingentCost:
    """Interest on what is overdue."""
    rate = millionths(schedule.loan.annual_rate, "annual_rate") * lender.late_interest / MILLION
    times = f"{lender.late_interest:g}"
    return ContingentCost(
        name=Text(zh="逾期罚息", en="Late interest"),
        standard=Text(
            zh=f"逾期金额按年利率 {percent(rate)}（合同利率的 {times} 倍）按日计收",
            en=f"{percent(rate)} a year ({times} times the contract rate) on what is overdue, by the day",
        ),
        collected_by=lender.name,
        annualised=rate,
    )


def early_settlement(lender: Lender) -> ContingentCost:
    """The penalty of settling early."""
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
        en.append(f"none from {rule.free_after_months} months on")
    if rule.up_front_rebate:
        zh.append(f"退还未到期部分一次性费用的 {percent(rule.up_front_rebate)}")
        en.append(f"{percent(rule.up_front_rebate)} of the unearned fees at disbursement is paid back")
    standard = Text(zh="；".join(zh), en="; ".join(en))
    name = Text(zh="提前还款违约金", en="Early settlement")
    return ContingentCost(name=name, standard=standard, collected_by=lender.name, annualised=None)


def yuan(fen: int) -> str:
    """Fen as people read them.

    >>> yuan(10_000_050)
    '¥100,000.50'
    """
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def percent(rate: float) -> str:
    """A rate with at least two decimals, and as many as it has.

    >>> percent(0.04), percent(0.07485)
    ('4.00%', '7.485%')
    """
    text = f"{rate * 100:.4f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}%"
