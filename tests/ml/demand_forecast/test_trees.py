"""The global model on series whose ratio to their level is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.params import TreeParams
from ml.demand_forecast.past import Past
from ml.demand_forecast.trees import Trees

PARAMS = TreeParams(n_estimators=30, learning_rate=0.2, min_data_in_leaf=5, bags=1, num_threads=1)


def past(sold: np.ndarray, *, available: np.ndarray | None = None) -> Past:
    stores = pl.DataFrame({"store_id": [f"S{i:02d}" for i in range(len(sold))]})
    there = np.ones(sold.shape) if available is None else available
    return Past(Panel(stores, ("store_id",), "month", 600, sold, there), ((),), country=None)


@pytest.fixture(scope="module")
def levels() -> Past:
    """Ten stores that sell 1, 2, ... 10 every month of two years."""
    return past(np.repeat(np.arange(1.0, 11.0)[:, None], 24, axis=1))


@pytest.fixture(scope="module")
def trees(levels: Past) -> Trees:
    return Trees(PARAMS, weighting="volume").fit(levels, until=24, horizon=2)


def test_constant_series_go_on_as_they_are(levels: Past, trees: Trees) -> None:
    forecast = trees.forecast(levels, 24, 2)
    assert forecast.shape == (10, 2)
    np.testing.assert_allclose(forecast[1:], np.repeat(np.arange(2.0, 11.0)[:, None], 2, axis=1), rtol=0.1)


def test_some_rows_are_forecast_like_all(levels: Past, trees: Trees) -> None:
    rows = np.array([7, 2])
    np.testing.assert_array_equal(trees.forecast(levels, 24, 2, rows=rows), trees.forecast(levels, 24, 2)[rows])


def test_the_forecast_is_the_ratio_times_the_level(levels: Past, trees: Trees) -> None:
    table = levels.table(np.array([3]), np.array([24]), np.array([1]))
    assert trees.forecast(levels, 24, 2)[3, 0] == trees.ratio(table)[0] * levels.level[3, 24]
    assert trees.contributions(table).shape == (1, len(levels.names))


def test_the_same_seed_learns_the_same(levels: Past, trees: Trees) -> None:
    again = Trees(PARAMS, weighting="volume").fit(levels, until=24, horizon=2)
    np.testing.assert_array_equal(again.forecast(levels, 24, 2), trees.forecast(levels, 24, 2))


def test_nothing_from_the_column_on_is_learnt_from(trees: Trees) -> None:
    sold = np.repeat(np.arange(1.0, 11.0)[:, None], 30, axis=1)
    sold[:, 24:] = 500.0
    later = Trees(PARAMS, weighting="volume").fit(past(sold), until=24, horizon=2)
    assert later.forecast(past(sold), 24, 2).max() < 15


def test_too_little_to_learn_from_is_an_error_with_a_remedy() -> None:
    with pytest.raises(DataError, match=r"only \d+ examples before 2020-04; give a longer history"):
        Trees(PARAMS, weighting="volume").fit(past(np.ones((1, 3))), until=3, horizon=1)
    with pytest.raises(DataError, match=r"nothing was sold before 2022-01; check sales\.quantity"):
        Trees(PARAMS, weighting="volume").fit(past(np.zeros((2, 24))), until=24, horizon=1)
