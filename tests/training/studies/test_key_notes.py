"""Rows without a partner in the notes of each study, in the output of `check`, and as an error past the limit."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from features.errors import DataError
from tests.commands import chehang
from tests.small.credit_risk import credit_risk_tables, write_credit_risk
from tests.small.fault_rate import fleet_and_records, write_fault_rate
from training.config import load_config
from training.studies.row_data import LabelledRows
from training.studies.surveillance_data import SurveillanceData


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))


def loans(folder: Path, *, strangers: int, limit: float) -> Path:
    """Write loans; the first outcomes belong to applications that do not exist."""
    tables = credit_risk_tables(rows=400)
    key = pl.when(pl.int_range(pl.len()) < strangers).then(pl.lit("?") + pl.col("application_id"))
    tables["loan_outcomes"] = tables["loan_outcomes"].with_columns(
        key.otherwise("application_id").alias("application_id")
    )
    path = write_credit_risk(folder, tables)
    sources = yaml.safe_load((folder / "sources.yaml").read_text())
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources | {"max_unmatched_share": limit}))
    return path


def test_rows_with_and_without_a_partner_are_notes_and_part_of_the_output_of_check(tmp_path: Path) -> None:
    path = loans(tmp_path, strangers=20, limit=0.2)
    data = LabelledRows.read(load_config("credit_risk", path))
    assert "applications: 380 of 400 rows have an outcome in loan_outcomes, 20 have none" in data.notes
    assert any("20 of 400 rows (5.0%; 20 of 400 keys) have no partner in applications" in n for n in data.notes)
    assert data.frame.height == 380
    content = json.loads(chehang("check", "credit_risk", "-c", str(path), "--json", home=tmp_path / "home").stdout)
    assert [(m["table"], m["rows"], m["unmatched_rows"]) for m in content["key_matches"]] == [
        ("applications", 400, 20),
        ("loan_outcomes", 400, 20),
    ]


def test_outcomes_none_of_which_has_an_application_are_explained(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"400 of 400 rows .* Without punctuation and blanks 400 of 400 keys have a partner"
    ):
        LabelledRows.read(load_config("credit_risk", loans(tmp_path / "a", strangers=400, limit=0.2)))
    with pytest.raises(
        DataError, match=r"no row of applications has a known outcome in loan_outcomes: .* 400 of 400 rows"
    ):
        LabelledRows.read(load_config("credit_risk", loans(tmp_path / "b", strangers=400, limit=1)))


def test_records_of_vehicles_that_are_not_in_the_fleet_are_notes(tmp_path: Path) -> None:
    fleet, records = fleet_and_records(cars=400)
    config = load_config("fault_rate", write_fault_rate(tmp_path, fleet.slice(20), records))
    notes = SurveillanceData.read(config).notes
    assert any(n.startswith("service_records.vehicle_id: ") and "have no partner in fleet" in n for n in notes)
