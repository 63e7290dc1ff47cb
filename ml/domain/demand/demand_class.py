"""Kinds of demand by how often and how evenly it comes (Syntetos, Boylan and Croston, JORS 56, 2005)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import IntArray

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
INTERVAL, VARIATION = 1.32, 0.49


def demand_class(y: npt.ArrayLike) -> IntArray:
    """Number of each series' kind in `CLASSES`.

    Parameters
    ----------
    y : array of shape (n_series, n_periods)
        Demand; NaN outside a series' life. A series without any demand is intermittent.

    Returns
    -------
    ndarray of int64
        By the mean interval between periods with demand (from 1.32 on: intermittent or lumpy) and the squared
        coefficient of variation of demand where there is any (from 0.49 on: erratic or lumpy).

    Examples
    --------
    >>> kinds = demand_class([[5, 6, 5, 6], [1, 9, 1, 20], [0, 1, 0, 1], [0, 1, 0, 20], [0, 0, 0, 0]])
    >>> [CLASSES[k] for k in kinds]
    ['smooth', 'erratic', 'intermittent', 'lumpy', 'intermittent']
    """
    demand = np.asarray(y, dtype=np.float64)
    there, some = np.isfinite(demand), np.nan_to_num(demand) > 0
    count = some.sum(axis=1)
    interval = there.sum(axis=1) / np.maximum(count, 1)
    total = np.where(some, demand, 0.0)
    mean = total.sum(axis=1) / np.maximum(count, 1)
    square = (total**2).sum(axis=1) / np.maximum(count, 1)
    variation = np.where(mean > 0, square / np.where(mean > 0, mean, 1.0) ** 2 - 1, 0.0)
    rare = (interval >= INTERVAL) | (count == 0)
    return np.asarray(2 * rare + (variation >= VARIATION), dtype=np.int64)
