"""Split rows into training, calibration and test rows: by time, or by a stable hash where the data has no time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.domain.arrays import FloatArray, IntArray

Rows = NDArray[np.intp]
PARTS = ("train", "calibrate", "test")
RANDOM_SPLIT_NOTE = "the data has no time, so the split is random: expect worse metrics on future data"


def duplicate_groups(features: pl.DataFrame) -> NDArray[np.uint64]:
    """Return a hash of each row, so that rows that agree in every column form a group.

    The hash of a row is the same in every run and does not depend on the other rows.

    Parameters
    ----------
    features : DataFrame
        Any columns.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)
        Hash of each row, in the order of the rows; pass it as `groups` to `split_at_random` and `random_folds`.

    Examples
    --------
    >>> import polars as pl
    >>> groups = duplicate_groups(pl.DataFrame({"age": [30, 40, 30], "city": ["x", "x", "x"]}))
    >>> bool(groups[0] == groups[2]), bool(groups[0] == groups[1])
    (True, False)
    """
    import pandas as pd

    return pd.util.hash_pandas_object(features.to_pandas(), index=False).to_numpy().astype(np.uint64)


def split_by_time(as_of: IntArray, shares: Sequence[float]) -> list[Rows]:
    """Split rows into parts in time order; rows of one instant stay together.

    Parameters
    ----------
    as_of : ndarray of int64, shape (n_rows,)
        Instant of each row, microseconds since 1970 UTC.
    shares : sequence of float
        Share of the rows of each part, the earliest part first; they add up to 1.

    Returns
    -------
    list of ndarray of int
        Row positions of each part, from 0, in the order of `shares`; ascending within a part.

    Raises
    ------
    DataError
        A part would have no row.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in split_by_time(np.array([5, 1, 2, 3, 4]), (0.6, 0.2, 0.2))]
    [[1, 2, 3], [4], [0]]
    """
    ordered = np.sort(as_of)
    ends = np.floor(np.cumsum(shares)[:-1] * len(ordered) + 1e-9).astype(int)
    borders = ordered[np.clip(ends, 0, len(ordered) - 1)]
    part = np.searchsorted(borders, as_of, side="right")
    return _checked([np.flatnonzero(part == i) for i in range(len(shares))])


def split_at_random(groups: NDArray[np.uint64], shares: Sequence[float], *, seed: int) -> list[Rows]:
    """Split rows by a hash of their group, so that the part of a row does not depend on the other rows.

    Parameters
    ----------
    groups : ndarray of uint64, shape (n_rows,)
        Group of each row, as returned by `duplicate_groups`; a group stays in one part.
    shares : sequence of float
        Expected share of the groups of each part; they add up to 1.
    seed : int
        Seed of the hash.

    Returns
    -------
    list of ndarray of int
        Row positions of each part, from 0, in the order of `shares`; ascending within a part.

    Raises
    ------
    DataError
        A part would have no row.

    Examples
    --------
    >>> import numpy as np
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
    """Return the SplitMix64 hash of each group and the seed, scaled to [0, 1)."""
    with np.errstate(over="ignore"):
        z = groups + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def random_folds(
    groups: NDArray[np.uint64], label: FloatArray, *, folds: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Yield training and test rows of a stratified cross-validation that keeps each group in one fold.

    Parameters
    ----------
    groups : ndarray of uint64, shape (n_rows,)
        Group of each row, as returned by `duplicate_groups`.
    label : ndarray of shape (n_rows,)
        Class of each row, such as 0 and 1; every fold has about the same share of each class.
    folds : int
        Number of folds, at least 2.
    seed : int
        Seed of the assignment of groups to folds.

    Yields
    ------
    (ndarray of int, ndarray of int)
        Positions of the training rows and of the test rows of a fold.

    Raises
    ------
    DataError
        A class has fewer groups than there are folds.

    Examples
    --------
    >>> import numpy as np
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
                f"label {value:g} has {len(members)} distinct rows, fewer than the {folds} folds; use fewer folds"
            )
        ranked = members[np.argsort(_uniform(unique[members], seed), kind="stable")]
        fold[ranked] = np.arange(len(ranked)) % folds
    for k in range(folds):
        yield np.flatnonzero(fold[inverse] != k), np.flatnonzero(fold[inverse] == k)


def time_folds(as_of: IntArray, *, folds: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield training and test rows of a cross-validation in time order: every test block follows its training rows.

    Parameters
    ----------
    as_of : ndarray of int64, shape (n_rows,)
        Instant of each row, microseconds since 1970 UTC.
    folds : int
        Number of test blocks. The rows are cut into `folds + 1` blocks; the earliest is never tested.

    Yields
    ------
    (ndarray of int, ndarray of int)
        Positions of the training rows and of the test rows of a fold.

    Raises
    ------
    DataError
        A block would have no row.

    Examples
    --------
    >>> import numpy as np
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
            "add rows, change the shares under split, or use fewer folds"
        )
    return parts
