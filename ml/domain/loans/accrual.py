"""Interest and fees of a running period up to a day, divided among the payers as the whole period is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ml.domain.arrays import IntArray
from ml.domain.loans.calendar import elapsed_part, periods
from ml.domain.loans.interest import divide_interest
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.product import Fee
from ml.domain.loans.rounding import LoanError, interest_on, millionths, quotient_of
from ml.domain.loans.schedule import Row, Schedule


@dataclass(frozen=True)
class Accrual:
    """Interest and fees accrued by a day and not yet due, as returned by `accrue`; money in fen.

    Attributes
    ----------
    n_paid : int
        Number of instalments due on or before the day, which count as paid.
    since : date
        Last due date, or the day of disbursement.
    numerator : int
        Part of the running period that has passed, over the calendar's denominator; 0 at maturity.
    carried_interest : int
        Interest of deferred months that is not yet due.
    interest : int
        Interest of the running period that the borrower owes.
    subsidies : tuple of int
        Interest of the running period paid under each of the product's subsidies, in their order.
    fees : tuple of int
        Each fee of the product: the charge for the running period, in the order of the product's fees.
    """

    n_paid: int
    since: date
    numerator: int
    carried_interest: int
    interest: int
    subsidies: tuple[int, ...]
    fees: tuple[int, ...]


def accrue(schedule: Schedule, on: date) -> Accrual:
    """Return the interest and fees of a loan that have accrued by a day since the last due date.

    The running period has one day count: every payer's part is computed from the same elapsed days, with the rates,
    principal limits and caps of the whole period. On the due date the parts are those of the instalment.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`. Instalments due on or before the day count as paid.
    on : date
        A day from disbursement to maturity.

    Returns
    -------
    Accrual
        Amounts in fen; all are 0 on the day of disbursement and at maturity.

    Raises
    ------
    LoanError
        The day is before disbursement or after maturity.

    Examples
    --------
    100,000 yuan at 6% under 30/360, half a month into the second period; the dealer pays two points:

    >>> from datetime import date
    >>> from ml.domain.loans.accrual import accrue
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct, Subsidy
    >>> from ml.domain.loans.schedule import schedule as make
    >>> product = LoanProduct(form="interest_only", subsidies=(Subsidy(payer="dealer", rate=0.02),))
    >>> plan = make(Loan(product, amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 1))
    >>> running = accrue(plan, date(2026, 2, 16))
    >>> running.numerator, running.interest, running.subsidies
    (15, 16667, (8333,))
    """
    maturity = schedule.rows[-1].due
    if not schedule.start <= on <= maturity:
        raise LoanError(
            f"the day of settlement must be from {schedule.start} (disbursement) to {maturity} (maturity), got {on}"
        )
    n_paid = sum(row.due <= on for row in schedule.rows)
    since = schedule.rows[n_paid - 1].due if n_paid else schedule.start
    carried = schedule.rows[n_paid - 1].deferred_interest if n_paid else 0
    product = schedule.loan.product
    if n_paid == len(schedule.rows):
        nothing = (0,) * len(product.subsidies), (0,) * len(product.fees)
        return Accrual(n_paid, since, 0, carried, 0, *nothing)
    row, dates = schedule.rows[n_paid], periods(product.calendar, schedule.start, n_paid + 1)
    days = (since + timedelta(days=n) for n in range((on - since).days + 1))
    whole = int(dates.numerator[-1])
    parts = [elapsed_part(product.calendar, since, row.due, day, numerator=whole) for day in days]
    interest, subsidies = _divide(schedule, np.array([*parts, whole]), dates.numerator)
    fees = tuple(
        _fee_part(schedule, f.fee, row, f.rows[n_paid], part=parts[-1], whole=whole) if on > since else 0
        for f in schedule.fees
    )
    return Accrual(n_paid, since, parts[-1], carried, interest, subsidies, fees)


def _divide(schedule: Schedule, parts: IntArray, lengths: IntArray) -> tuple[int, tuple[int, ...]]:
    """Return borrower's and payers' interest of the running period; `parts` has each day up to the day, and the whole.

    The rounding of several payers' parts can lower the borrower's by a fen from one day to the next. The highest part
    so far, and at most the instalment's, never falls.
    """
    loan, product = schedule.loan, schedule.loan.product
    rows = schedule.rows[: len(lengths)]
    opening = np.array([loan.amount if product.form == "flat_rate" else row.balance + row.principal for row in rows])
    numerator = np.repeat(lengths[:, None], len(parts), axis=1)
    numerator[-1] = parts
    if product.deferral == "interest_free":
        numerator[: product.deferred_months] = 0
    base = np.repeat(opening[:, None], len(parts), axis=1)
    batch = LoanBatch.of([loan]).at(np.zeros(len(parts), dtype=np.int64))  # the loan once for each part
    dates = batch.conditions.periods(schedule.start, len(rows))
    borrower, subsidies = divide_interest(batch, base, numerator, dates)
    highest = min(int(borrower[-1, :-1].max()), int(borrower[-1, -1]))
    return highest, tuple(int(paid[-1, -2]) for paid in subsidies)


def _fee_part(schedule: Schedule, fee: Fee, row: Row, charge: int, *, part: int, whole: int) -> int:
    product = schedule.loan.product
    if not charge or fee.charged == "at_maturity":
        return 0
    if fee.yearly_share_of_balance:
        yearly = millionths(fee.yearly_share_of_balance, fee.name)
        opening, denominator = row.balance + row.principal, product.calendar.denominator
        return int(interest_on(opening, yearly, part, denominator=denominator, half_up=product.half_up))
    return charge if fee.broken_period == "in_full" else int(quotient_of(charge * part, whole, product.half_up))
