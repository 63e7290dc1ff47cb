"""Runs that are kept: first report of an alarm, re-runs, a damaged file."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from training.monitoring.history import read_runs, record_run, run_folder


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))


def test_a_later_run_keeps_the_time_of_the_first_report() -> None:
    first = record_run("credit_risk", version=1, month="2026-01", status="drift", alarms={"score": "2026-01"})
    later = record_run("credit_risk", version=1, month="2026-02", status="drift", alarms={"score": "2026-01"})
    assert later["score"] == first["score"]
    assert [run["month"] for run in read_runs("credit_risk")] == ["2026-01", "2026-02"]


def test_a_rerun_replaces_the_run_of_its_month() -> None:
    for alarms in ({"score": "2026-01"}, {}):
        record_run("credit_risk", version=1, month="2026-01", status="drift", alarms=alarms)
    assert [run["alarms"] for run in read_runs("credit_risk")] == [{}]


def test_a_new_version_starts_again() -> None:
    path = run_folder("credit_risk") / "runs.json"
    record_run("credit_risk", version=1, month="2026-01", status="drift", alarms={"score": "2026-01"})
    path.write_text(path.read_text().replace("T", "S"))  # another text, so that equal times cannot hide a mistake
    again = record_run("credit_risk", version=2, month="2026-02", status="drift", alarms={"score": "2026-01"})
    assert "T" in again["score"] and len(read_runs("credit_risk")) == 2


def test_a_damaged_file_is_named() -> None:
    record_run("credit_risk", version=1, month="2026-01", status="quiet", alarms={})
    (run_folder("credit_risk") / "runs.json").write_text("{")
    with pytest.raises(ConfigError, match=r"runs\.json: is damaged .*delete it"):
        read_runs("credit_risk")
