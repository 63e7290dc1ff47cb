"""Logs with entries of every kind, and changes to them that only someone with rights on the database can make."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from serving.decisions.entries import NewEntry
from serving.decisions.log_keys import LogKeys
from tests.serving.decisions.logs import decision, log_in, write

FILE = "decisions.db"
OLD_KEYS = LogKeys({"old": bytes(32)})


def unpersonal(number: int) -> NewEntry:
    """Return a decision without a personal part."""
    return NewEntry("decision", f"d{number}", "{}")


def mixed_log(folder: Path) -> Path:
    """Write six entries of all kinds but a purge, the first, third and fourth with a personal part."""
    entries = [
        decision(1, reference="A1"),
        unpersonal(2),
        decision(3),
        NewEntry("override", "d1", '{"outcome": "decline"}', b'{"note": "false payslip"}'),
        NewEntry("access", "d1", '{"who": "li.wei", "why": "complaint"}'),
        unpersonal(4),
    ]
    return written(folder, entries)


def written(folder: Path, entries: Sequence[NewEntry] = (), **keys: LogKeys | None) -> Path:
    """Append entries to the log of a folder, and return its file without open connections."""
    engine = log_in(folder)
    if entries:
        write(engine, entries, **keys)
    engine.dispose()
    return folder / FILE


def tamper(path: Path, *statements: str | tuple[str, Sequence[Any]]) -> None:
    """Change the tables of a SQLite file behind the back of the triggers."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("DROP INDEX IF EXISTS decision_entries_store")  # it refuses content that is no JSON
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))


def cells(path: Path, query: str, *values: Any) -> list[Any]:
    """Return the rows of a query on a SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query, values).fetchall()
