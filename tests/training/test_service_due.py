"""Services fall due by date or by distance; the list is right where the rule is known, and errors are one line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from features.errors import ConfigError, DataError
from features.facts import DAY
from ml.fault_rate.service_due import next_services
from ml.fault_rate.service_rules import ServiceRules
from tests.commands import chehang
from training.service_due import load_service_due_config, service_due

START = 19_000  # 2022-01-08


def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """V1 drives 20 km a day, V2 hardly, V3 was never seen, V4 has left, one reading of V5 is ten times too large."""
    fleet = pl.DataFrame(
        {
            "vehicle_id": ["V1", "V2", "V3", "V4", "V5"],
            "model": ["A"] * 5,
            "entered_service_at": [START * DAY] * 5,
            "left_service_at": [None, None, None, (START + 300) * DAY, None],
            "monthly_km": [600.0, 60.0, 900.0, 900.0, 600.0],
        }
    )
    lines = [
        (vehicle, START + day, km)
        for vehicle, day, km in (
            *(("V1", d, 20.0 * d) for d in (100, 200, 300)),
            *(("V2", d, 2.0 * d) for d in (100, 300)),
            ("V4", 100, 3_000.0),
            *(("V5", d, 20.0 * d) for d in (100, 300)),
            ("V5", 200, 40_000.0),
        )
    ]
    records = pl.DataFrame(lines, schema=["vehicle_id", "day", "odometer_km"], orient="row").with_columns(
        serviced_at=pl.col("day") * DAY, component=pl.lit("oil"), fault=pl.lit(value=False)
    )
    return fleet, records.drop("day")


def test_whichever_comes_first_by_hand() -> None:
    fleet, records = tables()
    rules = ServiceRules.model_validate({"default": {"km": 6_000, "months": 12}})
    found = next_services(fleet, records, rules=rules, as_of=(START + 310) * DAY)
    rows = {r["vehicle_id"]: r for r in found.vehicles.to_dicts()}
    assert set(rows) == {"V1", "V2", "V3", "V5"}
    begin = date(2022, 1, 8)
    one = rows["V1"]  # last service at 6,000 km on day 300: 6,000 km more take 300 days
    assert one["by"] == "km" and abs((one["due_on"] - begin).days - 600) <= 10
    assert one["due_km"] == pytest.approx(12_000, rel=0.02) and one["km_now"] == pytest.approx(6_200, rel=0.02)
    assert rows["V2"]["by"] == "date" and rows["V2"]["due_on"] == date(2023, 11, 4)
    assert rows["V3"]["last_service_on"] is None and rows["V3"]["overdue_days"] > 60
    assert abs((rows["V5"]["due_on"] - one["due_on"]).days) <= 10  # the slip is not believed
    assert all(r["due_low"] <= r["due_on"] <= r["due_high"] for r in rows.values())
    assert "12 months since the service of 2022-11-04" in rows["V2"]["reason_en"] and "上次保养" in one["reason_zh"]


def write(folder: Path, fleet: pl.DataFrame, records: pl.DataFrame, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    records = records.with_row_index("record_id").with_columns(pl.col("record_id").cast(pl.String))
    fleet.write_parquet(folder / "fleet.parquet")
    records.write_parquet(folder / "service_records.parquet")
    tables = {
        "fleet": {"parquet": "fleet.parquet", "columns": {
            "entered_service_at": {"from": "entered_service_at", "unit": "us"},
            "left_service_at": {"from": "left_service_at", "unit": "us"}}},
        "service_records": {"parquet": "service_records.parquet", "columns": {
            "serviced_at": {"from": "serviced_at", "unit": "us"}}},
    }  # fmt: skip
    (folder / "sources.yaml").write_text(yaml.safe_dump({"tables": tables}))
    rules = {"default": {"km": 6_000, "months": 12}}
    (folder / "service_due.yaml").write_text(yaml.safe_dump({"within_days": 400, "rules": rules, **changes}))
    return folder / "service_due.yaml"


def test_the_command_lists_and_draws(tmp_path: Path) -> None:
    path = write(tmp_path / "data", *tables())
    out = tmp_path / "due.parquet"
    told = chehang("service-due", "--config", str(path), "--out", str(out), "--json", home=tmp_path / "home")
    assert json.loads(told.stdout)["vehicles"] == pl.read_parquet(out).height == 4
    assert out.with_suffix(".png").stat().st_size > 5_000
    shown = chehang("service-due", "--config", str(path), "--out", str(tmp_path / "d.csv"), home=tmp_path / "home")
    assert "4 vehicles to remind, of 4 in service" in shown.stdout


def test_bad_input_is_one_clear_error_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    fleet, records = tables()
    out = tmp_path / "due.csv"
    good = load_service_due_config(write(tmp_path / "good", fleet, records))
    with pytest.raises(DataError, match="choose another moment"):
        service_due(good, out=out, as_of=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="is routine work"):
        broken = records.with_columns(fault=pl.lit(value=True))
        service_due(load_service_due_config(write(tmp_path / "faults", fleet, broken)), out=out)
    with pytest.raises(DataError, match="is in service"):
        gone = fleet.with_columns(left_service_at=pl.lit(START * DAY + 1))
        service_due(load_service_due_config(write(tmp_path / "gone", gone, records)), out=out)
    for change, key in (({"within_days": -1}, "within_days"), ({"rules": {"default": {"km": -5, "months": 1}}}, "km")):
        with pytest.raises(ConfigError, match=key):
            load_service_due_config(write(tmp_path / "bad", fleet, records, **change))
    assert not out.exists()
