"""Day of a visit: the day on which the service falls due, plus the lateness of vehicles that come.

Both are given by quantiles with equal probabilities and taken as independent, so that every pair of a due day and a
lateness is equally probable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


def mid_probabilities(n: int) -> FloatArray:
    """Return the middles of `n` intervals of equal probability.

    >>> mid_probabilities(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return (np.arange(n) + 0.5) / n


def visit_points(due: npt.ArrayLike, lateness: npt.ArrayLike) -> FloatArray:
    """Return equally probable days of the visit of each vehicle, ascending.

    Parameters
    ----------
    due : array of shape (n_vehicles, n_due)
        Equally probable due days; infinite for none.
    lateness : array of shape (n_late,)
        Equally probable days from the due day to the visit; negative for early visits.

    Returns
    -------
    ndarray of shape (n_vehicles, n_due * n_late)
        Days, on the axis of `due`.

    Examples
    --------
    >>> visit_points([[100.0, 110.0]], [-5.0, 10.0]).tolist()
    [[95.0, 105.0, 110.0, 120.0]]
    """
    days, late = np.asarray(due, dtype=np.float64), np.asarray(lateness, dtype=np.float64)
    return np.sort((days[:, :, None] + late).reshape(len(days), -1), axis=1)


def probability_until(points: FloatArray, day: float) -> FloatArray:
    """Return the probability of a visit up to and including `day`, if the vehicle comes to this service.

    >>> probability_until(visit_points([[100.0, 110.0]], [-5.0, 10.0]), 110).tolist()
    [0.75]
    """
    return np.asarray((points <= day).mean(axis=1))


def later_quantiles(points: FloatArray, after: float, levels: Sequence[float]) -> FloatArray:
    """Return quantiles of the day of the visit, given that it comes later than a day.

    Parameters
    ----------
    points : ndarray of shape (n_vehicles, n_points)
        As returned by `visit_points`.
    after : float
        Day up to which there was no visit.
    levels : sequence of float
        Probabilities, from 0 to 1.

    Returns
    -------
    ndarray of shape (n_vehicles, n_levels)
        Days; the day after `after` where no point is later.

    Examples
    --------
    >>> points = visit_points([[100.0, 110.0]], [-5.0, 10.0])
    >>> later_quantiles(points, 95.0, [0.0, 0.5, 1.0]).tolist(), later_quantiles(points, 200.0, [0.5]).tolist()
    ([[105.0, 110.0, 120.0]], [[201.0]])
    """
    n = points.shape[1]
    past = (points <= after).sum(axis=1)
    place = past[:, None] + np.floor(np.asarray(levels) * (n - past[:, None])).astype(np.int64)
    days = np.take_along_axis(points, np.minimum(place, n - 1), axis=1)
    return np.asarray(np.where((past == n)[:, None], after + 1.0, days))
