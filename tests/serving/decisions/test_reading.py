"""Reading: all entries in pages, those of one decision, and the head."""

from __future__ import annotations

from pathlib import Path

from serving.decisions import reading
from serving.decisions.entries import START, Head, NewEntry
from serving.decisions.reading import read_decision, read_entries, read_head, read_parts
from serving.stores import writing
from tests.serving.decisions.logs import decision, log_in, write


def test_entries_are_read_page_by_page_between_two_sequences(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "FETCH_ROWS", 2)
    engine = log_in(tmp_path)
    write(engine, [decision(n) for n in range(1, 7)])
    with engine.connect() as connection:
        assert [e.sequence for e in read_entries(connection)] == [1, 2, 3, 4, 5, 6]
        assert [e.sequence for e in read_entries(connection, after=2, until=5)] == [3, 4, 5]
        assert list(read_entries(connection, after=6)) == []


def test_a_decision_is_read_with_what_was_written_about_it(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [decision(1), decision(2), NewEntry("override", "d1", '{"outcome":"approve"}')])
    with engine.connect() as connection:
        assert [(e.sequence, e.kind) for e in read_decision(connection, "d1")] == [(1, "decision"), (3, "override")]
        assert read_decision(connection, "d9") == []
        assert sorted(read_parts(connection, [1, 2, 3, 99])) == [1, 2]


def test_the_head_of_an_empty_log_has_the_hash_before_the_first_entry(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    with engine.connect() as connection:
        assert read_head(connection) == Head(0, START)
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM decision_head")
    with engine.connect() as connection:
        assert read_head(connection) is None
