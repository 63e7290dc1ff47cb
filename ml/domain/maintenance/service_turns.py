"""What visits to the workshop tell of the rule that they follow, and how well they keep to it.

A gap between two routine visits of a vehicle has ``u = max(days / limit_days, km / limit_km)`` intervals: 1 where the
vehicle came when its service fell due, 2 where it left one out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

MONTH_DAYS = 365.25 / 12
KM = np.arange(2_500.0, 40_001.0, 500.0)
MONTHS = (3, 4, 6, 9, 12, 15, 18, 24, 36)
AS_GOOD = 1.01  # losses that differ by less do not speak for a rule
SAMPLE = 5_000  # gaps that are looked at; more would not change the steps of a rule


@dataclass(frozen=True)
class Punctuality:
    """How vehicles come against the day on which their service falls due.

    Attributes
    ----------
    low, middle, high : float
        Quantiles of the days by which those that come are late; below 0 they are early.
    """

    low: float = 0.0
    middle: float = 0.0
    high: float = 0.0


def intervals(days: npt.ArrayLike, km: npt.ArrayLike, limit_days: npt.ArrayLike, limit_km: npt.ArrayLike) -> FloatArray:
    """How many intervals each gap has; by date alone where the distance is not known (NaN).

    >>> intervals([365.25, 180.0, 365.25], [5_000.0, 15_000.0, np.nan], 365.25, 7_500.0).tolist()
    [1.0, 2.0, 1.0]
    """
    by_date = np.asarray(days, dtype=np.float64) / np.asarray(limit_days, dtype=np.float64)
    return np.asarray(np.fmax(by_date, np.asarray(km, dtype=np.float64) / np.asarray(limit_km, dtype=np.float64)))


def fit_limits(days: npt.ArrayLike, km: npt.ArrayLike, *, usual: tuple[float, int]) -> tuple[float, int]:
    """The rule (km, months) that gaps follow best: the least mean absolute logarithm of their intervals.

    Slow vehicles tell the months and fast ones the distance; a median of either alone would mix them. Gaps of two
    intervals are outliers, which absolute values forgive. Of rules that fit as well the one nearest to the usual rule
    is taken: where every vehicle is fast, nothing is known about months.

    Parameters
    ----------
    days, km : array of shape (n_gaps,)
        Between two visits, above 0.
    usual : tuple of (float, int)
        km and months.

    Raises
    ------
    ValueError
        There is no gap, or one is not above 0.

    Examples
    --------
    >>> fit_limits([150.0, 300.0, 366.0, 365.0], [10_000.0, 10_050.0, 4_000.0, 2_000.0], usual=(7_500.0, 6))
    (10000.0, 12)
    """
    t, d = np.asarray(days, dtype=np.float64), np.asarray(km, dtype=np.float64)
    if len(t) == 0 or not (t > 0).all() or not (d > 0).all():
        raise ValueError("days and km must hold at least one gap, each above 0: leave out visits of one day")
    if len(t) > SAMPLE:
        chosen = np.random.default_rng(0).choice(len(t), SAMPLE, replace=False)
        t, d = t[chosen], d[chosen]
    by_date = np.log(t)[:, None] - np.log(MONTH_DAYS * np.unique([*MONTHS, usual[1]]))
    months, limits = np.unique([*MONTHS, usual[1]]), np.unique([*KM, usual[0]])
    loss = np.stack([np.abs(np.maximum(by_date, np.log(d / k)[:, None])).mean(axis=0) for k in limits])
    off = np.abs(np.log(limits / usual[0]))[:, None] + np.abs(np.log(months / usual[1]))[None, :]
    row, column = np.unravel_index(np.where(loss <= loss.min() * AS_GOOD + 1e-3, off, np.inf).argmin(), loss.shape)
    return float(limits[row]), int(months[column])


def punctuality(days: npt.ArrayLike, count: npt.ArrayLike, *, share: float = 0.8) -> Punctuality:
    """How far from the due day those come that come, in days; a gap of two intervals is measured against the second.

    Parameters
    ----------
    days, count : array of shape (n_gaps,)
        Length of each gap, above 0, and its `intervals`.
    share : float
        Of the interval.

    Examples
    --------
    >>> punctuality([110.0, 100.0, 90.0, 205.0], [1.1, 1.0, 0.9, 2.05])
    Punctuality(low=-7.0, middle=2.5, high=8.5)
    """
    gap, turns = np.asarray(days, dtype=np.float64), np.asarray(count, dtype=np.float64)
    if len(gap) == 0:
        return Punctuality()
    whole = np.maximum(np.round(turns), 1.0)
    late = gap * (1 - whole / turns)
    low, middle, high = np.quantile(late, [(1 - share) / 2, 0.5, (1 + share) / 2]).round(6)
    return Punctuality(float(low), float(middle), float(high))
