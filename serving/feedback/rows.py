"""Rows of the feedback store for an event: its tables, their columns and values."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import BaseModel

from features.tables import EVENT_TYPES, EVENTS, LEADS, LOAN_OUTCOMES
from ml.instants import microseconds
from serving.feedback.contract_models import CLOCK_SKEW_US, FUTURE, OutOfRange, row_of
from serving.feedback.events import LEAD_EVENTS, WITHOUT_VEHICLE, Shown

Row = dict[str, Any]
EARLIEST_EVENT_US = 0  # 1970: an event before it is an error of the sender


class EventRows(NamedTuple):
    """Rows of one event; returned by `event_rows`.

    Attributes
    ----------
    event_id : str
        Id that the sender chose.
    digest : str
        Digest of the content, 32 hexadecimal digits.
    event_at : int
        Microseconds since 1970 UTC.
    table : str
        Table of the feedback store.
    rows : list of dict
        Values by column.
    """

    event_id: str
    digest: str
    event_at: int
    table: str
    rows: list[Row]


def event_rows(event: BaseModel, *, now: int) -> EventRows:
    """Return the rows of an event in the units of the tables.

    Parameters
    ----------
    event : BaseModel
        As validated by ``serving.feedback.events.EVENT``.
    now : int
        Present instant (microseconds since 1970 UTC).

    Raises
    ------
    OutOfRange
        An instant is in the future or out of range, or the event names nobody or no vehicle.

    Examples
    --------
    >>> from serving.feedback.events import EVENT
    >>> text = '{"type": "view", "event_id": "e1", "at": "1970-01-01T00:00:01Z", "visitor_id": "w", "vehicle_id": "v"}'
    >>> rows = event_rows(EVENT.validate_json(text), now=2_000_000)
    >>> rows.table, rows.event_at, rows.rows[0]["vehicle_id"]
    ('events', 1000000, 'v')
    """
    content: Any = event
    at = microseconds(content.at)
    if at > now + CLOCK_SKEW_US:
        raise OutOfRange("at", "future", FUTURE)
    if at < EARLIEST_EVENT_US:
        raise OutOfRange("at", "range", "must not be before 1970")
    table, rows = _rows(content, at, now)
    digest = sha256(json.dumps([content.type, at, rows]).encode()).hexdigest()[:32]
    return EventRows(content.event_id, digest, at, table, rows)


def _rows(event: Any, at: int, now: int) -> tuple[str, list[Row]]:
    kind = event.type
    if isinstance(event, Shown):
        return "exposures", _exposures(event, at)
    if kind == "lead":
        return "lead_records", [{**row_of(event, LEADS, now=now), "created_at": at}]
    if kind in EVENT_TYPES:
        _check_action(event)
        return "events", [{**row_of(event, EVENTS, now=now), "event_type": kind, "event_at": at}]
    if kind in LEAD_EVENTS:
        values = row_of(event, LEADS, now=now)
        if values["gross_margin"] is not None and kind != "sold":
            raise OutOfRange("gross_margin", "not_allowed", "belongs to the type sold only; leave it out")
        names = ("lead_id", "salesperson_id", "gross_margin")
        row = {name: values[name] for name in names}
        return "lead_events", [{**row, "event_id": event.event_id, "type": kind, "event_at": at}]
    if event.loss is not None and kind != "defaulted":
        raise OutOfRange("loss", "not_allowed", "belongs to the type defaulted only; leave it out")
    row = row_of(event, LOAN_OUTCOMES, now=now)
    return "loan_events", [{**row, "event_id": event.event_id, "type": kind, "event_at": at}]


def _check_action(event: Any) -> None:
    if event.customer_id is None and event.visitor_id is None:
        raise OutOfRange("visitor_id", "missing", "send customer_id, visitor_id or both: whose action it is")
    if event.vehicle_id is None and event.model is None and event.type not in WITHOUT_VEHICLE:
        raise OutOfRange("vehicle_id", "missing", "send vehicle_id, or model where no single vehicle is meant")


def _exposures(event: Shown, at: int) -> list[Row]:
    names = [vehicle.vehicle_id for vehicle in event.vehicles]
    if len(set(names)) < len(names):
        raise OutOfRange("vehicles", "repeated", "a page shows a vehicle once; send each vehicle_id once")
    page = {
        "request_id": event.request_id,
        "customer_id": event.customer_id,
        "visitor_id": event.visitor_id,
        "store_id": event.store_id,
        "model_version": None if event.model_version is None else str(event.model_version),
        "shown_at": at,
    }
    return [{**page, **vehicle.model_dump()} for vehicle in event.vehicles]
