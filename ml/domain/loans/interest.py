"""Interest of each period, divided among the borrower and the payers of subsidies."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np

from ml.domain.arrays import IntArray
from ml.domain.loans.conditions import NO_LIMIT, LoanPeriods, SubsidyColumns
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.plan import subsidised_rate
from ml.domain.loans.rounding import interest_on


def divide_interest(
    batch: LoanBatch, base: IntArray, numerator: IntArray, dates: LoanPeriods
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
    dates : LoanPeriods
        As returned by ``batch.conditions.periods(start, n_periods)``; caps by date and by year read it.

    Returns
    -------
    array of shape (n_periods, n), tuple of array of shape (n_periods, m)
        Interest that the borrower pays, and interest paid under the first, second, ... subsidy of the m loans that have
        one (`batch.conditions.subsidies`), fen.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> from ml.domain.loans.interest import divide_interest
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.product import LoanProduct, Subsidy
    >>> product = LoanProduct(subsidies=(Subsidy(payer="dealer", rate=0.02),))
    >>> batch = LoanBatch.build((product,), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> dates = batch.conditions.periods(date(2026, 1, 15), 1)
    >>> borrower, (dealer,) = divide_interest(batch, np.array([[10_000_000]]), np.array([[30]]), dates)
    >>> borrower.tolist(), dealer.tolist()
    ([[33333]], [[16667]])
    """
    denominator, half_up, rate = batch.conditions.denominator, batch.conditions.half_up, batch.rate.copy()
    borrower = interest_on(base, rate, numerator, denominator=denominator, half_up=half_up)
    paid = []
    for subsidy in batch.conditions.subsidies:
        loans = subsidy.loans
        interest = partial(interest_on, denominator=denominator[loans], half_up=half_up[loans])
        principal, lengths = np.minimum(base[:, loans], subsidy.principal), numerator[:, loans]
        lower_rate = subsidised_rate(subsidy, rate[loans], half_up[loans])
        amount = interest(principal, rate[loans], lengths) - interest(principal, lower_rate, lengths)
        amount = np.minimum(_apply_caps(amount, subsidy, dates), borrower[:, loans])
        borrower[:, loans] -= amount
        rate[loans] = lower_rate
        paid.append(amount)
    return borrower, tuple(paid)


def _apply_caps(amount: IntArray, subsidy: SubsidyColumns, dates: LoanPeriods) -> IntArray:
    """Return the amounts of each loan's subsidy after the limits by month, date, calendar year and loan."""
    amount *= np.arange(len(amount))[:, None] < subsidy.months
    if (subsidy.until < date.max.toordinal()).any():
        amount *= dates.due(subsidy.loans) <= subsidy.until
    if len(columns := np.flatnonzero(subsidy.per_year < NO_LIMIT)):
        year = dates.by_loan("year", subsidy.loans[columns])
        limit = subsidy.per_year[columns] - np.minimum(subsidy.used_this_year, subsidy.per_year)[columns] * (
            year == dates.first_year
        )
        amount[:, columns] = _limit_by_year(amount[:, columns], year, limit)
    if len(columns := np.flatnonzero(subsidy.total < NO_LIMIT)):
        amount[:, columns] = _limit_sum(amount[:, columns], subsidy.total[columns])
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
