"""Bootstrap resampling: how often each row is drawn, and the interval of what was computed from the draws.

Source: B. Efron and R. Tibshirani, *An Introduction to the Bootstrap* (1993), chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class Interval:
    """A number computed from data, and the range it would take on other data of the same kind.

    Attributes
    ----------
    value : float
        The number on the data at hand.
    low, high : float
        Ends of the interval.
    level : float
        Share of resamples between `low` and `high`.
    """

    value: float
    low: float
    high: float
    level: float = 0.95


def percentile_interval(value: float, draws: Sequence[float] | FloatArray, *, level: float = 0.95) -> Interval:
    """The central interval of resampled values.

    Parameters
    ----------
    value : float
        The number on the data at hand; the interval need not contain it when resampling biases the number.
    draws : sequence of float
        The number on each resample.
    level : float
        Share of draws inside, between 0 and 1.

    Raises
    ------
    ValueError
        No draws, or a level outside (0, 1).

    Examples
    --------
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
    """How many times each row is drawn, for `n` resamples with replacement.

    Counts instead of row numbers let a caller sort its rows once and weight them `n` times.

    Parameters
    ----------
    n_rows : int
        Number of rows, at least 1.
    n : int
        Number of resamples, at least 1.
    seed : int
        Seed; equal seeds give equal counts.
    groups : array of shape (n_rows,), optional
        Cluster of each row (a borrower, a duplicate group): whole clusters are drawn.

    Yields
    ------
    array of shape (n_rows,)
        Counts as float64.

    Raises
    ------
    ValueError
        `n_rows` or `n` below 1, or `groups` of another length.

    Examples
    --------
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
