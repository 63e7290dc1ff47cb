"""Copies of databases as of one instant."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.backup.snapshots import rows_of, snapshots


def database(path: Path, *, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0.1)
    connection.executescript(f"PRAGMA journal_mode={mode}; CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    return connection


def test_all_copies_are_as_of_the_beginning_and_writers_go_on(tmp_path: Path) -> None:
    paths = {"a.db": tmp_path / "a.db", "b.db": tmp_path / "b.db", "c.db": tmp_path / "c.db"}
    writers = [database(path, mode="DELETE" if name == "c.db" else "WAL") for name, path in paths.items()]
    (tmp_path / "work").mkdir()
    with snapshots(paths, tmp_path / "work") as begun:
        for number in range(20):
            for writer in writers:
                with writer:
                    writer.execute("INSERT INTO t VALUES (?)", (number,))
        copies = [begun.copy(name) for name in paths]
        assert [rows_of(copy, "SELECT x FROM t") for copy in copies] == [[(1,)]] * 3
    assert [writer.execute("SELECT count(*) FROM t").fetchone() for writer in writers] == [(21,)] * 3
    assert [rows_of(path, "PRAGMA journal_mode") for path in copies[:2]] == [[("wal",)]] * 2


def test_rows_that_are_only_in_the_write_ahead_log_are_copied(tmp_path: Path) -> None:
    writer = database(tmp_path / "a.db", mode="WAL")
    (tmp_path / "work").mkdir()
    assert (tmp_path / "a.db-wal").stat().st_size > 0
    with snapshots({"a.db": tmp_path / "a.db"}, tmp_path / "work") as begun:
        assert rows_of(begun.copy("a.db"), "SELECT x FROM t") == [(1,)]
    writer.close()


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    database(tmp_path / "a.db", mode="DELETE").close()
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 500)
    content = bytearray((tmp_path / "a.db").read_bytes())
    content[4_096 * 3 : 4_096 * 9] = b"\xff" * 4_096 * 6
    (tmp_path / "a.db").write_bytes(content)
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)
    (tmp_path / "work").mkdir()
    for name in ("a.db", "b.db"):
        with (
            pytest.raises(ConfigError, match=rf"/{name} (is damaged \(|cannot be copied: file is not a database)"),
            snapshots({name: tmp_path / name}, tmp_path / "work") as begun,
        ):
            begun.copy(name)
