"""Bootstrap intervals of a metric, and of its difference between two models on the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.domain.statistics.resampling import Interval, bootstrap_interval, resampled_counts


class Metric(Protocol):
    """Signature of a metric."""

    def __call__(self, y: FloatArray, p: FloatArray, *, sample_weight: FloatArray) -> float: ...


def bootstrap(
    metric: Metric,
    y: npt.ArrayLike,
    p: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    n: int = 200,
    seed: int = 0,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Interval:
    """Return a metric with its 95% bootstrap interval (`ml.domain.statistics.resampling.bootstrap_interval`).

    Resamples are passed to the metric as sample weights of rows sorted by score, which makes the metric's own sort
    nearly free. If `y` holds both 0 and 1, resamples without one of them are drawn again.

    Parameters
    ----------
    metric : callable
        `metric(y, p, *, sample_weight) -> float`, such as the functions of `ml.metrics`.
    y : array of shape (n_rows,)
        Outcomes.
    p : array of shape (n_rows,) or (n_rows, n_columns)
        Scores, in the shape that the metric takes.
    groups : array of shape (n_rows,), optional
        Cluster of each row, such as the borrower: whole clusters are resampled.
    n : int, default 200
        Number of resamples, at least 1.
    seed : int, default 0
        Random seed.
    bounds : (float, float)
        Range of the metric, such as (0, 1); the interval is kept within it.

    Returns
    -------
    Interval
        Metric on all rows (`value`) and its interval (`low`, `high`), in the unit of the metric; the limits are NaN if
        every resample has the same value, as for rows of a single group.

    Raises
    ------
    DataError
        The lengths differ, the metric refuses its arguments, or one class lies in too few clusters to be resampled.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.metrics import bootstrap, roc_auc
    >>> y, p = np.tile([0, 0, 1, 1], 50), np.tile([0.1, 0.4, 0.35, 0.8], 50)
    >>> auc = bootstrap(roc_auc, y, p, n=100)
    >>> auc.value, 0.6 < auc.low < 0.75 < auc.high < 0.9
    (0.75, True)
    """
    scores, outcome, cluster = _rows(y, (p,), groups)
    value = metric(outcome, scores[0], sample_weight=np.ones(len(outcome)))
    draws = [metric(outcome, scores[0], sample_weight=counts) for counts in _draws(outcome, cluster, n, seed)]
    return bootstrap_interval(value, draws, bounds=bounds)


def paired_bootstrap_difference(
    metric: Metric,
    y: npt.ArrayLike,
    p_a: npt.ArrayLike,
    p_b: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    n: int = 200,
    seed: int = 0,
) -> Interval:
    """Return `metric(y, p_a) - metric(y, p_b)` with its 95% bootstrap interval on common resamples.

    Parameters
    ----------
    metric : callable
        `metric(y, p, *, sample_weight) -> float`, such as the functions of `ml.metrics`.
    y : array of shape (n_rows,)
        Outcomes.
    p_a, p_b : array of shape (n_rows,) or (n_rows, n_columns)
        Scores of the two models on the same rows, in the shape that the metric takes.
    groups : array of shape (n_rows,), optional
        Cluster of each row, such as the borrower: whole clusters are resampled.
    n : int, default 200
        Number of resamples, at least 1.
    seed : int, default 0
        Random seed.

    Returns
    -------
    Interval
        Difference on all rows (`value`) and its interval (`low`, `high`), in the unit of the metric. If the interval
        lies above 0, the metric of model a is significantly higher. The limits are NaN if every resample has the same
        difference, as for rows of a single group.

    Raises
    ------
    DataError
        The lengths differ, the metric refuses its arguments, or one class lies in too few clusters to be resampled.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.metrics import paired_bootstrap_difference, roc_auc
    >>> y, a, b = np.tile([0, 0, 1, 1], 50), np.tile([0.1, 0.2, 0.3, 0.4], 50), np.tile([0.1, 0.4, 0.35, 0.8], 50)
    >>> gain = paired_bootstrap_difference(roc_auc, y, a, b, n=100)
    >>> gain.value, gain.low > 0
    (0.25, True)
    """
    scores, outcome, cluster = _rows(y, (p_a, p_b), groups)

    def difference(counts: FloatArray) -> float:
        a, b = (metric(outcome, score, sample_weight=counts) for score in scores)
        return a - b

    draws = [difference(counts) for counts in _draws(outcome, cluster, n, seed)]
    return bootstrap_interval(difference(np.ones(len(outcome))), draws)


def _rows(
    y: npt.ArrayLike, scores: tuple[npt.ArrayLike, ...], groups: npt.ArrayLike | None
) -> tuple[list[FloatArray], FloatArray, npt.NDArray[np.generic] | None]:
    outcome = np.asarray(y, dtype=np.float64)
    arrays = [np.asarray(score, dtype=np.float64) for score in scores]
    cluster = None if groups is None else np.asarray(groups)
    for name, array in [("p", a) for a in arrays] + ([("groups", cluster)] if cluster is not None else []):
        is_matrix = name == "p" and array.ndim == 2
        if (array.shape[:1] if is_matrix else array.shape) != outcome.shape or outcome.ndim != 1 or len(outcome) == 0:
            raise DataError(
                f"bootstrap: {name} {array.shape} and y {outcome.shape} must have the same length, at least 1"
            )
    first = arrays[0] if arrays[0].ndim == 1 else arrays[0][:, 0]
    order = np.argsort(first, kind="stable")
    return [a[order] for a in arrays], outcome[order], None if cluster is None else cluster[order]


def _draws(outcome: FloatArray, cluster: npt.NDArray[np.generic] | None, n: int, seed: int) -> Iterator[FloatArray]:
    """Yield the count of each row in `n` resamples that contain every class of `outcome`."""
    positive, negative = outcome == 1, outcome == 0
    is_binary = bool(positive.any() and negative.any())
    drawn = 0
    for counts in resampled_counts(len(outcome), n=20 * n, seed=seed, groups=cluster):
        if is_binary and not (counts[positive].any() and counts[negative].any()):
            continue
        yield counts
        drawn += 1
        if drawn == n:
            return
    raise DataError(
        f"bootstrap: only {drawn} of {20 * n} resamples had rows of both classes: the rarer class lies in too few "
        "groups; add rows or evaluate without groups"
    )
