"""What a way of ordering would have cost: periods played through with the demand that came.

Each period orders arrive that were placed `lead` periods before, then an order is placed, then demand comes: what is
there is sold, the rest is lost. A car that is lost costs its underage, one that stays its overage until the next period
(periodic review with lost sales; E. A. Silver, D. F. Pyke and D. J. Thomas (2017), Inventory and Production Management
in Supply Chains, chapter 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

# What to order in a period, given it and each cell's stock and cars on their way.
Policy = Callable[[int, FloatArray], FloatArray]


@dataclass(frozen=True)
class Played:
    """What happened in each cell and period, shape (n_cells, n_periods) each.

    Attributes
    ----------
    sold, lost, left : ndarray
        Cars sold, demand lost, and stock at the end of the period.
    """

    sold: FloatArray
    lost: FloatArray
    left: FloatArray

    def cost(self, underage: npt.ArrayLike, overage: npt.ArrayLike, *, since: int = 0) -> FloatArray:
        """Cost of each cell from a period on, yuan; before its lead time has passed a policy could not do anything."""
        u, o = (np.asarray(v, dtype=np.float64) for v in (underage, overage))
        return np.asarray(u * self.lost[:, since:].sum(axis=1) + o * self.left[:, since:].sum(axis=1))

    def fill_rate(self, *, since: int = 0) -> float:
        """Share of demand that was met."""
        sold, lost = self.sold[:, since:].sum(), self.lost[:, since:].sum()
        return float(sold / (sold + lost)) if sold + lost > 0 else 1.0


def play(demand: npt.ArrayLike, start: npt.ArrayLike, policy: Policy, *, lead: int) -> Played:
    """Play a policy through.

    Parameters
    ----------
    demand : array of shape (n_cells, n_periods)
        Cars wanted, not below 0.
    start : array of shape (n_cells,)
        Cars there before the first period.
    policy : callable
        ``(period, position) -> order``: position is stock and cars on their way, of each cell.
    lead : int
        Periods from an order until it can be sold, not below 0.

    Raises
    ------
    ValueError
        Names the argument and its rule.

    Examples
    --------
    Two are ordered each time and arrive a period later; three are wanted each time.

    >>> found = play([[3, 3, 3]], [3], lambda period, position: np.full(1, 2.0), lead=1)
    >>> found.sold.tolist(), found.lost.tolist(), found.left.tolist()
    ([[3.0, 2.0, 2.0]], [[0.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]])
    """
    d, stock = np.asarray(demand, dtype=np.float64), np.asarray(start, dtype=np.float64).copy()
    if d.ndim != 2 or stock.shape != d.shape[:1]:
        raise ValueError(f"demand {d.shape} and start {stock.shape} must speak of the same cells")
    if not (d >= 0).all() or not (stock >= 0).all() or lead < 0:
        raise ValueError("demand, start and lead must not be below 0")
    n, periods = d.shape
    sold, lost, left = (np.zeros((n, periods)) for _ in range(3))
    arriving = np.zeros((n, periods + lead + 1))
    for t in range(periods):
        stock += arriving[:, t] if lead else 0.0
        coming = arriving[:, t + 1 :].sum(axis=1)
        order = np.maximum(policy(t, stock + coming), 0.0)
        if lead:
            arriving[:, t + lead] += order
        else:
            stock += order
        sold[:, t] = np.minimum(stock, d[:, t])
        lost[:, t] = d[:, t] - sold[:, t]
        stock = stock - sold[:, t]
        left[:, t] = stock
    return Played(sold, lost, left)


def up_to(targets: npt.ArrayLike) -> Policy:
    """Order what is missing to each period's target, shape (n_cells, n_periods).

    >>> up_to([[5.0]])(0, np.array([3.0])).tolist()
    [2.0]
    """
    levels = np.asarray(targets, dtype=np.float64)
    return lambda period, position: np.maximum(levels[:, period] - position, 0.0)


def as_many_as(quantities: npt.ArrayLike) -> Policy:
    """Order each period's quantity whatever is there, shape (n_cells, n_periods)."""
    cars = np.asarray(quantities, dtype=np.float64)
    return lambda period, position: cars[:, period]


def foresight(demand: npt.ArrayLike, *, lead: int) -> FloatArray:
    """Targets of somebody who knows the demand: all of it until the next order can arrive.

    >>> foresight([[1, 2, 4]], lead=1).tolist()
    [[3.0, 6.0, 4.0]]
    """
    d = np.asarray(demand, dtype=np.float64)
    run = np.column_stack([np.zeros(len(d)), np.cumsum(d, axis=1)])
    periods = d.shape[1]
    ends = np.minimum(np.arange(periods) + lead + 1, periods)
    return np.asarray(run[:, ends] - run[:, :periods])


def safety_targets(
    history: npt.ArrayLike, periods: int, *, protection: float, factor: npt.ArrayLike, window: int
) -> FloatArray:
    """Mean plus safety stock: the textbook's order-up-to level from the last periods before each order.

    Parameters
    ----------
    history : array of shape (n_cells, n_past + periods)
        What was sold; the order of period t reads what lies before column n_past + t.
    protection : float
        Periods that an order must last: lead time plus review.
    factor : array of shape (n_cells,)
        Standard deviations of safety.

    Examples
    --------
    >>> safety_targets([[2.0, 4.0, 9.0]], 1, protection=1, factor=[1.0], window=2).tolist()
    [[4.0]]
    """
    h = np.asarray(history, dtype=np.float64)
    past = h.shape[1] - periods
    targets = np.empty((len(h), periods))
    for t in range(periods):
        seen = h[:, max(0, past + t - window) : past + t]
        spread = np.asarray(factor) * seen.std(axis=1) * np.sqrt(protection)
        targets[:, t] = seen.mean(axis=1) * protection + spread
    return np.ceil(targets - 1e-9)
