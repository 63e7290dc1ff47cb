"""Demand estimated from sales that stock-outs have censored.

The demand rate of a series is filtered by a discounted gamma-Poisson model. A period with stock for a share `a` of its
time and `n` units sold adds `n` to the events and `a` to the exposure, and its expected demand is::

    n + (1 - a) * rate,   rate = events / exposure   before the period

The rate is that before the period because stock runs out early where demand is high: a rate updated with the period
would count that demand twice. A period without any stock leaves the rate unchanged, and its expected demand is the
rate (conjugate update: Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6; discounting: West and Harrison,
Bayesian Forecasting and Dynamic Models).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

PRIOR_PERIODS = 1.0  # exposure of the prior, in periods
DISCOUNT = 0.8  # share of events and exposure carried over to the next period


def expected_demand(sold: npt.ArrayLike, available: npt.ArrayLike, *, prior: npt.ArrayLike) -> FloatArray:
    """Return the expected demand of each period, from its own and earlier sales.

    Parameters
    ----------
    sold : array of shape (n_series, n_periods)
        Units sold, not below 0; NaN where unobserved.
    available : array of shape (n_series, n_periods)
        Fraction of each period with stock, 0 to 1.
    prior : array of shape (n_series,)
        Demand per period expected before the first observation, units, above 0.

    Returns
    -------
    ndarray of shape (n_series, n_periods)
        Units: `sold` where stock never ran out, the filtered rate where `sold` is NaN.

    Raises
    ------
    ValueError
        Shapes differ, or a value is out of range; the message names the argument and the rule.

    Examples
    --------
    Four a month; then two sold with stock for half a month; then a month without stock.

    >>> from ml.domain.demand.censored_demand import expected_demand
    >>> expected_demand([[4, 4, 2, 0]], [[1, 1, 0.5, 0]], prior=[4]).round(3).tolist()
    [[4.0, 4.0, 4.0, 4.0]]
    """
    y, a, start = (np.asarray(v, dtype=np.float64) for v in (sold, available, prior))
    if y.ndim != 2 or a.shape != y.shape or start.shape != y.shape[:1]:
        raise ValueError(
            f"sold must have shape (n_series, n_periods), available the same and prior (n_series,), got {y.shape}, "
            f"{a.shape} and {start.shape}"
        )
    if not ((a >= 0) & (a <= 1)).all():
        raise ValueError(f"available must be between 0 and 1, got {a[~((a >= 0) & (a <= 1))][0]}")
    if (y < 0).any():
        raise ValueError(f"sold must not be negative, got {y[y < 0][0]:g}; net returns against sales first")
    if not (start > 0).all():
        raise ValueError(f"prior must be above 0, got {start[~(start > 0)][0]:g}")
    events, exposure = start * PRIOR_PERIODS, np.full(len(y), PRIOR_PERIODS)
    demand = np.empty_like(y)
    for t in range(y.shape[1]):
        observed = np.isfinite(y[:, t])
        n, share = np.where(observed, y[:, t], 0.0), np.where(observed, a[:, t], 0.0)
        demand[:, t] = n + (1 - share) * events / exposure
        events, exposure = DISCOUNT * (events + n), DISCOUNT * (exposure + share)
        events, exposure = (
            np.where(observed, events, events / DISCOUNT),
            np.where(observed, exposure, exposure / DISCOUNT),
        )
    return demand
