"""Entries of the decision log cannot be changed or deleted by a statement, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from serving.stores import open_store, writing
from serving.stores.migrations.decisions.r0001_entries import NO_CHANGE
from tests.serving.databases import postgresql

INSERT = (
    "INSERT INTO decision_entries (sequence, at, kind, decision_id, content, previous, hash) "
    "VALUES (1, 5, 'decision', 'd', '{\"store_id\": \"S1\"}', '', 'h')"
)


def check(engine: sa.Engine, *statements: str) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql(INSERT)
    for statement in statements:
        with pytest.raises(DBAPIError, match=NO_CHANGE), writing(engine) as connection:
            connection.exec_driver_sql(statement)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT sequence, at, hash FROM decision_entries").all() == [(1, 5, "h")]


def test_sqlite_refuses_changes(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/decisions.db", "decisions")
    check(engine, "UPDATE decision_entries SET at = 6", "DELETE FROM decision_entries")


@pytest.mark.postgres
def test_postgresql_refuses_changes() -> None:
    with postgresql() as url:
        engine = open_store(url, "decisions")
        check(engine, "UPDATE decision_entries SET at = 6", "DELETE FROM decision_entries", "TRUNCATE decision_entries")
        engine.dispose()
