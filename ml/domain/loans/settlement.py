"""Early settlement: the amount that pays a loan off on a given day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ml.domain.loans.accrual import accrue
from ml.domain.loans.calendar import payment_date
from ml.domain.loans.rounding import MAX_AMOUNT, LoanError, interest_on, millionths, quotient_of, share_of
from ml.domain.loans.schedule import Schedule


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
    minimum_prepayment : int
        Smallest amount of a partial prepayment, fen.

    Raises
    ------
    LoanError
        A share is not from 0 to 1, a number of months is not from 0 to 120, or the minimum is out of range.
    """

    share_of_outstanding: float = 0.0
    months_of_interest: int = 0
    free_after_months: int | None = None
    up_front_rebate: float = 0.0
    minimum_prepayment: int = 0

    def __post_init__(self) -> None:
        millionths(self.share_of_outstanding, "share_of_outstanding")
        millionths(self.up_front_rebate, "up_front_rebate")
        minimum = self.minimum_prepayment
        if type(minimum) is not int or not 0 <= minimum <= MAX_AMOUNT:
            raise LoanError(f"minimum_prepayment must be whole fen from 0 to {MAX_AMOUNT}, got {minimum!r}")
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
    accrued_fees : int
        Fees of the period since the last due date: a yearly share of the balance by days, a charge per instalment as
        the fee's `broken_period` says.
    penalty, rebate : int
        Penalty for early settlement, and refund of unearned fees.
    fees_at_maturity : int
        Fees that are due with the last payment, such as a lease's purchase option; settling makes them due.
    deposit : int
        Part of a lease's deposit that the lessor still has; it is set off.
    interest_saved : int
        Scheduled interest that is no longer due. It counts no fees.
    cost_saved : int
        Scheduled interest and fees that are no longer due, plus the rebate, less the penalty; negative if settling
        costs more than it saves.
    """

    on: date
    outstanding: int
    accrued_interest: int
    accrued_fees: int
    penalty: int
    rebate: int
    fees_at_maturity: int
    deposit: int
    interest_saved: int
    cost_saved: int

    @property
    def total(self) -> int:
        """Amount to pay on the day: principal, accrued interest and fees, penalty and fees at maturity, less rebate and
        deposit, fen; negative if more comes back."""
        costs = self.accrued_interest + self.accrued_fees + self.penalty + self.fees_at_maturity
        return self.outstanding + costs - self.rebate - self.deposit


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
    running = accrue(schedule, on)
    left = schedule.rows[running.n_paid :]
    outstanding = schedule.rows[running.n_paid - 1].balance if running.n_paid else schedule.loan.amount
    accrued_interest, accrued_fees = running.carried_interest + running.interest, sum(running.fees)
    penalty, rebate = penalty_on(schedule, outstanding, on, rule=rule), _rebate(schedule, on, rule=rule)
    interest_saved = sum(row.interest for row in left) - accrued_interest
    at_maturity = sum(f.rows[-1] for f in schedule.fees if f.fee.charged == "at_maturity") if left else 0
    return Settlement(
        on=on,
        outstanding=outstanding,
        accrued_interest=accrued_interest,
        accrued_fees=accrued_fees,
        penalty=penalty,
        rebate=rebate,
        fees_at_maturity=at_maturity,
        deposit=sum(row.deposit for row in left),
        interest_saved=interest_saved,
        cost_saved=interest_saved + sum(row.fee for row in left) - accrued_fees - at_maturity + rebate - penalty,
    )


def penalty_on(schedule: Schedule, principal: int, on: date, *, rule: SettlementRule) -> int:
    """Return the lender's penalty for principal that is repaid early, fen.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`.
    principal : int
        Principal repaid before it is due, fen.
    on : date
        Day of the payment.
    rule : SettlementRule
        Terms of the lender.

    Returns
    -------
    int
        0 at maturity and from the month on that the rule frees of a penalty.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> plan = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 1))
    >>> rule = SettlementRule(share_of_outstanding=0.03, free_after_months=12)
    >>> [penalty_on(plan, 1_000_000, on, rule=rule) for on in (date(2026, 12, 31), date(2027, 1, 1))]
    [30000, 0]
    """
    if on == schedule.rows[-1].due or _is_free(schedule, on, rule=rule):
        return 0
    loan, half_up = schedule.loan, schedule.loan.product.half_up
    share = int(share_of(principal, millionths(rule.share_of_outstanding, "share_of_outstanding"), half_up))
    rate = millionths(loan.annual_rate, "annual_rate")
    return share + int(interest_on(principal, rate, rule.months_of_interest, denominator=12, half_up=half_up))


def _is_free(schedule: Schedule, on: date, *, rule: SettlementRule) -> bool:
    if rule.free_after_months is None:
        return False
    return on >= payment_date(schedule.start, rule.free_after_months, payment_day=schedule.start.day)


def _rebate(schedule: Schedule, on: date, *, rule: SettlementRule) -> int:
    term, half_up = schedule.loan.term_months, schedule.loan.product.half_up
    left = sum(1 for row in schedule.rows if row.due > on)
    unearned = int(quotient_of(schedule.up_front * left, term, half_up))
    return int(share_of(unearned, millionths(rule.up_front_rebate, "up_front_rebate"), half_up))
