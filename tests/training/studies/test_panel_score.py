"""Forecasts of every series as rows, from the end of the sales or of an earlier history."""

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


def test_rows_are_the_answers_of_the_version_where_no_period_has_passed(model: Model, config: TaskConfig) -> None:
    rows = score_series(model, config, data=None, as_of=None)
    assert rows.height == len(STORES) * len(MODELS) * model.estimator.params.horizon
    asked = rows.select("store_id", "model", "horizon")
    np.testing.assert_allclose(rows["mean"], model.estimator.predict(asked)["mean"], rtol=1e-6)


def test_as_of_uses_the_sales_before_it_alone(model: Model, config: TaskConfig, tmp_path: Path) -> None:
    rows = score_series(model, config, data=None, as_of=CUT)
    assert rows["period"].unique().sort()[0] == "2022-10", "a month that is not over is forecast"
    sales = pl.read_parquet(config.sources.parent / "sales.parquet")
    before = sales.filter(pl.col("sold_at") < int(CUT.timestamp() * 1e6))
    assert 0 < before.height < sales.height
    before.write_parquet(tmp_path / "before.parquet")
    assert score_series(model, config, data=tmp_path / "before.parquet", as_of=CUT).equals(rows)


def test_a_version_of_other_series_is_refused(model: Model, demand_forecast: Trained) -> None:
    weekly = load_config("demand_forecast", demand_forecast.config, settings=["params.frequency=week"])
    with pytest.raises(ConfigError, match="the model forecasts store_id, model by the month, the configuration names"):
        score_series(model, weekly, data=None, as_of=None)
