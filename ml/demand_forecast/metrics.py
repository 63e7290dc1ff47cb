"""Coverage of forecast intervals, exact for counts and for periods with stock-outs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.demand_forecast.forecast import GRID, Forecast
from ml.domain.arrays import FloatArray
from ml.domain.demand.count_distribution import probability_integral


def calibrated_integral(
    y: FloatArray, forecast: Forecast, available: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper end of the probability integral transform of each outcome.

    A count covers a whole step of the cumulative distribution; under a correct forecast it is uniform on that step
    (C. Czado, T. Gneiting and L. Held (2009), Predictive model assessment for count data, Biometrics 65). Sales of a
    period with a stock-out are a lower bound of demand, so that their upper end is 1.

    Parameters
    ----------
    y : ndarray of shape (n_series, horizon)
        Units sold; NaN where unobserved.
    forecast : Forecast
        As returned by `ml.demand_forecast.forecaster.Forecaster.forecast`.
    available : ndarray of shape (n_series, horizon), optional
        Share of each period with stock, 0 to 1; 1 everywhere if omitted.

    Returns
    -------
    low, high : ndarray of shape (n_series, horizon)
        Levels between 0 and 1; NaN where `y` is NaN. Equal where demand is not counted.

    Examples
    --------
    A Poisson distribution with mean 1: the probabilities of 0 or fewer, and of 1 or fewer.

    >>> import numpy as np
    >>> from ml.demand_forecast.forecast import GRID, Forecast
    >>> one = np.ones((1, 1))
    >>> forecast = Forecast(one, 0 * one, GRID[None, None, :], np.zeros(1, dtype=np.int64), True, {})
    >>> [end.round(3).tolist() for end in calibrated_integral(one, forecast)]
    [[[0.368]], [[0.736]]]
    """
    low, high = probability_integral(np.nan_to_num(y), forecast.mean, forecast.dispersion, smooth=not forecast.is_count)
    if available is not None:
        high = np.where(available < 1, 1.0, high)
    ends = [np.where(np.isfinite(y), _nominal_level(end, forecast.calibrated_levels), np.nan) for end in (low, high)]
    return ends[0], np.maximum(ends[1], ends[0])


def interval_coverage(
    y: FloatArray,
    forecast: Forecast,
    *,
    low: float = 0.1,
    high: float = 0.9,
    available: FloatArray | None = None,
) -> FloatArray:
    """Return the share of each outcome's probability step that lies between two quantile levels.

    The mean over outcomes is `high - low` if the forecasts are calibrated. The plain share of counts between the two
    quantiles, ends included, exceeds `high - low` even then, because each end carries probability.

    Parameters
    ----------
    y : ndarray of shape (n_series, horizon)
        Units sold; NaN where unobserved.
    forecast : Forecast
        As returned by `ml.demand_forecast.forecaster.Forecaster.forecast`.
    low, high : float
        Quantile levels of the interval, 0 to 1.
    available : ndarray of shape (n_series, horizon), optional
        Share of each period with stock, 0 to 1; 1 everywhere if omitted.

    Returns
    -------
    ndarray of shape (n_series, horizon)
        Between 0 and 1 for counts, 0 or 1 for continuous demand; NaN where `y` is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.demand_forecast.forecast import GRID, Forecast
    >>> one = np.ones((1, 1))
    >>> forecast = Forecast(one, 0 * one, GRID[None, None, :], np.zeros(1, dtype=np.int64), True, {})
    >>> [interval_coverage(np.array([[y]]), forecast).round(3).tolist() for y in (1.0, 0.0)]
    [[[1.0]], [[0.728]]]
    """
    a, b = calibrated_integral(y, forecast, available)
    width = np.maximum(b - a, 1e-9)
    inside = np.clip((np.minimum(b, high) - np.maximum(a, low)) / width, 0.0, 1.0)
    point = (b - a) < 1e-9
    return np.asarray(np.where(point, ((a >= low) & (a <= high)).astype(np.float64), inside) + 0 * y)


def _nominal_level(levels: FloatArray, calibrated_levels: FloatArray) -> FloatArray:
    """Map levels of the uncalibrated distribution to nominal quantile levels, by linear interpolation on `GRID`."""
    ends = np.zeros((*calibrated_levels.shape[:-1], 1))
    x = np.maximum.accumulate(np.concatenate([ends, calibrated_levels, ends + 1], axis=-1), axis=-1)
    nominal = np.r_[0.0, GRID, 1.0]
    place: NDArray[np.intp] = np.clip((x <= levels[..., None]).sum(axis=-1) - 1, 0, len(nominal) - 2)
    a, b = (np.take_along_axis(x, i[..., None], axis=-1)[..., 0] for i in (place, place + 1))
    share = np.clip((levels - a) / np.maximum(b - a, 1e-12), 0.0, 1.0)
    return np.asarray(nominal[place] + share * (nominal[place + 1] - nominal[place]))
