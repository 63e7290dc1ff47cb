"""Transfers between stores and new orders that maximise expected value, by linear programming.

The value of the k-th vehicle at a store is its expected saving: underage if demand reaches k, minus overage if it does
not. Values decrease with k, so that the solution fills k in order; as a network flow problem it has an integer solution
(R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network Flows, section 11.5). Vehicles moved within a region pass
through a node of the region, so that the problem grows with the number of stores and not of their pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.newsvendor import interpolate_quantiles

INTEGER_TOLERANCE = 1e-6  # largest distance of a solution from whole vehicles before it is an error
MIN_STEP_COST = 1e-7  # a positive cost of every move prevents circular transfers


@dataclass(frozen=True)
class TransferPlan:
    """Transfers and orders of one model, as returned by `plan_transfers`.

    Attributes
    ----------
    transfers : list of (int, int, int)
        Sending store, receiving store (positions) and number of vehicles.
    orders : ndarray of int, shape (n_stores,)
        Vehicles to order.
    gain : float
        Expected saving compared with no transfers and no orders, yuan.
    """

    transfers: list[tuple[int, int, int]]
    orders: IntArray
    gain: float


def marginal_values(
    levels: npt.ArrayLike, quantiles: npt.ArrayLike, *, max_cars: int, underage: npt.ArrayLike, overage: npt.ArrayLike
) -> FloatArray:
    """Return the expected value of the first, second, ... vehicle at each store.

    Parameters
    ----------
    levels : array of shape (n_levels,)
        Quantile levels, increasing, strictly between 0 and 1.
    quantiles : array of shape (n_stores, n_levels)
        Demand until the next delivery, vehicles.
    max_cars : int
        Number of vehicles to value, at least 1.
    underage, overage : float or array of shape (n_stores,)
        Cost of one vehicle too few and one too many, yuan.

    Returns
    -------
    ndarray of shape (n_stores, max_cars)
        Yuan, decreasing along each row.

    Examples
    --------
    >>> from ml.domain.demand.transfers import marginal_values
    >>> marginal_values([0.25, 0.75], [[1.0, 3.0]], max_cars=4, underage=10, overage=2).round(2).tolist()
    [[10.0, 5.5, 2.5, -2.0]]
    """
    p, q = np.asarray(levels, dtype=np.float64), np.asarray(quantiles, dtype=np.float64)
    u, o = (np.broadcast_to(np.asarray(v, dtype=np.float64), q.shape[:1])[:, None] for v in (underage, overage))
    demand = interpolate_quantiles(p, q, (np.arange(400) + 0.5) / 400)
    # The k-th vehicle sells as far as demand covers the step from k - 1 to k.
    sold = np.stack([np.clip(demand - k, 0.0, 1.0).mean(axis=1) for k in range(max_cars)], axis=1)
    sold = sold.reshape(len(q), max_cars)
    return np.asarray(u * sold - o * (1 - sold))


def plan_transfers(
    stock: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    order_cost: float,
    within: float,
    beyond: float = np.inf,
    region: npt.ArrayLike | None = None,
    movable: npt.ArrayLike | None = None,
) -> TransferPlan:
    """Return the transfers and orders of one model with the largest expected value less their costs.

    Parameters
    ----------
    stock : array of shape (n_stores,)
        Vehicles in stock and on order, whole numbers, not negative.
    value : array of shape (n_stores, max_cars)
        Value of the first, second, ... vehicle at each store, yuan, as returned by `marginal_values`; `max_cars` at
        least the largest stock.
    order_cost : float
        Cost of ordering a vehicle in addition to its price, yuan.
    within, beyond : float
        Cost of moving a vehicle to a store in the same region and in another region, yuan, not negative; infinite if
        vehicles are not moved.
    region : array of shape (n_stores,), optional
        Region of each store; a single region if omitted.
    movable : array of shape (n_stores,), optional
        Vehicles that can be moved, at most the stock; the stock if omitted.

    Returns
    -------
    TransferPlan
        Transfers, orders and the expected saving.

    Raises
    ------
    ValueError
        Shapes differ, a number is out of range, values increase, or the solver finds no solution.

    Examples
    --------
    One store has three vehicles, the other none: one is moved, and a second is not worth the transfer cost.

    >>> from ml.domain.demand.transfers import plan_transfers
    >>> plan = plan_transfers([3, 0], [[9.0, 1.0, 0.5], [8.0, 2.0, 0.0]], order_cost=4, within=3)
    >>> plan.transfers, plan.orders.tolist(), round(plan.gain, 3)
    ([(0, 1, 1)], [0, 0], 4.5)
    """
    s, v = (np.asarray(a, dtype=np.float64) for a in (stock, value))
    n, max_cars = _checked(s, v, order_cost, within, beyond)
    movers = s if movable is None else np.minimum(np.asarray(movable, dtype=np.float64), s)
    regions, code = np.unique(np.zeros(n) if region is None else np.asarray(region), return_inverse=True)
    before = float(v[np.arange(max_cars)[None, :] < s[:, None]].sum())
    r = len(regions)
    pairs = [(a, b) for a in range(r) for b in range(r) if a != b] if np.isfinite(beyond) else []
    can_move = np.isfinite(within)
    cars, z = n * max_cars, len(pairs)
    # Variables: whether each vehicle is kept; vehicles sent, received and ordered by store; sent between regions.
    out, into, order, across = cars, cars + n, cars + 2 * n, cars + 3 * n
    one, stores = np.ones(n), np.arange(n)
    a, b = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in (0, 1))
    rows = np.concatenate([np.repeat(stores, max_cars), stores, stores, stores, n + code, n + code, n + a, n + b])
    columns = np.concatenate(
        [np.arange(cars), out + stores, into + stores, order + stores, out + stores, into + stores]
        + [across + np.arange(z)] * 2
    )
    entries = np.concatenate([np.ones(cars), one, -one, -one, one, -one, -np.ones(z), np.ones(z)])
    balance: csr_matrix = coo_matrix((entries, (rows, columns)), shape=(n + r, across + z)).tocsr()
    step = max(within, MIN_STEP_COST) if can_move else 0.0
    farther = np.full(z, beyond - step + MIN_STEP_COST)
    price = np.concatenate([-v.ravel(), np.full(n, step), np.zeros(n), np.full(n, order_cost), farther])
    upper = np.concatenate([np.ones(cars), movers if can_move else np.zeros(n), np.full(2 * n + z, np.inf)])
    solution = linprog(
        price,
        A_eq=balance,
        b_eq=np.concatenate([s, np.zeros(r)]),
        bounds=np.column_stack([np.zeros(len(upper)), upper]),
        method="highs",
    )
    if not solution.success:
        raise ValueError(f"the transfer problem has no solution: {solution.message}")
    if np.abs(solution.x - np.rint(solution.x)).max() > INTEGER_TOLERANCE:
        raise ValueError("the solution has fractions of vehicles: check that value decreases along each row")
    x = np.rint(solution.x).astype(np.int64)
    sent, received = x[out:into].copy(), x[into:order].copy()
    through = np.minimum(sent, received)
    transfers = _paired(sent - through, received - through, code, dict(zip(pairs, x[across:].tolist(), strict=True)))
    return TransferPlan(transfers, x[order:across], float(-solution.fun - before))


def _paired(
    sent: IntArray, received: IntArray, code: IntArray, across: dict[tuple[int, int], int]
) -> list[tuple[int, int, int]]:
    """Match senders with receivers in the order of the stores, within each region first, then between regions."""
    supply, demand = sent.copy(), received.copy()
    outgoing = np.bincount(code, minlength=int(code.max()) + 1) * 0
    for (a, _), cars in across.items():
        outgoing[a] += cars
    transfers: dict[tuple[int, int], int] = {}

    def match(senders: IntArray, receivers: IntArray, max_cars: int) -> None:
        for i in senders:
            for j in receivers:
                cars = int(min(supply[i], demand[j], max_cars))
                if cars > 0:
                    transfers[int(i), int(j)] = transfers.get((int(i), int(j)), 0) + cars
                    supply[i] -= cars
                    demand[j] -= cars
                    max_cars -= cars
                if max_cars == 0 or supply[i] == 0:
                    break

    for k in range(int(code.max()) + 1):
        members = np.flatnonzero(code == k)
        senders, receivers = members[supply[members] > 0], members[demand[members] > 0]
        match(senders, receivers, int(supply[members].sum() - outgoing[k]))
    for (a, b), cars in across.items():
        if cars:
            match(np.flatnonzero((code == a) & (supply > 0)), np.flatnonzero((code == b) & (demand > 0)), int(cars))
    return [(i, j, cars) for (i, j), cars in sorted(transfers.items())]


def _checked(s: FloatArray, v: FloatArray, order_cost: float, within: float, beyond: float) -> tuple[int, int]:
    n = len(s)
    if s.ndim != 1 or v.ndim != 2 or len(v) != n or n == 0:
        raise ValueError(
            f"stock must have shape (n_stores,) and value (n_stores, max_cars), got {s.shape} and {v.shape}"
        )
    if (s < 0).any() or (s != np.floor(s)).any():
        raise ValueError(f"stock must be whole numbers, not negative, got {s[(s < 0) | (s != np.floor(s))][0]:g}")
    if s.max() > v.shape[1]:
        raise ValueError(
            f"value must have a column for each vehicle of the largest stock, {s.max():g}, got {v.shape[1]}"
        )
    if not np.isfinite(v).all() or (np.diff(v, axis=1) > 1e-6).any():
        raise ValueError("value must be finite and decrease along each row")
    if np.isnan([within, beyond]).any() or min(within, beyond) < 0 or not (np.isfinite(order_cost) and order_cost >= 0):
        raise ValueError("within, beyond and order_cost must not be negative, and order_cost must be finite")
    if beyond < within:
        raise ValueError(f"beyond ({beyond:g}) must not be below within ({within:g})")
    return n, v.shape[1]
