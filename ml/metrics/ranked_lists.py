"""How good ranked lists are: one number per person, so that intervals come from drawing people.

`lists` holds item numbers, best first, with -1 where a list ended early (as `top_k` returns them); `relevant` is a
sparse matrix of the same rows x items whose stored values other than 0 mark what each person turned to. A person
without any relevant item has no value: NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import DataError
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.statistics.resampling import Interval, percentile_interval, resampled_counts

CHUNK_CELLS = 50_000_000  # marks of 50 MB at a time


def recall_at_k(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """Share of each person's relevant items that the list holds: hits / relevant items.

    The denominator is the number of relevant items even beyond the length of the list, as in X. He et al. (2020),
    LightGCN, arXiv:2002.02126.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    relevant : csr_matrix of shape (n_rows, n_items)
        Relevant items.

    Returns
    -------
    array of shape (n_rows,)

    Raises
    ------
    DataError
        Shapes that do not match, an item twice in one list, or an item that does not exist.

    Examples
    --------
    >>> recall_at_k([[2, 0]], csr_matrix([[1, 1, 0, 1]])).round(3).tolist()
    [0.333]
    """
    hits, count = _hits(lists, relevant)
    return _defined(np.asarray(hits.sum(axis=1) / np.maximum(count, 1)), count)


def ndcg_at_k(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """Normalised discounted cumulative gain: gain `1 / log2(1 + place)` of each hit over the best possible.

    The best possible list holds `min(k, relevant items)` hits at its top. Arguments and errors as for `recall_at_k`.

    References
    ----------
    K. Järvelin and J. Kekäläinen (2002), ACM TOIS 20, 422-446, with binary gains.

    Examples
    --------
    >>> ndcg_at_k([[0, 1]], csr_matrix([[0, 1, 0]])).round(4).tolist()  # second place: 1 / log2(3)
    [0.6309]
    """
    hits, count = _hits(lists, relevant)
    discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    best = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(count, hits.shape[1])]
    return _defined(np.asarray(hits @ discount) / np.where(count > 0, best, 1.0), count)


def hit_rate_at_k(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """1 for a person whose list holds any relevant item, else 0; arguments and errors as for `recall_at_k`.

    >>> hit_rate_at_k([[0, 1], [0, 1]], csr_matrix([[0, 1, 0], [0, 0, 1]])).tolist()
    [1.0, 0.0]
    """
    hits, count = _hits(lists, relevant)
    return _defined(np.asarray(hits.any(axis=1), dtype=np.float64), count)


def reciprocal_rank(lists: npt.ArrayLike, relevant: csr_matrix) -> FloatArray:
    """One over the place of the first hit, 0 without one; its mean is the MRR. Arguments and errors as `recall_at_k`.

    >>> reciprocal_rank([[0, 1], [0, 1]], csr_matrix([[0, 1, 0], [0, 0, 1]])).tolist()
    [0.5, 0.0]
    """
    hits, count = _hits(lists, relevant)
    place = 1 / np.arange(1, hits.shape[1] + 1)
    return _defined((hits * place).max(axis=1, initial=0.0), count)


def coverage(lists: npt.ArrayLike, *, n_items: int) -> float:
    """Share of all items that stand in at least one list.

    Raises
    ------
    DataError
        No items, or one in a list that does not exist.

    Examples
    --------
    >>> coverage([[0, 1], [1, -1]], n_items=4)
    0.5
    """
    items = _items(lists, n_items)
    if n_items < 1:
        raise DataError(f"coverage: n_items must be at least 1, got {n_items}")
    return float(np.unique(items[items >= 0]).size / n_items)


def novelty(lists: npt.ArrayLike, *, seen_by: npt.ArrayLike, n_users: int) -> FloatArray:
    """Mean self-information of each list in bits: how few people knew its items.

    `-log2((seen_by + 1) / (n_users + 1))`, the 1 for the person who is shown the item, so that an item nobody has seen
    counts finitely. An empty list has no value: NaN.

    Parameters
    ----------
    lists : array of int, shape (n_rows, k)
        Ranked item numbers, -1 after the end.
    seen_by : array of shape (n_items,)
        How many people each item was seen by in training.
    n_users : int
        How many people there were.

    Raises
    ------
    DataError
        Counts out of range, or an item that does not exist.

    References
    ----------
    T. Zhou et al. (2010), PNAS 107, 4511-4515.

    Examples
    --------
    >>> novelty([[0, 1]], seen_by=[7, 1], n_users=7).tolist()  # (0 + 2) / 2 bits
    [1.0]
    """
    count = np.asarray(seen_by, dtype=np.float64)
    if count.ndim != 1 or not ((count >= 0) & (count <= n_users)).all():
        raise DataError(f"novelty: seen_by must be one number from 0 to n_users = {n_users} for each item")
    items = _items(lists, len(count))
    bits = np.append(-np.log2((count + 1) / (n_users + 1)), 0.0)  # place -1 is the end of the list: no bits
    length = (items >= 0).sum(axis=1)
    return _defined(bits[items].sum(axis=1) / np.maximum(length, 1), length)


def mean_with_interval(values: npt.ArrayLike, *, n: int = 200, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean over people with its percentile bootstrap interval; people without a value (NaN) are left out.

    For the difference of two models on the same people, pass the difference of their values.

    Parameters
    ----------
    values : array of shape (n_people,)
        As the metrics of this module return them.
    n : int
        Resamples, at least 1.
    level : float
        Share of resamples inside the interval.
    seed : int
        Seed of the draws.

    Raises
    ------
    DataError
        No value at all.

    Examples
    --------
    >>> found = mean_with_interval([0.0, 1.0, np.nan, 1.0, 0.0] * 50)
    >>> found.value, 0.4 < found.low < 0.5 < found.high < 0.6
    (0.5, True)
    """
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    if array.ndim != 1 or not known.size:
        raise DataError(f"mean_with_interval: needs one dimension and at least one value, got {array.shape}, all NaN")
    draws = [float(counts @ known / known.size) for counts in resampled_counts(known.size, n=n, seed=seed)]
    return percentile_interval(float(known.mean()), draws, level=level)


def _hits(lists: npt.ArrayLike, relevant: csr_matrix) -> tuple[BoolArray, IntArray]:
    """Whether each place holds a relevant item, and how many relevant items each row has."""
    wanted = csr_matrix(relevant)
    items = _items(lists, wanted.shape[1])
    if len(items) != wanted.shape[0]:
        raise DataError(f"ranked lists: {len(items)} lists but {wanted.shape[0]} rows of relevant items")
    hits = np.zeros(items.shape, dtype=np.bool_)
    count = np.zeros(len(items), dtype=np.int64)
    step = max(1, CHUNK_CELLS // max(wanted.shape[1], 1))
    for start in range(0, len(items), step):
        rows = slice(start, start + step)
        marks = wanted[rows].toarray() != 0
        count[rows] = marks.sum(axis=1)
        found = np.take_along_axis(marks, np.maximum(items[rows], 0), axis=1)
        hits[rows] = found & (items[rows] >= 0)
    return hits, count


def _items(lists: npt.ArrayLike, n_items: int) -> IntArray:
    items = np.asarray(lists)
    if items.ndim != 2 or items.dtype.kind not in "iu":
        raise DataError(f"ranked lists must be whole numbers, people x places; got {items.dtype} {items.shape}")
    if items.size and (items.min() < -1 or items.max() >= n_items):
        raise DataError(
            f"ranked lists must hold items from 0 to {n_items - 1}, or -1; got {items.min()}..{items.max()}"
        )
    ordered = np.sort(items, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row, place = np.argwhere(twice)[0]
        raise DataError(f"ranked lists must hold an item once each; list {row} holds item {ordered[row, place]} twice")
    return items.astype(np.int64)


def _defined(values: FloatArray, count: IntArray) -> FloatArray:
    return np.where(count > 0, values, np.nan)
