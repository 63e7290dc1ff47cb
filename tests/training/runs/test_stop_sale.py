"""The weekly run names the stock of the affected builds, and says where it cannot."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import yaml

from ml.fault_rate.rules import AlarmRules
from tests.small.fault_rate import DAY, START, fleet_and_records, write_fault_rate
from training.config import TaskConfig, load_config
from training.runs.alarms import alarms
from training.runs.stop_sale import stop_sale

RAISED = pl.DataFrame(
    {"model": ["A", "A"], "component": ["brakes", "pump"], "built_from": [date(2022, 1, 1)] * 2,
     "built_until": [date(2022, 2, 1)] * 2}
)  # fmt: skip
VEHICLES = pl.DataFrame(
    {"vehicle_id": ["V1", "V2"], "model": "A", "store_id": "S1", "built_at": [START + 9 * DAY, START + 90 * DAY],
     "listed_at": START}
)  # fmt: skip
STOCK = pl.DataFrame({"store_id": ["S1"], "model": ["A"], "snapshot_at": [START], "quantity": [4.0]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    write_fault_rate(tmp_path / "data", *fleet_and_records(cars=10))
    return tmp_path


def config_with(folder: Path, **tables: pl.DataFrame) -> TaskConfig:
    path = folder / "data" / "sources.yaml"
    sources = yaml.safe_load(path.read_text())
    for name, frame in tables.items():
        frame.write_parquet(folder / "data" / f"{name}.parquet")
        columns: dict[str, Any] = {c: {"from": c, "unit": "us"} for c in frame.columns if c.endswith("_at")}
        sources["tables"][name] = {"parquet": f"{name}.parquet", "columns": columns}
    path.write_text(yaml.safe_dump(sources))
    return load_config("fault_rate", folder / "data" / "fault_rate.yaml")


def test_units_of_the_affected_builds_are_named_for_the_safety_component_alone(folder: Path) -> None:
    config = config_with(folder, vehicles=VEHICLES, stock=STOCK)
    out = folder / "alarms.csv"
    rows, notes, files = stop_sale(config, RAISED, AlarmRules(), as_of=START + 99 * DAY, out=out, progress=None)
    assert rows.select("component", "vehicle_id", "build_known").rows() == [("brakes", "V1", True)]
    assert notes == () and files == (folder / "alarms.stop_sale.csv",)
    assert pl.read_csv(files[0])["vehicle_id"].to_list() == ["V1"]


def test_build_dates_are_local_days(folder: Path) -> None:
    """Built at midnight of 1 January, and of 1 February, in Shanghai: 16:00 of the day before in UTC."""
    midnight = [datetime(2022, month, 1, tzinfo=ZoneInfo("Asia/Shanghai")) for month in (1, 2)]
    units = VEHICLES.with_columns(built_at=pl.Series([int(1e6 * day.timestamp()) for day in midnight]))
    config_with(folder, vehicles=units)
    path = folder / "data" / "sources.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"timezone": "Asia/Shanghai"}))
    config = load_config("fault_rate", folder / "data" / "fault_rate.yaml")
    rows, _, _ = stop_sale(
        config, RAISED, AlarmRules(), as_of=START + 99 * DAY, out=folder / "alarms.csv", progress=None
    )
    assert rows.select("vehicle_id", "built_on").rows() == [("V1", date(2022, 1, 1))]


def test_without_units_the_stock_of_the_model_is_counted_and_its_builds_are_unknown(folder: Path) -> None:
    config = config_with(folder, stock=STOCK)
    rows, notes, _ = stop_sale(
        config, RAISED, AlarmRules(), as_of=START + 99 * DAY, out=folder / "alarms.csv", progress=None
    )
    assert rows.select("store_id", "quantity").rows() == [("S1", 4.0)]
    assert "the build date of 4 of the cars named is unknown; sell none before it is looked up" in notes[0]


@pytest.mark.parametrize(
    ("tables", "match"),
    [
        ({}, "the sources name neither vehicles nor stock"),
        (
            {"stock": STOCK.drop("snapshot_at")},
            "no car in stock can be named, ask the stores: stock: the source has",
        ),
    ],
)
def test_stock_that_cannot_be_read_is_a_note_and_stops_no_alarm(
    folder: Path, tables: dict[str, pl.DataFrame], match: str
) -> None:
    config = config_with(folder, **tables)
    rows, notes, files = stop_sale(config, RAISED, AlarmRules(), as_of=START, out=folder / "a.csv", progress=None)
    assert rows.is_empty() and files == () and match in notes[0]


def test_without_a_safety_alarm_no_stock_is_read(folder: Path) -> None:
    config = config_with(folder)
    pumps = RAISED.filter(component="pump")
    assert stop_sale(config, pumps, AlarmRules(), as_of=START, out=folder / "a.csv", progress=None)[1:] == ((), ())


def test_the_weekly_run_gives_every_vehicle_of_a_safety_alarm_its_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    path = write_fault_rate(tmp_path / "data", *fleet_and_records(ratio=3.0))
    run = alarms(load_config("fault_rate", path), out=tmp_path / "alarms.csv")
    (alarm,) = run.alarms.to_dicts()
    assert (alarm["component"], alarm["verdict"]) == ("brakes", "inspect_all")
    weeks = run.vehicles["inspection_week"]
    assert run.vehicles.height == alarm["vehicles"] == alarm["to_inspect"] and weeks.null_count() == 0
    assert alarm["inspection_weeks"] == weeks.max() == -(-run.vehicles.height // 50)
    assert run.vehicles.group_by("inspection_week").len()["len"].max() == 50 and weeks.is_sorted()
    assert any("neither vehicles nor stock" in note for note in run.notes)
