"""Variances of sums of correlated forecasts."""

from __future__ import annotations

import polars as pl
import pytest

from serving.work.overview.forecast_spread import FactorModel, total_variances


def test_two_months_correlate_by_the_part_that_persists() -> None:
    """Variances 4 and 9, all of one factor, half of which persists: 13 + 0.5 * 2 * 2 * 3."""
    rows = pl.DataFrame({"store_id": "S1", "start": [0, 1], "series": 0, "variance": [4.0, 9.0], "group_0": 0})
    assert total_variances(rows, FactorModel((1.0,), (0.5, 0.0))) == {"S1": pytest.approx(19.0)}


def test_stores_do_not_add_to_each_other() -> None:
    """Each has its own sum."""
    rows = pl.DataFrame({"store_id": ["a", "b"], "start": 0, "series": [0, 1], "variance": [4.0, 9.0], "group_0": 0})
    assert total_variances(rows, FactorModel((0.5,), (0.5, 0.5))) == {"a": pytest.approx(4), "b": pytest.approx(9)}
