"""Reports of dangerous faults are stored once, move forwards by named persons, and are never lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.safety_reports import REPORT
from ml.fault_rate.safety_store import SafetyStore

AS_OF = 10**15


def reports(*names: str, **changes: Any) -> pl.DataFrame:
    row = {"kind": "fire", "reported_on": date(2024, 1, 1), "model": "A", "km": 10.5, "words": "smoke", **changes}
    return pl.DataFrame([{"record_id": name, **row} for name in names], schema=REPORT)


@pytest.fixture
def store(tmp_path: Path) -> SafetyStore:
    """A store with the reports R1 and R2, numbers 1 and 2."""
    store = SafetyStore(tmp_path / "alarms.db")
    assert store.record(reports("R2", "R1"), as_of=AS_OF) == (1, 2)  # the latest stands first in the table
    return store


def test_a_file_that_does_not_exist_reads_as_empty_and_no_report_creates_none(tmp_path: Path) -> None:
    store = SafetyStore(tmp_path / "alarms.db")
    assert store.reports().is_empty() and store.record(reports(), as_of=AS_OF) == ()
    assert not (tmp_path / "alarms.db").exists()


def test_a_report_is_stored_once_and_keeps_its_state(store: SafetyStore) -> None:
    store.move([1], "acknowledged", by="Li")
    assert store.record(reports("R3", "R2", "R1"), as_of=AS_OF + 1) == (3,)
    rows = store.reports()
    assert rows.select("id", "record_id", "state", "first_listed_at").rows() == [
        (3, "R3", "new", AS_OF + 1), (2, "R2", "new", AS_OF), (1, "R1", "acknowledged", AS_OF),
    ]  # fmt: skip
    assert rows.row(0, named=True)["reported_on"] == date(2024, 1, 1) and rows["km"].to_list() == [10.5] * 3


def test_the_history_names_who_moved_it_when_and_why(store: SafetyStore) -> None:
    store.move([1, 2], "acknowledged", by=" Li ", note="car towed in", at=AS_OF + 5)
    store.move([1], "reported", by="Wang", at=AS_OF + 6)
    assert store.history(1).select("at", "by", "from_state", "to_state", "note").rows() == [
        (AS_OF, None, None, "new", None),
        (AS_OF + 5, "Li", "new", "acknowledged", "car towed in"),
        (AS_OF + 6, "Wang", "acknowledged", "reported", None),
    ]


@pytest.mark.parametrize(
    ("numbers", "to", "texts", "match"),
    [
        ([9], "acknowledged", {}, "report: the store has no safety report 9; give one from 1 to 2"),
        ([1], "solved", {}, "state: 'solved' is unknown; give one of new, acknowledged, reported, closed"),
        ([1], "new", {}, "state: report 1 is new and cannot become new; it may become acknowledged or reported or"),
        ([1], "closed", {}, "note: report 1 was not reported to the maker; to close it, say why in the note"),
        ([1], "closed", {"note": "  "}, "note: report 1 was not reported"),
        ([1], "acknowledged", {"by": " "}, "by: must name the person who moves the report in 1 to 100 characters"),
        ([1], "acknowledged", {"note": "x" * 2_001}, "note: must have at most 2000 characters, got 2001; shorten it"),
    ],
)
def test_a_refused_move_names_the_rule_and_changes_nothing(
    store: SafetyStore, numbers: list[int], to: str, texts: dict[str, str], match: str
) -> None:
    with pytest.raises(DataError, match=match):
        store.move(numbers, to, **{"by": "Li", **texts})
    assert store.reports()["state"].to_list() == ["new", "new"]


def test_a_move_of_several_reports_is_all_or_none(store: SafetyStore) -> None:
    store.move([1], "reported", by="Li")
    with pytest.raises(DataError, match="state: report 1 is reported and cannot become acknowledged"):
        store.move([2, 1], "acknowledged", by="Li")
    assert store.reports().select("id", "state").rows() == [(2, "new"), (1, "reported")]


def test_a_report_closes_with_a_reason_or_after_it_was_reported(store: SafetyStore) -> None:
    store.move([1], "closed", by="Li", note="smoke of a cigarette")
    store.move([2], "reported", by="Li")
    store.move([2], "closed", by="Li")
    assert store.reports()["state"].to_list() == ["closed", "closed"]
    with pytest.raises(DataError, match="may become nothing else"):
        store.move([1], "reported", by="Li")


def test_reports_and_alarms_share_a_file_and_its_change_number(store: SafetyStore, tmp_path: Path) -> None:
    alarms = AlarmStore(tmp_path / "alarms.db")
    before = alarms.version()
    store.move([1], "acknowledged", by="Li")
    assert alarms.version() == before + 1 and alarms.alarms().is_empty()


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the store is empty: run chehang alarms"):
        SafetyStore(tmp_path / "alarms.db").history(1)
