"""The fast lane lists dangerous reports before and without any statistic, and drops none that is open."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.safety import SafetyKind, SafetyRules
from ml.fault_rate.safety_store import SafetyStore
from tests.small.fault_rate import DAY, START, fleet_and_records, write_fault_rate
from training.config import load_config
from training.runs.safety import safety
from training.studies.task_tables import RawTables, read_task_tables

KIND = SafetyKind(name="loss_of_braking", zh="制动失效", en="loss of braking", components=("brakes",), words=("失灵",))
DANGEROUS = {"component": "brakes", "fault": True, "line_text": "制动失灵"}


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RawTables:
    """Three weeks of records: too few for any baseline. R0 is dangerous on the first day, R1 on the last, R2 is not."""
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    lines = [
        {**DANGEROUS, "vehicle_id": "V0", "serviced_at": START, "reported_at": START + DAY},
        {**DANGEROUS, "vehicle_id": "V1", "serviced_at": START + 20 * DAY, "reported_at": START + 20 * DAY},
        {**DANGEROUS, "vehicle_id": "V2", "serviced_at": START + 20 * DAY, "reported_at": START + 20 * DAY,
         "line_text": "未见制动失灵"},
    ]  # fmt: skip
    fleet, _ = fleet_and_records(cars=10)
    path = write_fault_rate(tmp_path / "data", fleet, pl.DataFrame(lines))
    return read_task_tables(load_config("fault_rate", path), extra={})


def rules(tmp_path: Path, days: int = 90) -> AlarmRules:
    return AlarmRules(store=tmp_path / "alarms.db", safety=SafetyRules(days=days, kinds=(KIND,)))


def test_reports_are_listed_written_and_stored_with_three_weeks_of_records(raw: RawTables, tmp_path: Path) -> None:
    run = safety(raw, out=tmp_path / "alarms.csv", rules=rules(tmp_path))
    assert run.reports["vehicle_id"].to_list() == ["V1", "V0"] and run.new == 2 and run.notes == ()
    assert run.reports["state"].to_list() == ["new", "new"] and run.reports["id"].to_list() == [2, 1]
    assert run.reports["first_listed_on"].to_list() == [date(2022, 1, 28)] * 2
    assert run.file == tmp_path / "alarms.safety.csv"
    assert run.document.read_text(encoding="utf-8").count("1 case, 1 vehicle") == 2  # two models
    assert pl.read_csv(run.file)["vehicle_id"].to_list() == ["V1", "V0"]
    assert safety(raw, out=tmp_path / "alarms.csv", rules=rules(tmp_path)).new == 0


def test_an_old_report_stays_on_the_list_until_it_is_reported_or_closed(raw: RawTables, tmp_path: Path) -> None:
    recent = rules(tmp_path, days=7)
    run = safety(raw, out=tmp_path / "alarms.csv", rules=recent)
    assert run.reports["vehicle_id"].to_list() == ["V1", "V0"] and run.since == date(2022, 1, 22)
    store = SafetyStore(recent.store)
    store.move([1], "acknowledged", by="Li")
    assert safety(raw, out=tmp_path / "alarms.csv", rules=recent).reports.height == 2
    store.move([1], "reported", by="Li")
    store.move([2], "closed", by="Li", note="test drive without a finding")
    last = safety(raw, out=tmp_path / "alarms.csv", rules=recent)
    assert last.reports.select("vehicle_id", "state").rows() == [("V1", "closed")]  # within the last 7 days


def test_an_earlier_instant_lists_what_was_reported_by_then(raw: RawTables, tmp_path: Path) -> None:
    safety(raw, out=tmp_path / "alarms.csv", rules=rules(tmp_path))
    at = datetime.fromtimestamp((START + 5 * DAY) / 1e6, UTC)
    run = safety(raw, out=tmp_path / "alarms.csv", rules=rules(tmp_path), as_of=at)
    assert run.reports["vehicle_id"].to_list() == ["V0"] and run.new == 0


def test_without_rules_the_last_days_are_listed_and_nothing_is_stored(raw: RawTables, tmp_path: Path) -> None:
    run = safety(raw, out=tmp_path / "alarms.csv")
    assert run.reports["vehicle_id"].to_list() == ["V1", "V0"]
    assert run.reports["id"].is_null().all() and not list(tmp_path.rglob("*.db"))
    assert any("restraints (airbags" in note for note in run.notes)


@pytest.mark.parametrize(
    ("column", "match"),
    [("fault", "service_records has no column fault"), ("line_text", "has neither line_text nor fault_code")],
)
def test_a_missing_column_is_named(raw: RawTables, tmp_path: Path, column: str, match: str) -> None:
    raw.frames["service_records"] = raw.frames["service_records"].drop(column)  # type: ignore[index]
    run = safety(raw, out=tmp_path / "alarms.csv", rules=rules(tmp_path))
    assert run.reports.is_empty() and match in run.notes[0]


def test_a_path_of_another_kind_is_refused(raw: RawTables, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.parquet or \.csv"):
        safety(raw, out=tmp_path / "alarms.xlsx", rules=rules(tmp_path))
    assert not (tmp_path / "alarms.db").exists()
