"""Who is learnt from and who is tested on: by time where there is time, by stable hash where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.domain.arrays import FloatArray, IntArray

Rows = NDArray[np.intp]
PARTS = ("train", "calibrate", "test")
RANDOM_SPLIT_NOTE = "the data has no time: the split is random, and such figures flatter"


def duplicate_groups(features: pl.DataFrame) -> NDArray[np.uint64]:
    """Number the groups of rows that agree in every column, the same in every run and for any other rows present.

    Examples
    --------
    >>> groups = duplicate_groups(pl.DataFrame({"age": [30, 40, 30], "city": ["x", "x", "x"]}))
    >>> bool(groups[0] == groups[2]), bool(groups[0] == groups[1])
    (True, False)
    """
    import pandas as pd

    return pd.util.hash_pandas_object(features.to_pandas(), index=False).to_numpy().astype(np.uint64)


def split_by_time(as_of: IntArray, shares: Sequence[float]) -> list[Rows]:
    """Split rows into train, calibrate and test in time order; rows of one instant stay together.

    Parameters
    ----------
    as_of : ndarray of int64
        Instant of each row (us).
    shares : sequence of float
        Share of rows of each part.

    Examples
    --------
    >>> [part.tolist() for part in split_by_time(np.array([5, 1, 2, 3, 4]), (0.6, 0.2, 0.2))]
    [[1, 2, 3], [4], [0]]
    """
    ordered = np.sort(as_of)
    ends = np.floor(np.cumsum(shares)[:-1] * len(ordered) + 1e-9).astype(int)
    borders = ordered[np.clip(ends, 0, len(ordered) - 1)]
    part = np.searchsorted(borders, as_of, side="right")
    return _checked([np.flatnonzero(part == i) for i in range(len(shares))])


def split_at_random(groups: NDArray[np.uint64], shares: Sequence[float], *, seed: int) -> list[Rows]:
    """Split rows by a hash of their group, so that a row lands in the same part whatever other rows there are.

    Examples
    --------
    >>> groups = np.repeat(np.arange(500, dtype=np.uint64), 2)
    >>> train, calibrate, test = split_at_random(groups, (0.6, 0.2, 0.2), seed=7)
    >>> set(groups[train]) & set(groups[test])
    set()
    >>> 500 < len(train) < 700
    True
    """
    place = _uniform(groups, seed)
    part = np.searchsorted(np.cumsum(shares)[:-1], place, side="right")
    return _checked([np.flatnonzero(part == i) for i in range(len(shares))])


def _uniform(groups: NDArray[np.uint64], seed: int) -> FloatArray:
    """Splitmix64 of the group number and the seed, as a number in [0, 1)."""
    with np.errstate(over="ignore"):
        z = groups + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def random_folds(
    groups: NDArray[np.uint64], label: FloatArray, *, folds: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Yield (learn, test) rows of a stratified cross-validation that keeps each group in one fold.

    Raises
    ------
    DataError
        There are fewer groups with some label than folds.

    Examples
    --------
    >>> groups, label = np.arange(10, dtype=np.uint64), np.array([0.0] * 8 + [1.0] * 2)
    >>> [int(label[test].sum()) for _, test in random_folds(groups, label, folds=2, seed=7)]
    [1, 1]
    """
    unique, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    stratum = label[first]
    fold = np.empty(len(unique), dtype=np.intp)
    for value in np.unique(stratum):
        members = np.flatnonzero(stratum == value)
        if len(members) < folds:
            raise DataError(
                f"label {value:g} has {len(members)} distinct rows, {folds} folds need as many; use fewer folds"
            )
        ranked = members[np.argsort(_uniform(unique[members], seed), kind="stable")]
        fold[ranked] = np.arange(len(ranked)) % folds
    for k in range(folds):
        yield np.flatnonzero(fold[inverse] != k), np.flatnonzero(fold[inverse] == k)


def time_folds(as_of: IntArray, *, folds: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield (learn, test) rows where each test block lies after everything learnt from.

    Examples
    --------
    >>> [(a.tolist(), b.tolist()) for a, b in time_folds(np.arange(6), folds=2)]
    [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    """
    blocks = split_by_time(as_of, [1 / (folds + 1)] * (folds + 1))
    for k in range(1, folds + 1):
        yield np.sort(np.concatenate(blocks[:k])), blocks[k]


def _checked(parts: list[Rows]) -> list[Rows]:
    if any(len(p) == 0 for p in parts):
        empty, rows = sum(len(p) == 0 for p in parts), sum(len(p) for p in parts)
        raise DataError(
            f"the split of {rows:,} rows leaves {empty} of {len(parts)} parts without rows; "
            "give more rows, other split shares or fewer folds"
        )
    return parts
