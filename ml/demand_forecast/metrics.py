"""Whether forecasts hold what they promise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.demand_forecast.forecast import GRID, Forecast
from ml.domain.arrays import FloatArray
from ml.domain.demand.count_distribution import probability_integral


def integral(y: FloatArray, forecast: Forecast, available: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Low and high end of the levels that each outcome stands for under its calibrated forecast.

    An outcome of a period in which stock ran out stands for itself and everything above. A count stands for a whole
    step of levels, of which it fills every part alike if the forecast is right (C. Czado, T. Gneiting and L. Held
    (2009), Predictive model assessment for count data, Biometrics 65).

    Parameters
    ----------
    y : ndarray of shape (n_series, horizon)
        Outcomes; NaN where not known.
    available : ndarray of the same shape, optional
        Share of each period that had stock; all of it if not given.
    """
    low, high = probability_integral(np.nan_to_num(y), forecast.mean, forecast.dispersion, smooth=not forecast.whole)
    if available is not None:
        high = np.where(available < 1, 1.0, high)
    ends = [np.where(np.isfinite(y), _told(end, forecast.level), np.nan) for end in (low, high)]
    return ends[0], np.maximum(ends[1], ends[0])


def interval_coverage(
    y: FloatArray,
    forecast: Forecast,
    *,
    low: float = 0.1,
    high: float = 0.9,
    available: FloatArray | None = None,
) -> FloatArray:
    """How much of each outcome's step of levels lies between two levels: 0 or 1 where demand is not counted.

    Its mean over outcomes is `high - low` if forecasts are right. The plain share of counts from the low quantile to
    the high one, both included, is larger: the ends hold more than their share.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> told = Forecast(one, 0 * one, GRID[None, None, :], np.zeros(1, dtype=np.int64), True, {})
    >>> [interval_coverage(np.array([[y]]), told).round(3).tolist() for y in (1.0, 0.0)]
    [[[1.0]], [[0.728]]]
    """
    a, b = integral(y, forecast, available)
    width = np.maximum(b - a, 1e-9)
    inside = np.clip((np.minimum(b, high) - np.maximum(a, low)) / width, 0.0, 1.0)
    point = (b - a) < 1e-9
    return np.asarray(np.where(point, ((a >= low) & (a <= high)).astype(np.float64), inside) + 0 * y)


def _told(asked: FloatArray, level: FloatArray) -> FloatArray:
    """Promised levels of levels that distributions were asked for, by the lines between those of the grid."""
    ends = np.zeros((*level.shape[:-1], 1))
    x = np.maximum.accumulate(np.concatenate([ends, level, ends + 1], axis=-1), axis=-1)
    told = np.r_[0.0, GRID, 1.0]
    place: NDArray[np.intp] = np.clip((x <= asked[..., None]).sum(axis=-1) - 1, 0, len(told) - 2)
    a, b = (np.take_along_axis(x, i[..., None], axis=-1)[..., 0] for i in (place, place + 1))
    share = np.clip((asked - a) / np.maximum(b - a, 1e-12), 0.0, 1.0)
    return np.asarray(told[place] + share * (told[place + 1] - told[place]))
