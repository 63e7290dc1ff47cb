"""Job lines of a real workshop, by configuration alone: text, dates and odometers as they were typed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from training.config import load_config
from training.runs.alarms import alarms

pytestmark = pytest.mark.realdata


def test_service_jobs_load_by_configuration_alone(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHEHANG_DATA", str(data_folder))
    config = load_config("fault_rate", ROOT / "configs" / "examples" / "service_jobs" / "fault_rate.yaml")
    run = alarms(config, out=tmp_path / "alarms.csv")
    report = run.reports["service_records"]
    assert report.rows_valid == 28_482 and report.rows_quarantined == 0
    share = float(report.notes[0].split("(")[1].split("%")[0])
    assert share > 97
    assert {"odometer_km: runs backwards", "odometer_km: ten times too large"} <= set(report.rules)
    aside = pl.read_parquet(tmp_path / "home" / "quarantine" / "fault_rate" / "service_records.odometer.parquet")
    assert aside.height == sum(n for rule, n in report.rules.items() if rule.startswith("odometer_km"))
    assert run.surveillance.exposure.basis == "reports" and any("no fleet table" in n for n in run.notes)
