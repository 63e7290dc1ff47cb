"""Remove the personal parts of old entries; the hash chain stays valid, because it holds only their digests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from serving.decisions.appending import append
from serving.decisions.entries import Entry, NewEntry
from serving.decisions.erasure import erase_free_space, erasing
from serving.decisions.reading import ENTRIES, PARTS
from serving.stores import store_errors

CHUNK = 10_000  # personal parts removed in one transaction, which decisions wait for
_OLD = sa.select(PARTS.c.sequence).join_from(PARTS, ENTRIES, ENTRIES.c.sequence == PARTS.c.sequence)


class PurgedRange(NamedTuple):
    """What one purge entry of the log removed: personal parts of entries from `first` to `last` before a time.

    Attributes
    ----------
    entry : int
        Sequence of the purge entry.
    first, last : int
        Sequences of the first and the last entry without its personal part since then.
    before : int
        Only entries that were written before this time: microseconds since 1970, UTC.
    """

    entry: int
    first: int
    last: int
    before: int

    def covers(self, entry: Entry) -> bool:
        """Return whether the purge removed the personal part of an entry.

        >>> entry = Entry(3, 1_000, "decision", "d1", "{}", "ab", "00", "11")
        >>> PurgedRange(9, 1, 5, 2_000).covers(entry), PurgedRange(9, 1, 5, 1_000).covers(entry)
        (True, False)
        """
        return self.first <= entry.sequence <= self.last and entry.at < self.before


class Purge(NamedTuple):
    """Result of `purge_personal_parts`: number of personal parts, and first and last entry (None without a part)."""

    parts: int
    first: int | None
    last: int | None


def purged_ranges(connection: sa.Connection, *, after: int) -> list[PurgedRange]:
    """Return the ranges of the purge entries behind an entry, the oldest first.

    An entry with other content is left out: it was altered, which the chain shows.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        To the decision store.
    after : int
        Only purge entries with a higher sequence; 0 for all.
    """
    query = sa.select(ENTRIES.c.sequence, ENTRIES.c.content).where(
        ENTRIES.c.kind == "purge", ENTRIES.c.sequence > after
    )
    ranges = (_range(*row) for row in connection.execute(query.order_by(ENTRIES.c.sequence)))
    return [purged for purged in ranges if purged is not None]


def _range(entry: int, text: str) -> PurgedRange | None:
    try:
        content = json.loads(text)
        numbers = [content[name] for name in ("first", "last", "before")]
    except (ValueError, TypeError, KeyError):
        return None
    return PurgedRange(entry, *numbers) if all(type(n) is int for n in numbers) else None


def count_old_parts(engine: sa.Engine, *, before: int) -> Purge:
    """Return what `purge_personal_parts` would remove, and remove nothing.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    before : int
        Time in microseconds since 1970, UTC.

    Raises
    ------
    StoreUnavailable
        The store cannot be read.
    """
    sequence = PARTS.c.sequence
    query = _OLD.with_only_columns(sa.func.count(), sa.func.min(sequence), sa.func.max(sequence))
    with store_errors(engine, "decisions"), engine.connect() as connection:
        return Purge(*connection.execute(query.where(ENTRIES.c.at < before)).one())


def purge_personal_parts(
    engine: sa.Engine,
    *,
    before: int,
    who: str,
    why: str,
    progress: Callable[[int], None] = lambda parts: None,
) -> Purge:
    """Remove the personal parts of the entries written before a time, record it, and erase them from the files.

    The parts are removed in transactions of 10,000, each with a purge entry of its own, so that decisions are logged in
    between and a killed run can be repeated: the log never names a part as removed that is still there.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    before : int
        Time in microseconds since 1970, UTC.
    who, why : str
        Person and reason, recorded in the purge entries.
    progress : callable
        ``(parts) -> None``, called after each transaction with the number of parts removed so far.

    Returns
    -------
    Purge
        The number of parts removed by this call, and the first and the last entry that had one.

    Raises
    ------
    StoreUnavailable
        The store cannot be written; what was removed before is recorded.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.decisions.log_keys import LogKeys
    >>> from serving.stores import open_store, writing
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with writing(engine) as connection:
    ...         last = append(connection, [NewEntry("decision", "d1", "{}", b"{}")], LogKeys({"2026": bytes(32)}))
    ...     purge_personal_parts(engine, before=2**62, who="li.wei", why="retention of 5 years")
    ...     engine.dispose()
    Purge(parts=1, first=1, last=1)
    """
    total = Purge(0, None, None)
    with store_errors(engine, "decisions"):
        while chunk := _remove_chunk(engine, before=before, who=who, why=why):
            first = chunk[0] if total.first is None else total.first
            total = Purge(total.parts + len(chunk), first, chunk[-1])
            progress(total.parts)
        erase_free_space(engine)
    return total


def _remove_chunk(engine: sa.Engine, *, before: int, who: str, why: str) -> Sequence[int]:
    with erasing(engine) as connection:
        query = _OLD.where(ENTRIES.c.at < before).order_by(PARTS.c.sequence).limit(CHUNK)
        sequences = connection.execute(query).scalars().all()
        if not sequences:
            return ()
        first, last = sequences[0], sequences[-1]
        old = sa.select(ENTRIES.c.sequence).where(ENTRIES.c.at < before)
        connection.execute(sa.delete(PARTS).where(PARTS.c.sequence.between(first, last), PARTS.c.sequence.in_(old)))
        content = {"first": first, "last": last, "before": before, "parts": len(sequences), "who": who, "why": why}
        append(connection, [NewEntry("purge", None, json.dumps(content, ensure_ascii=False))], None)
    return sequences
