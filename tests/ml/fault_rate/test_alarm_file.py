"""The alarm file: created by the first change, changed in transactions; other files are refused untouched."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from features.errors import ConfigError
from ml.fault_rate.alarm_file import ALARMS, CHANGES, SCHEMA, AlarmFile, now

ROW: dict[str, Any] = {
    "model": "A", "component": "brakes", "state": "open", "opened_at": 1, "last_seen_at": 1, "figures": "{}",
}  # fmt: skip


def number_of(file: AlarmFile) -> int:
    """Return the change number."""
    (row,) = file.read(sa.select(CHANGES.c.number))
    return int(row["number"])


def test_a_file_reads_as_empty_until_its_first_change(tmp_path: Path) -> None:
    file = AlarmFile(tmp_path / "new folder" / "alarms.db")
    assert file.read(sa.select(ALARMS)) == [] and not file.path.parent.exists()
    begun = now()
    with file.changing() as connection:
        connection.execute(ALARMS.insert().values(ROW))
    assert file.read(sa.select(ALARMS)) == [{"id": 1, **ROW}]
    assert begun < number_of(file) <= now() + 1


def test_the_number_grows_by_one_with_a_change_and_not_without(tmp_path: Path) -> None:
    file = AlarmFile(tmp_path / "alarms.db")
    with file.changing():
        pass
    first = number_of(file)
    with file.changing() as connection:
        connection.execute(sa.select(ALARMS))
    assert number_of(file) == first
    with file.changing() as connection:
        connection.execute(ALARMS.insert(), [ROW, {**ROW, "model": "B"}])
    assert number_of(file) == first + 1


def test_an_error_rolls_back_the_change(tmp_path: Path) -> None:
    file = AlarmFile(tmp_path / "alarms.db")
    with pytest.raises(KeyError), file.changing() as connection:
        connection.execute(ALARMS.insert().values(ROW))
        raise KeyError
    assert file.read(sa.select(ALARMS)) == []


def test_a_cell_has_one_alarm_that_is_not_closed(tmp_path: Path) -> None:
    file = AlarmFile(tmp_path / "alarms.db")
    closed = {**ROW, "state": "closed"}
    with file.changing() as connection:
        connection.execute(ALARMS.insert(), [ROW, closed, closed])
    with pytest.raises(ConfigError, match="UNIQUE constraint"), file.changing() as connection:
        connection.execute(ALARMS.insert().values(ROW))
    assert len(file.read(sa.select(ALARMS))) == 3


@pytest.mark.parametrize(
    ("statement", "match"),
    [
        ("CREATE TABLE others (x)", "not an alarm store; set `store`"),
        (f"PRAGMA user_version = {SCHEMA + 1}", "not an alarm store"),
    ],
)
def test_another_database_is_refused(tmp_path: Path, statement: str, match: str) -> None:
    path = tmp_path / "others.db"
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=match):
        AlarmFile(path).read(sa.select(ALARMS))
    with pytest.raises(ConfigError, match=match), AlarmFile(path).changing():
        pass
    assert path.read_bytes() == before


def test_a_store_of_another_version_names_both_versions(tmp_path: Path) -> None:
    file = AlarmFile(tmp_path / "alarms.db")
    with file.changing() as connection:
        connection.exec_driver_sql("SELECT 1")
    connection_of_others = sqlite3.connect(file.path)
    connection_of_others.execute("PRAGMA user_version = 7")
    connection_of_others.close()
    with pytest.raises(ConfigError, match=f"must be an alarm store of version {SCHEMA}, is 7"):
        file.read(sa.select(ALARMS))


def test_a_file_that_is_no_database_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "alarms.db"
    path.write_bytes(b"no database, but longer than a header of a hundred bytes " * 4)
    with pytest.raises(ConfigError, match=f"{path}: cannot be used as an alarm store"):
        AlarmFile(path).read(sa.select(ALARMS))
