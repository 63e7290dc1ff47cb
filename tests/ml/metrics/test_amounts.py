"""Errors of predicted amounts by hand."""

from __future__ import annotations

import pytest

from features.errors import DataError
from ml.metrics.amounts import (
    interval_coverage,
    mean_absolute_error,
    mean_absolute_percentage_error,
    median_absolute_percentage_error,
)

Y, P, WEIGHT = [10.0, 20.0, 40.0], [11.0, 10.0, 40.0], [1.0, 1.0, 2.0]


def test_errors_by_hand_with_and_without_weights() -> None:
    assert mean_absolute_error(Y, P) == pytest.approx(11 / 3)
    assert mean_absolute_error(Y, P, sample_weight=WEIGHT) == pytest.approx(11 / 4)
    assert mean_absolute_percentage_error(Y, P) == pytest.approx(0.6 / 3)
    assert median_absolute_percentage_error(Y, P) == pytest.approx(0.1)
    assert median_absolute_percentage_error(Y, P, sample_weight=WEIGHT) == 0.0


def test_the_ends_of_an_interval_belong_to_it() -> None:
    ends = [[10.0, 12.0], [21.0, 30.0], [30.0, 40.0]]
    assert interval_coverage(Y, ends) == pytest.approx(2 / 3)
    assert interval_coverage(Y, ends, sample_weight=[1.0, 3.0, 0.0]) == 0.25


def test_invalid_input_is_refused() -> None:
    with pytest.raises(DataError, match=r"mean_absolute_error: .* the same length"):
        mean_absolute_error([1.0], [1.0, 2.0])
    with pytest.raises(DataError, match="mean_absolute_error: p must be finite, got nan"):
        mean_absolute_error([1.0], [float("nan")])
    with pytest.raises(DataError, match="mean_absolute_percentage_error: y must be above 0, got 0"):
        mean_absolute_percentage_error([0.0], [1.0])
    with pytest.raises(DataError, match=r"a lower and an upper end for each row, got shape \(3,\)"):
        interval_coverage(Y, P)
