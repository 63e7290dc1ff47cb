"""Append entries to the decision log inside a transaction of the caller."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import sqlalchemy as sa

from serving.decisions.entries import Entry, Head, NewEntry, hash_of
from serving.decisions.log_keys import SALT_BYTES, LogKeys, PersonalPart, personal_digest

_ENTRY = ", ".join(Entry._fields)
_PART = ", ".join(PersonalPart._fields)
_LOCK = {"sqlite": "", "postgresql": " FOR UPDATE"}


def append(connection: sa.Connection, entries: Sequence[NewEntry], keys: LogKeys | None) -> Head:
    """Append entries and their personal parts, and move the head; nothing is durable before the caller commits.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction of `serving.stores.writing` on the decision store; on PostgreSQL the head's row is locked, so
        that writers wait for each other.
    entries : sequence of NewEntry
        At least one; all get the same time.
    keys : LogKeys or None
        Encrypt the personal parts; without keys no personal part is stored.

    Returns
    -------
    Head
        Sequence and hash of the last of these entries.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.stores import open_store, writing
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with writing(engine) as connection:
    ...         append(connection, [NewEntry("decision", "d1", "{}"), NewEntry("decision", "d2", "{}")], None).sequence
    ...     engine.dispose()
    2
    """
    dialect = connection.dialect.name
    run = connection.exec_driver_sql
    sequence, previous = run(f"SELECT sequence, hash FROM decision_head WHERE id = 1{_LOCK[dialect]}").one()
    at = time.time_ns() // 1_000
    rows: list[Entry] = []
    parts: list[PersonalPart] = []
    for entry in entries:
        sequence += 1
        digest = None
        if keys is not None and entry.personal is not None:
            plaintext = os.urandom(SALT_BYTES) + entry.personal
            digest = personal_digest(plaintext)
            parts.append(keys.encrypt(sequence, plaintext, reference=entry.reference))
        columns = (sequence, at, entry.kind, entry.decision_id, entry.content, digest, previous)
        previous = hash_of(*columns)
        rows.append(Entry(*columns, previous))
    mark = "?" if dialect == "sqlite" else "%s"
    run(f"INSERT INTO decision_entries ({_ENTRY}) VALUES ({_marks(mark, Entry)})", rows)
    if parts:
        run(f"INSERT INTO personal_parts ({_PART}) VALUES ({_marks(mark, PersonalPart)})", parts)
    run(f"UPDATE decision_head SET sequence = {mark}, hash = {mark} WHERE id = 1", (sequence, previous))
    return Head(sequence, previous)


def _marks(mark: str, row: type[Entry] | type[PersonalPart]) -> str:
    return ", ".join([mark] * len(row._fields))
