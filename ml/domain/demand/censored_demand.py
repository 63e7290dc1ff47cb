"""Demand behind sales: what could not be bought was not sold, but was wanted.

A series' rate is followed by a gamma-Poisson filter whose memory fades. A period that had stock for a share `a` of its
time and sold `n` adds `n` to the filter's events and `a` to its exposure, and the expected demand of the period is::

    n + (1 - a) * rate,   rate = events / exposure   as they were before the period

(stock runs out early in periods of high demand: a rate that had seen them would count that twice), so a period without
any stock says nothing about the rate, and its demand is what the rate was before (the conjugate update of Gelman et
al., Bayesian Data Analysis, 3rd ed., section 2.6, with the discounting of West and Harrison).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

# Periods that the prior is worth, and share of events and exposure that the next period keeps.
STRENGTH, MEMORY = 1.0, 0.8


def expected_demand(sold: npt.ArrayLike, available: npt.ArrayLike, *, prior: npt.ArrayLike) -> FloatArray:
    """What was wanted in each period, as known at its end: nothing later is used.

    Parameters
    ----------
    sold : array of shape (n_series, n_periods)
        Units, not below 0; NaN outside a series' life and where not known.
    available : array of the same shape
        Share of each period that had stock, 0 to 1.
    prior : array of shape (n_series,)
        Expected sales of a period before anything is known, above 0.

    Returns
    -------
    ndarray of shape (n_series, n_periods)
        `sold` where stock never ran out; the rate where `sold` is not known.

    Raises
    ------
    ValueError
        Names the argument and its rule.

    Examples
    --------
    Four a month; then stock for half a month and two sold; then none at all.

    >>> expected_demand([[4, 4, 2, 0]], [[1, 1, 0.5, 0]], prior=[4]).round(3).tolist()
    [[4.0, 4.0, 4.0, 4.0]]
    """
    y, a, start = (np.asarray(v, dtype=np.float64) for v in (sold, available, prior))
    if y.ndim != 2 or a.shape != y.shape or start.shape != y.shape[:1]:
        raise ValueError(f"sold {y.shape}, available {a.shape} and prior {start.shape} must speak of the same series")
    if not ((a >= 0) & (a <= 1)).all():
        raise ValueError(f"available must lie between 0 and 1, got {a[~((a >= 0) & (a <= 1))][0]}")
    if (y < 0).any():
        raise ValueError(f"sold must not be below 0, got {y[y < 0][0]:g}; net returns against sales first")
    if not (start > 0).all():
        raise ValueError(f"prior must be above 0, got {start[~(start > 0)][0]:g}")
    events, exposure = start * STRENGTH, np.full(len(y), STRENGTH)
    found = np.empty_like(y)
    for t in range(y.shape[1]):
        known = np.isfinite(y[:, t])
        n, part = np.where(known, y[:, t], 0.0), np.where(known, a[:, t], 0.0)
        found[:, t] = n + (1 - part) * events / exposure
        events, exposure = MEMORY * (events + n), MEMORY * (exposure + part)
        events, exposure = np.where(known, events, events / MEMORY), np.where(known, exposure, exposure / MEMORY)
    return found
