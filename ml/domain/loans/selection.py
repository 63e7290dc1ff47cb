"""Selection of the feasible loans to offer: Pareto-efficient loans, labelled with the measures they are best in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import FloatArray
from ml.domain.loans.candidates import Candidates
from ml.domain.loans.rounding import LoanError

MEASURES = ("lowest_payment", "lowest_total_cost", "lowest_down_payment", "fastest_equity")
BALANCED = "balanced"

_BLOCK = 256


def comparison_measures(candidates: Candidates) -> FloatArray:
    """Return the measures by which candidates are compared; lower is better.

    Parameters
    ----------
    candidates : Candidates
        As returned by `ml.domain.loans.candidates.candidates`.

    Returns
    -------
    array of float, shape (n_candidates, 4)
        Columns in the order of `MEASURES`: monthly burden, total cost with forgone discount, down payment (fen), and
        mean fraction of the price still owed over the longest term of all candidates.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.candidates import candidates
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.selection import comparison_measures
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={12: 0.05, 36: 0.05},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65,
    ...     maximum_cost=0.24)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> loans = candidates(application, [bank], probability_of_default=0.01, policy=policy, start=date(2026, 1, 15))
    >>> comparison_measures(loans).shape
    (4, 4)
    """
    discount = np.array([o.forgone_discount for o in candidates.offered])[candidates.offered_index]
    prices, vehicle_price = candidates.prices, candidates.application.vehicle.price
    owed = prices.outstanding.mean(axis=0) * candidates.batch.amount / vehicle_price
    return np.column_stack(
        [prices.monthly_burden, prices.total_cost + discount, candidates.down_payment, owed.round(9)]
    )


def pareto_efficient(values: FloatArray) -> NDArray[np.intp]:
    """Return the Pareto-efficient rows: no other row is at least as good in every column and better in one.

    Parameters
    ----------
    values : array of shape (n, n_columns)
        Lower is better.

    Returns
    -------
    array of int
        Row indices, ascending; of equal rows only the first.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.selection import pareto_efficient
    >>> pareto_efficient(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [2.0, 2.0]])).tolist()
    [0, 1]
    """
    index = np.arange(len(values))
    dominated = np.zeros(len(values), dtype=bool)
    for begin in range(0, len(values), _BLOCK):  # in blocks, so that memory is linear in the number of rows
        block = slice(begin, begin + _BLOCK)
        as_good = np.ones((len(values), len(index[block])), dtype=bool)
        better = np.zeros_like(as_good)
        for column in values.T:
            as_good &= column[:, None] <= column[None, block]
            better |= column[:, None] < column[None, block]
        earlier_equal = ~better & (index[:, None] < index[None, block])
        dominated[block] = (as_good & (better | earlier_equal)).any(axis=0)
    return np.flatnonzero(~dominated)


def select_rows(values: FloatArray, *, count: int) -> list[tuple[int, tuple[str, ...]]]:
    """Select at most `count` Pareto-efficient rows and label each with the measures it is best in.

    The best row of each measure comes first, in the order of `MEASURES`; ties are broken by the following measures,
    then by row order. The row with the lowest mean rank follows (label `balanced`; it may be one of the former), then
    further rows by mean rank, without a label.

    Parameters
    ----------
    values : array of shape (n, 4)
        As returned by `ml.domain.loans.selection.comparison_measures`.
    count : int
        Maximum number of rows, at least 1.

    Returns
    -------
    list of (int, tuple of str)
        Row position, and labels: names of `MEASURES` and "balanced". Empty without rows.

    Raises
    ------
    LoanError
        `count` is not a whole number of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.selection import select_rows
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
