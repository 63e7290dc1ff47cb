"""Cars to move between stores before any new one is ordered: a small linear programme, whole cars by its structure.

The k-th car at a store is worth what it saves: underage if demand reaches k, less overage if it does not. Those values
fall with k, so the programme takes the first cars first by itself, and being a network flow its solution is whole
(R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network Flows, section 11.5). A car moved within a region passes
the region's own node, so that the programme grows with the stores and not with their pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.newsvendor import between

WHOLE = 1e-6  # how far from a whole car a solution may lie before it is a fault
SLIGHTLY = 1e-7  # what keeps a car that could as well stay from moving in a circle


@dataclass(frozen=True)
class TransferPlan:
    """What to move and to order.

    Attributes
    ----------
    transfers : list of (int, int, int)
        From store, to store, cars.
    orders : ndarray of shape (n_stores,)
        New cars.
    gain : float
        Expected yuan gained over leaving everything where it is and ordering nothing.
    """

    transfers: list[tuple[int, int, int]]
    orders: IntArray
    gain: float


def marginal_values(
    levels: npt.ArrayLike, quantiles: npt.ArrayLike, *, most: int, underage: npt.ArrayLike, overage: npt.ArrayLike
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
    underage, overage : float or array of shape (n_stores,)
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
    u, o = (np.broadcast_to(np.asarray(v, dtype=np.float64), q.shape[:1])[:, None] for v in (underage, overage))
    demand = between(p, q, (np.arange(400) + 0.5) / 400)
    # The k-th car sells as far as demand covers the step from k - 1 to k.
    sold = np.stack([np.clip(demand - k, 0.0, 1.0).mean(axis=1) for k in range(most)], axis=1).reshape(len(q), most)
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
    """Choose transfers and orders that are worth most together.

    Parameters
    ----------
    stock : array of shape (n_stores,)
        Cars each store has or is about to get, whole numbers not below 0.
    value : array of shape (n_stores, most)
        Of the first, second, ... car at each store, yuan, falling; `most` at least the largest stock.
    order_cost : float
        What ordering a car costs beside its price, yuan; above what a transfer costs, transfers come first.
    within, beyond : float
        Of moving a car to a store of the same region, and of another one, yuan, not below 0; infinite where it cannot
        be moved.
    region : array of shape (n_stores,), optional
        Number of each store's region; one for all if not given.
    movable : array of shape (n_stores,), optional
        Cars that are there to be moved; the stock if not given.

    Raises
    ------
    ValueError
        Shapes differ, a number is out of range, or there is no solution.

    Examples
    --------
    One store has two cars too many, the other has none: one moves, and the next is not worth the way.

    >>> plan = plan_transfers([3, 0], [[9.0, 1.0, 0.5], [8.0, 2.0, 0.0]], order_cost=4, within=3)
    >>> plan.transfers, plan.orders.tolist(), round(plan.gain, 3)
    ([(0, 1, 1)], [0, 0], 4.5)
    """
    s, v = (np.asarray(a, dtype=np.float64) for a in (stock, value))
    n, most = _checked(s, v, order_cost, within, beyond)
    movers = s if movable is None else np.minimum(np.asarray(movable, dtype=np.float64), s)
    regions, code = np.unique(np.zeros(n) if region is None else np.asarray(region), return_inverse=True)
    before = float(v[np.arange(most)[None, :] < s[:, None]].sum())
    r = len(regions)
    pairs = [(a, b) for a in range(r) for b in range(r) if a != b] if np.isfinite(beyond) else []
    can_move = np.isfinite(within)
    cars, z = n * most, len(pairs)
    # Variables: whether each car is there; each store's cars out, in and ordered; cars from region to region.
    out, into, order, across = cars, cars + n, cars + 2 * n, cars + 3 * n
    one, stores = np.ones(n), np.arange(n)
    a, b = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in (0, 1))
    rows = np.concatenate([np.repeat(stores, most), stores, stores, stores, n + code, n + code, n + a, n + b])
    columns = np.concatenate(
        [np.arange(cars), out + stores, into + stores, order + stores, out + stores, into + stores]
        + [across + np.arange(z)] * 2
    )
    entries = np.concatenate([np.ones(cars), one, -one, -one, one, -one, -np.ones(z), np.ones(z)])
    balance: csr_matrix = coo_matrix((entries, (rows, columns)), shape=(n + r, across + z)).tocsr()
    step = max(within, SLIGHTLY) if can_move else 0.0
    farther = np.full(z, beyond - step + SLIGHTLY)
    price = np.concatenate([-v.ravel(), np.full(n, step), np.zeros(n), np.full(n, order_cost), farther])
    upper = np.concatenate([np.ones(cars), movers if can_move else np.zeros(n), np.full(2 * n + z, np.inf)])
    found = linprog(
        price,
        A_eq=balance,
        b_eq=np.concatenate([s, np.zeros(r)]),
        bounds=np.column_stack([np.zeros(len(upper)), upper]),
        method="highs",
    )
    if not found.success:
        raise ValueError(f"no plan: {found.message}")
    if np.abs(found.x - np.rint(found.x)).max() > WHOLE:
        raise ValueError("the plan splits cars: check that values fall along each row")
    x = np.rint(found.x).astype(np.int64)
    sent, received = x[out:into].copy(), x[into:order].copy()
    both = np.minimum(sent, received)
    transfers = _paired(sent - both, received - both, code, dict(zip(pairs, x[across:].tolist(), strict=True)))
    return TransferPlan(transfers, x[order:across], float(-found.fun - before))


def _paired(
    sent: IntArray, received: IntArray, code: IntArray, across: dict[tuple[int, int], int]
) -> list[tuple[int, int, int]]:
    """Who gives to whom, in the order of the stores: first within each region, then what goes across."""
    left, wanted = sent.copy(), received.copy()
    crossing = sum(across.values())
    leaving = np.bincount(code, minlength=int(code.max()) + 1) * 0
    for (a, _), cars in across.items():
        leaving[a] += cars
    found: dict[tuple[int, int], int] = {}

    def give(givers: IntArray, takers: IntArray, most: int) -> None:
        for i in givers:
            for j in takers:
                cars = int(min(left[i], wanted[j], most))
                if cars > 0:
                    found[int(i), int(j)] = found.get((int(i), int(j)), 0) + cars
                    left[i] -= cars
                    wanted[j] -= cars
                    most -= cars
                if most == 0 or left[i] == 0:
                    break

    for k in range(int(code.max()) + 1):
        mine = np.flatnonzero(code == k)
        giving, taking = mine[left[mine] > 0], mine[wanted[mine] > 0]
        give(giving, taking, int(left[mine].sum() - leaving[k]))
    if crossing:
        for (a, b), cars in across.items():
            if cars:
                give(np.flatnonzero((code == a) & (left > 0)), np.flatnonzero((code == b) & (wanted > 0)), int(cars))
    return [(i, j, cars) for (i, j), cars in sorted(found.items())]


def _checked(s: FloatArray, v: FloatArray, order_cost: float, within: float, beyond: float) -> tuple[int, int]:
    n = len(s)
    if s.ndim != 1 or v.ndim != 2 or len(v) != n or n == 0:
        raise ValueError(f"stock {s.shape} and value {v.shape} must speak of the same stores")
    if (s < 0).any() or (s != np.floor(s)).any():
        raise ValueError(f"stock must be whole numbers not below 0, got {s[(s < 0) | (s != np.floor(s))][0]:g}")
    if s.max() > v.shape[1]:
        raise ValueError(f"value must cover the largest stock, {s.max():g} cars, got {v.shape[1]}")
    if not np.isfinite(v).all() or (np.diff(v, axis=1) > 1e-6).any():
        raise ValueError("value must be finite and fall along each row: each further car is worth less")
    if np.isnan([within, beyond]).any() or min(within, beyond) < 0 or not (np.isfinite(order_cost) and order_cost >= 0):
        raise ValueError("within, beyond and order_cost must not be below 0")
    if beyond < within:
        raise ValueError(f"beyond ({beyond:g}) must not be below within ({within:g})")
    return n, v.shape[1]
