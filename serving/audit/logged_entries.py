"""Stream the entries of the decision log with their content parsed, so that a log of any length fits in memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from features.errors import ConfigError
from serving.audit.periods import Period
from serving.decisions.entries import Entry, Head
from serving.decisions.reading import ENTRIES, PARTS, read_head
from serving.stores import store_errors

PAGE = 1_000
_HAS_PART = PARTS.c.sequence.is_not(None)
_ROWS = sa.select(ENTRIES, _HAS_PART).select_from(ENTRIES.outerjoin(PARTS, ENTRIES.c.sequence == PARTS.c.sequence))


class LoggedEntry(NamedTuple):
    """An entry of the log, its parsed content (empty if it is no JSON object), and whether its personal part is stored.

    Attributes
    ----------
    entry : Entry
    content : mapping
    has_part : bool
    """

    entry: Entry
    content: Mapping[str, Any]
    has_part: bool

    @property
    def band(self) -> str | None:
        """Return approve, refer or decline: that of the requested loan if the answer has offers; else the outcome."""
        value = self.content.get("band", self.content.get("outcome"))
        return value if isinstance(value, str) else None

    @property
    def personal_state(self) -> str:
        """Return what became of the personal part: stored, purged, not_stored (the service had no key) or none."""
        if self.has_part:
            return "stored"
        if self.entry.personal_digest is not None:
            return "purged"
        return "not_stored" if self.content.get("personal") == "not stored" else "none"

    @property
    def models(self) -> tuple[str, ...]:
        """Return the models that decided, such as 'credit_risk 3', sorted."""
        models = self.content.get("models")
        pairs = models.items() if isinstance(models, Mapping) else ()
        return tuple(sorted(f"{name} {model['version']}" for name, model in pairs if "version" in model))


@dataclass(frozen=True)
class Selection:
    """Which entries of a log are read; an empty collection selects all.

    Attributes
    ----------
    period : Period
        Of the time of writing.
    kinds : collection of str
        Of 'decision', 'override', 'access' and 'purge'.
    stores : collection of str
        Values of `store_id`.
    outcomes : collection of str
        Values of `outcome` or `band`.
    """

    period: Period
    kinds: Collection[str] = ()
    stores: Collection[str] = ()
    outcomes: Collection[str] = ()

    def has(self, logged: LoggedEntry) -> bool:
        """Return whether an entry of the period is selected by kind, store and outcome."""
        content = logged.content
        return (
            (not self.kinds or logged.entry.kind in self.kinds)
            and (not self.stores or content.get("store_id") in self.stores)
            and (not self.outcomes or content.get("outcome") in self.outcomes or content.get("band") in self.outcomes)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the selection as dict for JSON."""
        lists = {name: sorted(getattr(self, name)) for name in ("kinds", "stores", "outcomes")}
        return {"period": str(self.period), **lists}


def logged_entries(
    engine: sa.Engine, selection: Selection, *, end: int, newest_first: bool = False
) -> Iterator[LoggedEntry]:
    """Yield the selected entries up to an entry of the log, by sequence.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    selection : Selection
        Which entries.
    end : int
        The last sequence that is read, such as that of `log_end`.
    newest_first : bool
        Whether the order is reversed.

    Raises
    ------
    StoreUnavailable
        The store cannot be read.
    """
    query = _ROWS.where(ENTRIES.c.sequence <= end)
    if (start := selection.period.start) is not None:
        query = query.where(ENTRIES.c.at >= start)
    if (limit := selection.period.end) is not None:
        query = query.where(ENTRIES.c.at < limit)
    column = ENTRIES.c.sequence
    query = query.order_by(column.desc() if newest_first else column).limit(PAGE)
    page = query
    while True:
        with store_errors(engine, "decisions"), engine.connect() as connection:
            rows = connection.execute(page).all()
        for row in rows:
            logged = LoggedEntry(Entry(*row[:-1]), parsed(row.content), bool(row[-1]))
            if selection.has(logged):
                yield logged
        if len(rows) < PAGE:
            return
        last = rows[-1].sequence
        page = query.where(column < last if newest_first else column > last)


def parsed(text: str) -> dict[str, Any]:
    """Return the content of an entry; empty if it is no JSON object, which only an altered entry has.

    >>> parsed('{"outcome":"approve"}'), parsed("[1]"), parsed("altered")
    ({'outcome': 'approve'}, {}, {})
    """
    try:
        content = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return content if isinstance(content, dict) else {}


def log_end(engine: sa.Engine) -> Head:
    """Return sequence and hash of the last entry; (0, 64 zeros) for an empty log, or one whose head was removed.

    Raises
    ------
    StoreUnavailable
        The store cannot be read.
    """
    with store_errors(engine, "decisions"), engine.connect() as connection:
        return read_head(connection) or Head(0, "0" * 64)


def entries_of(engine: sa.Engine, reference: str) -> list[LoggedEntry]:
    """Return the entries about one decision, the decision first, or the one entry of a number.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    reference : str
        Decision id, or the number of an entry; the number of an entry about a decision gives all about it.

    Raises
    ------
    ConfigError
        The log has no such entry.
    StoreUnavailable
        The store cannot be read.
    """
    query = _ROWS.where(ENTRIES.c.decision_id == reference)
    with store_errors(engine, "decisions"), engine.connect() as connection:
        rows = connection.execute(query.order_by(ENTRIES.c.sequence)).all()
        if not rows and reference.isdecimal() and len(reference) < 19:
            rows = connection.execute(_ROWS.where(ENTRIES.c.sequence == int(reference))).all()
    if not rows:
        raise ConfigError(f"ID: the log has no decision or entry '{reference}'; list them with: chehang decisions list")
    if rows[0].decision_id not in (None, reference):
        return entries_of(engine, rows[0].decision_id)
    return [LoggedEntry(Entry(*row[:-1]), parsed(row.content), bool(row[-1])) for row in rows]


def entry_dict(logged: LoggedEntry) -> dict[str, Any]:
    """Return an entry as dict for JSON: its columns with parsed content, and the state of its personal part."""
    return {**logged.entry._asdict(), "content": logged.content, "personal_part": logged.personal_state}


def decisions_of(engine: sa.Engine, identities: Collection[str]) -> list[LoggedEntry]:
    """Return the decisions of some ids, at most a thousand, by sequence; unknown ids are left out.

    Raises
    ------
    StoreUnavailable
        The store cannot be read.
    """
    query = _ROWS.where(ENTRIES.c.decision_id.in_(list(identities)), ENTRIES.c.kind == "decision")
    with store_errors(engine, "decisions"), engine.connect() as connection:
        rows = connection.execute(query.order_by(ENTRIES.c.sequence)).all()
    return [LoggedEntry(Entry(*row[:-1]), parsed(row.content), bool(row[-1])) for row in rows]
