"""Demand classes by interval and variability (Syntetos, Boylan and Croston, JORS 56, 2005)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import IntArray

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
INTERVAL, VARIATION = 1.32, 0.49


def demand_class(y: npt.ArrayLike) -> IntArray:
    """Return the position in `CLASSES` of each series' demand class.

    Parameters
    ----------
    y : array of shape (n_series, n_periods)
        Demand, units; NaN outside the series' life.

    Returns
    -------
    ndarray of int64, shape (n_series,)
        Positions in `CLASSES`, ("smooth", "erratic", "intermittent", "lumpy"). Intermittent or lumpy if the mean
        interval between periods with demand is at least 1.32 periods; erratic or lumpy if the squared coefficient of
        variation of the non-zero demand is at least 0.49. A series without demand is intermittent.

    Examples
    --------
    >>> from ml.domain.demand.demand_class import CLASSES, demand_class
    >>> classes = demand_class([[5, 6, 5, 6], [1, 9, 1, 20], [0, 1, 0, 1], [0, 1, 0, 20], [0, 0, 0, 0]])
    >>> [CLASSES[c] for c in classes]
    ['smooth', 'erratic', 'intermittent', 'lumpy', 'intermittent']
    """
    demand = np.asarray(y, dtype=np.float64)
    is_observed, is_positive = np.isfinite(demand), np.nan_to_num(demand) > 0
    count = is_positive.sum(axis=1)
    interval = is_observed.sum(axis=1) / np.maximum(count, 1)
    total = np.where(is_positive, demand, 0.0)
    mean = total.sum(axis=1) / np.maximum(count, 1)
    square = (total**2).sum(axis=1) / np.maximum(count, 1)
    variation = np.where(mean > 0, square / np.where(mean > 0, mean, 1.0) ** 2 - 1, 0.0)
    rare = (interval >= INTERVAL) | (count == 0)
    return np.asarray(2 * rare + (variation >= VARIATION), dtype=np.int64)
