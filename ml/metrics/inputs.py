"""What every metric asks of its arguments, and the sums by score that several of them start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class ScoreSums:
    """Weight by distinct score, scores ascending.

    Attributes
    ----------
    score : array of shape (n_scores,)
        Distinct scores.
    positive, negative : array of shape (n_scores,)
        Weight of the rows with y = 1 and y = 0 at each score.
    """

    score: FloatArray
    positive: FloatArray
    negative: FloatArray


def as_columns(
    metric: str, y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return outcomes, predictions and weights as float64 columns of one length.

    Raises
    ------
    DataError
        Names the metric and the shapes.
    """
    outcome, score = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if not (outcome.shape == score.shape == weight.shape) or outcome.ndim != 1 or len(outcome) == 0:
        shapes = f"y {outcome.shape}, p {score.shape}, sample_weight {weight.shape}"
        raise DataError(f"{metric}: {shapes} must have one dimension and the same length, at least 1")
    return outcome, score, weight


def check_inputs(
    metric: str, y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None, *, probability: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Outcomes, scores and weights as float64 arrays, or a DataError that names the metric and the rule.

    Examples
    --------
    >>> check_inputs("brier", [0, 1], [0.2, 1.2], None, probability=True)
    Traceback (most recent call last):
    ...
    features.errors.DataError: brier: p must be a probability between 0 and 1, got 1.2
    """
    outcome, score, weight = as_columns(metric, y, p, sample_weight)
    fits = (score >= 0) & (score <= 1) if probability else np.isfinite(score)
    for rule, values, right in (
        ("y must be 0 or 1", outcome, (outcome == 0) | (outcome == 1)),
        (f"p must be {'a probability between 0 and 1' if probability else 'finite'}", score, fits),
        ("sample_weight must be finite and not negative", weight, (weight >= 0) & np.isfinite(weight)),
    ):
        if not right.all():
            raise DataError(f"{metric}: {rule}, got {values[~right][0]}")
    if not weight.any():
        raise DataError(f"{metric}: sample_weight is 0 in all {len(weight)} rows; at least one row must count")
    return outcome, score, weight


def score_sums(
    metric: str, y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None, *, probability: bool = False
) -> ScoreSums:
    """Weight of both classes by distinct score; both classes must be there.

    Examples
    --------
    >>> score_sums("ks", [1, 0, 1], [0.5, 0.5, 0.7], None).positive.tolist()
    [1.0, 1.0]
    """
    outcome, score, weight = check_inputs(metric, y, p, sample_weight, probability=probability)
    order = np.argsort(score, kind="stable")  # near linear on rows that are sorted already, as in a bootstrap
    score, weight, outcome = score[order], weight[order], outcome[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    positive = np.diff(np.cumsum(weight * outcome)[last], prepend=0.0)
    negative = np.diff(np.cumsum(weight * (1 - outcome))[last], prepend=0.0)
    for name, mass in (("y = 1", positive), ("y = 0", negative)):
        if not mass.any():
            raise DataError(f"{metric}: needs rows of both classes, got none with {name} among {len(score)} rows")
    return ScoreSums(score[last], positive, negative)
