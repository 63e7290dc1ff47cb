"""Derived columns: hand-computed values, missing values, overflow, refused declarations."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.columns.derived_columns import OPERATIONS, check_derivation, undefined_is_missing

COLUMNS = {"a": np.array([6.0, np.nan, 1.0, 0.0]), "b": np.array([3.0, 2.0, 0.0, np.nan])}


def derive(columns: dict[str, np.ndarray], operation: str, arguments: list[str | float]) -> np.ndarray:
    values = [columns[a] if isinstance(a, str) else float(a) for a in arguments]
    with undefined_is_missing():
        return OPERATIONS[operation][0](*values)


@pytest.mark.parametrize(
    ("operation", "arguments", "values"),
    [
        ("ratio", ["a", "b"], [2.0, np.nan, np.nan, np.nan]),
        ("difference", ["a", "b"], [3.0, np.nan, 1.0, np.nan]),
        ("product", ["a", 2], [12.0, np.nan, 2.0, 0.0]),
        ("sum", ["a", "b"], [9.0, np.nan, 1.0, np.nan]),
        ("total", ["a", "b"], [9.0, 2.0, 1.0, 0.0]),
        ("missing", ["b"], [0.0, 0.0, 0.0, 1.0]),
    ],
)
def test_each_operation(operation: str, arguments: list[str | float], values: list[float]) -> None:
    np.testing.assert_array_equal(derive(COLUMNS, operation, arguments), values)


def test_an_instalment_without_interest_divides_and_without_months_is_missing() -> None:
    loans = {"amount": np.array([1_200.0, 1_200.0]), "months": np.array([12.0, 0.0])}
    instalments = derive(loans, "instalment", ["amount", "months", 0.0])
    np.testing.assert_array_equal(instalments, [100.0, np.nan])


def test_what_is_too_large_raises_and_what_is_undefined_does_not() -> None:
    with undefined_is_missing():
        assert np.isnan(np.array([0.0]) / np.array([0.0])).all()
    with pytest.raises(FloatingPointError, match="overflow"):
        derive({"a": np.array([1e300])}, "product", ["a", 1e300])


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("divide", ["a", "b"], "operation 'divide' is unknown; use one of difference, instalment, missing"),
        ("ratio", ["a"], r"ratio takes 2 argument\(s\), got 1"),
        ("sum", [1.0, 2.0], "at least one argument must be a column"),
    ],
)
def test_a_declaration_that_cannot_be_names_the_feature(operation: str, arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=f"derived feature 'mine': {message}"):
        check_derivation("mine", operation, arguments)
