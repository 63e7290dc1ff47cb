"""Bootstrap resampling and percentile intervals.

Source: B. Efron, R. Tibshirani (1993), An Introduction to the Bootstrap, chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class Interval:
    """Point estimate with its confidence interval. Returned by `percentile_interval` and the metrics.

    Attributes
    ----------
    value : float
        Point estimate.
    low, high : float
        Limits of the interval, in the unit of `value`.
    level : float, default 0.95
        Confidence level.
    """

    value: float
    low: float
    high: float
    level: float = 0.95


def percentile_interval(value: float, draws: Sequence[float] | FloatArray, *, level: float = 0.95) -> Interval:
    """Return the percentile bootstrap interval.

    Parameters
    ----------
    value : float
        Point estimate. The interval need not contain it if the statistic is biased under resampling.
    draws : sequence of float
        The statistic on each resample, at least one.
    level : float, default 0.95
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        `value` and the quantiles (1 - level) / 2 and (1 + level) / 2 of `draws`.

    Raises
    ------
    ValueError
        `draws` is empty, or `level` is not between 0 and 1.

    Examples
    --------
    >>> from ml.domain.statistics.resampling import percentile_interval
    >>> percentile_interval(4.0, list(range(9)), level=0.5)
    Interval(value=4.0, low=2.0, high=6.0, level=0.5)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if len(draws) == 0:
        raise ValueError("an interval needs at least one draw, got none")
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high), level)


def resampled_counts(n_rows: int, *, n: int, seed: int, groups: npt.ArrayLike | None = None) -> Iterator[FloatArray]:
    """Yield the number of times that each row is drawn, for `n` resamples with replacement.

    Counts, unlike row numbers, serve as sample weights of rows that are sorted once.

    Parameters
    ----------
    n_rows : int
        Number of rows, at least 1.
    n : int
        Number of resamples, at least 1.
    seed : int
        Random seed.
    groups : array of shape (n_rows,), optional
        Cluster of each row, such as the borrower: whole clusters are resampled.

    Yields
    ------
    float64 ndarray of shape (n_rows,)
        Counts of one resample.

    Raises
    ------
    ValueError
        `n_rows` or `n` is below 1, or `groups` has another length.

    Examples
    --------
    >>> from ml.domain.statistics.resampling import resampled_counts
    >>> [int(counts.sum()) for counts in resampled_counts(4, n=2, seed=1)]
    [4, 4]
    >>> counts = next(resampled_counts(4, n=1, seed=1, groups=["a", "a", "b", "b"]))
    >>> bool(counts[0] == counts[1] and counts[2] == counts[3])
    True
    """
    if n_rows < 1 or n < 1:
        raise ValueError(f"resampling needs at least one row and one resample, got n_rows={n_rows}, n={n}")
    member = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    if member is not None and len(member) != n_rows:
        raise ValueError(f"groups must have one entry for each of the {n_rows} rows, got {len(member)}")
    return _draw(n_rows, n, seed, member)


def _draw(n_rows: int, n: int, seed: int, member: npt.NDArray[np.intp] | None) -> Iterator[FloatArray]:
    rng = np.random.default_rng(seed)
    size = n_rows if member is None else int(member.max()) + 1
    for _ in range(n):
        counts = np.bincount(rng.integers(0, size, size), minlength=size).astype(np.float64)
        yield counts if member is None else counts[member]
