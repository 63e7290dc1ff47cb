"""Early settlement: the amount that pays a loan off on a given day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ml.domain.loans.calendar import payment_date, year_fraction
from ml.domain.loans.rounding import LoanError, interest_on, millionths, quotient_of, share_of
from ml.domain.loans.schedule import Row, Schedule


@dataclass(frozen=True, kw_only=True)
class SettlementRule:
    """A lender's terms of early settlement, such as `SettlementRule(share_of_outstanding=0.03)`.

    Attributes
    ----------
    share_of_outstanding : float
        Penalty as a fraction of the outstanding principal.
    months_of_interest : int
        Penalty in months of contract interest on the outstanding principal; both penalties add up.
    free_after_months : int, optional
        Whole months after disbursement from which no penalty is charged.
    up_front_rebate : float
        Fraction of the unearned up-front fees (in proportion to the instalments left) that the lender refunds.

    Raises
    ------
    LoanError
        A share is not from 0 to 1, or a number of months is not from 0 to 120.
    """

    share_of_outstanding: float = 0.0
    months_of_interest: int = 0
    free_after_months: int | None = None
    up_front_rebate: float = 0.0

    def __post_init__(self) -> None:
        millionths(self.share_of_outstanding, "share_of_outstanding")
        millionths(self.up_front_rebate, "up_front_rebate")
        for name, months in (
            ("months_of_interest", self.months_of_interest),
            ("free_after_months", self.free_after_months or 0),
        ):
            if type(months) is not int or not 0 <= months <= 120:
                raise LoanError(f"{name} must be a whole number from 0 to 120, got {months!r}")


@dataclass(frozen=True)
class Settlement:
    """Quote for early settlement, as returned by `settle`; money in fen.

    Attributes
    ----------
    on : date
        Day of settlement.
    outstanding : int
        Outstanding principal.
    accrued_interest : int
        Interest since the last due date, and deferred interest not yet paid.
    penalty, rebate : int
        Penalty for early settlement, and refund of unearned fees.
    interest_saved : int
        Scheduled interest that is no longer due.
    """

    on: date
    outstanding: int
    accrued_interest: int
    penalty: int
    rebate: int
    interest_saved: int

    @property
    def total(self) -> int:
        """Amount to pay on the day, fen."""
        return self.outstanding + self.accrued_interest + self.penalty - self.rebate


def settle(schedule: Schedule, on: date, *, rule: SettlementRule) -> Settlement:
    """Return the quote for settling a loan early.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`. Instalments due on or before the day count as paid.
    on : date
        Day of settlement.
    rule : SettlementRule
        Terms of the lender.

    Returns
    -------
    Settlement
        Amounts in fen; `total` is the amount to pay on the day.

    Raises
    ------
    LoanError
        The day is before disbursement or after maturity.

    Examples
    --------
    Half a month into the second period, with a penalty of 3% of the outstanding principal; amounts in fen:

    >>> from datetime import date
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> from ml.domain.loans.settlement import SettlementRule, settle
    >>> plan = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 1))
    >>> quote = settle(plan, date(2026, 2, 16), rule=SettlementRule(share_of_outstanding=0.03))
    >>> quote.outstanding, quote.accrued_interest, quote.penalty
    (9745781, 24364, 292373)
    """
    maturity = schedule.rows[-1].due
    if not schedule.start <= on <= maturity:
        raise LoanError(
            f"the day of settlement must be from {schedule.start} (disbursement) to {maturity} (maturity), got {on}"
        )
    paid = [row for row in schedule.rows if row.due <= on]
    left = schedule.rows[len(paid) :]
    outstanding = paid[-1].balance if paid else schedule.loan.amount
    accrued = (paid[-1].deferred_interest if paid else 0) + (_accrued(schedule, left[0], on) if left else 0)
    return Settlement(
        on=on,
        outstanding=outstanding,
        accrued_interest=accrued,
        penalty=_penalty(schedule, outstanding, on, rule=rule),
        rebate=_rebate(schedule, on, rule=rule),
        interest_saved=sum(row.interest for row in left) - accrued,
    )


def _accrued(schedule: Schedule, row: Row, on: date) -> int:
    """Return the interest accrued in the current period, less subsidies."""
    loan, product = schedule.loan, schedule.loan.product
    since = schedule.rows[row.number - 2].due if row.number > 1 else schedule.start
    if on == since or (row.number <= product.deferred_months and product.deferral == "interest_free"):
        return 0
    convention = product.calendar.day_count
    elapsed, whole = year_fraction(since, on, convention), year_fraction(since, row.due, convention)
    base = loan.amount if product.form == "flat_rate" else row.balance + row.principal
    rate = millionths(loan.annual_rate, "annual_rate")
    denominator = product.calendar.denominator
    contract = int(interest_on(base, rate, elapsed, denominator=denominator, half_up=product.half_up))
    subsidy = int(quotient_of(sum(row.subsidies) * elapsed, whole, product.half_up))
    return max(contract - subsidy, 0)


def _penalty(schedule: Schedule, outstanding: int, on: date, *, rule: SettlementRule) -> int:
    if on == schedule.rows[-1].due or _is_free(schedule, on, rule=rule):
        return 0
    loan, half_up = schedule.loan, schedule.loan.product.half_up
    share = int(share_of(outstanding, millionths(rule.share_of_outstanding, "share_of_outstanding"), half_up))
    rate = millionths(loan.annual_rate, "annual_rate")
    return share + int(interest_on(outstanding, rate, rule.months_of_interest, denominator=12, half_up=half_up))


def _is_free(schedule: Schedule, on: date, *, rule: SettlementRule) -> bool:
    if rule.free_after_months is None:
        return False
    return on >= payment_date(schedule.start, rule.free_after_months, payment_day=schedule.start.day)


def _rebate(schedule: Schedule, on: date, *, rule: SettlementRule) -> int:
    term, half_up = schedule.loan.term_months, schedule.loan.product.half_up
    left = sum(1 for row in schedule.rows if row.due > on)
    unearned = int(quotient_of(schedule.up_front * left, term, half_up))
    return int(share_of(unearned, millionths(rule.up_front_rebate, "up_front_rebate"), half_up))
