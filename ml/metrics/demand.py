"""Errors of demand forecasts relative to total demand: quantile loss, absolute and squared error, bias."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def weighted_quantile_loss(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the mean over the deciles of twice the total pinball loss, divided by total demand.

    Source: Y. Park et al. (2022), Learning quantile functions without quantile crossing for distribution-free time
    series forecasting, AISTATS; as in GluonTS (`mean_weighted_sum_quantile_loss`) and GIFT-Eval.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Demand, units, not negative.
    p : array of shape (n_rows, 9)
        Quantile forecasts at the levels `DECILES`, units.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Returns
    -------
    float
        At least 0, without a unit; 0 for perfect forecasts.

    Raises
    ------
    DataError
        Shapes differ, or total demand is 0.

    Examples
    --------
    >>> from ml.metrics.demand import weighted_quantile_loss
    >>> round(weighted_quantile_loss([10.0], [[6.0] * 9]), 3)
    0.4
    """
    outcome, quantiles, weight = aligned_arrays(y, p, sample_weight)
    level = np.array(DECILES)
    if quantiles.shape[1:] != level.shape:
        raise DataError(f"p must have one column for each of {len(level)} levels, got shape {quantiles.shape}")
    error = outcome[:, None] - quantiles
    pinball = np.maximum(level * error, (level - 1) * error).mean(axis=1)
    return float(2 * (weight * pinball).sum() / _total(outcome, weight))


def weighted_absolute_error(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the sum of absolute errors divided by total demand (WAPE), a fraction; at least 0.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Demand and forecasts, units.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        Shapes differ, or total demand is 0.

    Examples
    --------
    >>> from ml.metrics.demand import weighted_absolute_error
    >>> weighted_absolute_error([2.0, 0.0], [1.0, 1.0])
    1.0
    """
    outcome, forecast, weight = aligned_arrays(y, p, sample_weight)
    forecast = forecast.reshape(len(outcome))
    return float((weight * np.abs(outcome - forecast)).sum() / _total(outcome, weight))


def root_mean_squared_error(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the square root of the mean squared error, in the unit of `y`.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Outcomes and predictions, such as units of demand.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        Shapes differ, or there are no rows.

    Examples
    --------
    >>> from ml.metrics.demand import root_mean_squared_error
    >>> root_mean_squared_error([2.0, 0.0], [1.0, 1.0])
    1.0
    """
    outcome, forecast, weight = aligned_arrays(y, p, sample_weight)
    return float(np.sqrt((weight * (outcome - forecast.reshape(len(outcome))) ** 2).sum() / weight.sum()))


def bias(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the sum of `forecast - outcome` over total demand: a fraction, above 0 if forecasts are too high.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Demand and forecasts, units.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        Shapes differ, or total demand is 0.

    Examples
    --------
    >>> from ml.metrics.demand import bias
    >>> bias([2.0, 0.0], [1.0, 1.5]), bias([2.0, 0.0], [1.0, 0.5])  # 25% too high, 25% too low
    (0.25, -0.25)
    """
    outcome, forecast, weight = aligned_arrays(y, p, sample_weight)
    return float((weight * (forecast.reshape(len(outcome)) - outcome)).sum() / _total(outcome, weight))


def aligned_arrays(
    y: npt.ArrayLike, p: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return outcomes, predictions and weights as float64 arrays.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Outcomes.
    p : array of shape (n_rows,) or (n_rows, n_columns)
        Predictions.
    sample_weight : array of shape (n_rows,) or None
        Weights; None for weights of 1.

    Returns
    -------
    y, p, sample_weight : ndarray of float64
        In the shapes of the arguments.

    Raises
    ------
    DataError
        The numbers of rows differ, or there are no rows.

    Examples
    --------
    >>> from ml.metrics.demand import aligned_arrays
    >>> [array.tolist() for array in aligned_arrays([2, 0], [1, 1], None)]
    [[2.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
    """
    outcome, predicted = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if outcome.ndim != 1 or len(outcome) == 0 or predicted.shape[:1] != outcome.shape or weight.shape != outcome.shape:
        raise DataError(
            f"y, p and sample_weight must have the same rows, at least one, got shapes {outcome.shape}, "
            f"{predicted.shape} and {weight.shape}"
        )
    return outcome, predicted, weight


def _total(outcome: FloatArray, weight: FloatArray) -> float:
    total = float((weight * np.abs(outcome)).sum())
    if total <= 0:
        raise DataError(
            "total demand of the rows is 0, so that relative errors are undefined: evaluate on periods with sales"
        )
    return total
