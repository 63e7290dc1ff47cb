"""Selection of the feasible loans to offer: Pareto-efficient loans, labelled with the measures they are best in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IndexArray
from ml.domain.loans.candidates import Candidates
from ml.domain.loans.rounding import LoanError

_BLOCK = 16  # rows with which all others are compared at once
_PAYMENT, _TOTAL_COST, _DOWN_PAYMENT, _DEBT = range(4)  # columns of `comparison_measures`


def comparison_measures(candidates: Candidates) -> FloatArray:
    """Return the measures by which candidates with a price are compared; lower is better.

    Parameters
    ----------
    candidates : Candidates
        As returned by `ml.domain.loans.candidates.candidates`; at least one has a price.

    Returns
    -------
    array of float, shape (n_priced, 4)
        Monthly payment as it is displayed, total cost with forgone discount, down payment (fen), and fraction of the
        price still owed, summed over the months.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.assessment import fixed_assessment
    >>> from ml.domain.loans.candidates import candidates
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.selection import comparison_measures
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {12: 0.05, 36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), down_payment=3_000_000)
    >>> loans = candidates(application, [bank], policy=policy, start=date(2026, 1, 15),
    ...     assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans)))
    >>> comparison_measures(loans).shape
    (4, 4)
    """
    prices, batch, priced = candidates.prices, candidates.batch, candidates.priced
    assert prices is not None and batch is not None
    discount = np.array([o.forgone_discount for o in candidates.offered])[candidates.offered_index[priced]]
    owed = prices.average_life * batch.amount / candidates.loans.price[priced]
    down_payment = candidates.loans.down_payment[priced]
    return np.column_stack([prices.monthly_payment, prices.total_cost + discount, down_payment, owed.round(9)])


def pareto_efficient(values: FloatArray) -> IndexArray:
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
    ranks = np.array([np.unique(column, return_inverse=True)[1] for column in values.T])
    rows = np.argsort(ranks.sum(axis=0), kind="stable")  # a row comes after every row that is better or an equal copy
    ranks = ranks[:, rows]
    efficient = [rows[:0]]
    while len(rows):
        first = ranks[:, :_BLOCK]
        is_better = np.zeros((first.shape[1], len(rows)), dtype=bool)  # in some column: each row than the first ones
        for column, of_first in zip(ranks, first, strict=True):
            is_better |= column < of_first[:, None]
        is_later = np.tri(len(is_better), dtype=bool)  # or the row itself
        efficient.append(rows[: len(is_better)][(is_better[:, : len(is_better)] | is_later).all(axis=0)])
        remaining = is_better.all(axis=0)
        rows, ranks = rows[remaining], ranks[:, remaining]
    return np.sort(np.concatenate(efficient))


def select_rows(
    values: FloatArray, *, count: int, balloon: BoolArray, requested: BoolArray
) -> list[tuple[int, tuple[str, ...]]]:
    """Select at most `count` rows to offer, and label each with the measures it is best in.

    The rows come in this order, each once, with all its labels:

    1. `as_requested`: the row with the lowest total cost of the requested ones;
    2. `lowest_payment`: the lowest monthly payment without a remainder at maturity, and `lowest_payment_balloon`: the
       lowest with one, if it is lower than the former;
    3. `lowest_total_cost`, `lowest_down_payment` and `fastest_equity` of all rows;
    4. `balanced`: the lowest mean rank of the Pareto-efficient rows, with a remainder only if all rows have one: its
       low payment would outweigh what is due at maturity;
    5. other requested rows, Pareto-efficient among these, by total cost;
    6. other Pareto-efficient rows, by mean rank.

    Of rows with one value, a row without a remainder at maturity comes first, then the lowest in the other columns in
    their order, then the first row. A row with a remainder never makes a row without one inefficient.

    Parameters
    ----------
    values : array of shape (n, 4)
        As returned by `ml.domain.loans.selection.comparison_measures`.
    count : int
        Maximum number of rows, at least 1.
    balloon : array of bool, shape (n,)
        Whether principal is left to maturity (`ml.domain.loans.product.LoanProduct.principal_at_maturity`).
    requested : array of bool, shape (n,)
        Whether the row has exactly the requested down payment and term.

    Returns
    -------
    list of (int, tuple of str)
        Row position, and labels in the order of the list above. Empty without rows.

    Raises
    ------
    LoanError
        `count` is not a whole number of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.selection import select_rows
    >>> rows = np.array([[100.0, 50, 10, 0.9], [200.0, 30, 10, 0.5], [150.0, 40, 10, 0.7]])
    >>> balloon, requested = np.array([True, False, False]), np.array([False, False, True])
    >>> for row, labels in select_rows(rows, count=3, balloon=balloon, requested=requested):
    ...     print(row, labels)
    2 ('as_requested', 'lowest_payment', 'lowest_down_payment')
    0 ('lowest_payment_balloon',)
    1 ('lowest_total_cost', 'fastest_equity', 'balanced')
    """
    if type(count) is not int or count < 1:
        raise LoanError(f"count must be a whole number of at least 1, got {count!r}")
    if not len(values):
        return []
    labels: dict[int, list[str]] = {}
    for label, row in _best_rows(values, balloon, requested):
        labels.setdefault(row, []).append(label)
    criteria = np.column_stack([balloon, values])
    efficient = pareto_efficient(criteria)
    ranks = np.mean([np.searchsorted(np.sort(column), column) for column in values[efficient].T], axis=0)
    by_rank = efficient[np.argsort(ranks, kind="stable")].tolist()
    balanced = next((row for row in by_rank if not balloon[row]), by_rank[0])
    labels.setdefault(balanced, []).append("balanced")
    requests = np.flatnonzero(requested)
    requests = requests[pareto_efficient(criteria[requests])]
    by_cost = requests[np.argsort(values[requests, _TOTAL_COST], kind="stable")].tolist()
    for row in (*by_cost, *by_rank):
        labels.setdefault(row, [])
    return [(row, tuple(names)) for row, names in labels.items()][:count]


def _best_rows(values: FloatArray, balloon: BoolArray, requested: BoolArray) -> Iterator[tuple[str, int]]:
    """Yield each label of one measure with its row, in the order of `select_rows`; none without a row."""

    def lowest(column: int, candidates: BoolArray) -> int:
        rows = np.flatnonzero(candidates & (values[:, column] == values[candidates, column].min()))
        return int(rows[np.lexsort((*values[rows].T[::-1], balloon[rows]))[0]])

    every = np.ones(len(values), dtype=bool)
    if requested.any():
        yield "as_requested", lowest(_TOTAL_COST, requested)
    if not balloon.all():
        yield "lowest_payment", lowest(_PAYMENT, ~balloon)
    if (lower_balloons := balloon & (values[:, _PAYMENT] < values[~balloon, _PAYMENT].min(initial=np.inf))).any():
        yield "lowest_payment_balloon", lowest(_PAYMENT, lower_balloons)
    yield "lowest_total_cost", lowest(_TOTAL_COST, every)
    yield "lowest_down_payment", lowest(_DOWN_PAYMENT, every)
    yield "fastest_equity", lowest(_DEBT, every)
