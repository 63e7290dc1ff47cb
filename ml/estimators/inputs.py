"""What the estimators ask of their matrices: float64, rows together in memory, NaN for missing, nothing infinite."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray


def check_matrix(X: npt.ArrayLike, *, n_features: int | None = None) -> FloatArray:
    """A C-contiguous float64 matrix; one that is already right is returned as it is.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        NaN is missing.
    n_features : int, optional
        Columns there must be.

    Raises
    ------
    DataError
        Not a matrix of numbers, another number of columns, or an infinite value.

    Examples
    --------
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
        columns = "columns" if n_features is None else f"{n_features} columns, those it was fitted on"
        raise DataError(f"the feature matrix must have two dimensions, rows and {columns}; got shape {np.shape(X)}")
    if np.isinf(array).any():
        row, column = np.argwhere(np.isinf(array))[0]
        raise DataError(
            f"column {column} holds an infinite value (row {row}): use finite numbers, or NaN where a value is missing"
        )
    return array


def check_training_data(
    X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Matrix, outcomes and weights to learn from; both outcomes must be there.

    Raises
    ------
    DataError
        As `check_matrix` and `check_outcomes`, or the rows do not match.

    Examples
    --------
    >>> check_training_data([[1.0], [2.0]], [1, 1], None)
    Traceback (most recent call last):
    ...
    features.errors.DataError: y holds one class only (1 in all 2 rows): learning needs rows with y = 0 and with y = 1
    """
    array = check_matrix(X)
    if array.shape[1] == 0:
        raise DataError("the feature matrix has no columns: learning needs at least one feature")
    outcome, weight = check_outcomes(y, sample_weight)
    if len(outcome) != len(array):
        raise DataError(
            f"y must have one entry for each row of the feature matrix: {len(outcome)} for {len(array)} rows"
        )
    return array, outcome, weight


def check_outcomes(y: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    """Outcomes and weights as float64 arrays of one length.

    Raises
    ------
    DataError
        No rows, an outcome other than 0 and 1, one class only, weights of another length, not finite or not above 0.

    Examples
    --------
    >>> check_outcomes([0, 1], None)[1].tolist()
    [1.0, 1.0]
    """
    try:
        outcome = np.asarray(y, dtype=np.float64)
        weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise DataError(f"y and sample_weight must be numbers: {e}") from None
    if outcome.ndim != 1 or len(outcome) == 0 or outcome.shape != weight.shape:
        raise DataError(f"y {outcome.shape} and sample_weight {weight.shape} must have one length, at least 1")
    for rule, values, right in (
        ("y must be 0 or 1", outcome, (outcome == 0) | (outcome == 1)),
        ("sample_weight must be finite and above 0", weight, np.isfinite(weight) & (weight > 0)),
    ):
        if not right.all():
            raise DataError(f"{rule}, got {values[~right][0]}")
    if outcome.min() == outcome.max():
        raise DataError(
            f"y holds one class only ({outcome[0]:.0f} in all {len(outcome)} rows): "
            "learning needs rows with y = 0 and with y = 1"
        )
    return outcome, weight


def monotone_directions(
    n_features: int, *, monotone: Mapping[int, int] | None, categorical: Collection[int]
) -> list[int]:
    """Direction of every column, once the columns named are known to be there.

    Raises
    ------
    ConfigError
        A column that is not there, a direction other than -1, 0 and 1, or a direction for a categorical column.

    Examples
    --------
    >>> monotone_directions(3, monotone={1: -1}, categorical=(2,))
    [0, -1, 0]
    """
    wanted = monotone or {}
    for name, columns in (("categorical", categorical), ("monotone", wanted)):
        for column in columns:
            if not 0 <= column < n_features:
                raise ConfigError(f"{name} names column {column}, but the matrix has columns 0 to {n_features - 1}")
    for column, direction in wanted.items():
        if direction not in (-1, 0, 1):
            raise ConfigError(f"monotone of column {column} must be -1, 0 or 1, got {direction}")
        if direction and column in categorical:
            raise ConfigError(f"column {column} is categorical and has no order: take it out of monotone")
    return [wanted.get(column, 0) for column in range(n_features)]
