"""How far forecasts of demand are off, relative to demand: quantiles, points, and whether intervals hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def weighted_quantile_loss(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Mean over the deciles of twice the pinball loss of all rows, over the sum of all outcomes.

    Source: Y. Park et al. (2022), Learning quantile functions without quantile crossing; the loss of GluonTS and GIFT.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Demand, not below 0.
    p : array of shape (n_rows, 9)
        Quantiles at the levels `DECILES`.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        Shapes differ, or nothing was wanted at all.

    Examples
    --------
    >>> round(weighted_quantile_loss([10.0], [[6.0] * 9]), 3)
    0.4
    """
    outcome, quantiles, weight = same_rows(y, p, sample_weight)
    level = np.array(DECILES)
    if quantiles.shape[1:] != level.shape:
        raise DataError(f"p {quantiles.shape} must have one column for each of {len(level)} levels")
    error = outcome[:, None] - quantiles
    pinball = np.maximum(level * error, (level - 1) * error).mean(axis=1)
    return float(2 * (weight * pinball).sum() / _total(outcome, weight))


def weighted_absolute_error(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Sum of absolute errors over the sum of outcomes.

    >>> weighted_absolute_error([2.0, 0.0], [1.0, 1.0])
    1.0
    """
    outcome, told, weight = same_rows(y, p, sample_weight)
    told = told.reshape(len(outcome))
    return float((weight * np.abs(outcome - told)).sum() / _total(outcome, weight))


def root_mean_squared_error(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Root of the mean squared error.

    >>> root_mean_squared_error([2.0, 0.0], [1.0, 1.0])
    1.0
    """
    outcome, told, weight = same_rows(y, p, sample_weight)
    return float(np.sqrt((weight * (outcome - told.reshape(len(outcome))) ** 2).sum() / weight.sum()))


def bias(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Absolute value of the sum of errors over the sum of outcomes.

    >>> bias([2.0, 0.0], [1.0, 1.5])
    0.25
    """
    outcome, told, weight = same_rows(y, p, sample_weight)
    return float(abs((weight * (told.reshape(len(outcome)) - outcome)).sum()) / _total(outcome, weight))


def same_rows(
    y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return outcomes, predictions (one or more columns) and weights as float64 arrays.

    Raises
    ------
    DataError
        Their rows differ, or there is none.
    """
    outcome, told = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if outcome.ndim != 1 or len(outcome) == 0 or told.shape[:1] != outcome.shape or weight.shape != outcome.shape:
        raise DataError(f"y {outcome.shape}, p {told.shape} and sample_weight {weight.shape} must have the same rows")
    return outcome, told, weight


def _total(outcome: FloatArray, weight: FloatArray) -> float:
    total = float((weight * np.abs(outcome)).sum())
    if total <= 0:
        raise DataError("nothing was wanted in any of the rows: relative errors mean nothing; give more data")
    return total
