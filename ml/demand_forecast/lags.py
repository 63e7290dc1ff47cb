"""Lags and rolling statistics of series, by mlforecast: on this machine, or on Dask with the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from features.periods import Frequency
from ml.domain.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

LAGS = (1, 2, 3)
# Periods of a short, a middle and a long memory.
WINDOWS: dict[str, tuple[int, int, int]] = {"day": (14, 56, 182), "week": (4, 13, 52), "month": (4, 8, 12)}
NAMES = ("lag1", "lag2", "lag3", "short", "middle", "long", "spread", "fading", "ever")


def transforms(frequency: Frequency) -> dict[str, Any]:
    """What mlforecast computes, as arguments of `MLForecast` and `DistributedMLForecast`; columns are `NAMES`."""
    from mlforecast.lag_transforms import ExpandingMean, ExponentiallyWeightedMean, RollingMean, RollingStd

    windows = [RollingMean(window_size=w, min_samples=1) for w in WINDOWS[frequency]]
    spread = RollingStd(window_size=WINDOWS[frequency][1], min_samples=2)
    return {
        "freq": 1,
        "lags": list(LAGS),
        "lag_transforms": {1: [*windows, spread, ExponentiallyWeightedMean(alpha=0.3), ExpandingMean()]},
    }


def as_rows(values: FloatArray, begin: IntArray) -> pd.DataFrame:
    """Long rows of every series from its begin on, and one more period whose value is not known yet.

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
    """What was known of each series before each period.

    Parameters
    ----------
    values : ndarray of shape (n_series, n_periods)
        Finite from each series' begin on.
    begin : ndarray of shape (n_series,)
        First column.

    Returns
    -------
    ndarray of float32, shape (n_series, n_periods + 1, 9)
        Column t is known before period t; NaN where a series has no past. See `NAMES`.

    Examples
    --------
    >>> lag_table(np.array([[1.0, 3.0]]), np.array([0]), "month")[0, 2, [0, 3]].tolist()
    [3.0, 2.0]
    """
    from mlforecast import MLForecast

    n, periods = values.shape
    found = np.full((n, periods + 1, len(NAMES)), np.nan, dtype=np.float32)
    rows = as_rows(values, begin)
    if rows.empty:
        return found
    made: Any = MLForecast(models=[], num_threads=1, **transforms(frequency)).preprocess(
        rows, dropna=False, static_features=[]
    )
    found[made["unique_id"].to_numpy(), made["ds"].to_numpy()] = made.iloc[:, 3:].to_numpy(dtype=np.float32)
    return found
