"""Retention: old personal parts go, are gone from the files, and the chain that names them stays whole."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from features.errors import ChehangError
from serving.decisions.erasure import erase_free_space
from serving.decisions.purge import Purge, count_old_parts, purge_personal_parts, purged_ranges
from serving.decisions.reading import ENTRIES, PARTS
from serving.decisions.verification import verify_log
from serving.stores import open_store, writing
from tests.serving.databases import postgresql
from tests.serving.decisions.logs import KEYS, decision, log_in, rows, write
from tests.serving.decisions.tampering import FILE, tamper, unpersonal

ALL = 2**60  # microseconds: every entry is older


def parts(engine: sa.Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(PARTS.c.sequence).order_by(PARTS.c.sequence)).scalars())


def aged(folder: Path, count: int, *, newest: int) -> sa.Engine:
    """Return a log of entries at 1, 2, ... microseconds since 1970, and decisions of the present behind them."""
    engine = log_in(folder)
    with pytest.MonkeyPatch.context() as patch:
        for number in range(1, count + 1):
            patch.setattr("time.time_ns", lambda number=number: number * 1_000)
            write(engine, [decision(number)])
    if newest:
        write(engine, [decision(count + n) for n in range(1, newest + 1)])
    return engine


def test_parts_before_the_time_are_removed_and_the_purge_is_an_entry(tmp_path: Path) -> None:
    engine = aged(tmp_path, 5, newest=2)
    assert count_old_parts(engine, before=4) == Purge(3, 1, 3)
    assert parts(engine) == [1, 2, 3, 4, 5, 6, 7], "counting removes nothing"
    assert purge_personal_parts(engine, before=4, who="li.wei", why="五年保存期") == Purge(3, 1, 3)
    assert parts(engine) == [4, 5, 6, 7]
    entry = rows(engine)[-1]
    assert (entry.sequence, entry.kind, entry.decision_id, entry.personal_digest) == (8, "purge", None, None)
    content = {"first": 1, "last": 3, "before": 4, "parts": 3, "who": "li.wei", "why": "五年保存期"}
    assert json.loads(entry.content) == content
    result = verify_log(engine, keys=KEYS)
    assert result.is_whole and (result.purged_parts, result.verified_parts, result.entries) == (3, 4, 8)


def test_a_purge_without_old_parts_writes_no_entry(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [unpersonal(1), decision(2)])
    assert purge_personal_parts(engine, before=1, who="li.wei", why="") == Purge(0, None, None)
    assert len(rows(engine)) == 2 and parts(engine) == [2]


def test_entries_of_a_clock_that_was_set_back_are_judged_by_their_own_time(tmp_path: Path) -> None:
    engine = aged(tmp_path, 2, newest=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time_ns", lambda: 1_000)
        write(engine, [decision(4)])
    assert purge_personal_parts(engine, before=10, who="li.wei", why="") == Purge(3, 1, 4)
    assert parts(engine) == [3]
    assert verify_log(engine, keys=KEYS).is_whole
    tamper(tmp_path / FILE, "DELETE FROM personal_parts WHERE sequence = 3")
    fault = verify_log(engine, keys=KEYS).faults[0]
    assert (fault.sequence, fault.kind) == (3, "personal_missing"), "it was too new for the purge whose range has it"


def test_a_large_purge_is_several_transactions_each_with_its_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.decisions.purge.CHUNK", 2)
    engine = aged(tmp_path, 5, newest=0)
    steps: list[int] = []

    def interrupt(count: int) -> None:
        steps.append(count)
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        purge_personal_parts(engine, before=ALL, who="li.wei", why="", progress=interrupt)
    assert steps == [2, 4] and parts(engine) == [5]
    assert verify_log(engine, keys=KEYS).is_whole, "what was removed before the end is recorded"
    assert purge_personal_parts(engine, before=ALL, who="li.wei", why="") == Purge(1, 5, 5)
    with engine.connect() as connection:
        ranges = purged_ranges(connection, after=0)
        assert purged_ranges(connection, after=7) == ranges[2:]
    assert [(r.entry, r.first, r.last) for r in ranges] == [(6, 1, 2), (7, 3, 4), (8, 5, 5)]
    assert verify_log(engine, keys=KEYS).purged_parts == 5


def test_no_byte_of_a_removed_part_stays_in_the_file_or_its_write_ahead_log(tmp_path: Path) -> None:
    engine = aged(tmp_path, 60, newest=60)
    with engine.connect() as connection:
        stored = {row.sequence: row.ciphertext for row in connection.execute(sa.select(PARTS))}
    assert all(text in content(tmp_path) for text in stored.values())
    purge_personal_parts(engine, before=1_000_000, who="li.wei", why="")
    remains = content(tmp_path)
    assert [n for n, text in stored.items() if any(piece in remains for piece in pieces(text))] == list(range(61, 121))
    assert (tmp_path / f"{FILE}-wal").stat().st_size == 0
    assert verify_log(engine, keys=KEYS).is_whole


def content(folder: Path) -> bytes:
    """Return all bytes of a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def pieces(text: bytes) -> list[bytes]:
    """Return the parts of a ciphertext, each long enough not to occur by chance."""
    return [text[i : i + 12] for i in range(0, len(text) - 11, 12)]


def test_a_reader_of_the_old_pages_is_waited_for_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = aged(tmp_path, 3, newest=0)
    reader = log_in(tmp_path)
    monkeypatch.setattr("serving.decisions.erasure.ERASE_SECONDS", 0.2)
    with reader.connect() as connection:
        connection.execute(sa.select(ENTRIES)).first()
        write(engine, [decision(4)])
        with pytest.raises(ChehangError, match=r"other processes read it.*run the command again"):
            purge_personal_parts(engine, before=ALL, who="li.wei", why="")
    erase_free_space(engine)
    assert (tmp_path / f"{FILE}-wal").stat().st_size == 0


def test_decisions_are_logged_while_a_purge_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.decisions.purge.CHUNK", 5)
    engine = aged(tmp_path, 60, newest=0)
    other = log_in(tmp_path)

    def write_decisions() -> None:
        for number in range(20):
            write(other, [decision(100 + number)])

    writer = threading.Thread(target=write_decisions)
    writer.start()
    purge_personal_parts(engine, before=1_000_000, who="li.wei", why="")
    writer.join()
    result = verify_log(engine, keys=KEYS)
    assert result.is_whole and (result.purged_parts, result.verified_parts) == (60, 20)


@pytest.mark.slow
@pytest.mark.postgres
def test_postgresql_removes_verifies_and_rewrites_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.decisions.purge.CHUNK", 4)
    with postgresql() as url:
        engine = open_store(url, "decisions")
        write(engine, [decision(n, reference=f"A{n}") for n in range(1, 11)])
        with writing(engine) as connection:
            size = connection.scalar(sa.text("SELECT pg_relation_filenode('personal_parts')"))
        assert purge_personal_parts(engine, before=ALL, who="li.wei", why="retention") == Purge(10, 1, 10)
        write(engine, [decision(11)])
        result = verify_log(engine, keys=KEYS)
        assert result.is_whole and (result.entries, result.purged_parts, result.verified_parts) == (14, 10, 1)
        with writing(engine) as connection:
            assert connection.scalar(sa.text("SELECT pg_relation_filenode('personal_parts')")) != size, "a new file"
            connection.execute(sa.text("ALTER TABLE decision_entries DISABLE TRIGGER ALL"))
            connection.execute(sa.text("UPDATE decision_entries SET content = '[]' WHERE sequence = 5"))
        fault = verify_log(engine, keys=KEYS).faults[0]
        assert (fault.sequence, fault.kind) == (5, "altered")
        engine.dispose()
