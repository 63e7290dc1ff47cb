"""Partial prepayment (提前部分还款): principal repaid on one day, and the schedule of the rest from that day on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from ml.domain.arrays import IntArray
from ml.domain.loans.accrual import Accrual, accrue
from ml.domain.loans.amortisation import amortise
from ml.domain.loans.calendar import PaymentCalendar, day_of_month, periods
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.plan import instalment_rate
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError, interest_on, millionths, share_of
from ml.domain.loans.schedule import Schedule
from ml.domain.loans.schedule import schedule as make_schedule
from ml.domain.loans.settlement import SettlementRule, penalty_on

Treatment = Literal["shorter_term", "lower_instalment"]

TREATMENTS: tuple[Treatment, ...] = ("shorter_term", "lower_instalment")


@dataclass(frozen=True)
class Prepayment:
    """Quote for a partial prepayment, as returned by `prepay`; money in fen.

    Attributes
    ----------
    on : date
        Day of the prepayment.
    amount : int
        Principal repaid on the day.
    treatment : {"shorter_term", "lower_instalment"}
        Use of the prepayment.
    accrued_interest : int
        Interest since the last due date on the whole balance, and deferred interest not yet paid; due on the day.
    accrued_fees : int
        Fees by yearly share of the balance since the last due date; due on the day. A charge per instalment stays with
        the next instalment.
    penalty : int
        Penalty on the prepaid amount.
    n_paid : int
        Instalments due on or before the day, which count as paid.
    schedule : Schedule
        The rest of the loan from the day on: `rows` number from 1, the first is the next instalment.
    interest_saved : int
        Scheduled interest that is no longer due. It counts no fees.
    cost_saved : int
        Scheduled interest and fees that are no longer due, less the penalty.
    """

    on: date
    amount: int
    treatment: Treatment
    accrued_interest: int
    accrued_fees: int
    penalty: int
    n_paid: int
    schedule: Schedule
    interest_saved: int
    cost_saved: int

    @property
    def total(self) -> int:
        """Amount to pay on the day: prepaid principal, accrued interest and fees, and penalty, fen."""
        return self.amount + self.accrued_interest + self.accrued_fees + self.penalty


def prepay(schedule: Schedule, on: date, amount: int, *, treatment: Treatment, rule: SettlementRule) -> Prepayment:
    """Return the quote for repaying a part of the principal early, with the schedule of the rest.

    Interest to the day is paid with the prepayment, so that the rest is a loan of its own: same rate, day count,
    rounding and due dates, and the subsidies with what is left of their caps.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`. Instalments due on or before the day count as paid.
    on : date
        Day of the prepayment, from disbursement to the day before maturity.
    amount : int
        Principal to repay, fen, within `prepayment_limits`.
    treatment : {"shorter_term", "lower_instalment"}
        `shorter_term`: the fewest instalments that are no larger than before (equal instalments: the payment; equal
        principal: its principal). `lower_instalment`: the same maturity with smaller instalments.
    rule : SettlementRule
        Terms of the lender: penalty and minimum prepayment.

    Returns
    -------
    Prepayment
        Amounts in fen; `schedule` has the instalments after the day.

    Raises
    ------
    LoanError
        The day or the amount is out of range, the loan has a flat rate (its interest is on the original amount, so
        lenders settle it in full only) or is a finance lease, or a term without instalments of principal is to be
        shortened.

    Examples
    --------
    100,000 yuan at 6% over 36 months; after a year 20,000 yuan more are repaid (amounts in fen):

    >>> from datetime import date
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.prepayment import prepay
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> from ml.domain.loans.settlement import SettlementRule
    >>> plan = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 1))
    >>> for treatment in ("shorter_term", "lower_instalment"):
    ...     quote = prepay(plan, date(2027, 1, 1), 2_000_000, treatment=treatment, rule=SettlementRule())
    ...     print(len(quote.schedule.rows), quote.schedule.rows[0].payment, quote.interest_saved)
    17 299168 215416
    24 215578 127392
    """
    loan, product = schedule.loan, schedule.loan.product
    low, high = prepayment_limits(schedule, on, rule=rule)
    if low > high:
        raise LoanError(
            f"amount of a prepayment on {on} must be at least {low} fen, and at most {high} fen can be prepaid in "
            f"part, got {amount!r}: settle the loan in full"
        )
    if type(amount) is not int or not low <= amount <= high:
        raise LoanError(f"amount of a prepayment on {on} must be whole fen from {low} to {high}, got {amount!r}")
    if treatment not in TREATMENTS:
        raise LoanError(f"treatment must be one of {', '.join(TREATMENTS)}, got {treatment!r}")
    if treatment == "shorter_term" and product.form in ("balloon", "interest_only"):
        raise LoanError(
            f"treatment 'shorter_term' needs instalments of principal up to maturity, and the form is {product.form}: "
            "choose 'lower_instalment'"
        )
    running = accrue(schedule, on)
    rest = Loan(
        _rest_of_product(schedule, running),
        _outstanding(schedule, running) - amount,
        loan.annual_rate,
        loan.term_months - running.n_paid,
        loan.balloon,
    )
    if treatment == "shorter_term":
        rest = replace(rest, term_months=_shortest_term(schedule, rest, running, on))
    return _quote(schedule, running, make_schedule(rest, on), on=on, amount=amount, treatment=treatment, rule=rule)


def prepayment_limits(schedule: Schedule, on: date, *, rule: SettlementRule) -> tuple[int, int]:
    """Return the smallest and the largest prepayment on a day, fen.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`.
    on : date
        Day of the prepayment, from disbursement to the day before maturity.
    rule : SettlementRule
        Terms of the lender.

    Returns
    -------
    (int, int)
        The lender's minimum, and one fen below the balance, or below the part of the balance that exceeds the balloon.
        Where the minimum is the larger one, the loan can only be settled in full.

    Raises
    ------
    LoanError
        The day is out of range, or the loan has a flat rate or is a finance lease.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> from ml.domain.loans.settlement import SettlementRule
    >>> plan = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 1))
    >>> prepayment_limits(plan, date(2026, 2, 16), rule=SettlementRule(minimum_prepayment=500_000))
    (500000, 9745780)
    """
    loan, maturity = schedule.loan, schedule.rows[-1].due
    if not schedule.start <= on < maturity:
        raise LoanError(
            f"the day of prepayment must be from {schedule.start} (disbursement) to the day before {maturity} "
            f"(maturity), got {on}"
        )
    if loan.product.lease is not None:
        raise LoanError("a finance lease has a deposit for the whole amount and cannot be prepaid in part: settle it")
    if loan.product.form == "flat_rate":
        raise LoanError(
            "a loan with the form flat_rate bears interest on its original amount and cannot be prepaid in part: "
            "settle it in full"
        )
    balance = loan.amount - sum(row.principal for row in schedule.rows if row.due <= on)
    return max(rule.minimum_prepayment, 1), balance - loan.balloon - 1


def _outstanding(schedule: Schedule, running: Accrual) -> int:
    return schedule.rows[running.n_paid - 1].balance if running.n_paid else schedule.loan.amount


def _rest_of_product(schedule: Schedule, running: Accrual) -> LoanProduct:
    product, row = schedule.loan.product, schedule.rows[running.n_paid]
    dates = periods(product.calendar, schedule.start, row.number)
    calendar: PaymentCalendar = replace(
        product.calendar,
        payment_day=day_of_month(product.calendar, schedule.start),
        first_due=row.due,
        first_numerator=int(dates.numerator[-1]) - running.numerator,
    )
    fees = (_continued(fee, schedule.loan) for fee in product.fees if fee.charged != "up_front")
    return replace(
        product,
        fees=tuple(fee for fee in fees if fee is not None),
        subsidies=tuple(
            _rest_of_subsidy(i, schedule, running, first_year=dates.first_year) for i in range(len(product.subsidies))
        ),
        deferred_months=max(product.deferred_months - running.n_paid, 0),
        calendar=calendar,
    )


def _rest_of_subsidy(i: int, schedule: Schedule, running: Accrual, *, first_year: int) -> Subsidy:
    """Return a subsidy with what is left of its months and caps; the rest's first year is that of the next due date."""
    subsidy, rows = schedule.loan.product.subsidies[i], schedule.rows[: running.n_paid]
    year = schedule.rows[running.n_paid].due.year
    accrued = running.subsidies[i]
    total = sum(row.subsidies[i] for row in rows) + accrued
    before = subsidy.used_this_year if year == first_year else 0
    this_year = before + sum(row.subsidies[i] for row in rows if row.due.year == year) + accrued
    return replace(
        subsidy,
        months=None if subsidy.months is None else max(subsidy.months - running.n_paid, 0),
        total=None if subsidy.total is None else max(subsidy.total - total, 0),
        used_this_year=this_year if subsidy.per_year is not None else 0,
    )


def _continued(fee: Fee, loan: Loan) -> Fee | None:
    """Return a fee that goes on as before: a share of the loan amount stays that of the original amount."""
    if not fee.share:
        return fee
    amount = int(share_of(loan.amount, millionths(fee.share, fee.name), loan.product.half_up))
    return replace(fee, share=0.0, amount=amount) if amount else None


def _shortest_term(schedule: Schedule, rest: Loan, running: Accrual, on: date) -> int:
    """Return the fewest months in which no instalment is larger than the largest that is still scheduled."""
    terms = np.arange(rest.product.deferred_months + 1, rest.term_months + 1)
    batch = LoanBatch.build(
        (rest.product,), np.zeros_like(terms), amount=rest.amount, annual_rate=rest.annual_rate, term_months=terms
    )
    scheduled = _instalments(LoanBatch.of([schedule.loan]), schedule.start)[running.n_paid :]
    fits = _instalments(batch, on).max(axis=0) <= scheduled.max()
    return int(terms[np.argmax(fits)]) if fits.any() else rest.term_months


def _instalments(batch: LoanBatch, start: date) -> IntArray:
    """Return what the contract calls the instalment, fen, shape (n_periods, n).

    It is the principal, and with equal instalments also its interest at the rate of the instalment: without fees,
    interest of deferred months and subsidies that are deducted, which differ from month to month. The last instalment
    has the remainder of all roundings and does not count, unless it is the only one.
    """
    flows = amortise(batch, start)
    amounts = flows.principal.copy()
    conditions = batch.conditions
    if batch.products[0].form == "equal_instalment":
        interest = interest_on(
            flows.opening,
            instalment_rate(batch),
            flows.periods.by_loan("numerator"),
            denominator=conditions.denominator,
            half_up=conditions.half_up,
        )
        amounts += interest * (flows.principal > 0)
    month = np.arange(1, len(amounts) + 1)[:, None]
    amounts *= (month < batch.term) | (batch.term == conditions.deferred_months + 1)
    return amounts


def _quote(
    schedule: Schedule,
    running: Accrual,
    rest: Schedule,
    *,
    on: date,
    amount: int,
    treatment: Treatment,
    rule: SettlementRule,
) -> Prepayment:
    left = schedule.rows[running.n_paid :]
    accrued_interest = running.carried_interest + running.interest
    fees = zip(schedule.loan.product.fees, running.fees, strict=True)
    accrued_fees = sum(charge for fee, charge in fees if fee.yearly_share_of_balance)
    penalty = penalty_on(schedule, amount, on, rule=rule)
    interest_saved = sum(row.interest for row in left) - accrued_interest - rest.total_interest
    fees_saved = sum(row.fee for row in left) - accrued_fees - rest.total_fees
    return Prepayment(
        on=on,
        amount=amount,
        treatment=treatment,
        accrued_interest=accrued_interest,
        accrued_fees=accrued_fees,
        penalty=penalty,
        n_paid=running.n_paid,
        schedule=rest,
        interest_saved=interest_saved,
        cost_saved=interest_saved + fees_saved - penalty,
    )
