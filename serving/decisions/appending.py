"""Append entries to the decision log inside a transaction of the caller."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa

from serving.decisions.entries import Entry, Head, NewEntry, hash_of
from serving.decisions.log_keys import SALT_BYTES, LogKeys, PersonalPart, personal_digest
from serving.stores import StoreUnavailable

MAX_ROWS = 32  # of one statement; the driver keeps as many prepared ones


class _Statements(NamedTuple):
    mark: str
    head: str
    move_head: str
    deciding: str


def _statements(mark: str, lock: str) -> _Statements:
    return _Statements(
        mark=mark,
        head=f"SELECT sequence, hash FROM decision_head WHERE id = 1{lock}",
        move_head=f"UPDATE decision_head SET sequence = {mark}, hash = {mark} WHERE id = 1",
        deciding=f"SELECT sequence, content FROM decision_entries WHERE decision_id = {mark} "
        "AND kind IN ('decision', 'override') ORDER BY sequence",
    )


def _insert(cursor: Any, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], mark: str) -> None:
    """Insert rows many at once: in SQLite each step of a statement gives the interpreter's lock away and back."""
    for first in range(0, len(rows), MAX_ROWS):
        part = rows[first : first + MAX_ROWS]
        cursor.execute(_insert_text(table, columns, len(part), mark), list(chain.from_iterable(part)))


@cache
def _insert_text(table: str, columns: tuple[str, ...], rows: int, mark: str) -> str:
    values = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([values] * rows)}"


_STATEMENTS = {"sqlite": _statements("?", ""), "postgresql": _statements("%s", " FOR UPDATE")}


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

    Raises
    ------
    StoreUnavailable
        The row of the head is missing: somebody changed the store.

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
    statements = _STATEMENTS[connection.dialect.name]
    cursor = connection.connection.cursor()  # the driver's own: a statement costs a third
    cursor.execute(statements.head)
    head = cursor.fetchone()
    if head is None:
        text = "its head was removed, so that it cannot be continued; run: chehang decisions verify"
        raise StoreUnavailable(f"decisions store: {text}")
    sequence, previous = head
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
        content = entry.content
        if entry.kind == "override":  # here, where no other writer comes between: two officers may decide at once
            cursor.execute(statements.deciding, (entry.decision_id,))
            earlier = [*cursor.fetchall(), *((r.sequence, r.content) for r in rows if _decides(r, entry))]
            content = _in_order(entry.content, earlier) if earlier else content
        columns = (sequence, at, entry.kind, entry.decision_id, content, digest, previous)
        previous = hash_of(*columns)
        rows.append(Entry(*columns, previous))
    _insert(cursor, "decision_entries", Entry._fields, rows, statements.mark)
    _insert(cursor, "personal_parts", PersonalPart._fields, parts, statements.mark)
    cursor.execute(statements.move_head, (sequence, previous))
    cursor.close()
    return Head(sequence, previous)


def _decides(row: Entry, entry: NewEntry) -> bool:
    return row.kind in ("decision", "override") and row.decision_id == entry.decision_id


def _in_order(content: str, earlier: Sequence[tuple[int, str]]) -> str:
    """Return the content of an override with the entry that it replaces, and its number: 1 for that of the decision."""
    replaces, text = earlier[-1]
    place = {"previous_outcome": json.loads(text).get("outcome"), "replaces": replaces, "number": len(earlier)}
    return json.dumps(json.loads(content) | place, ensure_ascii=False, separators=(",", ":"))
