"""Measures of predicted amounts: absolute and relative errors, and whether intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.metrics.inputs import as_columns


def mean_absolute_error(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Mean of |y - p|, in the unit of y.

    >>> mean_absolute_error([10, 20], [12, 19])
    1.5
    """
    outcome, predicted, weight = _checked("mean_absolute_error", y, p, sample_weight)
    return float(np.average(np.abs(outcome - predicted), weights=weight))


def mean_absolute_percentage_error(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None
) -> float:
    """Mean of |y - p| / y; every y must be above 0.

    >>> mean_absolute_percentage_error([10, 20], [12, 19])
    0.125
    """
    outcome, predicted, weight = _checked("mean_absolute_percentage_error", y, p, sample_weight, positive=True)
    return float(np.average(np.abs(outcome - predicted) / outcome, weights=weight))


def median_absolute_percentage_error(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None
) -> float:
    """Weighted median of |y - p| / y (its lower median where two rows share the middle).

    >>> median_absolute_percentage_error([10, 20, 40], [12, 19, 40])
    0.05
    """
    outcome, predicted, weight = _checked("median_absolute_percentage_error", y, p, sample_weight, positive=True)
    error = np.abs(outcome - predicted) / outcome
    order = np.argsort(error, kind="stable")
    mass = np.cumsum(weight[order])
    return float(error[order][np.searchsorted(mass, mass[-1] / 2)])


def interval_coverage(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Share of rows whose y lies within [low, high].

    Parameters
    ----------
    y : array of shape (n_rows,)
        Amounts.
    p : array of shape (n_rows, 2)
        Low and high end.

    Examples
    --------
    >>> interval_coverage([1, 5], [[0, 2], [6, 7]])
    0.5
    """
    outcome, ends = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if ends.shape != (len(outcome), 2):
        raise DataError(f"interval_coverage: p must have a low and a high end for each row, got shape {ends.shape}")
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
