"""Top-k selection."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.domain.arrays import IntArray

Scores = npt.NDArray[np.float32 | np.float64]


def top_k(scores: npt.ArrayLike, *, k: int, mask: csr_matrix | None = None) -> IntArray:
    """Return the item numbers of the k highest scores of each row, highest first.

    Ties are broken by item number, so that a row's list does not depend on the other rows of a batch.

    Parameters
    ----------
    scores : array of shape (n_rows, n_items)
        Finite, or -infinity for items to exclude.
    k : int
        Length of the lists, at least 1.
    mask : csr_matrix of shape (n_rows, n_items), optional
        Non-zero entries mark items to exclude, such as the history.

    Returns
    -------
    int64 ndarray of shape (n_rows, k)
        Padded with -1 where fewer than k items remain.

    Raises
    ------
    ConfigError
        `k` is below 1.
    DataError
        Scores contain NaN or +infinity, or the shapes differ.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.top_k import top_k
    >>> top_k([[0.3, 0.9, 0.3]], k=2).tolist()
    [[1, 0]]
    >>> top_k([[0.3, 0.9, 0.3]], k=3, mask=csr_matrix([[0, 1, 0]])).tolist()
    [[0, 2, -1]]
    """
    if k < 1:
        raise ConfigError(f"k must be at least 1, got {k}")
    original = np.asarray(scores)
    ranked: Scores = np.array(original, dtype=original.dtype if original.dtype == np.float32 else np.float64)
    if ranked.ndim != 2 or (mask is not None and mask.shape != ranked.shape):
        shape = None if mask is None else mask.shape
        raise DataError(f"scores must be rows x items and mask of the same shape, got {ranked.shape} and {shape}")
    if ranked.size and not np.max(ranked) < np.inf:
        raise DataError("scores must be numbers below infinity, got NaN or infinity")
    if mask is not None:
        ranked[mask.nonzero()] = -np.inf
    items = _best(ranked, min(k, ranked.shape[1]))
    return np.pad(items, ((0, 0), (0, k - items.shape[1])), constant_values=-1)


def _best(scores: Scores, k: int) -> IntArray:
    if k == 0 or len(scores) == 0:
        return np.empty((len(scores), k), dtype=np.int64)
    chosen = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    value = np.take_along_axis(scores, chosen, axis=1)
    last = value.min(axis=1, keepdims=True)
    # argpartition picks arbitrarily among items tied for the last place: such rows are sorted completely.
    tied = np.count_nonzero(scores == last, axis=1) > np.count_nonzero(value == last, axis=1)
    chosen[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :k]
    chosen.sort(axis=1)
    value = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-value, axis=1, kind="stable")
    chosen, value = np.take_along_axis(chosen, order, axis=1), np.take_along_axis(value, order, axis=1)
    return np.where(np.isneginf(value), -1, chosen).astype(np.int64)
