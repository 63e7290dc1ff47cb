"""Read the decision log: entries in their order, those of one decision, the head, and personal parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from serving.decisions.entries import Entry, Head
from serving.decisions.log_keys import PersonalPart

FETCH_ROWS = 1_000
ENTRIES = sa.table("decision_entries", *(sa.column(name) for name in Entry._fields))
PARTS = sa.table("personal_parts", *(sa.column(name) for name in PersonalPart._fields))
HEAD = sa.table("decision_head", sa.column("id"), sa.column("sequence"), sa.column("hash"))


def read_head(connection: sa.Connection) -> Head | None:
    """Return sequence and hash of the last entry, (0, 64 zeros) of an empty log; None if the row was removed.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        To the decision store, an engine of `serving.stores.open_store`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.stores import open_store
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with engine.connect() as connection:
    ...         read_head(connection).sequence
    ...     engine.dispose()
    0
    """
    row = connection.execute(sa.select(HEAD.c.sequence, HEAD.c.hash).where(HEAD.c.id == 1)).one_or_none()
    return None if row is None else Head(*row)


def read_entries(connection: sa.Connection, *, after: int = 0, until: int | None = None) -> Iterator[Entry]:
    """Yield entries by sequence, fetched in pages, so that a log of any length fits into memory.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        To the decision store; without a transaction of the caller, entries that are written meanwhile are yielded too.
    after : int
        Only entries with a higher sequence.
    until : int, optional
        The last sequence; by default the last entry.
    """
    while True:
        query = sa.select(ENTRIES).where(ENTRIES.c.sequence > after).order_by(ENTRIES.c.sequence).limit(FETCH_ROWS)
        if until is not None:
            query = query.where(ENTRIES.c.sequence <= until)
        rows = connection.execute(query).all()
        yield from (Entry(*row) for row in rows)
        if len(rows) < FETCH_ROWS:
            return
        after = rows[-1].sequence


def read_decision(connection: sa.Connection, decision_id: str) -> list[Entry]:
    """Return the entries about one decision by sequence: the decision, overrides and reads; empty if it is unknown."""
    query = sa.select(ENTRIES).where(ENTRIES.c.decision_id == decision_id).order_by(ENTRIES.c.sequence)
    return [Entry(*row) for row in connection.execute(query)]


def read_parts(connection: sa.Connection, sequences: Sequence[int]) -> dict[int, PersonalPart]:
    """Return the personal parts of entries by sequence; those that a purge removed are absent.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        To the decision store.
    sequences : sequence of int
        Of the entries, at most 1,000.
    """
    query = sa.select(PARTS).where(PARTS.c.sequence.in_(sequences))
    return {row.sequence: PersonalPart(*row) for row in connection.execute(query)}
