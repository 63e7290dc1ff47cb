"""The nightly run of forecasts and orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml import champions
from ml.model import Model
from tests.conftest import ROOT, Trained
from tests.small.demand_forecast import MODELS, STORES, demand_forecast_tables, write_demand_forecast
from training.config import load_config
from training.runs.forecast import forecast
from training.runs.order_evidence import held_out_verdict


@pytest.fixture
def model(demand_forecast: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(demand_forecast.home))
    champion = champions.champion("demand_forecast")
    assert champion is not None
    return champions.load(champion)


def test_nightly_run_writes_forecasts_orders_and_a_figure(
    model: Model, demand_forecast: Trained, tmp_path: Path
) -> None:
    rules = ROOT / "configs" / "order_planning.yaml"
    config = load_config("demand_forecast", demand_forecast.config)
    plan = forecast(model, config, out=tmp_path / "plan.parquet", rules=rules)
    assert [p.name for p in plan.files] == [
        "plan.parquet", "plan.orders.parquet", "plan.transfers.parquet", "plan.comparison.parquet", "plan.png",
    ]  # fmt: skip
    table = pl.read_parquet(tmp_path / "plan.parquet")
    assert set(table["level"]) == {"store_id by model", "region", "store_id", "model", "brand", "everything"}
    by_level = table.filter(horizon=1).group_by("level").agg(pl.col("mean").sum())
    np.testing.assert_allclose(by_level["mean"], by_level["mean"][0], rtol=1e-9)
    first = table.filter(level="store_id by model", horizon=1)
    assert first.height == len(STORES) * len(MODELS) and first["drivers_zh"].str.len_chars().min() is not None
    orders = pl.read_parquet(tmp_path / "plan.orders.parquet")
    assert orders.height == first.height and orders["order"].min() >= 0 and orders["order"].max() > 0
    assert (orders["lost_with_order"] <= orders["lost_without_order"] + 1e-9).all()
    costs = pl.read_parquet(tmp_path / "plan.comparison.parquet")
    assert costs.height == 4 * (len(STORES) + 1)
    by_store = costs.filter(pl.col("store_id").is_not_null()).group_by("policy").agg(pl.col("cost_yuan").sum())
    total = costs.filter(pl.col("store_id").is_null()).select("policy", total="cost_yuan")
    np.testing.assert_allclose(*by_store.join(total, on="policy").select("cost_yuan", "total"))
    saved = costs.drop_nulls("saving_yuan")
    assert (saved["saving_low"] <= saved["saving_yuan"]).all() and (saved["saving_yuan"] <= saved["saving_high"]).all()
    assert not list(tmp_path.glob(".*"))
    without_rules = forecast(model, config, out=tmp_path / "other.csv", rules=None)
    assert (
        without_rules.orders is None and without_rules.without_orders is not None and (tmp_path / "other.csv").exists()
    )


def test_new_data_is_forecast_without_refitting(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    longer = write_demand_forecast(tmp_path / "data", demand_forecast_tables(months=38))
    plan = forecast(model, load_config("demand_forecast", longer), out=tmp_path / "plan.parquet", rules=None)
    assert plan.forecasts["period"].unique().sort().to_list() == ["2023-03", "2023-04", "2023-05"]


def test_the_held_out_costs_come_from_the_report_of_the_version(
    demand_forecast: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(demand_forecast.home))
    verdict = held_out_verdict(champions.version_or_champion("demand_forecast"))
    assert verdict is not None and "times as much as ordering by forecasts (95% interval" in verdict
