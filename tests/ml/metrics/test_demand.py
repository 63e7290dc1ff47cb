"""Errors of forecasts relative to demand, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import DataError
from ml.metrics.demand import (
    DECILES,
    bias,
    root_mean_squared_error,
    weighted_absolute_error,
    weighted_quantile_loss,
)


def test_a_quantile_costs_its_level_below_and_the_rest_above_the_outcome() -> None:
    exact = np.full((1, len(DECILES)), 10.0)
    assert weighted_quantile_loss([10.0], exact) == 0.0
    last = np.arange(len(DECILES)) == len(DECILES) - 1
    assert weighted_quantile_loss([10.0], exact - 4 * last) == pytest.approx(2 * 0.9 * 4 / 10 / 9)
    assert weighted_quantile_loss([10.0], exact + 4 * last) == pytest.approx(2 * 0.1 * 4 / 10 / 9)


def test_points_by_hand() -> None:
    y, p, weight = [4.0, 0.0, 6.0], [1.0, 2.0, 6.0], [2.0, 1.0, 1.0]
    assert weighted_absolute_error(y, p) == pytest.approx(5 / 10)
    assert weighted_absolute_error(y, p, sample_weight=weight) == pytest.approx(8 / 14)
    assert root_mean_squared_error(y, p) == pytest.approx((13 / 3) ** 0.5)
    assert bias(y, p) == pytest.approx(-1 / 10) and bias([1.0, 3.0], [3.0, 1.0]) == 0.0


def test_invalid_input_is_refused() -> None:
    with pytest.raises(DataError, match="total demand of the rows is 0"):
        bias([0.0], [1.0])
    with pytest.raises(DataError, match="the same rows"):
        weighted_absolute_error([1.0, 2.0], [1.0])
    with pytest.raises(DataError, match="one column for each of 9 levels"):
        weighted_quantile_loss([1.0], [[1.0]])
