"""Interest of each period, divided among the borrower and the payers of subsidies."""

from __future__ import annotations

from datetime import date

import numpy as np

from ml.domain.arrays import IntArray
from ml.domain.loans.calendar import Periods, periods
from ml.domain.loans.loan import LoanBatch, PerLoan
from ml.domain.loans.plan import subsidised_rate
from ml.domain.loans.product import Subsidy
from ml.domain.loans.rounding import MAX_AMOUNT, interest_on


def loan_periods(batch: LoanBatch, start: date, count: int) -> PerLoan[Periods]:
    """Return due dates and interest periods of every loan.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.
    start : date
        Day of disbursement of all loans.
    count : int
        Number of periods.

    Raises
    ------
    LoanError
        The first due date of a product is not after disbursement.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.interest import loan_periods
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> loan_periods(batch, date(2026, 1, 31), 2).by_period(lambda p: p.days).tolist()
    [[28], [31]]
    """
    calendars = list(dict.fromkeys(product.calendar for product in batch.products))
    place = {calendar: i for i, calendar in enumerate(calendars)}
    index = batch.per_loan.values(lambda p: place[p.calendar])
    return PerLoan(tuple(periods(c, start, count) for c in calendars), index, np.arange(len(batch)))


def divide_interest(
    batch: LoanBatch, base: IntArray, numerator: IntArray, dates: PerLoan[Periods]
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Divide the interest of the contract between the borrower and the payers of subsidies.

    Each subsidy pays the difference between the rounded interest at the rate before it and at the rate after it. The
    shares therefore add up to the interest of the contract exactly.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.
    base : array of int, shape (n_periods, n)
        Principal that bears interest in each period, fen.
    numerator : array of int, shape (n_periods, n)
        Length of the period in years, as the numerator over the denominator of the loan's calendar; 0 where no interest
        accrues.
    dates : PerLoan of Periods
        As returned by `loan_periods`, with n_periods periods; caps by date and by year read it.

    Returns
    -------
    (array, tuple of array), each of shape (n_periods, n)
        Interest that the borrower pays, and interest paid under the first, second, ... subsidy of each loan's product,
        fen.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> from ml.domain.loans.interest import divide_interest, loan_periods
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.product import LoanProduct, Subsidy
    >>> product = LoanProduct(subsidies=(Subsidy(payer="dealer", rate=0.02),))
    >>> batch = LoanBatch.build((product,), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> dates = loan_periods(batch, date(2026, 1, 15), 1)
    >>> borrower, (dealer,) = divide_interest(batch, np.array([[10_000_000]]), np.array([[30]]), dates)
    >>> borrower.tolist(), dealer.tolist()
    ([[33333]], [[16667]])
    """
    half_up = batch.per_loan.values(lambda p: p.half_up)
    denominator = batch.per_loan.values(lambda p: p.calendar.denominator)
    rate = batch.rate.copy()
    borrower = interest_on(base, rate, numerator, denominator=denominator, half_up=half_up)
    paid = []
    for subsidies in batch.items_per_loan(lambda p: p.subsidies):
        loans = subsidies.loans
        rule = {"denominator": denominator[loans], "half_up": half_up[loans]}
        limit = subsidies.values(lambda s: MAX_AMOUNT if s.principal is None else s.principal)
        principal, lengths = np.minimum(base[:, loans], limit), numerator[:, loans]
        lower_rate = subsidised_rate(subsidies, rate[loans], half_up[loans])
        amount = interest_on(principal, rate[loans], lengths, **rule)
        amount -= interest_on(principal, lower_rate, lengths, **rule)
        amount = np.minimum(_apply_caps(amount, subsidies, dates), borrower[:, loans])
        borrower[:, loans] -= amount
        rate[loans] = lower_rate
        paid.append(np.zeros_like(borrower))
        paid[-1][:, loans] = amount
    return borrower, tuple(paid)


def _apply_caps(amount: IntArray, subsidies: PerLoan[Subsidy], dates: PerLoan[Periods]) -> IntArray:
    """Return the amounts of each loan's subsidy after the limits by month, date, calendar year and loan."""
    count = len(amount)
    amount = amount * (np.arange(count)[:, None] < subsidies.values(lambda s: count if s.months is None else s.months))
    if any(s.until for s in subsidies.items):
        due = dates.by_period(lambda p: [day.toordinal() for day in p.due])[:, subsidies.loans]
        amount *= due <= subsidies.values(lambda s: (s.until or date.max).toordinal())
    columns = np.flatnonzero(subsidies.values(lambda s: s.per_year is not None))
    if len(columns):
        loans = subsidies.loans[columns]
        limit = subsidies.values(lambda s: s.per_year or 0)[columns]
        used = subsidies.values(lambda s: min(s.used_this_year, s.per_year or 0))[columns]
        year, first_year = dates.by_period(lambda p: p.year)[:, loans], dates.values(lambda p: p.first_year)[loans]
        amount[:, columns] = _limit_by_year(amount[:, columns], year, limit - used * (year == first_year))
    columns = np.flatnonzero(subsidies.values(lambda s: s.total is not None))
    if len(columns):
        amount[:, columns] = _limit_sum(amount[:, columns], subsidies.values(lambda s: s.total or 0)[columns])
    return amount


def _limit_sum(amount: IntArray, limit: IntArray) -> IntArray:
    """Cut the amounts, from the first row on, so that each column's sum is at most its `limit`.

    >>> import numpy as np
    >>> from ml.domain.loans.interest import _limit_sum
    >>> _limit_sum(np.array([[30], [30], [30]]), np.array([50])).ravel().tolist()
    [30, 20, 0]
    """
    return np.diff(np.minimum(np.cumsum(amount, axis=0), limit), axis=0, prepend=0)


def _limit_by_year(amount: IntArray, year: IntArray, limit: IntArray) -> IntArray:
    """Cut the amounts, from the first row on, so that each column's sum in each year is at most the row's `limit`.

    >>> import numpy as np
    >>> from ml.domain.loans.interest import _limit_by_year
    >>> amount, year = np.full((4, 1), 30), np.array([[2026], [2026], [2027], [2027]])
    >>> _limit_by_year(amount, year, np.array([[40], [40], [50], [50]])).ravel().tolist()
    [30, 10, 30, 20]
    """
    is_same_year = np.zeros_like(amount, dtype=bool)
    is_same_year[1:] = year[1:] == year[:-1]
    running = np.cumsum(amount, axis=0)
    before = np.maximum.accumulate((running - amount) * ~is_same_year, axis=0)  # sum to the end of the former year
    within = np.minimum(running - before, limit)
    within[1:] -= within[:-1] * is_same_year[1:]
    return within
