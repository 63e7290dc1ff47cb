"""Files of answers, and tasks that another command answers."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from ml import champions
from ml.model import Model
from tests.conftest import Trained
from training.config import load_config
from training.score import score
from training.studies.panel import PanelStudyData
from training.studies.surveillance import SurveillanceStudyData


def champion(owner: Trained, task: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
    version = champions.champion(task)
    assert version is not None
    return champions.load(version)


def test_every_customer_gets_a_list(recommendation: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = champion(recommendation, "recommendation", monkeypatch)
    out = tmp_path / "lists.parquet"
    assert (
        score(model, load_config("recommendation", recommendation.config), data=None, out=out)
        == pl.read_parquet(out).height
    )
    lists = pl.read_parquet(out)
    assert lists["customer_id"].n_unique() == 400
    assert lists.group_by("customer_id").agg(pl.col("place").sort())["place"].list.max().max() == 10
    assert lists.select("customer_id", "vehicle_id").is_duplicated().sum() == 0


def test_series_are_forecast_by_another_command(
    demand_forecast: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = champion(demand_forecast, "demand_forecast", monkeypatch)
    config = load_config("demand_forecast", demand_forecast.config)
    with pytest.raises(ConfigError, match="chehang forecast"):
        score(model, config, data=None, out=tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="time: sold_at"):
        PanelStudyData.read(load_config("demand_forecast", demand_forecast.config, settings=["time=none"]))


def test_faults_are_watched_by_another_command(
    fault_rate: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = champion(fault_rate, "fault_rate", monkeypatch)
    with pytest.raises(ConfigError, match="chehang alarms"):
        score(model, load_config("fault_rate", fault_rate.config), data=None, out=tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="time: serviced_at"):
        SurveillanceStudyData.read(load_config("fault_rate", fault_rate.config, settings=["time=none"]))
