"""Surveillance beyond the contract of every task: alarms, inspection plans, power, and updates while serving."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import DataError, FeatureError
from ml import champions
from ml.fault_rate import endpoints
from ml.fault_rate.answer import respond
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.live_updates import LiveUpdates
from ml.fault_rate.power_curve import RATIOS
from ml.fault_rate.request import request
from ml.fault_rate.snapshot import Snapshot, snapshot_until
from ml.model import Model
from ml.report.report import Report
from tests.conftest import Trained
from tests.reports import keyed
from tests.small.fault_rate import DAY, START, fleet_and_records, write_fault_rate
from training.config import load_config
from training.runs.alarms import alarms
from training.studies.surveillance import SurveillanceStudyData


@pytest.fixture
def model(fault_rate: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(fault_rate.home))
    champion = champions.champion("fault_rate")
    assert champion is not None
    return champions.load(champion)


@dataclass
class Champion:
    """A promoted model as an endpoint reads it."""

    estimator: FaultEstimator
    card: Any = None


def ask(model: Model, /, *, explain: bool = False, **fields: Any) -> Any:
    one = request(model.estimator.signature).model_validate_json(json.dumps(fields))
    return respond(model.estimator, [one], explain=explain)[0]


def test_an_alarm_has_an_inspection_plan_and_sentences(model: Model) -> None:
    answer = ask(model)
    assert answer.basis == "exposure" and answer.cells_tested == 18 and answer.false_alarm_rate == 0.05
    (alarm,) = answer.alarms
    assert (alarm.model, alarm.component) == ("D", "brakes") and alarm.low < alarm.rate_ratio < alarm.high
    plan, best = alarm.plan, alarm.plan.options[-1]
    assert plan.verdict == "inspect_all" and plan.to_inspect == plan.call_in == plan.vehicles > 50
    assert 0 < best.avoided < plan.faults and best.avoided_low < best.avoided < best.avoided_high
    assert best.cost is None and plan.parts_to_stock > best.visits  # brakes concern safety; parts for visits and faults
    assert "D的制动系统" in alarm.text.zh and "quality alarm since 7 October 2023; vehicles built from" in alarm.text.en
    assert alarm.text.en.endswith(
        f"31 December 2021 are affected; inspect all {plan.vehicles} affected vehicles; report it to the maker and the "
        "regulator"
    )
    assert "全部回厂检查" in plan.text.zh and "over the next 6 years" in plan.text.en
    assert ask(model, model="A").alarms == [] and ask(model, component="brakes", model="D").cell.alarm
    cell = ask(model, model="A", component="battery").cell
    assert not cell.alarm and cell.low < 1 < cell.high and cell.evidence == []
    (raised,) = answer.raised
    assert (raised.model, raised.component) == ("D", "brakes") and 1.2 < raised.low < raised.rate_ratio < raised.high
    assert ask(model, model="A").raised == [] and ask(model, component="brakes").raised == [raised]


def test_the_evidence_reaches_the_threshold_in_the_week_of_detection(model: Model) -> None:
    (alarm,) = ask(model, explain=True).alarms
    over = [w.evaluated_on for w in alarm.evidence if w.log_evidence >= alarm.alarm_threshold]
    assert over[0] == alarm.detected_on
    counts = [w.count for w in alarm.evidence]
    assert counts == sorted(counts) and counts[-1] > alarm.evidence[-1].expected


def test_periods_and_states_filter_alarms(model: Model) -> None:
    since = ask(model).alarms[0].detected_on
    assert len(ask(model, since=str(since), until=str(since)).alarms) == 1
    assert ask(model, since=str(since + timedelta(days=1))).alarms == []
    assert ask(model, until=str(since - timedelta(days=1))).alarms == []
    assert ask(model, states=["open"]).alarms == []  # none is kept in a store here
    with pytest.raises(FeatureError, match="must not lie before since"):
        ask(model, since="2024-02-01", until="2024-01-01")


@pytest.mark.parametrize(("fields", "field"), [({"model": "Z"}, "model"), ({"component": "wings"}, "component")])
def test_a_model_or_component_that_is_not_tested_is_named(model: Model, fields: dict[str, str], field: str) -> None:
    with pytest.raises(FeatureError) as caught:
        ask(model, **fields)
    assert caught.value.feature == field


def test_vehicles_are_sorted_by_expected_faults(model: Model) -> None:
    champions = {"fault_rate": Champion(model.estimator)}
    request = endpoints.VehiclesRequest(model="D", component="brakes", limit=10_000)
    answer = endpoints.vehicles(champions, request)
    alarm = ask(model).alarms[0]
    assert answer.alarm and answer.total == len(answer.vehicles) == alarm.plan.vehicles
    assert answer.rate_ratio == pytest.approx(alarm.rate_ratio)
    risks = [v.faults for v in answer.vehicles]
    assert risks == sorted(risks, reverse=True)
    assert sum(v.faults_to_come for v in answer.vehicles) == pytest.approx(alarm.plan.faults, rel=1e-6)
    assert all(v.inspect and v.reason_zh and v.reason_en and v.cost is None for v in answer.vehicles)
    assert all(alarm.built_from <= v.built_on < alarm.built_until for v in answer.vehicles)
    weeks = [vehicle.inspection_week for vehicle in answer.vehicles]
    assert weeks == [1 + place // 50 for place in range(answer.total)] and answer.inspection_weeks == weeks[-1]
    later = endpoints.vehicles(champions, request.model_copy(update={"limit": 5, "offset": 3}))
    assert later.vehicles == answer.vehicles[3:8]
    quiet = endpoints.vehicles(champions, endpoints.VehiclesRequest(model="A", component="battery"))
    assert not quiet.alarm and 0.5 < quiet.rate_ratio < 1.6 and quiet.plan.verdict is None and quiet.days == 90
    assert "set fault_cost" in quiet.plan.text.en  # these records carry no cost
    with pytest.raises(DataError, match="built_until"):
        endpoints.vehicles(
            champions, request.model_copy(update={"built_from": date(2022, 1, 1), "built_until": date(2021, 1, 1)})
        )


def test_baseline_rates_beat_the_constant_rate_on_later_weeks(model: Model) -> None:
    report = Report.model_validate(model.card["evaluation"])
    deviance = report.metrics["poisson_deviance"]
    assert deviance.low <= deviance.value <= deviance.high  # type: ignore[operator]
    assert deviance.value < deviance.baseline  # type: ignore[operator]
    assert report.metrics["bias"].value < 0.25  # type: ignore[operator]
    assert list(keyed(report, "detection_power")) == list(RATIOS)
    # The brakes of D were above those of the other models from the start, and are listed.
    assert [(row["model"], row["component"]) for row in report.rows("raised")] == [("D", "brakes")]
    assert "60 weeks before" in report.protocol


def study_of(folder: Path, tables: tuple[pl.DataFrame, pl.DataFrame], **changes: Any) -> SurveillanceStudyData:
    return SurveillanceStudyData.read(load_config("fault_rate", write_fault_rate(folder, *tables, **changes)))


def test_a_service_loads_the_weekly_run_and_the_alarm_states(fault_rate: Trained, model: Model, tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "fault_alarms.yaml").write_text(
        "{store: alarms.db, snapshot: snapshot.npz, fault_cost: 800, goodwill: 200, safety: {components: [airbags]}}"
    )
    from ml.fault_rate.alarm_store import AlarmStore
    from ml.fault_rate.rules import load_alarm_rules

    rules = load_alarm_rules(configs / "fault_alarms.yaml")
    estimator = FaultEstimator.from_files(model.estimator.to_files())
    refresh = LiveUpdates(configs)
    assert refresh(estimator) and not refresh(estimator)
    plan = ask(Model(model.task, estimator, {})).alarms[0].plan
    assert plan.verdict in ("call_in_now", "not_worth_on_cost") and plan.options[-1].cost > 0
    run = alarms(load_config("fault_rate", fault_rate.config), out=tmp_path / "alarms.parquet", rules=rules)
    assert refresh(estimator) and estimator.snapshot is not estimator.trained
    alarm = ask(Model(model.task, estimator, {}), states=["open"]).alarms[0]
    assert alarm.alarm_id == 1 and alarm.state == "open" and run.alarms["alarm_id"].to_list() == [1]
    AlarmStore(rules.store).move(1, "acknowledged", by="Li")
    assert refresh(estimator)
    assert ask(Model(model.task, estimator, {})).alarms[0].state == "acknowledged"
    rules.snapshot.write_bytes(b"no npz")
    with pytest.raises(DataError, match="damaged"):
        refresh(estimator)
    with pytest.raises(DataError, match="damaged"):
        snapshot_until(rules.snapshot)


def test_a_named_model_has_its_own_store_and_snapshot_under_shared_rules(model: Model, tmp_path: Path) -> None:
    (tmp_path / "fault_alarms.yaml").write_text("{store: alarms.db, snapshot: snapshot.npz, days: 30}")
    estimators = [FaultEstimator.from_files(model.estimator.to_files()) for _ in range(2)]
    for data_set, estimator in zip(("", "north"), estimators, strict=True):
        assert LiveUpdates(tmp_path, data_set=data_set)(estimator)
    assert [e.rules.store.name for e in estimators] == ["alarms.db", "alarms.north.db"]
    assert [e.rules.snapshot.name for e in estimators] == ["snapshot.npz", "snapshot.north.npz"]
    (tmp_path / "fault_alarms.north.yaml").write_text("{store: alarms.north.db, days: 60}")
    assert LiveUpdates(tmp_path, data_set="north")(estimators[1])
    assert (estimators[1].rules.days, estimators[1].rules.store.name) == (60, "alarms.north.db")


def reports(*, late: float) -> pl.DataFrame:
    """Lines of twelve models without a fleet: from week 70 on brakes of model M3 fail `late` times as often."""
    rng = np.random.default_rng(3)
    lines = []
    for week in range(140):
        for m in range(12):
            for component, weekly in {"oil": 12.0, "brakes": 1.0, "battery": 0.8, "pump": 0.6}.items():
                raised = late if (m, component) == (3, "brakes") and week >= 70 else 1.0
                for _ in range(rng.poisson(weekly * raised)):
                    at = START + (week * 7 + int(rng.integers(0, 7))) * DAY
                    lines.append((f"M{m}", component, component != "oil", at))
    table = pl.DataFrame(lines, schema=["model", "component", "fault", "serviced_at"], orient="row")
    return table.with_row_index("record_id").with_columns(pl.col("record_id").cast(pl.String))


def test_without_a_fleet_visits_are_the_exposure_and_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    path = write_fault_rate(tmp_path / "data", *fleet_and_records(cars=10))
    reports(late=4.0).write_parquet(tmp_path / "data" / "service_records.parquet")
    path.with_name("sources.yaml").write_text("tables: {service_records: {parquet: service_records.parquet}}")
    config = load_config("fault_rate", path)
    study = SurveillanceStudyData.read(config)
    assert study.fleet is None and study.exposure.basis == "reports"
    estimator = study.fit().served
    answer = ask(Model(config.definition, estimator, {}))
    assert answer.basis == "reports" and any("proportional reporting" in n for n in answer.notes)
    assert [(a.model, a.component) for a in answer.alarms] == [("M3", "brakes")] and answer.alarms[0].plan is None
    champions = {"fault_rate": Champion(estimator)}
    with pytest.raises(DataError, match="fleet: the snapshot holds no vehicles"):
        endpoints.vehicles(champions, endpoints.VehiclesRequest(model="M3", component="brakes"))
    unnamed = write_fault_rate(tmp_path / "unnamed", *fleet_and_records())
    (tmp_path / "unnamed" / "sources.yaml").write_text("tables: {service_records: {parquet: service_records.parquet}}")
    with pytest.raises(DataError, match=r"service_records\.model"):
        SurveillanceStudyData.read(load_config("fault_rate", unnamed))


def test_snapshots_without_vehicles_or_alarms_round_trip(fault_rate: Trained) -> None:
    study = SurveillanceStudyData.read(load_config("fault_rate", fault_rate.config))
    whole = Snapshot.of(study.run_surveillance(), alpha=0.05, vehicles=None, costs={"brakes": 3.5})
    again = Snapshot.from_file(whole.to_file(), "x.npz")
    assert again.vehicles is None and again.alarms.equals(whole.alarms) and again.costs == {"brakes": 3.5}
    assert again.cells.equals(whole.cells) and np.array_equal(again.log_e, whole.log_e)
