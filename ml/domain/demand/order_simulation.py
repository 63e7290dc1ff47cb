"""Simulation of ordering policies on observed demand: periodic review with lost sales.

In each period the orders placed `lead` periods before arrive, then an order is placed, then demand occurs: it is met
from stock, the rest is lost. A lost unit costs its underage, a unit left its overage until the next period (E. A.
Silver, D. F. Pyke and D. J. Thomas (2017), Inventory and Production Management in Supply Chains, chapter 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import FloatArray

# (period, stock plus vehicles on order of each cell) -> vehicles to order in each cell.
Policy = Callable[[int, FloatArray], FloatArray]


@dataclass(frozen=True)
class SimulatedOrders:
    """Simulated sales, lost demand and stock, as returned by `simulate_orders`.

    Attributes
    ----------
    sold, lost, left : ndarray of shape (n_cells, n_periods)
        Vehicles sold, vehicles of demand lost, and vehicles in stock at the end of the period.
    """

    sold: FloatArray
    lost: FloatArray
    left: FloatArray

    def cost(self, underage: npt.ArrayLike, overage: npt.ArrayLike, *, since: int = 0) -> FloatArray:
        """Return the cost of each cell from period `since` on.

        Before the lead time has passed, a policy has no effect: pass the lead time as `since`.

        Parameters
        ----------
        underage, overage : float or array of shape (n_cells,)
            Cost of a vehicle of demand lost, and of a vehicle left at the end of a period, yuan.
        since : int, default 0
            First period that counts.

        Returns
        -------
        ndarray of float64, shape (n_cells,)
            Yuan.

        Examples
        --------
        >>> from ml.domain.demand.order_simulation import fixed_orders, simulate_orders
        >>> result = simulate_orders([[3, 3, 3]], [3], fixed_orders([[2, 2, 2]]), lead=1)
        >>> result.cost(10_000.0, 1_000.0, since=1).tolist(), round(result.fill_rate(since=1), 2)
        ([20000.0], 0.67)
        """
        u, o = (np.asarray(v, dtype=np.float64) for v in (underage, overage))
        return np.asarray(u * self.lost[:, since:].sum(axis=1) + o * self.left[:, since:].sum(axis=1))

    def fill_rate(self, *, since: int = 0) -> float:
        """Return the fraction of demand met from period `since` (counted from 0) on, 0 to 1; 1 without any demand."""
        sold, lost = self.sold[:, since:].sum(), self.lost[:, since:].sum()
        return float(sold / (sold + lost)) if sold + lost > 0 else 1.0


def simulate_orders(demand: npt.ArrayLike, start: npt.ArrayLike, policy: Policy, *, lead: int) -> SimulatedOrders:
    """Simulate an ordering policy.

    Parameters
    ----------
    demand : array of shape (n_cells, n_periods)
        Demand per period, vehicles, not negative.
    start : array of shape (n_cells,)
        Stock before the first period, vehicles.
    policy : callable
        ``(period, position) -> order``: `position` is stock plus vehicles on order, `order` the vehicles to order, both
        of shape (n_cells,). `order_up_to_policy` and `fixed_orders` return one.
    lead : int
        Periods from an order until it can be sold, not negative.

    Returns
    -------
    SimulatedOrders
        Sales, lost demand and stock of each cell and period.

    Raises
    ------
    ValueError
        Shapes differ, or a value is negative.

    Examples
    --------
    Two are ordered each period and arrive one period later; demand is three.

    >>> import numpy as np
    >>> from ml.domain.demand.order_simulation import simulate_orders
    >>> result = simulate_orders([[3, 3, 3]], [3], lambda period, position: np.full(1, 2.0), lead=1)
    >>> result.sold.tolist(), result.lost.tolist(), result.left.tolist()
    ([[3.0, 2.0, 2.0]], [[0.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]])
    """
    d, stock = np.asarray(demand, dtype=np.float64), np.asarray(start, dtype=np.float64).copy()
    if d.ndim != 2 or stock.shape != d.shape[:1]:
        raise ValueError(
            f"demand must have shape (n_cells, n_periods) and start (n_cells,), got {d.shape} and {stock.shape}"
        )
    if not (d >= 0).all() or not (stock >= 0).all() or lead < 0:
        raise ValueError("demand, start and lead must not be negative")
    n, periods = d.shape
    sold, lost, left = (np.zeros((n, periods)) for _ in range(3))
    arriving = np.zeros((n, periods + lead + 1))
    for t in range(periods):
        stop_if_abandoned()
        stock += arriving[:, t] if lead else 0.0
        on_order = arriving[:, t + 1 :].sum(axis=1)
        order = np.maximum(policy(t, stock + on_order), 0.0)
        if lead:
            arriving[:, t + lead] += order
        else:
            stock += order
        sold[:, t] = np.minimum(stock, d[:, t])
        lost[:, t] = d[:, t] - sold[:, t]
        stock = stock - sold[:, t]
        left[:, t] = stock
    return SimulatedOrders(sold, lost, left)


def order_up_to_policy(targets: npt.ArrayLike) -> Policy:
    """Return the policy that orders up to each period's target.

    Parameters
    ----------
    targets : array of shape (n_cells, n_periods)
        Stock plus vehicles on order to reach, such as returned by `perfect_foresight` or `safety_stock_targets`.

    Returns
    -------
    callable
        Policy for `simulate_orders`.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.demand.order_simulation import order_up_to_policy
    >>> order_up_to_policy([[5.0]])(0, np.array([3.0])).tolist()
    [2.0]
    """
    levels = np.asarray(targets, dtype=np.float64)
    return lambda period, position: np.maximum(levels[:, period] - position, 0.0)


def fixed_orders(quantities: npt.ArrayLike) -> Policy:
    """Return the policy that orders fixed numbers of vehicles, whatever the stock.

    Parameters
    ----------
    quantities : array of shape (n_cells, n_periods)
        Vehicles to order.

    Returns
    -------
    callable
        Policy for `simulate_orders`.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.demand.order_simulation import fixed_orders
    >>> fixed_orders([[1.0, 2.0]])(1, np.array([3.0])).tolist()
    [2.0]
    """
    cars = np.asarray(quantities, dtype=np.float64)
    return lambda period, position: cars[:, period]


def perfect_foresight(demand: npt.ArrayLike, *, lead: int) -> FloatArray:
    """Return the order-up-to targets under perfect foresight: the demand until the next order arrives.

    Parameters
    ----------
    demand : array of shape (n_cells, n_periods)
        Demand per period, vehicles.
    lead : int
        Periods from an order until it can be sold.

    Returns
    -------
    ndarray of float64, shape (n_cells, n_periods)
        Stock plus vehicles on order to reach: demand of the period and of the `lead` periods after it.

    Examples
    --------
    >>> from ml.domain.demand.order_simulation import perfect_foresight
    >>> perfect_foresight([[1, 2, 4]], lead=1).tolist()
    [[3.0, 6.0, 4.0]]
    """
    d = np.asarray(demand, dtype=np.float64)
    run = np.column_stack([np.zeros(len(d)), np.cumsum(d, axis=1)])
    periods = d.shape[1]
    ends = np.minimum(np.arange(periods) + lead + 1, periods)
    return np.asarray(run[:, ends] - run[:, :periods])


def safety_stock_targets(
    history: npt.ArrayLike, periods: int, *, protection: float, factor: npt.ArrayLike, window: int
) -> FloatArray:
    """Return order-up-to targets of the textbook rule: mean demand plus safety stock.

    The target of a period is ``mean * protection + factor * standard deviation * sqrt(protection)``, rounded up, with
    mean and standard deviation over the last `window` periods before it.

    Parameters
    ----------
    history : array of shape (n_cells, n_past + periods)
        Demand per period, vehicles; the target of period t uses the columns before n_past + t.
    periods : int
        Number of targets.
    protection : float
        Periods that an order must last: lead time plus review period.
    factor : array of shape (n_cells,)
        Safety factor, in standard deviations.
    window : int
        Number of latest periods used.

    Returns
    -------
    ndarray of shape (n_cells, periods)
        Stock plus vehicles on order to reach.

    Examples
    --------
    >>> from ml.domain.demand.order_simulation import safety_stock_targets
    >>> safety_stock_targets([[2.0, 4.0, 9.0]], 1, protection=1, factor=[1.0], window=2).tolist()
    [[4.0]]
    """
    h = np.asarray(history, dtype=np.float64)
    n_past = h.shape[1] - periods
    targets = np.empty((len(h), periods))
    for t in range(periods):
        recent = h[:, max(0, n_past + t - window) : n_past + t]
        safety_stock = np.asarray(factor) * recent.std(axis=1) * np.sqrt(protection)
        targets[:, t] = recent.mean(axis=1) * protection + safety_stock
    return np.ceil(targets - 1e-9)
