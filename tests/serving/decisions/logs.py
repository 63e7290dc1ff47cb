"""A decision log in a SQLite file, and entries for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from serving.decisions.appending import append
from serving.decisions.entries import Entry, Head, NewEntry
from serving.decisions.log_keys import LogKeys
from serving.decisions.reading import read_entries
from serving.stores import open_store, writing

KEYS = LogKeys({"new": bytes(range(32)), "old": bytes(32)})


def log_in(folder: Path) -> sa.Engine:
    """Return the decision log of a folder."""
    return open_store(f"sqlite:///{folder}/decisions.db", "decisions")


def decision(number: int, *, reference: str | None = None) -> NewEntry:
    """Return a decision with a personal part."""
    personal = b'{"inputs":{"monthly_income":%d}}' % number
    return NewEntry("decision", f"d{number}", f'{{"store_id":"S{number}","text":"决定"}}', personal, reference)


def write(engine: sa.Engine, entries: Sequence[NewEntry], keys: LogKeys | None = KEYS) -> Head:
    """Append entries in one transaction."""
    with writing(engine) as connection:
        return append(connection, entries, keys)


def rows(engine: sa.Engine) -> list[Entry]:
    """Return all entries."""
    with engine.connect() as connection:
        return list(read_entries(connection))
