"""The stream of entries: period, filters, order, pages, and what an entry says of itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from features.errors import ConfigError
from serving.audit.logged_entries import (
    Selection,
    decisions_of,
    entries_of,
    entry_dict,
    log_end,
    logged_entries,
    parsed,
)
from serving.audit.periods import Period
from tests.serving.audit.content import ALL_TIME, sample_log
from tests.serving.decisions.tampering import FILE, tamper


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    """Return the log of `sample_log`."""
    return sample_log(tmp_path)


def sequences(engine: sa.Engine, selection: Selection, end: int = 99, *, newest_first: bool = False) -> list[int]:
    return [e.entry.sequence for e in logged_entries(engine, selection, end=end, newest_first=newest_first)]


def test_period_kind_store_and_outcome_select(engine: sa.Engine) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert sequences(engine, Selection(ALL_TIME)) == list(range(1, 10))
    assert sequences(engine, Selection(ALL_TIME), end=3) == [1, 2, 3]
    assert sequences(engine, Selection(Period(zone, date(2026, 1, 10), date(2026, 1, 10)))) == [1, 2, 3, 4]
    assert sequences(engine, Selection(Period(zone, first=date(2026, 1, 11)))) == [5, 6, 7, 8, 9]
    assert sequences(engine, Selection(Period(zone, last=date(2026, 1, 9)))) == []
    assert sequences(engine, Selection(ALL_TIME, kinds=("override", "purge"))) == [6, 7, 9]
    assert sequences(engine, Selection(ALL_TIME, stores=("S0002",))) == [3, 4]
    assert sequences(engine, Selection(ALL_TIME, outcomes=("approve",), kinds=("decision",))) == [1, 3, 5]
    assert sequences(engine, Selection(ALL_TIME, outcomes=("offers",))) == [5]


def test_pages_join_in_both_orders(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 2, 3, 9, 10):
        monkeypatch.setattr("serving.audit.logged_entries.PAGE", size)
        monkeypatch.setattr("serving.audit.logged_entries._ROWS", _rows())
        assert sequences(engine, Selection(ALL_TIME)) == list(range(1, 10))
        assert sequences(engine, Selection(ALL_TIME), newest_first=True) == list(range(9, 0, -1))


def _rows() -> object:
    from serving.audit import logged_entries as module

    return module._ROWS


def test_an_entry_names_its_band_its_models_and_the_state_of_its_personal_part(
    engine: sa.Engine, tmp_path: Path
) -> None:
    first, *_, offers = decisions_of(engine, ["d1", "d5", "unknown"])
    assert (first.band, first.models, first.personal_state) == ("approve", ("credit_risk 1",), "stored")
    assert (offers.band, offers.content["outcome"], offers.models) == ("approve", "offers", ("credit_risk 2",))
    tamper(tmp_path / FILE, "DELETE FROM personal_parts WHERE sequence = 1")
    assert decisions_of(engine, ["d1"])[0].personal_state == "purged"
    assert decisions_of(engine, ["d4"])[0].personal_state == "none"
    assert entry_dict(first)["content"]["score"] == 600 and entry_dict(first)["personal_part"] == "stored"


def test_all_entries_about_a_decision_are_found_by_its_id_or_the_number_of_one(engine: sa.Engine) -> None:
    about = [2, 6, 8]
    for reference in ("d2", "2", "6", "8"):
        assert [e.entry.sequence for e in entries_of(engine, reference)] == about
    assert [e.entry.kind for e in entries_of(engine, "9")] == ["purge"]
    for reference in ("d99", "99", "9" * 30, "-1"):
        with pytest.raises(ConfigError, match=r"ID: the log has no decision or entry '.*'; list them with"):
            entries_of(engine, reference)


def test_the_end_is_the_last_entry(engine: sa.Engine) -> None:
    assert log_end(engine).sequence == 9 and len(log_end(engine).hash) == 64


def test_content_that_is_no_object_is_empty() -> None:
    assert parsed('{"a": 1}') == {"a": 1}
    assert parsed("[1]") == parsed("{") == parsed("") == {}
