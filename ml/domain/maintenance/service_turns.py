"""Service interval that routine visits follow, and how late vehicles come.

The gap between two routine visits of a vehicle has ``u = max(days / limit_days, km / limit_km)`` intervals: 1 where the
vehicle came when its service fell due, 2 where it missed one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

MONTH_DAYS = 365.25 / 12
KM = np.arange(2_500.0, 40_001.0, 500.0)
MONTHS = (3, 4, 6, 9, 12, 15, 18, 24, 36)
TIE_FACTOR = 1.01  # rules whose loss exceeds the smallest by less count as tied
MAX_GAPS = 5_000  # a larger sample does not change the rule


def intervals(days: npt.ArrayLike, km: npt.ArrayLike, limit_days: npt.ArrayLike, limit_km: npt.ArrayLike) -> FloatArray:
    """Return the number of service intervals in each gap; by date alone where the distance is NaN.

    Parameters
    ----------
    days, km : array of shape (n_gaps,)
        Days and distance (km) between two visits.
    limit_days, limit_km : float or array of shape (n_gaps,)
        Service interval in days and km, above 0.

    Returns
    -------
    ndarray of shape (n_gaps,)
        1 for a gap of exactly one interval.

    Examples
    --------
    >>> intervals([365.25, 180.0, 365.25], [5_000.0, 15_000.0, np.nan], 365.25, 7_500.0).tolist()
    [1.0, 2.0, 1.0]
    """
    by_date = np.asarray(days, dtype=np.float64) / np.asarray(limit_days, dtype=np.float64)
    return np.asarray(np.fmax(by_date, np.asarray(km, dtype=np.float64) / np.asarray(limit_km, dtype=np.float64)))


def fit_limits(days: npt.ArrayLike, km: npt.ArrayLike, *, default: tuple[float, int]) -> tuple[float, int]:
    """Return the service interval (km, months) with the least mean absolute log of the intervals in the gaps.

    Vehicles that drive little determine the months, those that drive much the distance; the median of either alone
    would mix them. Gaps of two intervals are outliers, to which absolute values are robust. Among tied rules the
    nearest to the default wins: where every vehicle drives much, the gaps do not determine the months.

    Parameters
    ----------
    days, km : array of shape (n_gaps,)
        Days and distance (km) between two visits, above 0.
    default : tuple of (float, int)
        km and months to prefer among tied rules.

    Returns
    -------
    tuple of (float, int)
        Distance (km) in steps of 500, and months.

    Raises
    ------
    ValueError
        There is no gap, or a number is not above 0.

    Examples
    --------
    >>> fit_limits([150.0, 300.0, 366.0, 365.0], [10_000.0, 10_050.0, 4_000.0, 2_000.0], default=(7_500.0, 6))
    (10000.0, 12)
    """
    t, d = np.asarray(days, dtype=np.float64), np.asarray(km, dtype=np.float64)
    if len(t) == 0 or not (t > 0).all() or not (d > 0).all():
        raise ValueError("days and km must hold at least one gap, each above 0: leave out visits of one day")
    if len(t) > MAX_GAPS:
        sample = np.random.default_rng(0).choice(len(t), MAX_GAPS, replace=False)
        t, d = t[sample], d[sample]
    by_date = np.log(t)[:, None] - np.log(MONTH_DAYS * np.unique([*MONTHS, default[1]]))
    months, limits = np.unique([*MONTHS, default[1]]), np.unique([*KM, default[0]])
    loss = np.stack([np.abs(np.maximum(by_date, np.log(d / k)[:, None])).mean(axis=0) for k in limits])
    distance = np.abs(np.log(limits / default[0]))[:, None] + np.abs(np.log(months / default[1]))[None, :]
    tied = loss <= loss.min() * TIE_FACTOR + 1e-3
    row, column = np.unravel_index(np.where(tied, distance, np.inf).argmin(), loss.shape)
    return float(limits[row]), int(months[column])


def lateness(days: npt.ArrayLike, count: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """Return how many days after the due day vehicles come; a gap of two intervals counts against the second.

    Parameters
    ----------
    days, count : array of shape (n_gaps,)
        Length of each gap (days), above 0, and its number of service intervals, from `intervals`.
    probabilities : array of shape (n_probabilities,)
        Between 0 and 1.

    Returns
    -------
    ndarray of shape (n_probabilities,)
        Quantiles over vehicles that come, in days, negative for early visits; all 0 where there is no gap.

    Examples
    --------
    >>> lateness([110.0, 100.0, 90.0, 205.0], [1.1, 1.0, 0.9, 2.05], [0.1, 0.5, 0.9]).round(1).tolist()
    [-7.0, 2.5, 8.5]
    """
    gap, turns = np.asarray(days, dtype=np.float64), np.asarray(count, dtype=np.float64)
    levels = np.asarray(probabilities, dtype=np.float64)
    if len(gap) == 0:
        return np.zeros(len(levels))
    return np.asarray(np.quantile(gap * (1 - whole_turns(turns) / turns), levels).round(6))


def whole_turns(count: npt.ArrayLike) -> FloatArray:
    """Return the service to which a visit belongs: its number of intervals, rounded, at least 1.

    >>> whole_turns([0.3, 1.4, 1.6]).tolist()
    [1.0, 1.0, 2.0]
    """
    return np.maximum(np.round(np.asarray(count, dtype=np.float64)), 1.0)
