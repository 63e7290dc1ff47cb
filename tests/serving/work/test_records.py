"""Rows of the tables: read from sources, as of now, cached until they change."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from serving.asgi import Problem
from serving.work.records import Records, RecordTables, reader_of

SOURCES = """
timezone: Asia/Shanghai
tables:
  leads: {csv: leads.csv}
  sales: {csv: absent.csv}
"""


def test_a_table_that_cannot_be_read_is_absent_and_has_a_reason(tmp_path: Path) -> None:
    """The others are there, with every column of their contract."""
    (tmp_path / "sources.yaml").write_text(SOURCES)
    (tmp_path / "leads.csv").write_text("lead_id,created_at\nL1,2026-03-01 09:00\nL2,2026-03-02 12:00\n")
    read, changes = reader_of(tmp_path / "sources.yaml")
    records = Records(read, changes=changes)
    records.load()
    assert records.table("leads")["lead_id"].to_list() == ["L1"]  # the clock stands at 10:30 of the last day
    assert records.clock.local().isoformat() == "2026-03-02T10:30:00+08:00"
    assert records.table("sales").height == 0
    assert "gross_margin" in records.table("sales").columns
    assert "absent.csv" in records.problems["sales"]
    before = changes()
    (tmp_path / "leads.csv").write_text("lead_id,created_at\nL3,2026-03-01 09:00\n")
    os.utime(tmp_path / "leads.csv", (5, 5))
    assert changes() != before


def test_without_sources_there_are_no_tables(tmp_path: Path) -> None:
    """The pages say what is missing."""
    read, changes = reader_of(tmp_path / "sources.yaml")
    records = Records(read, changes=changes)
    records.load()
    assert (records.has("leads"), records.until, changes()) == (False, None, None)


def test_before_the_first_read_the_answer_is_try_again() -> None:
    """A worker that has just started answers 503 with a time to wait."""
    records = Records(lambda: RecordTables({}, {}, None, "UTC", 1))
    with pytest.raises(Problem) as error:
        records.table("leads")
    assert (error.value.status, error.value.code) == (503, "records_loading")


def test_results_are_computed_once_for_each_state() -> None:
    """A new read forgets them."""
    states = iter((1, 2))
    frame = pl.DataFrame({"lead_id": ["L"], "created_at": [5]})
    records = Records(lambda: RecordTables({"leads": frame}, {}, 5, "UTC", next(states)), fixed=9)
    records.load()
    calls: list[int] = []
    for _ in range(2):
        records.cached("n", lambda: calls.append(1))
    records.load()
    records.cached("n", lambda: calls.append(2))
    assert calls == [1, 2]
