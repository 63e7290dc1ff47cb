"""Time in the field: how many vehicle-days of each group fall into each period."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray, IntArray


def exposure_by_period(
    start: npt.ArrayLike, end: npt.ArrayLike, group: npt.ArrayLike, *, edges: npt.ArrayLike, n_groups: int
) -> FloatArray:
    """Exposure of each group in each period.

    Up to a moment t a group has ``sum(max(t - start, 0) - max(t - end, 0))``; a period has the difference of its edges.
    One pass over the vehicles, whatever the number of periods.

    Parameters
    ----------
    start, end : array of shape (n_vehicles,)
        When each is under observation, in the unit of the edges; one that ends before it starts counts nothing.
    group : array of int, shape (n_vehicles,)
        Between 0 and ``n_groups - 1``.
    edges : array of shape (n_periods + 1,)
        Rising.

    Returns
    -------
    ndarray of shape (n_groups, n_periods)
        In the unit of the edges.

    Raises
    ------
    ValueError
        Edges do not rise, a time is not finite, or a group is out of range.

    Examples
    --------
    >>> exposure_by_period([0.0, 5.0], [20.0, 12.0], [0, 0], edges=[0, 10, 20], n_groups=1).tolist()
    [[15.0, 12.0]]
    """
    begin, until = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    of, at = np.asarray(group, dtype=np.int64), np.asarray(edges, dtype=np.float64)
    if not begin.shape == until.shape == of.shape or begin.ndim != 1:
        raise ValueError(f"start {begin.shape}, end {until.shape} and group {of.shape} must be columns of one length")
    if at.ndim != 1 or len(at) < 2 or not (np.diff(at) > 0).all():
        raise ValueError("edges must be at least two, each above the one before")
    if not (np.isfinite(begin).all() and np.isfinite(until).all()):
        raise ValueError("start and end must be finite: give the last day known for vehicles that still drive")
    if len(of) and (of.min() < 0 or of.max() >= n_groups):
        raise ValueError(f"group must lie between 0 and {n_groups - 1}, got {int(of.min())} to {int(of.max())}")
    until = np.maximum(until, begin)
    elapsed = _elapsed(begin, of, at, n_groups) - _elapsed(until, of, at, n_groups)
    return np.asarray(np.maximum(np.diff(elapsed, axis=1), 0.0))


def _elapsed(since: FloatArray, group: IntArray, edges: FloatArray, n_groups: int) -> FloatArray:
    """Time elapsed since some moments, added up by group, at each edge."""
    since = np.maximum(since, edges[0]) - edges[0]
    offset = edges - edges[0]
    wide = len(edges) + 1
    cell = group * wide + np.searchsorted(offset, since, side="left")
    count = np.bincount(cell, minlength=n_groups * wide).reshape(n_groups, wide)[:, :-1].cumsum(axis=1)
    total = np.bincount(cell, weights=since, minlength=n_groups * wide).reshape(n_groups, wide)[:, :-1].cumsum(axis=1)
    return np.asarray(count * offset[None, :] - total)
