"""Which of the feasible loans to show: efficient ones, named by what they are best at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import FloatArray
from ml.domain.loans.candidates import Candidates
from ml.domain.loans.rounding import LoanError

MEASURES = ("lowest_payment", "lowest_total_cost", "lowest_down_payment", "fastest_equity")
BALANCED = "balanced"

_BLOCK = 256


def comparison_measures(found: Candidates) -> FloatArray:
    """What each candidate is compared by, lower is better: the columns are `MEASURES`.

    Monthly burden, total cost with a forgone discount, down payment, and mean share of the price still owed over the
    longest term on the table.
    """
    discount = np.array([o.forgone_discount for o in found.offered])[found.offered_index]
    owed = found.prices.outstanding.mean(axis=0) * found.batch.amount / found.application.vehicle.price
    return np.column_stack(
        [found.prices.monthly_burden, found.prices.total_cost + discount, found.down_payment, owed.round(9)]
    )


def pareto_efficient(values: FloatArray) -> NDArray[np.intp]:
    """Rows that no other row beats: at least as good in every column and better in one. Of equal rows, the first.

    Parameters
    ----------
    values : array of shape (n, n_columns)
        Lower is better.

    Returns
    -------
    ndarray of int
        Places of the rows, ascending.

    Examples
    --------
    >>> pareto_efficient(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [2.0, 2.0]])).tolist()
    [0, 1]
    """
    place = np.arange(len(values))
    beaten = np.zeros(len(values), dtype=bool)
    for begin in range(0, len(values), _BLOCK):  # in blocks, so that memory grows with the rows and not their square
        block = slice(begin, begin + _BLOCK)
        as_good = np.ones((len(values), len(place[block])), dtype=bool)
        better = np.zeros_like(as_good)
        for column in values.T:
            as_good &= column[:, None] <= column[None, block]
            better |= column[:, None] < column[None, block]
        earlier_twin = ~better & (place[:, None] < place[None, block])
        beaten[block] = (as_good & (better | earlier_twin)).any(axis=0)
    return np.flatnonzero(~beaten)


def select_rows(values: FloatArray, *, count: int) -> list[tuple[int, tuple[str, ...]]]:
    """Choose at most `count` efficient rows, with the names of what each is best at.

    The best of each measure come first, in the order of `MEASURES` (ties go to the next measures, then to the first
    row), then the most balanced (lowest mean rank; it may be one of them), then more by mean rank, without a name.

    Parameters
    ----------
    values : array of shape (n, 4)
        As by `comparison_measures`.
    count : int

    Returns
    -------
    list of (int, tuple of str)
        Places of the rows and their names.

    Raises
    ------
    LoanError
        The count is below 1.

    Examples
    --------
    >>> rows = np.array([[100.0, 50, 10, 0.9], [200.0, 30, 10, 0.5], [150.0, 40, 10, 0.7]])
    >>> select_rows(rows, count=2)
    [(0, ('lowest_payment', 'lowest_down_payment')), (1, ('lowest_total_cost', 'fastest_equity', 'balanced'))]
    """
    if type(count) is not int or count < 1:
        raise LoanError(f"count must be a whole number of at least 1, got {count!r}")
    if not len(values):
        return []
    rows = pareto_efficient(values)
    best = values[rows]
    names: dict[int, list[str]] = {}
    for column, name in enumerate(MEASURES):
        others = [best[:, k] for k in range(best.shape[1]) if k != column]
        first = int(np.lexsort((*others[::-1], best[:, column]))[0])
        names.setdefault(int(rows[first]), []).append(name)
    ranks = np.mean([np.searchsorted(np.sort(column), column) for column in best.T], axis=0)
    by_rank = rows[np.argsort(ranks, kind="stable")].tolist()
    names.setdefault(by_rank[0], []).append(BALANCED)
    for row in by_rank:
        names.setdefault(row, [])
    return [(row, tuple(label)) for row, label in names.items()][:count]
