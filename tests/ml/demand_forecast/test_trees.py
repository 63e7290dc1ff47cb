"""The global model on series with a constant ratio to their baseline."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
from ml.demand_forecast.params import TreeParams
from ml.demand_forecast.trees import Trees

PARAMS = TreeParams(n_estimators=30, learning_rate=0.2, min_data_in_leaf=5, bags=1, num_threads=1)


def features(sold: np.ndarray, *, available: np.ndarray | None = None) -> PanelFeatures:
    stores = pl.DataFrame({"store_id": [f"S{i:02d}" for i in range(len(sold))]})
    in_stock = np.ones(sold.shape) if available is None else available
    return PanelFeatures(Panel(stores, ("store_id",), "month", 600, sold, in_stock), ((),), country=None)


@pytest.fixture(scope="module")
def constant() -> PanelFeatures:
    """Ten stores that sell 1, 2, ... 10 every month of two years."""
    return features(np.repeat(np.arange(1.0, 11.0)[:, None], 24, axis=1))


@pytest.fixture(scope="module")
def trees(constant: PanelFeatures) -> Trees:
    return Trees(PARAMS, weighting="volume").fit(constant, until=24, horizon=2)


def test_constant_series_are_forecast_by_their_value(constant: PanelFeatures, trees: Trees) -> None:
    forecast = trees.forecast(constant, 24, 2)
    assert forecast.shape == (10, 2)
    np.testing.assert_allclose(forecast[1:], np.repeat(np.arange(2.0, 11.0)[:, None], 2, axis=1), rtol=0.1)


def test_some_rows_are_forecast_like_all(constant: PanelFeatures, trees: Trees) -> None:
    rows = np.array([7, 2])
    np.testing.assert_array_equal(trees.forecast(constant, 24, 2, rows=rows), trees.forecast(constant, 24, 2)[rows])


def test_the_forecast_is_the_ratio_times_the_baseline(constant: PanelFeatures, trees: Trees) -> None:
    table = constant.table(np.array([3]), np.array([24]), np.array([1]))
    assert trees.forecast(constant, 24, 2)[3, 0] == trees.ratio(table)[0] * constant.baseline[3, 24]
    assert trees.contributions(table).shape == (1, len(constant.names))


def test_the_same_seed_gives_the_same_forecast(constant: PanelFeatures, trees: Trees) -> None:
    again = Trees(PARAMS, weighting="volume").fit(constant, until=24, horizon=2)
    np.testing.assert_array_equal(again.forecast(constant, 24, 2), trees.forecast(constant, 24, 2))


def test_no_period_from_the_column_on_is_trained_on(trees: Trees) -> None:
    sold = np.repeat(np.arange(1.0, 11.0)[:, None], 30, axis=1)
    sold[:, 24:] = 500.0
    later = Trees(PARAMS, weighting="volume").fit(features(sold), until=24, horizon=2)
    assert later.forecast(features(sold), 24, 2).max() < 15


def test_too_few_training_rows_are_an_error_with_a_remedy() -> None:
    with pytest.raises(
        DataError, match=r"\d+ training rows before 2020-04, at least 12 needed: provide a longer history"
    ):
        Trees(PARAMS, weighting="volume").fit(features(np.ones((1, 3))), until=3, horizon=1)
    with pytest.raises(DataError, match=r"no sales before 2022-01; check the mapping of sales\.quantity"):
        Trees(PARAMS, weighting="volume").fit(features(np.zeros((2, 24))), until=24, horizon=1)
