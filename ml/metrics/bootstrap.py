"""Bootstrap intervals of a metric, and of the difference between two models on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.domain.statistics.resampling import Interval, percentile_interval, resampled_counts


class Metric(Protocol):
    """A metric of this package, further arguments bound."""

    def __call__(self, y: FloatArray, p: FloatArray, *, sample_weight: FloatArray) -> float: ...


def bootstrap(
    metric: Metric,
    y: npt.ArrayLike,
    p: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    n: int = 200,
    seed: int = 0,
) -> Interval:
    """Return a metric with its 95 % percentile bootstrap interval.

    Rows are sorted once and drawn as weights, so the metric's own sort of each resample is nearly free. When both
    classes are there, resamples that lost one are drawn again.

    Parameters
    ----------
    metric : callable
        `metric(y, p, *, sample_weight) -> float`.
    y, p : array of shape (n_rows,)
        Outcomes and scores; `p` may have several columns where the metric reads several.
    groups : array of shape (n_rows,), optional
        Cluster of each row (a borrower, copies of one row): whole clusters are drawn.
    n : int
        Resamples, at least 1.
    seed : int
        Seed of the draws.

    Raises
    ------
    DataError
        As the metric raises it, or lengths that differ, or all rows of one class in one cluster.

    Examples
    --------
    >>> from ml.metrics import roc_auc
    >>> y, p = np.tile([0, 0, 1, 1], 50), np.tile([0.1, 0.4, 0.35, 0.8], 50)
    >>> found = bootstrap(roc_auc, y, p, n=100)
    >>> found.value, 0.6 < found.low < 0.75 < found.high < 0.9
    (0.75, True)
    """
    scores, outcome, cluster = _rows(y, (p,), groups)
    value = metric(outcome, scores[0], sample_weight=np.ones(len(outcome)))
    draws = [metric(outcome, scores[0], sample_weight=counts) for counts in _draws(outcome, cluster, n, seed)]
    return percentile_interval(value, draws)


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
    """`metric` of model a minus `metric` of model b, both on the same resamples of the same rows.

    Arguments and errors as for `bootstrap`. An interval wholly above 0 means that a scores higher.

    Examples
    --------
    >>> from ml.metrics import roc_auc
    >>> y, a, b = np.tile([0, 0, 1, 1], 50), np.tile([0.1, 0.2, 0.3, 0.4], 50), np.tile([0.1, 0.4, 0.35, 0.8], 50)
    >>> found = paired_bootstrap_difference(roc_auc, y, a, b, n=100)
    >>> found.value, found.low > 0
    (0.25, True)
    """
    scores, outcome, cluster = _rows(y, (p_a, p_b), groups)

    def difference(counts: FloatArray) -> float:
        a, b = (metric(outcome, score, sample_weight=counts) for score in scores)
        return a - b

    draws = [difference(counts) for counts in _draws(outcome, cluster, n, seed)]
    return percentile_interval(difference(np.ones(len(outcome))), draws)


def _rows(
    y: npt.ArrayLike, scores: tuple[npt.ArrayLike, ...], groups: npt.ArrayLike | None
) -> tuple[list[FloatArray], FloatArray, npt.NDArray[np.generic] | None]:
    outcome = np.asarray(y, dtype=np.float64)
    arrays = [np.asarray(score, dtype=np.float64) for score in scores]
    cluster = None if groups is None else np.asarray(groups)
    for name, array in [("p", a) for a in arrays] + ([("groups", cluster)] if cluster is not None else []):
        several = name == "p" and array.ndim == 2
        if (array.shape[:1] if several else array.shape) != outcome.shape or outcome.ndim != 1 or len(outcome) == 0:
            raise DataError(
                f"bootstrap: {name} {array.shape} and y {outcome.shape} must have the same length, at least 1"
            )
    first = arrays[0] if arrays[0].ndim == 1 else arrays[0][:, 0]
    order = np.argsort(first, kind="stable")
    return [a[order] for a in arrays], outcome[order], None if cluster is None else cluster[order]


def _draws(outcome: FloatArray, cluster: npt.NDArray[np.generic] | None, n: int, seed: int) -> Iterator[FloatArray]:
    """Yield how often each row is drawn in `n` resamples that have every class of the rows."""
    positive, negative = outcome == 1, outcome == 0
    both = bool(positive.any() and negative.any())
    kept = 0
    for counts in resampled_counts(len(outcome), n=20 * n, seed=seed, groups=cluster):
        if both and not (counts[positive].any() and counts[negative].any()):
            continue
        yield counts
        kept += 1
        if kept == n:
            return
    raise DataError(
        f"bootstrap: only {kept} of {20 * n} resamples had rows of both classes; the rarer class lies in too few groups"
    )
