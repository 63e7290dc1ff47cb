"""Validation of the arrays that estimators take."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray


def check_matrix(X: npt.ArrayLike, *, n_features: int | None = None) -> FloatArray:
    """Return X as a C-contiguous float64 matrix, without a copy if it already is one.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Finite numbers; NaN is missing.
    n_features : int, optional
        Required number of columns.

    Returns
    -------
    ndarray of shape (n_rows, n_features)

    Raises
    ------
    DataError
        X is not numeric, not two-dimensional, has another number of columns, or contains an infinite value.

    Examples
    --------
    >>> from ml.estimators.inputs import check_matrix
    >>> check_matrix([[1, 2]]).dtype.name
    'float64'
    >>> check_matrix([[1.0, float("inf")]])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    features.errors.DataError: column 1 holds an infinite value (row 0): use finite numbers, or NaN ...
    """
    try:
        array = np.ascontiguousarray(X, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise DataError(f"the feature matrix must hold numbers only: {e}") from None
    if np.ndim(X) != 2 or (n_features is not None and array.shape[1] != n_features):
        columns = "columns" if n_features is None else f"{n_features} columns, as in fit"
        raise DataError(f"the feature matrix must have two dimensions, rows and {columns}; got shape {np.shape(X)}")
    if np.isinf(array).any():
        row, column = np.argwhere(np.isinf(array))[0]
        raise DataError(
            f"column {column} holds an infinite value (row {row}): use finite numbers, or NaN for a missing value"
        )
    return array


def check_training_data(
    X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return training rows as float64 arrays, as `sklearn.utils.check_X_y`.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Finite numbers, at least one column; NaN is missing.
    y : array of shape (n_rows,)
        0 or 1, both present.
    sample_weight : array of shape (n_rows,) or None
        Weights above 0; None for equal weights.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    y, sample_weight : ndarray of shape (n_rows,)

    Raises
    ------
    DataError
        An array breaks a rule, or the lengths differ.

    Examples
    --------
    >>> from ml.estimators.inputs import check_training_data
    >>> check_training_data([[1.0], [2.0]], [1, 1], None)
    Traceback (most recent call last):
    ...
    features.errors.DataError: y holds one class only (1 in all 2 rows): fit needs rows with y = 0 and with y = 1
    """
    array = check_matrix(X)
    if array.shape[1] == 0:
        raise DataError("the feature matrix has no columns: fit needs at least one feature")
    outcome, weight = check_outcomes(y, sample_weight)
    if len(outcome) != len(array):
        raise DataError(
            f"y must have one entry for each row of the feature matrix: {len(outcome)} for {len(array)} rows"
        )
    return array, outcome, weight


def check_outcomes(y: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    """Return outcomes and weights as float64 arrays of equal length.

    Parameters
    ----------
    y : array of shape (n_rows,)
        0 or 1, both present.
    sample_weight : array of shape (n_rows,) or None
        Finite weights above 0; None for weights of 1.

    Returns
    -------
    y, sample_weight : ndarray of shape (n_rows,)

    Raises
    ------
    DataError
        An array breaks a rule, there are no rows, or the lengths differ.

    Examples
    --------
    >>> from ml.estimators.inputs import check_outcomes
    >>> check_outcomes([0, 1], None)[1].tolist()
    [1.0, 1.0]
    """
    try:
        outcome = np.asarray(y, dtype=np.float64)
        weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise DataError(f"y and sample_weight must be numbers: {e}") from None
    if outcome.ndim != 1 or len(outcome) == 0 or outcome.shape != weight.shape:
        raise DataError(f"y {outcome.shape} and sample_weight {weight.shape} must have the same length, at least 1")
    for rule, values, right in (
        ("y must be 0 or 1", outcome, (outcome == 0) | (outcome == 1)),
        ("sample_weight must be finite and above 0", weight, np.isfinite(weight) & (weight > 0)),
    ):
        if not right.all():
            raise DataError(f"{rule}, got {values[~right][0]}")
    if outcome.min() == outcome.max():
        raise DataError(
            f"y holds one class only ({outcome[0]:.0f} in all {len(outcome)} rows): "
            "fit needs rows with y = 0 and with y = 1"
        )
    return outcome, weight


def monotone_directions(
    n_features: int, *, monotone: Mapping[int, int] | None, categorical: Collection[int]
) -> list[int]:
    """Return the monotonicity constraint of every column: -1, 0 or 1.

    Parameters
    ----------
    n_features : int
        Number of columns.
    monotone : mapping of int to int, or None
        Constraint by column position.
    categorical : collection of int
        Positions of category codes, which cannot be constrained.

    Returns
    -------
    list of int
        Length `n_features`; 0 for columns that `monotone` does not name.

    Raises
    ------
    ConfigError
        A position is out of range, a constraint is not -1, 0 or 1, or a categorical column is constrained.

    Examples
    --------
    >>> from ml.estimators.inputs import monotone_directions
    >>> monotone_directions(3, monotone={1: -1}, categorical=(2,))
    [0, -1, 0]
    """
    constraints = monotone or {}
    for name, columns in (("categorical", categorical), ("monotone", constraints)):
        for column in columns:
            if not 0 <= column < n_features:
                raise ConfigError(f"{name} names column {column}, but the matrix has columns 0 to {n_features - 1}")
    for column, direction in constraints.items():
        if direction not in (-1, 0, 1):
            raise ConfigError(f"monotone of column {column} must be -1, 0 or 1, got {direction}")
        if direction and column in categorical:
            raise ConfigError(f"column {column} is categorical and has no order: remove it from monotone")
    return [constraints.get(column, 0) for column in range(n_features)]
