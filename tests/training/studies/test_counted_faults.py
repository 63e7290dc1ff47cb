"""Complaints, monthly counts and counted claims by configuration alone: the raised pair alarms, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from tests.commands import chehang
from tests.small.counted_faults import write_claims, write_complaints, write_monthly_counts
from training.config import load_config
from training.runs.alarms import alarms
from training.studies.surveillance_data import SurveillanceData


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("write", [write_complaints, write_monthly_counts, write_claims])
def test_only_the_raised_pair_alarms(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    run = alarms(load_config("fault_rate", write(tmp_path)), out=tmp_path / "alarms.csv")
    (alarm,) = run.alarms.to_dicts()
    assert (alarm["model"], alarm["component"]) == ("甲车型", "制动系统")
    assert alarm["detected_on"].isoformat() > "2023-07"  # raised from July 2023 on
    assert (alarm["model_year_from"] == 2022) is (write is write_complaints)


def test_months_raise_evidence_only_when_they_have_ended(tmp_path: Path) -> None:
    """Weeks within a month change nothing; at each month's end counts and expected counts cover the same months."""
    study = SurveillanceData.read(load_config("fault_rate", write_monthly_counts(tmp_path)))
    exposure = study.exposure
    for c in range(len(exposure.components)):
        idle = exposure.counts(c).sum(axis=0) == 0
        assert (exposure.at_risk.sum(axis=0)[idle] == 0).mean() > 0.98  # but for a month without any fault
    ends = np.flatnonzero(exposure.at_risk.sum(axis=0))
    assert set(np.diff(ends)) <= {4, 5}
    evidence = study.result.log_e
    quiet = (
        np.setdiff1d(np.arange(study.params.reference_weeks + 1, exposure.weeks), ends) - study.params.reference_weeks
    )
    np.testing.assert_allclose(evidence[:, quiet], evidence[:, quiet - 1], atol=1e-9)


def test_a_month_that_has_not_ended_is_not_read(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    config = load_config("fault_rate", write_monthly_counts(tmp_path))
    whole = SurveillanceData.read(config)
    part = SurveillanceData.read(config, as_of=datetime(2024, 6, 15, tzinfo=UTC))
    until_may = (
        pl.read_csv(tmp_path / "counts.csv").select(pl.col("^2022.*|2023.*|2024-0[1-5]$")).sum_horizontal().sum()
    )
    first = pl.read_csv(tmp_path / "counts.csv")["2022-01"].sum()
    assert int(part.exposure.events.sum()) in (until_may, until_may - first)  # the first month may begin before week 0
    assert whole.exposure.events.sum() > part.exposure.events.sum()


def test_sales_and_vehicles_in_use_are_different_denominators(tmp_path: Path) -> None:
    sold = SurveillanceData.read(load_config("fault_rate", write_monthly_counts(tmp_path))).exposure
    in_use = SurveillanceData.read(load_config("fault_rate", write_monthly_counts(tmp_path, kind="in_use"))).exposure
    last = np.flatnonzero(sold.at_risk[0])[-1]
    # 500 a month for four years: 23,750 in the middle of the last month, against 500 in use.
    assert (sold.at_risk[0, last] / in_use.at_risk[0, last]).round(6) == 47.5


def test_a_gate_and_a_promotion_work_without_vehicles(tmp_path: Path) -> None:
    path, home = write_monthly_counts(tmp_path), tmp_path / "home"
    checked = json.loads(chehang("check", "fault_rate", "-c", str(path), "--json", home=home).stdout)
    assert checked["tables"]["denominators"]["valid"] == 144
    chehang("train", "fault_rate", "-c", str(path), home=home)
    assert "fault_rate" in chehang("evaluate", "fault_rate", "-c", str(path), home=home).stdout


def test_a_missing_fault_column_says_what_to_write(tmp_path: Path) -> None:
    path = write_monthly_counts(tmp_path)
    sources = (tmp_path / "sources.yaml").read_text(encoding="utf-8").replace("fault: {constant: true}", "")
    (tmp_path / "sources.yaml").write_text(sources.replace("constant: sales", "constant: sold"), encoding="utf-8")
    with pytest.raises(DataError, match="kind"):
        SurveillanceData.read(load_config("fault_rate", path))
    (tmp_path / "sources.yaml").write_text(sources, encoding="utf-8")
    with pytest.raises(
        DataError, match=r"service_records\.fault: .*`fault: \{constant: true\}` if every row is a fault"
    ):
        SurveillanceData.read(load_config("fault_rate", path))
