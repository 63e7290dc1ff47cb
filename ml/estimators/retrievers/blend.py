"""Weighted blend of retrievers: standardised scores, with weights chosen on validation rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.interactions import Float32Array
from ml.estimators.retrievers.top_k import top_k
from ml.metrics.ranked_lists import ndcg_at_k

LIST_LENGTH = 10  # of the validated lists
WEIGHT_STEPS = 10  # grid of each weight: multiples of 1 / WEIGHT_STEPS


def standardise(scores: Float32Array) -> Float32Array:
    """Return each row scaled to mean 0 and standard deviation 1; a row of equal scores becomes zeros.

    Parameters
    ----------
    scores : float32 ndarray of shape (n_rows, n_items)
        Scores of one retriever.

    Returns
    -------
    float32 ndarray of shape (n_rows, n_items)

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.retrievers.blend import standardise
    >>> standardise(np.array([[1.0, 3.0], [2.0, 2.0]], dtype=np.float32)).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    # Summed in float64: the mean of equal float32 scores must equal that score.
    centred = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    spread = centred.std(axis=1, keepdims=True, dtype=np.float64)
    centred /= np.where(spread > 0, spread, 1.0).astype(np.float32)
    return np.asarray(centred, dtype=np.float32)


def blend_scores(scores: Mapping[str, Float32Array], weights: Mapping[str, float]) -> Float32Array:
    """Return the weighted sum of the retrievers' standardised scores.

    Parameters
    ----------
    scores : mapping of str to float32 ndarray of shape (n_rows, n_items)
        Scores by retriever name.
    weights : mapping of str to float
        Weight by retriever name, as returned by `choose_weights`.

    Returns
    -------
    float32 ndarray of shape (n_rows, n_items)

    Raises
    ------
    ConfigError
        The names differ, or weights are negative or all 0.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.retrievers.blend import blend_scores
    >>> a, b = np.array([[1.0, 3.0]], dtype=np.float32), np.array([[9.0, 5.0]], dtype=np.float32)
    >>> blend_scores({"a": a, "b": b}, {"a": 3.0, "b": 1.0}).tolist()
    [[-2.0, 2.0]]
    """
    weight = _check_weights(weights, scores)
    first, *others = weight
    total = standardise(scores[first]) * np.float32(weight[first])
    for name in others:
        if weight[name] > 0:
            total += standardise(scores[name]) * np.float32(weight[name])
    return total


def choose_weights(scores: Mapping[str, Float32Array], relevant: csr_matrix, *, mask: csr_matrix) -> dict[str, float]:
    """Return the blend weights with the highest mean NDCG@10 on validation rows.

    Grid search over all combinations of multiples of 0.1 that sum to 1: 11 rankings for two retrievers, 66 for three,
    286 for four. In a tie, the combination with more weight on the retrievers named first wins.

    Parameters
    ----------
    scores : mapping of str to float32 ndarray of shape (n_rows, n_items)
        Scores of the validation rows by retriever name.
    relevant : csr_matrix of shape (n_rows, n_items)
        Relevance of the held-out items of each row, above 0 where relevant; rows without any are ignored.
    mask : csr_matrix of shape (n_rows, n_items)
        Items not to be listed, such as the history.

    Returns
    -------
    dict of str to float
        Weight by retriever name; they sum to 1.

    Raises
    ------
    ConfigError
        `scores` is empty.
    DataError
        Shapes differ, or no row has a relevant item.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.blend import choose_weights
    >>> right, wrong = np.array([[1.0, 0.0]], dtype=np.float32), np.array([[0.0, 9.0]], dtype=np.float32)
    >>> choose_weights({"right": right, "wrong": wrong}, csr_matrix([[1, 0]]), mask=csr_matrix((1, 2)))
    {'right': 1.0, 'wrong': 0.0}
    """
    if not scores:
        raise ConfigError("choose_weights needs the scores of at least one retriever, got none")
    rows = np.flatnonzero(np.diff(csr_matrix(relevant).indptr))
    if not rows.size:
        raise DataError(f"choose_weights: none of the {relevant.shape[0]} validation rows has a relevant item")
    standardised = {name: standardise(table[rows]) for name, table in scores.items()}
    relevant, mask = relevant[rows], mask[rows]
    best, best_weights = -np.inf, dict.fromkeys(standardised, 0.0)
    for weights in _simplex(list(standardised), WEIGHT_STEPS):
        total = sum((standardised[name] * np.float32(w) for name, w in weights.items() if w > 0), np.float32(0))
        value = float(ndcg_at_k(top_k(total, k=LIST_LENGTH, mask=mask), relevant).mean())
        if value > best:
            best, best_weights = value, weights
    return best_weights


def _simplex(names: list[str], steps: int) -> Iterator[dict[str, float]]:
    """Yield all weights that are multiples of 1/steps and sum to 1, large weights of the first names first."""
    n = len(names)
    for bars in reversed(list(combinations(range(steps + n - 1), n - 1))):
        ends = np.array([-1, *bars, steps + n - 1])
        yield dict(zip(names, ((np.diff(ends) - 1) / steps).tolist(), strict=True))


def _check_weights(weights: Mapping[str, float], names: Mapping[str, object]) -> dict[str, float]:
    if set(weights) != set(names):
        raise ConfigError(f"blend weights must name exactly {sorted(names)}, got {sorted(weights)}")
    if not all(0 <= w < np.inf for w in weights.values()) or not any(weights.values()):
        raise ConfigError(f"blend weights must be 0 or more and not all 0, got {dict(weights)}")
    return {name: float(weights[name]) for name in names}
