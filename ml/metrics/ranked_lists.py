"""Metrics of ranked lists: one value per list, so that intervals can resample people.

`lists` holds item numbers, best first, with -1 after the end of a shorter list, as returned by
`ml.estimators.retrievers.top_k.top_k`. `relevant` is a sparse matrix of lists x items; values other than 0 mark the
relevant items. A list without relevant items has the value NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import DataError
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.statistics.resampling import Interval, bootstrap_interval, resampled_counts

CHUNK_CELLS = 50_000_000  # cells of the dense relevance matrix at a time: 50 MB


def recall_at_k(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """Return recall at k: the share of the relevant items that the list contains, hits / relevant items.

    The denominator counts all relevant items, even if there are more than k, as in X. He et al. (2020), LightGCN,
    arXiv:2002.02126.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    relevant : csr_matrix of shape (n_rows, n_items)
        Values other than 0 mark relevant items.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        From 0 to 1; NaN for a row without relevant items.

    Raises
    ------
    DataError
        The shapes do not match, a list contains an item twice, or an item number is out of range.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.metrics.ranked_lists import recall_at_k
    >>> recall_at_k([[2, 0]], csr_matrix([[1, 1, 0, 1]])).round(3).tolist()
    [0.333]
    """
    hits, count = _hits(lists, relevant)
    return _defined(np.asarray(hits.sum(axis=1) / np.maximum(count, 1)), count)


def ndcg_at_k(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """Return the normalised discounted cumulative gain with binary relevance, one value per list.

    A hit at a place (from 1) gains ``1 / log2(1 + place)``; the sum is divided by that of the ideal list, which has
    ``min(k, relevant items)`` hits at its top.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    relevant : csr_matrix of shape (n_rows, n_items)
        Values other than 0 mark relevant items.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        From 0 to 1; NaN for a row without relevant items.

    Raises
    ------
    DataError
        The shapes do not match, a list contains an item twice, or an item number is out of range.

    References
    ----------
    K. Järvelin and J. Kekäläinen (2002), ACM TOIS 20, 422-446, with binary gains.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.metrics.ranked_lists import ndcg_at_k
    >>> ndcg_at_k([[0, 1]], csr_matrix([[0, 1, 0]])).round(4).tolist()  # second place: 1 / log2(3)
    [0.6309]
    """
    hits, count = _hits(lists, relevant)
    discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    best = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(count, hits.shape[1])]
    return _defined(np.asarray(hits @ discount) / np.where(count > 0, best, 1.0), count)


def hit_rate_at_k(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """Return 1 for a list with at least one relevant item, else 0; the mean over lists is the hit rate.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    relevant : csr_matrix of shape (n_rows, n_items)
        Values other than 0 mark relevant items.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        0 or 1; NaN for a row without relevant items.

    Raises
    ------
    DataError
        The shapes do not match, a list contains an item twice, or an item number is out of range.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.metrics.ranked_lists import hit_rate_at_k
    >>> hit_rate_at_k([[0, 1], [0, 1]], csr_matrix([[0, 1, 0], [0, 0, 1]])).tolist()
    [1.0, 0.0]
    """
    hits, count = _hits(lists, relevant)
    return _defined(np.asarray(hits.any(axis=1), dtype=np.float64), count)


def reciprocal_rank(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """Return 1 / (place of the first hit), 0 without a hit; the mean over lists is the MRR.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    relevant : csr_matrix of shape (n_rows, n_items)
        Values other than 0 mark relevant items.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        From 0 to 1; NaN for a row without relevant items.

    Raises
    ------
    DataError
        The shapes do not match, a list contains an item twice, or an item number is out of range.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.metrics.ranked_lists import reciprocal_rank
    >>> reciprocal_rank([[0, 1], [0, 1]], csr_matrix([[0, 1, 0], [0, 0, 1]])).tolist()
    [0.5, 0.0]
    """
    hits, count = _hits(lists, relevant)
    place = 1 / np.arange(1, hits.shape[1] + 1)
    return _defined((hits * place).max(axis=1, initial=0.0), count)


def coverage(lists: npt.ArrayLike, *, n_items: int) -> float:
    """Return catalogue coverage, 0 to 1: the fraction of all items that occur in at least one list.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    n_items : int
        Number of items in the catalogue.

    Raises
    ------
    DataError
        `n_items` is below 1, or an item number is out of range.

    Examples
    --------
    >>> from ml.metrics.ranked_lists import coverage
    >>> coverage([[0, 1], [1, -1]], n_items=4)
    0.5
    """
    items = _items(lists, n_items)
    if n_items < 1:
        raise DataError(f"coverage: n_items must be at least 1, got {n_items}")
    return float(np.unique(items[items >= 0]).size / n_items)


def novelty(lists: npt.ArrayLike, *, seen_by: npt.ArrayLike, n_users: int) -> FloatArray:
    """Return novelty in bits: the mean self-information ``-log2((seen_by + 1) / (n_users + 1))`` of a list's items.

    Adding 1 counts the person who gets the list, so that an item nobody has seen has a finite value.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    seen_by : array of shape (n_items,)
        Number of people in the training data who interacted with each item.
    n_users : int
        Number of people in the training data.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        Bits, 0 or more; NaN for an empty list.

    Raises
    ------
    DataError
        A count exceeds `n_users` or is negative, or an item number is out of range.

    References
    ----------
    T. Zhou et al. (2010), PNAS 107, 4511-4515.

    Examples
    --------
    >>> from ml.metrics.ranked_lists import novelty
    >>> novelty([[0, 1]], seen_by=[7, 1], n_users=7).tolist()  # (0 + 2) / 2 bits
    [1.0]
    """
    count = np.asarray(seen_by, dtype=np.float64)
    if count.ndim != 1 or not ((count >= 0) & (count <= n_users)).all():
        raise DataError(f"novelty: seen_by must have one number from 0 to n_users = {n_users} per item")
    items = _items(lists, len(count))
    bits = np.append(-np.log2((count + 1) / (n_users + 1)), 0.0)  # index -1 stands for the places after the end: 0 bits
    length = (items >= 0).sum(axis=1)
    return _defined(bits[items].sum(axis=1) / np.maximum(length, 1), length)


def mean_with_interval(values: npt.ArrayLike, *, n: int = 200, level: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean over people with its bootstrap interval; NaN values are left out.

    To compare two models on the same people, pass the differences of their values.

    Parameters
    ----------
    values : array of shape (n_people,)
        One value per person, such as the metrics of this module return for one list per person.
    n : int
        Number of bootstrap resamples, at least 1.
    level : float
        Confidence level of the interval.
    seed : int
        Seed of the resamples.

    Returns
    -------
    Interval
        Fields `value`, `low`, `high` and `level`; the limits are NaN if all people have the same value, as for a single
        person.

    Raises
    ------
    DataError
        `values` is not one-dimensional, or all values are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.metrics.ranked_lists import mean_with_interval
    >>> interval = mean_with_interval([0.0, 1.0, np.nan, 1.0, 0.0] * 50)
    >>> interval.value, 0.4 < interval.low < 0.5 < interval.high < 0.6
    (0.5, True)
    """
    array = np.asarray(values, dtype=np.float64)
    present = array[~np.isnan(array)]
    if array.ndim != 1 or not present.size:
        raise DataError(
            "mean_with_interval: values must be one-dimensional with at least one value that is not NaN, got shape "
            f"{array.shape} with {present.size}"
        )
    draws = [float(counts @ present / present.size) for counts in resampled_counts(present.size, n=n, seed=seed)]
    bounds = float(present.min()), float(present.max())
    return bootstrap_interval(float(present.mean()), draws, level=level, bounds=bounds)


def _hits(lists: npt.ArrayLike, relevant: csr_matrix) -> tuple[BoolArray, IntArray]:
    """Return whether each place holds a relevant item, and the number of relevant items of each row."""
    matrix = csr_matrix(relevant)
    items = _items(lists, matrix.shape[1])
    if len(items) != matrix.shape[0]:
        raise DataError(f"ranked lists: lists and relevant differ in rows, {len(items)} against {matrix.shape[0]}")
    hits = np.zeros(items.shape, dtype=np.bool_)
    count = np.zeros(len(items), dtype=np.int64)
    step = max(1, CHUNK_CELLS // max(matrix.shape[1], 1))
    for start in range(0, len(items), step):
        rows = slice(start, start + step)
        marks = matrix[rows].toarray() != 0
        count[rows] = marks.sum(axis=1)
        place_hits = np.take_along_axis(marks, np.maximum(items[rows], 0), axis=1)
        hits[rows] = place_hits & (items[rows] >= 0)
    return hits, count


def _items(lists: npt.ArrayLike, n_items: int) -> IntArray:
    items = np.asarray(lists)
    if items.ndim != 2 or items.dtype.kind not in "iu":
        raise DataError(
            f"ranked lists must be a two-dimensional array of integers, got {items.dtype} of shape {items.shape}"
        )
    if items.size and (items.min() < -1 or items.max() >= n_items):
        raise DataError(
            f"ranked lists must hold item numbers from 0 to {n_items - 1} or -1, got {items.min()} to {items.max()}"
        )
    ordered = np.sort(items, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row, place = np.argwhere(twice)[0]
        raise DataError(f"ranked lists must not repeat an item; row {row} holds item {ordered[row, place]} twice")
    return items.astype(np.int64)


def _defined(values: FloatArray, count: IntArray) -> FloatArray:
    return np.where(count > 0, values, np.nan)
