"""Exposure: vehicle-days of each group in each period."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray, IntArray


def exposure_by_period(
    start: npt.ArrayLike, end: npt.ArrayLike, group: npt.ArrayLike, *, edges: npt.ArrayLike, n_groups: int
) -> FloatArray:
    """Return the exposure of each group in each period.

    The exposure of a group up to time t is ``sum(max(t - start, 0) - max(t - end, 0))``; that of a period is the
    difference between its edges. The vehicles are read once, whatever the number of periods.

    Parameters
    ----------
    start, end : array of shape (n_vehicles,)
        Begin and end of each vehicle's observation, in the unit of `edges`; a vehicle whose end lies before its start
        has no exposure.
    group : array of int, shape (n_vehicles,)
        Group of each vehicle, from 0 to ``n_groups - 1``.
    edges : array of shape (n_periods + 1,)
        Limits of the periods, strictly increasing.
    n_groups : int
        Number of groups.

    Returns
    -------
    ndarray of shape (n_groups, n_periods)
        Exposure in the unit of `edges`.

    Raises
    ------
    ValueError
        `edges` do not increase, a time is not finite, lengths differ, or a group is out of range.

    Examples
    --------
    >>> exposure_by_period([0.0, 5.0], [20.0, 12.0], [0, 0], edges=[0, 10, 20], n_groups=1).tolist()
    [[15.0, 12.0]]
    """
    begin, finish = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    groups, limits = np.asarray(group, dtype=np.int64), np.asarray(edges, dtype=np.float64)
    if not begin.shape == finish.shape == groups.shape or begin.ndim != 1:
        shapes = f"start {begin.shape}, end {finish.shape} and group {groups.shape}"
        raise ValueError(f"{shapes} must be 1-dimensional and of equal length")
    if limits.ndim != 1 or len(limits) < 2 or not (np.diff(limits) > 0).all():
        raise ValueError("edges must hold at least two numbers, strictly increasing")
    if not (np.isfinite(begin).all() and np.isfinite(finish).all()):
        raise ValueError("start and end must be finite: for vehicles still in service give the last edge as end")
    if len(groups) and (groups.min() < 0 or groups.max() >= n_groups):
        raise ValueError(f"group must lie between 0 and {n_groups - 1}, got {int(groups.min())} to {int(groups.max())}")
    finish = np.maximum(finish, begin)
    elapsed = _elapsed(begin, groups, limits, n_groups) - _elapsed(finish, groups, limits, n_groups)
    return np.asarray(np.maximum(np.diff(elapsed, axis=1), 0.0))


def _elapsed(since: FloatArray, group: IntArray, edges: FloatArray, n_groups: int) -> FloatArray:
    """Return the time elapsed since the starts, summed by group, at each edge, shape (n_groups, n_edges)."""
    since = np.maximum(since, edges[0]) - edges[0]
    offset = edges - edges[0]
    wide = len(edges) + 1
    cell = group * wide + np.searchsorted(offset, since, side="left")
    count = np.bincount(cell, minlength=n_groups * wide).reshape(n_groups, wide)[:, :-1].cumsum(axis=1)
    total = np.bincount(cell, weights=since, minlength=n_groups * wide).reshape(n_groups, wide)[:, :-1].cumsum(axis=1)
    return np.asarray(count * offset[None, :] - total)
