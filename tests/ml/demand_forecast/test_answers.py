"""Answers of `demand_forecast`: precomputed and recomputed forecasts, totals, and invalid requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import FeatureError
from ml import champions
from ml.demand_forecast.answer import respond
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.request import request
from ml.model import Model
from ml.report.report import Report
from tests.conftest import Trained
from tests.reports import keyed
from tests.small.demand_forecast import STORES, demand_forecast_tables, write_demand_forecast
from training.config import load_config
from training.studies.panel import PanelStudyData


@pytest.fixture
def model(demand_forecast: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(demand_forecast.home))
    champion = champions.champion("demand_forecast")
    assert champion is not None
    return champions.load(champion)


def study_of(folder: Path, tables: dict[str, pl.DataFrame], **changes: Any) -> PanelStudyData:
    return PanelStudyData.read(load_config("demand_forecast", write_demand_forecast(folder, tables, **changes)))


def ask(model: Model, /, *, explain: bool = False, **fields: Any) -> Any:
    body = request(model.estimator.signature).model_validate_json(json.dumps(fields))
    return respond(model.estimator, [body], explain=explain)[0]


def test_precomputed_forecasts_equal_recomputed_ones(model: Model) -> None:
    for store, name in (("S1", "A"), ("S6", "D")):
        precomputed = ask(model, store_id=store, model=name, levels=[0.1, 0.5, 0.9])
        recomputed = ask(model, store_id=store, model=name, levels=[0.1, 0.5, 0.9], explain=True)
        assert not precomputed.recomputed
        assert [p.period for p in precomputed.periods] == ["2023-01", "2023-02", "2023-03"]
        for a, b in zip(precomputed.periods, recomputed.periods, strict=True):
            assert a.mean == pytest.approx(b.mean, rel=1e-5) and a.quantiles == b.quantiles
            assert b.drivers and all("%" in d.en and "%" in d.zh for d in b.drivers)


def test_levels_may_come_in_any_order(model: Model) -> None:
    request = {"store_id": "S6", "model": "D", "history": [{"period": "2023-01", "sold": 9}]}
    up, down = (
        ask(model, **request, levels=levels).periods[0].quantiles for levels in ([0.1, 0.5, 0.9], [0.9, 0.5, 0.1])
    )
    assert up == down[::-1] and up[0] < up[2]


def test_every_level_adds_up_and_no_quantile_crosses_or_is_negative(model: Model) -> None:
    estimator: DemandEstimator = model.estimator
    totals = {v.columns: t for v, t in zip(estimator.levels, estimator.level_forecasts, strict=True)}
    of_all = totals[()].mean[0]
    for columns, table in totals.items():
        np.testing.assert_allclose(table.mean.sum(axis=0), of_all, rtol=1e-9, err_msg=str(columns))
    np.testing.assert_allclose(estimator.series_forecasts.mean.sum(axis=0), of_all, rtol=1e-9)
    for table in (estimator.series_forecasts, *estimator.level_forecasts):
        assert (table.quantiles >= 0).all() and (np.diff(table.quantiles, axis=-1) >= 0).all()
    answer = ask(model, region="north", levels=[0.5])
    parts = [ask(model, store_id=s, levels=[0.5]) for s, r in STORES.items() if r == "north"]
    assert answer.periods[0].mean == pytest.approx(sum(p.periods[0].mean for p in parts))


def test_a_request_may_add_history(model: Model) -> None:
    base = ask(model, store_id="S1", model="A")
    busy = ask(model, store_id="S1", model="A", history=[{"period": "2023-01", "sold": 30}])
    assert busy.recomputed and busy.last_period == "2023-01" and busy.periods[0].period == "2023-02"
    assert busy.periods[0].mean > 1.5 * base.periods[1].mean
    empty = [{"period": "2023-01", "sold": 0, "available": 0.0}]
    sold_out = ask(model, store_id="S6", model="D", history=empty)
    idle = ask(model, store_id="S6", model="D", history=[{"period": "2023-01", "sold": 0}])
    assert sold_out.periods[0].mean > 1.1 * idle.periods[0].mean  # sales without stock do not lower it


def test_a_what_if_value_changes_the_answer_and_no_stored_forecast(model: Model) -> None:
    base = ask(model, store_id="S1", model="A")
    changed = ask(model, store_id="S1", model="A", price=[90_000.0, 90_000.0, 90_000.0])
    assert changed.recomputed and not base.recomputed
    assert ask(model, store_id="S1", model="A") == base


def test_a_new_series_is_forecast_from_similar_ones(model: Model) -> None:
    answer = ask(model, store_id="S6", model="F", like={"brand": "Lan"})
    small = ask(model, store_id="S1", model="F", like={"brand": "Lan"})
    assert answer.warning is not None and "similar models and stores" in answer.warning.en
    assert answer.periods[0].mean > small.periods[0].mean > 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"store_id": "S9", "model": "A"}, "store_id"),
        ({"store_id": "S1", "model": "Z"}, "model"),
        ({"region": "west"}, "region"),
        ({"region": "north", "brand": "Kai"}, "region"),
        ({"store_id": "S1", "price": 1.0}, "model"),
        ({"store_id": "S1", "model": "A", "price": [1.0, 2.0]}, "price"),
        ({"store_id": "S1", "model": "A", "like": {"brand": "Kai"}}, "like"),
        ({"store_id": "S1", "model": "Z", "like": {"colour": "red"}}, "like.colour"),
        ({"store_id": "S1", "model": "A", "history": [{"period": "2031-01", "sold": 1}]}, "history"),
        ({"store_id": "S1", "model": "A", "history": [{"period": "2023-13", "sold": 1}]}, "history"),
        ({"store_id": "S1", "model": "A", "history": [{"period": "2023-01", "sold": 1.5}]}, "history"),
        ({"store_id": "S1", "model": "A", "history": [{"period": "2023-01", "sold": 1}] * 2}, "history"),
    ],
)
def test_an_invalid_request_names_its_field(model: Model, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(FeatureError) as caught:
        ask(model, **fields)
    assert caught.value.feature == field


def test_a_horizon_beyond_the_validated_one_is_refused_or_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    study = study_of(tmp_path / "data", demand_forecast_tables(), params={"beyond": "warn"})
    estimator = study.fit().served
    warned = Model(study.config.definition, estimator, {})
    answer = ask(warned, store_id="S1", model="A", horizon=6)
    assert len(answer.periods) == 6 and answer.warning is not None and "validated" in answer.warning.en
    again = DemandEstimator.from_files(estimator.to_files())
    assert ask(Model(study.config.definition, again, {}), store_id="S1", model="A", horizon=6) == answer


def test_report_has_intervals_naive_forecasts_and_coverage_by_class(model: Model) -> None:
    report = Report.model_validate(model.card["evaluation"])
    assert set(report.metrics) == set(model.task.directions)
    for metric in report.metrics.values():
        assert metric.low <= metric.value <= metric.high and metric.baseline is not None  # type: ignore[operator]
    loss = report.metrics["weighted_quantile_loss"]
    assert loss.high < loss.baseline  # type: ignore[operator]
    classes = keyed(report, "by_demand_class")
    assert classes and all(0.6 <= c["coverage_80"] <= 1 for c in classes.values())
    assert "gain_over_best_forecast" in report
    assert any("stock-outs" in note for note in report.notes)
