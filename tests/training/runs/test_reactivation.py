"""Leads to take up again: the run on the leads of a small sales desk."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from ml import champions
from ml.instants import instant
from tests.conftest import Trained
from tests.small.lead_scoring import START, write_with_last_contact
from training.config import load_config
from training.runs.reactivation import reactivation, version_report


@pytest.fixture
def config(tmp_path: Path, lead_scoring: Trained, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration whose leads have a last contact."""
    monkeypatch.setenv("CHEHANG_HOME", str(lead_scoring.home))
    return write_with_last_contact(tmp_path / "data")


def test_the_run_lists_leads_of_grade_a_that_nobody_works_on(config: Path, tmp_path: Path) -> None:
    version = champions.version_or_champion("lead_scoring", None)
    at = instant(START + 600 * DAY)
    result = reactivation(
        champions.load(version), load_config("lead_scoring", config), out=tmp_path / "again.parquet", as_of=at,
        report=version_report(version),
    )  # fmt: skip
    rows = pl.read_parquet(tmp_path / "again.parquet")
    assert rows.height == result.leads.height > 5 and set(rows["grade"]) == {"A"}
    assert rows["created_at"].max() < at and rows["last_contact_at"].max() < at  # type: ignore[operator]
    assert (rows["silent_days"] >= 7).all() and rows["expected_gross_margin"].is_sorted(descending=True)
    assert result.expected_sales == pytest.approx(rows["conversion_probability"].sum())
    assert result.evidence is None  # the version was trained on leads without a last contact


def test_what_cannot_be_listed_is_refused(config: Path, tmp_path: Path, lead_scoring: Trained) -> None:
    model = champions.load(champions.version_or_champion("lead_scoring", None))
    out = tmp_path / "again.csv"
    with pytest.raises(ConfigError, match="--silent-days: must not be below 0 days, got -1"):
        reactivation(model, load_config("lead_scoring", config), out=out, silent_days=-1)
    with pytest.raises(DataError, match="last_contact_at: the column is missing"):
        reactivation(model, load_config("lead_scoring", lead_scoring.config), out=out)
    assert not out.exists()
