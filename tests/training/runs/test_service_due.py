"""Services fall due by date or by distance; the list is right where the rule is known, and errors are one line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from tests.ml.fault_rate.test_service_due import tables
from training.runs.service_due import ServiceDueConfig, service_due

START = 19_000  # 2022-01-08


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


def test_bad_input_is_one_clear_error_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    fleet, records = tables()
    out = tmp_path / "due.csv"
    good = ServiceDueConfig.load(write(tmp_path / "good", fleet, records))
    with pytest.raises(DataError, match="choose another moment"):
        service_due(good, out=out, as_of=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="is routine work"):
        broken = records.with_columns(fault=pl.lit(value=True))
        service_due(ServiceDueConfig.load(write(tmp_path / "faults", fleet, broken)), out=out)
    with pytest.raises(DataError, match="is in service"):
        gone = fleet.with_columns(left_service_at=pl.lit(START * DAY + 1))
        service_due(ServiceDueConfig.load(write(tmp_path / "gone", gone, records)), out=out)
    for change, key in (({"within_days": -1}, "within_days"), ({"rules": {"default": {"km": -5, "months": 1}}}, "km")):
        with pytest.raises(ConfigError, match=key):
            ServiceDueConfig.load(write(tmp_path / "bad", fleet, records, **change))
    assert not out.exists()


def test_the_list_has_places_and_ends_with_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    path = write(tmp_path / "data", *tables())
    everything = service_due(ServiceDueConfig.load(path), out=tmp_path / "all.parquet")
    first = service_due(ServiceDueConfig.load(path, settings=["top=2"]), out=tmp_path / "due.parquet")
    written = pl.read_parquet(tmp_path / "due.parquet")
    assert written["place"].to_list() == [1, 2] and written.equals(everything.due.head(2))
    assert first.due_vehicles == everything.due.height == 4
    assert written["visit_probability"].is_sorted(descending=True)
    with pytest.raises(ConfigError, match="top"):
        ServiceDueConfig.load(path, settings=["top=0"])
