"""Demand behind sales, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.demand.censored_demand import expected_demand


def test_a_month_without_stock_wanted_what_the_rate_was_before_it() -> None:
    demand = expected_demand([[6.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]], prior=[2.0])
    # One period of the prior at 2 and one of 6: a rate of 4, which months without stock do not change.
    assert demand.tolist() == [[6.0, 4.0, 4.0]]


def test_nothing_later_is_used_and_what_is_not_known_is_the_rate() -> None:
    demand = expected_demand([[np.nan, 9.0]], [[1.0, 1.0]], prior=[3.0])
    assert demand.tolist() == [[3.0, 9.0]]


@pytest.mark.parametrize(
    ("sold", "available", "prior", "message"),
    [
        ([[1.0]], [[1.5]], [1.0], "available must lie between 0 and 1, got 1.5"),
        ([[-1.0]], [[1.0]], [1.0], "sold must not be below 0, got -1"),
        ([[1.0]], [[1.0, 1.0]], [1.0], "must speak of the same series"),
        ([[1.0]], [[1.0]], [0.0], "prior must be above 0, got 0"),
    ],
)
def test_what_cannot_be_is_refused(sold: list, available: list, prior: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expected_demand(sold, available, prior=prior)
