"""Record events: each id once, in one transaction that is on the disk when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from serving.feedback.events import Refusal
from serving.feedback.rows import EventRows
from serving.stores import writing

CHUNK = 500  # values of one IN list
RECEIPTS = sa.table("event_receipts", sa.column("event_id"), sa.column("digest"), sa.column("event_at"))
EXPOSURES = sa.table(
    "exposures", sa.column("request_id"), sa.column("vehicle_id"), sa.column("place"), sa.column("propensity")
)
LEADS = sa.table("lead_records", sa.column("lead_id"))


class Recorded(NamedTuple):
    """Numbers of events by what became of them; returned by `record`.

    Attributes
    ----------
    stored, duplicates : int
        New events, and repetitions of stored ones.
    refused : list of Refusal
        Events that contradict a stored one, or an earlier one of the same request.
    """

    stored: int
    duplicates: int
    refused: list[Refusal]


def record(engine: sa.Engine, events: Sequence[tuple[int, EventRows]]) -> Recorded:
    """Store the events that are new.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        ``serving.stores.open_store(url, "feedback")``.
    events : sequence of (int, EventRows)
        Position in the request, and rows as returned by `serving.feedback.rows.event_rows`.

    Returns
    -------
    Recorded
        `stored` and `duplicates` (numbers), and `refused` (one `Refusal` for each contradiction).

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError
        The store cannot be written; nothing of the request is stored.
    """
    try:
        return _record(engine, events)
    except sa.exc.IntegrityError:  # another process has stored one of the ids meanwhile
        return _record(engine, events)


def _record(engine: sa.Engine, events: Sequence[tuple[int, EventRows]]) -> Recorded:
    duplicates, refused = 0, []
    chosen: list[EventRows] = []
    with writing(engine) as connection:
        digests = dict(
            _selected(connection, RECEIPTS, "event_id", ("event_id", "digest"), (e.event_id for _, e in events))
        )
        exposures = _exposures(connection, events)
        leads = {
            row[0]
            for row in _selected(
                connection,
                LEADS,
                "lead_id",
                ("lead_id",),
                (r["lead_id"] for _, e in events for r in _of(e, "lead_records")),
            )
        }
        for index, event in events:
            if event.event_id in digests:
                is_repetition = digests[event.event_id] == event.digest
                duplicates += is_repetition
                if not is_repetition:
                    refused.append(_conflict(index))
                continue
            refusal = _contradiction(index, event, exposures, leads)
            if refusal is not None:
                refused.append(refusal)
                continue
            digests[event.event_id] = event.digest
            chosen.append(event)
            _remember(event, exposures, leads)
        if chosen:
            _insert(connection, chosen)
    return Recorded(len(chosen), duplicates, refused)


def _of(event: EventRows, table: str) -> list[dict[str, Any]]:
    return event.rows if event.table == table else []


def _exposures(
    connection: sa.Connection, events: Sequence[tuple[int, EventRows]]
) -> dict[tuple[str, str], tuple[int, float]]:
    """Return place and propensity of the stored exposures of the requests that the events name."""
    requests = (row["request_id"] for _, event in events for row in _of(event, "exposures")[:1])
    names = ("request_id", "vehicle_id", "place", "propensity")
    rows = _selected(connection, EXPOSURES, "request_id", names, requests)
    return {(request, vehicle): (place, propensity) for request, vehicle, place, propensity in rows}


def _contradiction(
    index: int, event: EventRows, exposures: dict[tuple[str, str], tuple[int, float]], leads: set[str]
) -> Refusal | None:
    for row in _of(event, "exposures"):
        shown = exposures.get((row["request_id"], row["vehicle_id"]))
        if shown is not None and shown != (row["place"], row["propensity"]):
            text = "the request has shown this vehicle at another place or with another propensity; send each page once"
            return Refusal(index=index, field="vehicles", rule="conflict", message=text)
    for row in _of(event, "lead_records"):
        if row["lead_id"] in leads:
            text = "another event has sent this lead; a lead is sent once, and what becomes of it as further events"
            return Refusal(index=index, field="lead_id", rule="conflict", message=text)
    return None


def _conflict(index: int) -> Refusal:
    text = "another event with this id was stored; choose a new id for each event"
    return Refusal(index=index, field="event_id", rule="conflict", message=text)


def _remember(event: EventRows, exposures: dict[tuple[str, str], tuple[int, float]], leads: set[str]) -> None:
    """Add the rows of an event to what is stored; rows of exposures that were stored before are left out of it."""
    event.rows[:] = [
        row
        for row in event.rows
        if event.table != "exposures" or (row["request_id"], row["vehicle_id"]) not in exposures
    ]
    for row in _of(event, "exposures"):
        exposures[row["request_id"], row["vehicle_id"]] = (row["place"], row["propensity"])
    leads |= {row["lead_id"] for row in _of(event, "lead_records")}


def _insert(connection: sa.Connection, events: Sequence[EventRows]) -> None:
    receipts = [{"event_id": e.event_id, "digest": e.digest, "event_at": e.event_at} for e in events]
    connection.execute(sa.insert(RECEIPTS), receipts)
    by_table: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_table.setdefault(event.table, []).extend(event.rows)
    for table, rows in by_table.items():
        if rows:
            connection.execute(sa.insert(sa.table(table, *map(sa.column, rows[0]))), rows)


def _selected(
    connection: sa.Connection, table: sa.TableClause, key: str, columns: Sequence[str], values: Iterable[str]
) -> Iterator[Any]:
    distinct = sorted(set(values))
    for start in range(0, len(distinct), CHUNK):
        chosen = table.c[key].in_(distinct[start : start + CHUNK])
        yield from connection.execute(sa.select(*(table.c[name] for name in columns)).where(chosen))
