"""Leads to take up again: who is listed at an instant, and the run on the leads of a small sales desk."""

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
from training.runs.reactivation import _in_order, _reason, _states, reactivation, version_report

NOW = START + 100 * DAY


def lead(name: str, **days: float) -> dict[str, object]:
    """Return a lead; each instant is given in days before now."""
    names = ("created_at", "first_contact_at", "last_contact_at", "converted_at", "closed_at")
    return {"lead_id": name} | {n: None if n not in days else NOW - int(days[n] * DAY) for n in names}


def test_who_is_silent_closed_or_never_called_is_listed_and_who_was_contacted_later_is_counted() -> None:
    leads = pl.DataFrame(
        [
            lead("quiet", created_at=20, first_contact_at=19, last_contact_at=8),
            lead("just silent enough", created_at=20, first_contact_at=19, last_contact_at=7),
            lead("recent", created_at=20, first_contact_at=19, last_contact_at=6.9),
            lead("never", created_at=10),
            lead("called tomorrow", created_at=10, first_contact_at=-1, last_contact_at=-1),
            lead("later", created_at=20, first_contact_at=19, last_contact_at=-2),
            lead("closed", created_at=20, first_contact_at=19, last_contact_at=3, closed_at=2),
            lead("closes tomorrow", created_at=20, first_contact_at=19, last_contact_at=9, closed_at=-1),
            lead("sold", created_at=20, first_contact_at=19, last_contact_at=9, converted_at=1),
            lead("sold tomorrow", created_at=20, first_contact_at=19, last_contact_at=9, converted_at=-1),
            lead("old", created_at=61, first_contact_at=60, last_contact_at=50),
            lead("not yet", created_at=-1),
        ]
    )
    states, contacted_later = _states(leads, NOW, silent=7 * DAY, within=60 * DAY)
    rows = {r["lead_id"]: (r["state"], round(r["silent_days"], 1)) for r in states.to_dicts()}
    assert rows == {
        "quiet": ("quiet", 8.0), "just silent enough": ("quiet", 7.0), "never": ("never_called", 10.0),
        "called tomorrow": ("never_called", 10.0), "closed": ("closed", 3.0), "closes tomorrow": ("quiet", 9.0),
        "sold tomorrow": ("quiet", 9.0),
    }  # fmt: skip
    assert contacted_later == 1
    later = states.filter(pl.col("lead_id").is_in(["called tomorrow", "closes tomorrow"]))
    assert later["closed_at"].null_count() == 2 and later["last_contact_at"].null_count() == 1


def test_closed_leads_come_last_and_the_highest_margin_first() -> None:
    leads = pl.DataFrame(
        [("a", "closed", 900.0, 0.5), ("b", "quiet", 300.0, 0.3), ("c", "never_called", 400.0, 0.4),
         ("d", "quiet", None, 0.9)],
        schema=["lead_id", "state", "expected_gross_margin", "conversion_probability"], orient="row",
    )  # fmt: skip
    assert _in_order(leads)["lead_id"].to_list() == ["c", "b", "d", "a"]


def test_a_reason_says_how_long_nobody_called() -> None:
    assert _reason("quiet", 9.7, 0.314).en == "no contact for 9 days, probability of a sale 31%: call again"
    assert _reason("closed", 59.4, 0.27).en == (
        "closed as lost, no contact for 59 days; an open lead like it has a probability of a sale of 27%: check why it "
        "was closed"
    )
    assert _reason("never_called", 1.2, 0.5).zh == "1 天来从未外呼，成交概率 50%：首次外呼"


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
