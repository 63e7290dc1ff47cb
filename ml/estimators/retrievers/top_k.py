"""The best k items of each row of scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.domain.arrays import IntArray

Scores = npt.NDArray[np.float32 | np.float64]


def top_k(scores: npt.ArrayLike, *, k: int, mask: csr_matrix | None = None) -> IntArray:
    """Item numbers of the k highest scores of each row, best first.

    Equal scores are ordered by item number, so an answer depends on the row alone: one row by itself gives what it
    gives in a batch.

    Parameters
    ----------
    scores : array of shape (n_rows, n_items)
        Finite, or -infinity for items that must not be listed.
    k : int
        Length of the lists, at least 1.
    mask : csr_matrix of shape (n_rows, n_items), optional
        Items with a stored value other than 0 are not listed (those already seen).

    Returns
    -------
    array of int64, shape (n_rows, k)
        -1 where a row has fewer than k items left.

    Raises
    ------
    ConfigError
        `k` below 1.
    DataError
        NaN or +infinity among the scores, or a mask of another shape.

    Examples
    --------
    >>> top_k([[0.3, 0.9, 0.3]], k=2).tolist()
    [[1, 0]]
    >>> top_k([[0.3, 0.9, 0.3]], k=3, mask=csr_matrix([[0, 1, 0]])).tolist()
    [[0, 2, -1]]
    """
    if k < 1:
        raise ConfigError(f"k must be at least 1, got {k}")
    given = np.asarray(scores)
    kept: Scores = np.array(given, dtype=given.dtype if given.dtype == np.float32 else np.float64)
    if kept.ndim != 2 or (mask is not None and mask.shape != kept.shape):
        shape = None if mask is None else mask.shape
        raise DataError(f"scores must be rows x items and a mask as large, got {kept.shape} and {shape}")
    if kept.size and not np.max(kept) < np.inf:
        raise DataError("scores must be numbers below infinity, got NaN or infinity")
    if mask is not None:
        kept[mask.nonzero()] = -np.inf
    found = _best(kept, min(k, kept.shape[1]))
    return np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=-1)


def _best(scores: Scores, k: int) -> IntArray:
    if k == 0 or len(scores) == 0:
        return np.empty((len(scores), k), dtype=np.int64)
    chosen = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    value = np.take_along_axis(scores, chosen, axis=1)
    last = value.min(axis=1, keepdims=True)
    # Where the last place is tied, which of the equals argpartition picked is chance: those rows are sorted whole.
    tied = np.count_nonzero(scores == last, axis=1) > np.count_nonzero(value == last, axis=1)
    chosen[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :k]
    chosen.sort(axis=1)
    value = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-value, axis=1, kind="stable")
    chosen, value = np.take_along_axis(chosen, order, axis=1), np.take_along_axis(value, order, axis=1)
    return np.where(np.isneginf(value), -1, chosen).astype(np.int64)
