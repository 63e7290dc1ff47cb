"""Validation of the arguments of metrics, and class weights by distinct score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class ScoreSums:
    """Total weight of both classes at each distinct score, in ascending order of the score. Returned by `score_sums`.

    Attributes
    ----------
    score : array of shape (n_scores,)
        Distinct scores.
    positive, negative : array of shape (n_scores,)
        Total weight of the rows with y = 1 and with y = 0 at each score.
    """

    score: FloatArray
    positive: FloatArray
    negative: FloatArray


def as_columns(
    metric: str, y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return outcomes, predictions and weights as one-dimensional float64 arrays of equal length.

    Parameters
    ----------
    metric : str
        Name of the metric, for error messages.
    y, p : array of shape (n_rows,)
        Outcomes and predictions.
    sample_weight : array of shape (n_rows,) or None
        Weights; None for weights of 1.

    Returns
    -------
    y, p, sample_weight : ndarray of float64, shape (n_rows,)

    Raises
    ------
    DataError
        The arrays are not one-dimensional, are empty, or differ in length.

    Examples
    --------
    >>> from ml.metrics.inputs import as_columns
    >>> [column.tolist() for column in as_columns("mae", [1, 2], [1, 3], None)]
    [[1.0, 2.0], [1.0, 3.0], [1.0, 1.0]]
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
    """Return binary outcomes, scores and weights as float64 arrays.

    Parameters
    ----------
    metric : str
        Name of the metric, for error messages.
    y : array of shape (n_rows,)
        0 or 1.
    p : array of shape (n_rows,)
        Finite scores; between 0 and 1 if `probability`.
    sample_weight : array of shape (n_rows,) or None
        Finite weights of at least 0, not all 0; None for weights of 1.
    probability : bool
        Whether `p` must be a probability.

    Returns
    -------
    y, p, sample_weight : ndarray of float64, shape (n_rows,)

    Raises
    ------
    DataError
        An array breaks a rule; names the metric, the rule and the value.

    Examples
    --------
    >>> from ml.metrics.inputs import check_inputs
    >>> check_inputs("brier", [0, 1], [0.2, 1.2], None, probability=True)
    Traceback (most recent call last):
    ...
    features.errors.DataError: brier: p must be a probability between 0 and 1, got 1.2
    """
    outcome, score, weight = as_columns(metric, y, p, sample_weight)
    in_range = (score >= 0) & (score <= 1) if probability else np.isfinite(score)
    for rule, values, valid in (
        ("y must be 0 or 1", outcome, (outcome == 0) | (outcome == 1)),
        (f"p must be {'a probability between 0 and 1' if probability else 'finite'}", score, in_range),
        ("sample_weight must be finite and not negative", weight, (weight >= 0) & np.isfinite(weight)),
    ):
        if not valid.all():
            raise DataError(f"{metric}: {rule}, got {values[~valid][0]}")
    if not weight.any():
        raise DataError(f"{metric}: sample_weight is 0 in all {len(weight)} rows; at least one weight must be above 0")
    return outcome, score, weight


def score_sums(
    metric: str, y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None, *, probability: bool = False
) -> ScoreSums:
    """Return the total weight of both classes at each distinct score.

    Parameters
    ----------
    metric : str
        Name of the metric, for error messages.
    y : array of shape (n_rows,)
        0 or 1, both present.
    p : array of shape (n_rows,)
        Finite scores; between 0 and 1 if `probability`.
    sample_weight : array of shape (n_rows,) or None
        Finite weights of at least 0, not all 0; None for weights of 1.
    probability : bool
        Whether `p` must be a probability.

    Returns
    -------
    ScoreSums
        Distinct scores in ascending order, and the weight of each class at them.

    Raises
    ------
    DataError
        An array breaks one of these rules, or a class has no weight.

    Examples
    --------
    >>> from ml.metrics.inputs import score_sums
    >>> score_sums("ks", [1, 0, 1], [0.5, 0.5, 0.7], None).positive.tolist()
    [1.0, 1.0]
    """
    outcome, score, weight = check_inputs(metric, y, p, sample_weight, probability=probability)
    order = np.argsort(score, kind="stable")  # nearly linear for rows already sorted, as in `bootstrap`
    score, weight, outcome = score[order], weight[order], outcome[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    positive = np.diff(np.cumsum(weight * outcome)[last], prepend=0.0)
    negative = np.diff(np.cumsum(weight * (1 - outcome))[last], prepend=0.0)
    for name, mass in (("y = 1", positive), ("y = 0", negative)):
        if not mass.any():
            raise DataError(f"{metric}: needs rows of both classes, got none with {name} among {len(score)} rows")
    return ScoreSums(score[last], positive, negative)
