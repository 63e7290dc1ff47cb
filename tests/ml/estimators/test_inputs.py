"""Validation of the arrays that estimators take."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ConfigError, DataError
from ml.estimators.inputs import check_matrix, check_outcomes, check_training_data, monotone_directions


def test_a_valid_matrix_is_not_copied_and_another_is_converted() -> None:
    valid = np.ones((2, 3))
    assert check_matrix(valid) is valid
    converted = check_matrix(np.ones((3, 2)).T)
    assert converted.flags.c_contiguous and converted.shape == (2, 3)
    assert np.isnan(check_matrix([[None, 1]])[0, 0])


@pytest.mark.parametrize(
    ("X", "n_features", "message"),
    [
        ([["a"]], None, "must hold numbers only"),
        ([1.0], None, r"two dimensions, rows and columns; got shape \(1,\)"),
        ([[1.0]], 2, r"2 columns, as in fit; got shape \(1, 1\)"),
        ([[0.0, -np.inf]], None, r"column 1 holds an infinite value \(row 0\)"),
    ],
)
def test_an_invalid_matrix_is_refused(X: list, n_features: int | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_matrix(X, n_features=n_features)


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        ([0, 1, 1], None, "one entry for each row of the feature matrix: 3 for 2 rows"),
        ([0, 2], None, "y must be 0 or 1, got 2.0"),
        ([0, 1], [1.0, 0.0], "sample_weight must be finite and above 0, got 0.0"),
        ([0, 1], [1.0], "must have the same length"),
        ([0, 0], None, r"y holds one class only \(0 in all 2 rows\)"),
        (["a", "b"], None, "must be numbers"),
    ],
)
def test_invalid_outcomes_and_weights_are_refused(y: list, weight: list | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_training_data([[1.0], [2.0]], y, weight)


def test_a_matrix_without_columns_is_refused_and_weights_are_returned() -> None:
    with pytest.raises(DataError, match="has no columns"):
        check_training_data(np.empty((2, 0)), [0, 1], None)
    assert check_outcomes([1, 0], [2.0, 3.0])[1].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("monotone", "categorical", "message"),
    [
        ({2: 1}, (), "monotone names column 2, but the matrix has columns 0 to 1"),
        ({}, (5,), "categorical names column 5"),
        ({0: 2}, (), "monotone of column 0 must be -1, 0 or 1, got 2"),
        ({0: 1}, (0,), "column 0 is categorical and has no order"),
    ],
)
def test_invalid_constraints_are_refused(monotone: dict, categorical: tuple, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        monotone_directions(2, monotone=monotone, categorical=categorical)
    assert monotone_directions(2, monotone={1: -1}, categorical=()) == [0, -1]
