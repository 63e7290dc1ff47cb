"""Errors of predicted amounts, absolute and relative, and coverage of prediction intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.metrics.inputs import as_columns


def mean_absolute_error(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the weighted mean of ``|y - p|``, in the unit of `y`.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Outcomes and predictions in the same unit, such as fen; finite.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        Lengths differ, or a value is not finite.

    Examples
    --------
    >>> from ml.metrics.amounts import mean_absolute_error
    >>> mean_absolute_error([10, 20], [12, 19])
    1.5
    """
    outcome, predicted, weight = _checked("mean_absolute_error", y, p, sample_weight)
    return float(np.average(np.abs(outcome - predicted), weights=weight))


def mean_absolute_percentage_error(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None
) -> float:
    """Return the weighted mean of ``|y - p| / y``, a fraction (0.125 for 12.5%).

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Outcomes above 0 and predictions, in the same unit; finite.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        Lengths differ, a value is not finite, or an outcome is not above 0.

    Examples
    --------
    >>> from ml.metrics.amounts import mean_absolute_percentage_error
    >>> mean_absolute_percentage_error([10, 20], [12, 19])
    0.125
    """
    outcome, predicted, weight = _checked("mean_absolute_percentage_error", y, p, sample_weight, positive=True)
    return float(np.average(np.abs(outcome - predicted) / outcome, weights=weight))


def median_absolute_percentage_error(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None
) -> float:
    """Return the weighted median of ``|y - p| / y``, a fraction; the lower of two medians.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Outcomes above 0 and predictions, in the same unit; finite.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        Lengths differ, a value is not finite, or an outcome is not above 0.

    Examples
    --------
    >>> from ml.metrics.amounts import median_absolute_percentage_error
    >>> median_absolute_percentage_error([10, 20, 40], [12, 19, 40])
    0.05
    """
    outcome, predicted, weight = _checked("median_absolute_percentage_error", y, p, sample_weight, positive=True)
    error = np.abs(outcome - predicted) / outcome
    order = np.argsort(error, kind="stable")
    mass = np.cumsum(weight[order])
    return float(error[order][np.searchsorted(mass, mass[-1] / 2)])


def interval_coverage(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the weighted fraction of rows with ``low <= y <= high``, 0 to 1.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Amounts.
    p : array of shape (n_rows, 2)
        Lower and upper end of each interval, in the unit of `y`.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Raises
    ------
    DataError
        `p` has another shape.

    Examples
    --------
    >>> from ml.metrics.amounts import interval_coverage
    >>> interval_coverage([1, 5], [[0, 2], [6, 7]])
    0.5
    """
    outcome, ends = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if ends.shape != (len(outcome), 2):
        raise DataError(f"interval_coverage: p must have a lower and an upper end for each row, got shape {ends.shape}")
    inside = (outcome >= ends[:, 0]) & (outcome <= ends[:, 1])
    weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    return float(np.average(inside.astype(np.float64), weights=weight))


def _checked(
    metric: str,
    y: npt.ArrayLike,
    p: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
    *,
    positive: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    outcome, predicted, weight = as_columns(metric, y, p, sample_weight)
    for name, values in (("y", outcome), ("p", predicted)):
        if not np.isfinite(values).all():
            raise DataError(f"{metric}: {name} must be finite, got {values[~np.isfinite(values)][0]}")
    if positive and (outcome <= 0).any():
        raise DataError(f"{metric}: y must be above 0, got {outcome[outcome <= 0][0]:g}")
    return outcome, predicted, weight
