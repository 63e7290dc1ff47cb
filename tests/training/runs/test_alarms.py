"""Weekly run: it detects an injected fault in tables on disk at any `as_of`; bad input is one clear error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.fault_rate.rules import AlarmRules
from tests.small.fault_rate import DAY, DAYS, START, fleet_and_records, write_fault_rate
from training.config import TaskConfig, load_config
from training.runs.alarms import alarms, evidence_sections


def config_of(path: Path, **params: Any) -> TaskConfig:
    return load_config("fault_rate", path, settings=[f"params.{n}={v}" for n, v in params.items()])


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskConfig:
    """A workshop in which brakes of model D fail three times as often if built in one year."""
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    return config_of(write_fault_rate(tmp_path / "data", *fleet_and_records(ratio=3.0)))


def test_an_earlier_run_detects_what_the_later_run_says_was_detected(config: TaskConfig, tmp_path: Path) -> None:
    """Runs on the same weekday: no alarm four weeks before detection, the alarm four weeks after it."""
    whole = datetime.fromtimestamp((START + DAYS * DAY) / 1e6, UTC)
    since = alarms(config, out=tmp_path / "now.csv", as_of=whole).alarms["detected_on"][0]
    detection = datetime(since.year, since.month, since.day, tzinfo=UTC)
    assert (whole - detection).days % 7 == 0
    later = alarms(config, out=tmp_path / "later.csv", as_of=detection + timedelta(weeks=4)).alarms
    assert later["component"].to_list() == ["brakes"] and abs((later["detected_on"][0] - since).days) <= 28
    assert alarms(config, out=tmp_path / "earlier.csv", as_of=detection - timedelta(weeks=4)).alarms.is_empty()


def test_bad_input_is_one_clear_error_and_nothing_is_written(
    config: TaskConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "alarms.parquet"
    fleet, records = fleet_and_records(cars=400)
    with pytest.raises(DataError, match="as-of"):
        alarms(config, out=out, as_of=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="reference_weeks"):
        alarms(config_of(tmp_path / "data" / "fault_rate.yaml", reference_weeks=500), out=out)
    with pytest.raises(ConfigError, match=r"\.parquet"):
        alarms(config, out=tmp_path / "alarms.xlsx")
    for name, tables, match in (
        ("zero", (fleet, records.with_columns(fault=pl.lit(value=False))), "no fault"),
        (
            "strangers",
            (fleet, records.with_columns(vehicle_id=pl.lit("nobody"))),
            "695 of 695 rows .* have no partner in fleet",
        ),
        ("empty", (fleet, records.clear()), "service_records"),
        ("undriven", (fleet.with_columns(entered_service_at=pl.lit(START + (DAYS + 900) * DAY)), records), "fleet"),
        ("nameless", (fleet, records.drop("component")), r"service_records\.component"),
    ):
        with pytest.raises(DataError, match=match):
            alarms(config_of(write_fault_rate(tmp_path / name, *tables)), out=out)
    assert not out.exists() and not out.with_suffix(".png").exists()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"false_alarm_rate": 0}, "false_alarm_rate"),
        ({"reference_weeks": "x"}, "reference_weeks"),
        ({"cells": 1}, "cells"),
    ],
)
def test_a_bad_configuration_names_its_key(tmp_path: Path, change: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        config_of(write_fault_rate(tmp_path, *fleet_and_records(cars=10), **change))


def test_evidence_and_faults_of_a_cell_are_two_charts_the_nearest_to_an_alarm_first() -> None:
    surveillance: Any = SimpleNamespace(
        cells=pl.DataFrame({"model": ["A", "B"], "component": ["pump", "brakes"]}),
        log_e=np.array([[0.0, 0.5], [1.0, 4.0]]), alarm_threshold=np.array([3.0, 3.0]),
        detection_week=np.array([-1, 1]),
        count=np.array([[0, 1], [3, 9]]), expected=np.array([[0.5, 1.0], [1.0, 2.0]]), start=0,
        exposure=SimpleNamespace(first_day=19_723), references=[SimpleNamespace(shape=1e12, drift=0.0)] * 2,
    )  # fmt: skip
    sections = evidence_sections(surveillance, AlarmRules())
    assert [s.title.en for s in sections] == [
        "B: brakes, quality alarm since 15 January 2024", "B: brakes, cumulative", "A: “pump”", "A: “pump”, cumulative",
    ]  # fmt: skip
    assert sections[0].thresholds[0].value == 3.0 and sections[0].rows[1] == {"week": "2024-01-15", "evidence": 4.0}
    assert sections[1].rows[1] == {"week": "2024-01-15", "faults": 9.0, "expected": 2.0, "limit": 5.0}
