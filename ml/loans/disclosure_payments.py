"""Payments of a loan in a few lines that are right for every repayment form, and the largest of all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Literal

from features.yaml_config import Section
from ml.bilingual import Text
from ml.domain.loans.schedule import Row, Schedule
from ml.loans.catalogue.fields import Money
from ml.loans.disclosure_texts import money

Part = Literal["deferred", "regular", "last"]


class PaymentGroup(Section):
    """Consecutive payments.

    Attributes
    ----------
    part : {"deferred", "regular", "last"}
        Months before the first instalment, instalments before the last one, or the last payment.
    first, last : int
        Months of the term, from 1.
    first_due, last_due : date
        Due dates of these months.
    lowest, highest : int
        Smallest and largest payment of the group, fen (yuan in JSON).
    note : Text or None
        What the payments contain, or why they differ.
    """

    part: Part
    first: int
    last: int
    first_due: date
    last_due: date
    lowest: Money
    highest: Money
    note: Text | None


class Payments(Section):
    """All payments of a loan, fen (yuan in JSON).

    Attributes
    ----------
    at_disbursement : int
        Fees due at disbursement.
    groups : tuple of PaymentGroup
        Every month of the term belongs to exactly one group; the last payment is a group of its own.
    principal_at_maturity : int
        Part of the last payment that no instalment has repaid: the balloon, or the principal of an interest-only loan;
        0 for other forms.
    largest : int
        Largest of all payments, the last one included.
    largest_number, largest_count : int
        Month of the largest payment, the first of several, and how many payments are as large.
    total : int
        Fees at disbursement and all payments.
    """

    at_disbursement: Money
    groups: tuple[PaymentGroup, ...]
    principal_at_maturity: Money
    largest: Money
    largest_number: int
    largest_count: int
    total: Money


def payments_of(schedule: Schedule) -> Payments:
    """Return the payments of a loan by groups.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.loans.repayment.schedule_for`.

    Returns
    -------
    Payments
        Amounts in fen.

    Examples
    --------
    The last instalment of a level loan absorbs the roundings of all others, here 17 fen:

    >>> from datetime import date
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule
    >>> plan = schedule(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 31))
    >>> payments = payments_of(plan)
    >>> [(group.first, group.last, group.lowest, group.highest) for group in payments.groups]
    [(1, 35, 304219, 304219), (36, 36, 304236, 304236)]
    >>> payments.largest, payments.largest_number
    (304236, 36)
    """
    loan, rows = schedule.loan, schedule.rows
    months = min(loan.product.deferred_months, len(rows) - 1)
    at_maturity = loan.amount if loan.product.form == "interest_only" else loan.balloon
    groups = (
        _group("deferred", rows[:months], _deferred_notes(rows[:months])),
        _group("regular", rows[months:-1], _regular_notes(schedule, months)),
        _group("last", rows[-1:], _last_notes(schedule, at_maturity)),
    )
    largest = max(row.payment for row in rows)
    return Payments(
        at_disbursement=schedule.up_front,
        groups=tuple(group for group in groups if group is not None),
        principal_at_maturity=at_maturity,
        largest=largest,
        largest_number=next(row.number for row in rows if row.payment == largest),
        largest_count=sum(1 for row in rows if row.payment == largest),
        total=schedule.up_front + sum(row.payment for row in rows),
    )


def _group(part: Part, rows: tuple[Row, ...], notes: Iterable[Text]) -> PaymentGroup | None:
    if not rows:
        return None
    amounts, texts = [row.payment for row in rows], tuple(notes)
    return PaymentGroup(
        part=part,
        first=rows[0].number,
        last=rows[-1].number,
        first_due=rows[0].due,
        last_due=rows[-1].due,
        lowest=min(amounts),
        highest=max(amounts),
        note=Text(zh="；".join(t.zh for t in texts), en="; ".join(t.en for t in texts)) if texts else None,
    )


def _deferred_notes(rows: tuple[Row, ...]) -> Iterable[Text]:
    if any(row.payment for row in rows):
        yield Text(zh="只还利息", en="interest only")
    else:
        yield Text(zh="不还款", en="nothing is due")


def _regular_notes(schedule: Schedule, months: int) -> Iterable[Text]:
    product, rows = schedule.loan.product, schedule.rows[months:-1]
    if months and product.deferral == "with_first_instalment" and rows:
        interest = money(schedule.rows[months - 1].deferred_interest)
        yield Text(
            zh=f"第 {months + 1} 期含前 {months} 期利息 {interest.zh}",
            en=f"no. {months + 1} has the interest of the first {months} months, {interest.en}",
        )
    if _subsidised_by_state(schedule, rows):
        yield Text(zh="有财政贴息的各期已扣除贴息", en="less the state subsidy where it is paid")
    if any(fee.yearly_share_of_balance for fee in product.fees):
        yield Text(zh="含按剩余本金收取的费用", en="with the fee on the outstanding principal")
    if product.form == "interest_only":
        by_days = product.calendar.day_count != "30/360"
        yield Text(zh="只还利息，按当期天数计算" if by_days else "只还利息", en="interest only" + ", by days" * by_days)
    if product.form == "equal_principal":
        others = [row.payment for row in rows if not _subsidised_by_state(schedule, (row,))]
        if len(others) > 1 and all(after < before for before, after in pairwise(others)):  # not by actual days
            which = ("其余各期", "the others ") if len(others) < len(rows) else ("", "")
            yield Text(zh=f"{which[0]}逐期递减", en=f"{which[1]}falling from month to month")


def _last_notes(schedule: Schedule, at_maturity: int) -> Iterable[Text]:
    form, rows = schedule.loan.product.form, schedule.rows
    if at_maturity:
        zh, en = ("到期本金", "principal") if form == "interest_only" else ("到期尾款", "balloon")
        part = money(at_maturity)
        yield Text(zh=f"含{zh} {part.zh}", en=f"{en} of {part.en} included")
    elif form != "equal_principal" and len(rows) > 1 and rows[-1].payment != rows[-2].payment:
        yield Text(zh="含各期取整的差额", en="absorbs the roundings")
    if _subsidised_by_state(schedule, rows[-1:]):
        yield Text(zh="已扣除财政贴息", en="less the state subsidy")


def _subsidised_by_state(schedule: Schedule, rows: tuple[Row, ...]) -> bool:
    state = [k for k, subsidy in enumerate(schedule.loan.product.subsidies) if subsidy.payer == "state"]
    return any(row.subsidies[k] for row in rows for k in state)
