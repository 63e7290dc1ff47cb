"""Cars to move between stores before any new one is ordered: a small linear programme, whole cars by its structure.

The k-th car at a store is worth what it saves: underage if demand reaches k, less overage if it does not. Those values
fall with k, so the programme takes the first cars first by itself, and being a network flow its solution is whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
WHOLE = 1e-6  # how far from a whole car a solution may lie before it is a fault


@dataclass(frozen=True)
class TransferPlan:
    """What to move and to order.

    Attributes
    ----------
    transfers : ndarray of shape (n_stores, n_stores)
        Cars from row to column.
    orders : ndarray of shape (n_stores,)
        New cars.
    gain : float
        Expected yuan gained over leaving everything where it is and ordering nothing.
    """

    transfers: IntArray
    orders: IntArray
    gain: float


def marginal_values(
    levels: npt.ArrayLike, quantiles: npt.ArrayLike, *, most: int, underage: float, overage: float
) -> FloatArray:
    """What the first, second, ... car at each store is worth, yuan.

    Parameters
    ----------
    levels : array of shape (n_levels,)
        Increasing, strictly between 0 and 1.
    quantiles : array of shape (n_stores, n_levels)
        Of demand until the next delivery.
    most : int
        Cars to value.
    underage, overage : float
        Cost of one car too few and one too many, yuan.

    Returns
    -------
    ndarray of shape (n_stores, most)
        Falling along each row.

    Examples
    --------
    >>> marginal_values([0.25, 0.75], [[1.0, 3.0]], most=4, underage=10, overage=2).round(2).tolist()
    [[10.0, 5.5, 2.5, -2.0]]
    """
    p, q = np.asarray(levels, dtype=np.float64), np.asarray(quantiles, dtype=np.float64)
    grid = (np.arange(400) + 0.5) / 400
    demand = np.array([np.interp(grid, p, row) for row in q])
    # The k-th car sells as far as demand covers the step from k - 1 to k.
    sold = np.clip(demand[:, None, :] - np.arange(most)[None, :, None], 0.0, 1.0).mean(axis=2)
    return np.asarray(underage * sold - overage * (1 - sold))


def plan_transfers(
    stock: npt.ArrayLike,
    value: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    order_cost: float,
    most_orders: int | None = None,
) -> TransferPlan:
    """Choose transfers and orders that are worth most together.

    Parameters
    ----------
    stock : array of shape (n_stores,)
        Cars each store has or is about to get, whole numbers not below 0.
    value : array of shape (n_stores, most)
        Of the first, second, ... car at each store, yuan, falling; `most` at least the largest stock.
    cost : array of shape (n_stores, n_stores)
        Of moving a car, yuan, not below 0; infinite where it cannot be moved.
    order_cost : float
        What ordering a car costs beside its price, yuan; above what a transfer costs, transfers come first.
    most_orders : int, optional
        Cars that can be had in all.

    Raises
    ------
    ValueError
        Shapes differ, a number is out of range, or there is no solution.

    Examples
    --------
    One store has two cars too many, the other has none: one moves, and the next is not worth the way.

    >>> plan = plan_transfers([3, 0], [[9.0, 1.0, 0.5], [8.0, 2.0, 0.0]], [[0, 3], [3, 0]], order_cost=4)
    >>> plan.transfers.tolist(), plan.orders.tolist(), plan.gain
    ([[0, 1], [0, 0]], [0, 0], 4.5)
    """
    s, v, c = (np.asarray(a, dtype=np.float64) for a in (stock, value, cost))
    n, most = _checked(s, v, c, order_cost)
    ways = np.argwhere(np.isfinite(c) & ~np.eye(n, dtype=bool))
    cars, moves = n * most, len(ways)
    # Variables: whether each car is there, each move, each order. One balance a store: cars there = stock + in - out.
    place = np.repeat(np.arange(n), most)
    rows = np.concatenate([place, ways[:, 1], ways[:, 0], np.arange(n)])
    columns = np.concatenate(
        [np.arange(cars), cars + np.arange(moves), cars + np.arange(moves), cars + moves + np.arange(n)]
    )
    entries = np.concatenate([np.ones(cars), -np.ones(moves), np.ones(moves), -np.ones(n)])
    balance = coo_matrix((entries, (rows, columns)), shape=(n, cars + moves + n)).tocsr()
    price = np.concatenate([-v.ravel(), c[ways[:, 0], ways[:, 1]], np.full(n, order_cost)])
    limit = None if most_orders is None else np.concatenate([np.zeros(cars + moves), np.ones(n)])[None, :]
    found = linprog(
        price,
        A_eq=balance,
        b_eq=s,
        A_ub=limit,
        b_ub=None if most_orders is None else [most_orders],
        bounds=[(0, 1)] * cars + [(0, None)] * (moves + n),
        method="highs",
    )
    if not found.success:
        raise ValueError(f"no plan: {found.message}")
    moved, ordered = found.x[cars : cars + moves], found.x[cars + moves :]
    if np.abs(found.x - np.rint(found.x)).max() > WHOLE:
        raise ValueError("the plan splits cars: check that values fall along each row")
    transfers = np.zeros((n, n), dtype=np.int64)
    transfers[ways[:, 0], ways[:, 1]] = np.rint(moved)
    before = sum(float(v[i, : int(s[i])].sum()) for i in range(n))
    return TransferPlan(transfers, np.rint(ordered).astype(np.int64), float(-found.fun - before))


def _checked(s: FloatArray, v: FloatArray, c: FloatArray, order_cost: float) -> tuple[int, int]:
    n = len(s)
    if s.ndim != 1 or v.ndim != 2 or len(v) != n or c.shape != (n, n) or n == 0:
        raise ValueError(f"stock {s.shape}, value {v.shape} and cost {c.shape} must speak of the same stores")
    if (s < 0).any() or (s != np.floor(s)).any():
        raise ValueError(f"stock must be whole numbers not below 0, got {s[(s < 0) | (s != np.floor(s))][0]:g}")
    if s.max() > v.shape[1]:
        raise ValueError(f"value must cover the largest stock, {s.max():g} cars, got {v.shape[1]}")
    if not np.isfinite(v).all() or (np.diff(v, axis=1) > 1e-9).any():
        raise ValueError("value must be finite and fall along each row: each further car is worth less")
    if np.isnan(c).any() or (c < 0).any() or not (np.isfinite(order_cost) and order_cost >= 0):
        raise ValueError("cost and order_cost must not be below 0")
    return n, v.shape[1]
