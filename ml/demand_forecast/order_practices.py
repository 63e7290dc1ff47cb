"""Orders by the rules that planners use without forecasts: the last sales, and mean plus safety stock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from features.periods import first_day
from ml.demand_forecast.estimator import DemandEstimator
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.order_simulation import safety_stock_targets


@dataclass(frozen=True)
class Practices:
    """Orders of the practices that a plan is compared with, as returned by `practice_orders`.

    Attributes
    ----------
    orders : dict of str to ndarray of shape (n_cells,)
        Vehicles to order by practice: `last_sales`, `safety_stock` and `no_orders`.
    last_periods : int
        Number of the latest whole periods whose sales `last_sales` orders again.
    """

    orders: dict[str, FloatArray]
    last_periods: int


def practice_orders(
    estimator: DemandEstimator,
    rows: IntArray,
    position: FloatArray,
    *,
    ratio: FloatArray,
    protection: float,
    days: float,
) -> Practices:
    """Return the orders of each practice for the same stock and lead time as the plan.

    `last_sales` orders as many vehicles as were sold in the latest whole periods that cover the review period, whatever
    the stock. `safety_stock` orders up to mean demand plus safety stock
    (`ml.domain.demand.order_simulation.safety_stock_targets`), from the last season of demand corrected for stock-outs,
    with the same probability of meeting all demand as the plan. `no_orders` orders nothing.

    Parameters
    ----------
    estimator : DemandEstimator
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``, for example.
    rows : ndarray of int
        Rows of the series in the estimator's panel.
    position : ndarray of shape (n_cells,)
        Vehicles in stock and on order.
    ratio : ndarray of shape (n_cells,)
        Probability of meeting all demand, as returned by `ml.demand_forecast.planning.CellCosts.critical_ratio`.
    protection : float
        Lead time plus review period, in periods.
    days : float
        Review period, days.

    Returns
    -------
    Practices
        `orders` (vehicles) and `last_periods`.

    Examples
    --------
    >>> practices = practice_orders(estimator, rows, position, ratio=ratio, protection=1.2, days=14)  # doctest: +SKIP
    >>> practices.orders["last_sales"]  # doctest: +SKIP
    array([4., 0., 2.])
    """
    panel = estimator.panel
    edges = first_day(panel.first + panel.periods - np.arange(panel.periods + 1), panel.frequency)
    last_periods = min(int(np.searchsorted(edges[0] - edges, days)), panel.periods)
    last_sales = np.nansum(panel.sold[rows, -last_periods:], axis=1)
    # The target of the next period reads the periods before it: the last column is a placeholder.
    history = np.column_stack([estimator.features.demand[rows], np.zeros(len(rows))])
    window = min(panel.season, panel.periods)
    targets = safety_stock_targets(history, 1, protection=protection, factor=ndtri(ratio), window=window)[:, 0]
    orders = {
        "last_sales": np.maximum(last_sales, 0.0),
        "safety_stock": np.maximum(targets - position, 0.0),
        "no_orders": np.zeros(len(rows)),
    }
    return Practices(orders, last_periods)
