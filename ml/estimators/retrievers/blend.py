"""Several retrievers as one: their scores on one scale, weighted as validation likes it best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.interactions import Float32Array
from ml.estimators.retrievers.top_k import top_k
from ml.metrics.ranked_lists import ndcg_at_k

LENGTH, STEPS = 10, 10  # of the validated lists, and of each weight from 0 to 1


def standardise(scores: Float32Array) -> Float32Array:
    """Scores of each row with mean 0 and standard deviation 1; a row of equal scores becomes zeros.

    Examples
    --------
    >>> standardise(np.array([[1.0, 3.0], [2.0, 2.0]], dtype=np.float32)).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    # float64 sums: the mean of a row of equal float32 scores must be that score.
    centred = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    spread = centred.std(axis=1, keepdims=True, dtype=np.float64)
    centred /= np.where(spread > 0, spread, 1.0).astype(np.float32)
    return np.asarray(centred, dtype=np.float32)


def blend_scores(scores: Mapping[str, Float32Array], weights: Mapping[str, float]) -> Float32Array:
    """Weighted sum of standardised scores.

    Parameters
    ----------
    scores : mapping of str to array of shape (n_rows, n_items)
        Scores of each retriever.
    weights : mapping of str to float
        Weight of each.

    Raises
    ------
    ConfigError
        Names that do not match, or weights that are negative or all 0.

    Examples
    --------
    >>> a, b = np.array([[1.0, 3.0]], dtype=np.float32), np.array([[9.0, 5.0]], dtype=np.float32)
    >>> blend_scores({"a": a, "b": b}, {"a": 3.0, "b": 1.0}).tolist()
    [[-2.0, 2.0]]
    """
    checked = _checked(weights, scores)
    first, *others = checked
    total = standardise(scores[first]) * np.float32(checked[first])
    for name in others:
        if checked[name] > 0:
            total += standardise(scores[name]) * np.float32(checked[name])
    return total


def choose_weights(scores: Mapping[str, Float32Array], relevant: csr_matrix, *, mask: csr_matrix) -> dict[str, float]:
    """Weights with the highest mean NDCG@10 on validation rows, among all multiples of 0.1.

    Every combination is tried, so two runs agree; of equal ones the first wins, which leans on the retriever named
    first. Takes 11 rankings for two retrievers, 66 for three, 286 for four.

    Parameters
    ----------
    scores : mapping of str to array of shape (n_rows, n_items)
        Scores of each retriever on validation rows.
    relevant : csr_matrix of shape (n_rows, n_items)
        What each row turned to; rows without any are left out.
    mask : csr_matrix of shape (n_rows, n_items)
        What must not be listed (the history).

    Raises
    ------
    ConfigError
        No retrievers.
    DataError
        Shapes that differ, or no row with a relevant item.

    Examples
    --------
    >>> right, wrong = np.array([[1.0, 0.0]], dtype=np.float32), np.array([[0.0, 9.0]], dtype=np.float32)
    >>> choose_weights({"right": right, "wrong": wrong}, csr_matrix([[1, 0]]), mask=csr_matrix((1, 2)))
    {'right': 1.0, 'wrong': 0.0}
    """
    if not scores:
        raise ConfigError("choose_weights needs the scores of at least one retriever, got none")
    rows = np.flatnonzero(np.diff(csr_matrix(relevant).indptr))
    if not rows.size:
        raise DataError(f"choose_weights: none of the {relevant.shape[0]} validation rows has a relevant item")
    ready = {name: standardise(found[rows]) for name, found in scores.items()}
    wanted, hidden = relevant[rows], mask[rows]
    best, chosen = -np.inf, dict.fromkeys(ready, 0.0)
    for weights in _simplex(list(ready), STEPS):
        total = sum((ready[name] * np.float32(w) for name, w in weights.items() if w > 0), np.float32(0))
        value = float(ndcg_at_k(top_k(total, k=LENGTH, mask=hidden), wanted).mean())
        if value > best:
            best, chosen = value, weights
    return chosen


def _simplex(names: list[str], steps: int) -> Iterator[dict[str, float]]:
    """Every way to share `steps` among the names, the first name's largest shares first."""
    n = len(names)
    for bars in reversed(list(combinations(range(steps + n - 1), n - 1))):
        ends = np.array([-1, *bars, steps + n - 1])
        yield dict(zip(names, ((np.diff(ends) - 1) / steps).tolist(), strict=True))


def _checked(weights: Mapping[str, float], names: Mapping[str, object]) -> dict[str, float]:
    if set(weights) != set(names):
        raise ConfigError(f"blend weights must be given for {sorted(names)}, got {sorted(weights)}")
    if not all(0 <= w < np.inf for w in weights.values()) or not any(weights.values()):
        raise ConfigError(f"blend weights must be 0 or more and not all 0, got {dict(weights)}")
    return {name: float(weights[name]) for name in names}
