"""Entries of the daily work are never changed, on PostgreSQL as on SQLite; an existing store gets their tables."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.feedback.store import FeedbackStore
from serving.stores.migrations.feedback.r0002_work_entries import down_revision
from serving.work.entries import NewWorkEntry, WorkEntries
from tests.serving.databases import postgresql


def check(url: str) -> None:
    """Write an entry, and fail to change it."""
    entries = WorkEntries(FeedbackStore(url), None)
    entries.append([NewWorkEntry("lead.called", "L1", None, {"outcome": "answered"})], caller=None)
    for statement in ("UPDATE work_entries SET subject = 'L2'", "DELETE FROM work_entries"):
        engine = FeedbackStore(url).open()
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert [entry.subject for entry in entries.of()] == ["L1"]


def test_sqlite_refuses_changes(tmp_path: Path) -> None:
    """By triggers."""
    assert down_revision == "feedback_0001"
    check(f"sqlite:///{tmp_path}/feedback.db")


@pytest.mark.slow
def test_postgresql_refuses_changes() -> None:
    """By a trigger function."""
    with postgresql() as url:
        check(url)
