"""Demand corrected for stock-outs, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.demand.censored_demand import expected_demand


def test_demand_of_a_month_without_stock_is_the_rate_before_it() -> None:
    demand = expected_demand([[6.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]], prior=[2.0])
    # One period of the prior at 2 and one of 6: a rate of 4, which months without stock do not change.
    assert demand.tolist() == [[6.0, 4.0, 4.0]]


def test_no_later_sales_are_used_and_unobserved_demand_is_the_rate() -> None:
    demand = expected_demand([[np.nan, 9.0]], [[1.0, 1.0]], prior=[3.0])
    assert demand.tolist() == [[3.0, 9.0]]


@pytest.mark.parametrize(
    ("sold", "available", "prior", "message"),
    [
        ([[1.0]], [[1.5]], [1.0], "available must be between 0 and 1, got 1.5"),
        ([[-1.0]], [[1.0]], [1.0], "sold must not be negative, got -1"),
        ([[1.0]], [[1.0, 1.0]], [1.0], "available the same and prior"),
        ([[1.0]], [[1.0]], [0.0], "prior must be above 0, got 0"),
    ],
)
def test_invalid_input_is_refused(sold: list, available: list, prior: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expected_demand(sold, available, prior=prior)
