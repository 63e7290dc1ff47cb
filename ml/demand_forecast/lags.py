"""Lags and rolling statistics of series, computed by mlforecast: locally, or on Dask with the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from features.periods import Frequency
from ml.domain.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

LAGS = (1, 2, 3)
# Periods of the short, the middle and the long rolling window.
WINDOWS: dict[str, tuple[int, int, int]] = {"day": (14, 56, 182), "week": (4, 13, 52), "month": (4, 8, 12)}
NAMES = ("lag1", "lag2", "lag3", "short", "middle", "long", "spread", "fading", "ever")


def transforms(frequency: Frequency) -> dict[str, Any]:
    """Return the keyword arguments of `MLForecast` or `DistributedMLForecast` that compute the columns `NAMES`.

    Parameters
    ----------
    frequency : {'day', 'week', 'month'}
        Sets the rolling windows, in periods: 14, 56 and 182 days; 4, 13 and 52 weeks; 4, 8 and 12 months.

    Returns
    -------
    dict of str to object
        `freq` (1: `ds` is an integer), `lags` (list of int) and `lag_transforms`, as in ``MLForecast(**...)``.

    Examples
    --------
    >>> sorted(transforms("month"))
    ['freq', 'lag_transforms', 'lags']
    """
    from mlforecast.lag_transforms import ExpandingMean, ExponentiallyWeightedMean, RollingMean, RollingStd

    windows = [RollingMean(window_size=w, min_samples=1) for w in WINDOWS[frequency]]
    spread = RollingStd(window_size=WINDOWS[frequency][1], min_samples=2)
    return {
        "freq": 1,
        "lags": list(LAGS),
        "lag_transforms": {1: [*windows, spread, ExponentiallyWeightedMean(alpha=0.3), ExpandingMean()]},
    }


def as_rows(values: FloatArray, begin: IntArray) -> pd.DataFrame:
    """Return the series in Nixtla's long format, each from its first period to one period past the end.

    Parameters
    ----------
    values : ndarray of shape (n_series, n_periods)
        Demand, finite from each series' `begin` on.
    begin : ndarray of shape (n_series,)
        First column of each series.

    Returns
    -------
    DataFrame
        `unique_id` (row of `values`), `ds` (column) and `y`; the period past the end has ``y = 0``.

    Examples
    --------
    >>> import numpy as np
    >>> as_rows(np.array([[1.0, 2.0]]), np.array([1]))[["unique_id", "ds", "y"]].to_numpy().tolist()
    [[0.0, 1.0, 2.0], [0.0, 2.0, 0.0]]
    """
    n, periods = values.shape
    padded = np.column_stack([values, np.zeros(n)])
    inside = np.arange(periods + 1)[None, :] >= begin[:, None]
    s, t = np.nonzero(inside)
    import pandas as pd

    return pd.DataFrame({"unique_id": s, "ds": t, "y": padded[s, t]})


def lag_table(values: FloatArray, begin: IntArray, frequency: Frequency) -> FloatArray:
    """Return lags and rolling statistics of each series before each period.

    Parameters
    ----------
    values : ndarray of shape (n_series, n_periods)
        Demand, finite from each series' `begin` on.
    begin : ndarray of shape (n_series,)
        First column of each series.
    frequency : {'day', 'week', 'month'}
        Sets the rolling windows, in periods: 14, 56 and 182 days; 4, 13 and 52 weeks; 4, 8 and 12 months.

    Returns
    -------
    ndarray of float32, shape (n_series, n_periods + 1, 9)
        Columns `NAMES`, in units of `values`; entry t uses the columns before t. NaN where a series has no past.
        short, middle and long are rolling means, spread a standard deviation, fading and ever weighted and total means.

    Examples
    --------
    >>> import numpy as np
    >>> lag_table(np.array([[1.0, 3.0]]), np.array([0]), "month")[0, 2, [0, 3]].tolist()
    [3.0, 2.0]
    """
    from mlforecast import MLForecast

    n, periods = values.shape
    table = np.full((n, periods + 1, len(NAMES)), np.nan, dtype=np.float32)
    rows = as_rows(values, begin)
    if rows.empty:
        return table
    lags: Any = MLForecast(models=[], num_threads=1, **transforms(frequency)).preprocess(
        rows, dropna=False, static_features=[]
    )
    table[lags["unique_id"].to_numpy(), lags["ds"].to_numpy()] = lags.iloc[:, 3:].to_numpy(dtype=np.float32)
    return table
