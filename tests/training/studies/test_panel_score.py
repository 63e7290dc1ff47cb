"""Forecasts of every series in long format, from the end of the sales or from an earlier date."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError
from ml.model import Model
from tests.conftest import Trained
from tests.small.demand_forecast import MODELS, STORES
from tests.training.studies.promoted import champion
from training.config import TaskConfig, load_config
from training.studies.panel_score import score_series

CUT = datetime(2022, 10, 20, tzinfo=UTC)


@pytest.fixture
def model(demand_forecast: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    return champion(demand_forecast, "demand_forecast", monkeypatch)


@pytest.fixture
def config(demand_forecast: Trained) -> TaskConfig:
    return load_config("demand_forecast", demand_forecast.config)


def test_without_new_periods_the_rows_are_the_model_s_predictions(model: Model, config: TaskConfig) -> None:
    rows = score_series(model, config, data=None, as_of=None)
    assert rows.height == len(STORES) * len(MODELS) * model.estimator.params.horizon
    keys = rows.select("store_id", "model", "horizon")
    np.testing.assert_allclose(rows["mean"], model.estimator.predict(keys)["mean"], rtol=1e-6)


def test_as_of_uses_earlier_sales_only(model: Model, config: TaskConfig, tmp_path: Path) -> None:
    rows = score_series(model, config, data=None, as_of=CUT)
    assert rows["period"].unique().sort()[0] == "2022-10", "an incomplete month is forecast"
    sales = pl.read_parquet(config.sources.parent / "sales.parquet")
    before = sales.filter(pl.col("sold_at") < int(CUT.timestamp() * 1e6))
    assert 0 < before.height < sales.height
    before.write_parquet(tmp_path / "before.parquet")
    assert score_series(model, config, data=tmp_path / "before.parquet", as_of=CUT).equals(rows)


def test_a_model_with_other_series_is_refused(model: Model, demand_forecast: Trained) -> None:
    weekly = load_config("demand_forecast", demand_forecast.config, settings=["params.frequency=week"])
    with pytest.raises(ConfigError, match="the model forecasts store_id, model by month, the configuration has"):
        score_series(model, weekly, data=None, as_of=None)
