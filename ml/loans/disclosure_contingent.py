"""Contingent costs of the statement: what a borrower pays only if a stated event occurs, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.rounding import MILLION, millionths
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.contingent import (
    CATEGORIES,
    COMPOUNDING,
    EARLY_SETTLEMENT,
    LATE_INTEREST,
    MISUSE,
    ChargedOn,
    ContingentTerms,
)
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Lender
from ml.loans.catalogue.services import LENDER
from ml.loans.disclosure_texts import money, percent

NOT_CHARGED = Text(zh="不收取", en="not charged")
HEAVIER_ALONE = Text(
    zh="同一笔贷款既逾期又挪用的，择其重者计收罚息，不并处（《人民币利率管理规定》第二十五条）。",
    en="A loan that is both overdue and misused bears the higher of the two penalty rates, not both (Rules on RMB "
    "Interest Rates, article 25).",
)
_BASES: dict[ChargedOn, Text] = {
    "overdue_interest": Text(zh="未按期支付的利息（不含罚息）", en="interest not paid on time, without late interest"),
    "overdue_interest_and_late_interest": Text(
        zh="未按期支付的利息及罚息", en="interest and late interest not paid on time"
    ),
}


class ContingentCost(Section):
    """One contingent cost of the statement.

    Attributes
    ----------
    key : str
        Category, or key in the catalogue.
    name, standard : Text
        Name, and how the cost is computed; `NOT_CHARGED` for a cost that is not charged.
    collected_by : Text or None
        Collecting party; None for a cost that is not charged.
    annualised : float or None
        Yearly fraction of the amount concerned; None for a cost that is no rate.
    """

    key: str
    name: Text
    standard: Text
    collected_by: Text | None
    annualised: float | None


def contingent_costs(lending: Lending, name: str, schedule: Schedule) -> tuple[ContingentCost, ...]:
    """Return the contingent costs of a loan in the order of the statement, costs that are not charged included.

    Late interest and early settlement follow from the terms by which they are computed; the other costs are declared
    in the catalogue.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of a product in the catalogue.
    schedule : Schedule
        Schedule of a loan of that product, as returned by `ml.loans.repayment.schedule_for`.

    Returns
    -------
    tuple of ContingentCost
        At least one for every category of `ml.loans.catalogue.contingent.CATEGORIES`.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> from ml.loans.repayment import schedule_for
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> terms = LoanTerms(product="bank_standard", on=day, amount=100_000.0, annual_rate=0.035, term_months=36)
    >>> costs = contingent_costs(lending, "bank_standard", schedule_for(build_loan(lending, terms), day))
    >>> [(cost.name.en, cost.annualised) for cost in costs[:3]]
    [('Late interest', 0.0525), ('Penalty interest on misuse', 0.07), ('Interest on unpaid interest', 0.0525)]
    """
    catalogue = lending.catalogue
    lender, declared = catalogue.lenders[catalogue.products[name].lender], catalogue.contingent_costs(name)
    by_key = {
        LATE_INTEREST: late_interest(schedule, lender),
        EARLY_SETTLEMENT: early_settlement(lender, schedule.loan.product),
        **{key: _declared(key, terms, schedule, lending, lender) for key, terms in declared.items()},
    }
    return tuple(by_key[key] for key in (*CATEGORIES, *(key for key in by_key if key not in CATEGORIES)))


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
    >>> from ml.loans.loan_terms import LoanTerms, build_loan
    >>> from ml.loans.repayment import schedule_for
    >>> day, lending = date(2026, 9, 1), read_lending(Path("configs"))
    >>> lender = lending.catalogue.lenders["riverside_bank"]
    >>> terms = LoanTerms(product="bank_standard", on=day, amount=100_000.0, annual_rate=0.035, term_months=36)
    >>> schedule = schedule_for(build_loan(lending, terms), day)
    >>> lender.late_interest, late_interest(schedule, lender).annualised
    (1.5, 0.0525)
    """
    base = Text(zh="逾期未还的金额，自逾期之日起", en="amounts overdue, from the due date on")
    return _penalty_interest(LATE_INTEREST, schedule, lender.late_interest, base, lender.name)


def early_settlement(lender: Lender, product: LoanProduct) -> ContingentCost:
    """Return the contingent cost of early settlement and partial prepayment, as text; `annualised` is None.

    Parameters
    ----------
    lender : Lender
        An element of ``ml.loans.endpoints.read_lending(Path("configs")).catalogue.lenders``, by key.
    product : LoanProduct
        Product of the loan: its form decides on partial prepayment, its fees on the running month.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.loans.endpoints import read_lending
    >>> lenders = read_lending(Path("configs")).catalogue.lenders
    >>> early_settlement(lenders["harbour_credit"], LoanProduct()).standard.en
    'one month of interest on the principal repaid early; free of charge from 6 months after disbursement'
    """
    rule = lender.early_settlement
    penalty = []
    if rule.share_of_outstanding:
        share = percent(rule.share_of_outstanding)
        penalty.append(Text(zh=f"提前归还本金的 {share}", en=f"{share} of the principal repaid early"))
    if rule.months_of_interest:
        count = rule.months_of_interest
        months = "one month" if count == 1 else f"{count} months"
        text = Text(zh=f"提前归还本金 {count} 个月的利息", en=f"{months} of interest on the principal repaid early")
        penalty.append(text)
    parts = [_joined(penalty, "加", " plus ") if penalty else NOT_CHARGED]
    if penalty and rule.free_after_months is not None:
        count = rule.free_after_months
        parts.append(Text(zh=f"放款满 {count} 个月起免收", en=f"free of charge from {count} months after disbursement"))
    if product.form == "flat_rate":
        parts.append(Text(zh="只可一次结清", en="in full only"))
    elif rule.minimum_prepayment:
        least = money(rule.minimum_prepayment)
        parts.append(Text(zh=f"部分提前还款每次不低于 {least.zh}", en=f"in part from {least.en}"))
    if any(_due_in_full(fee) for fee in product.fees):
        parts.append(
            Text(zh="当期随期收取的费用按整期收取", en="fees with every instalment are due for the whole running month")
        )
    if rule.up_front_rebate and any(fee.charged == "up_front" for fee in product.fees):
        share = percent(rule.up_front_rebate)
        parts.append(
            Text(
                zh=f"全部结清时退还一次性费用未到期部分的 {share}",
                en=f"{share} of the unearned up-front fees is refunded on full settlement",
            )
        )
    return ContingentCost(
        key=EARLY_SETTLEMENT,
        name=CATEGORIES[EARLY_SETTLEMENT],
        standard=_joined(parts, "；", "; "),
        collected_by=lender.name if penalty else None,
        annualised=None,
    )


def _joined(texts: Sequence[Text], zh: str, en: str) -> Text:
    return Text(zh=zh.join(text.zh for text in texts), en=en.join(text.en for text in texts))


def _due_in_full(fee: Fee) -> bool:
    """Whether settling within a month costs the fee of the whole month; a yearly share always accrues by days."""
    return fee.charged == "per_instalment" and not fee.yearly_share_of_balance and fee.broken_period == "in_full"


def _declared(
    key: str, terms: ContingentTerms | None, schedule: Schedule, lending: Lending, lender: Lender
) -> ContingentCost:
    if terms is None:
        return _not_charged(key, CATEGORIES[key])
    name = terms.name or CATEGORIES[key]
    party = lender.name if terms.collected_by == LENDER else lending.catalogue.parties[terms.collected_by]
    if key == MISUSE and terms.multiple is not None:
        base = Text(zh="未按约定用途使用的金额，自挪用之日起", en="amounts used for another purpose, from that day on")
        return _penalty_interest(key, schedule, terms.multiple, base, party)
    if key == COMPOUNDING and terms.charged_on is not None:
        return _penalty_interest(key, schedule, lender.late_interest, _BASES[terms.charged_on], party)
    assert terms.standard is not None, "check_contingent_costs requires it"
    return ContingentCost(key=key, name=name, standard=terms.standard, collected_by=party, annualised=None)


def _penalty_interest(key: str, schedule: Schedule, multiple: float, base: Text, party: Text) -> ContingentCost:
    contract = millionths(schedule.loan.annual_rate, "annual_rate")
    rate = float(Fraction(contract, MILLION) * Fraction(str(multiple)))
    if not rate:
        return _not_charged(key, CATEGORIES[key])
    times, yearly = f"{multiple:g}", percent(rate)
    return ContingentCost(
        key=key,
        name=CATEGORIES[key],
        standard=Text(
            zh=f"{base.zh}，按年利率 {yearly}（合同利率的 {times} 倍）按日计收",
            en=f"{yearly} a year ({times} times the contract rate), charged daily, on {base.en}",
        ),
        collected_by=party,
        annualised=rate,
    )


def _not_charged(key: str, name: Text) -> ContingentCost:
    return ContingentCost(key=key, name=name, standard=NOT_CHARGED, collected_by=None, annualised=None)
