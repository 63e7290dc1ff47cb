"""`POST /v1/events`: validate a batch of events one by one, and store those that are new."""

from __future__ import annotations

import time
from typing import Any

from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict, ValidationError

from serving.asgi import Problem, Receive, Scope, Send, send_json
from serving.bodies import (
    MAX_DETAILS,
    MAX_NAME_LENGTH,
    check_complexity,
    check_repetition,
    error_details,
    invalid_field,
    invalid_fields,
    parse_request,
)
from serving.doors.caller import Caller
from serving.feedback.contract_models import OutOfRange
from serving.feedback.events import EVENT, LEAD_EVENTS, LOAN_EVENTS, MAX_EVENTS, EventAnswer, Refusal
from serving.feedback.recording import record
from serving.feedback.rows import EventRows, event_rows
from serving.feedback.store import FeedbackStore
from serving.limits.elements import list_elements
from serving.limits.lists import MAX_BULK_VALUES
from serving.metrics import EVENTS
from serving.query_strings import parse_parameters

SCOPE_OF = dict.fromkeys(LEAD_EVENTS, "lead_outcomes:write") | dict.fromkeys(LOAN_EVENTS, "loan_outcomes:write")
MAX_VALUES = 2_000  # of one event: a page of 200 vehicles has about 800


class EventsApp:
    """ASGI application of the route; it works in a thread, and answers when the events are on the disk.

    Parameters
    ----------
    store : FeedbackStore
        ``serving.feedback.store.FeedbackStore(settings.feedback_store)``.
    """

    is_bulk = True

    def __init__(self, store: FeedbackStore) -> None:
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parse_parameters(scope["query_string"])
        caller = scope.get("caller")
        body = (await receive())["body"]
        answer = await run_sync(self._record, body, caller)
        status = 200 if answer.stored or answer.duplicates else 422
        if status == 422:
            raise _all_refused(answer.refused)
        await send_json(send, answer.model_dump_json().encode())

    def _record(self, body: bytes, caller: Caller | None) -> EventAnswer:
        rows, refused = parse_events(body, caller=caller, now=time.time_ns() // 1_000)
        recorded = self.store.run(lambda engine: record(engine, rows)) if rows else None
        if recorded is not None:
            refused = sorted([*refused, *recorded.refused], key=lambda refusal: refusal.index)
        answer = EventAnswer(
            stored=recorded.stored if recorded else 0,
            duplicates=recorded.duplicates if recorded else 0,
            refused=refused,
        )
        for result, n in (("stored", answer.stored), ("duplicate", answer.duplicates), ("refused", len(refused))):
            EVENTS.add(n, result)
        return answer


def parse_events(body: bytes, *, caller: Caller | None, now: int) -> tuple[list[tuple[int, EventRows]], list[Refusal]]:
    """Return the rows of the valid events of a body, and why the others are refused.

    Parameters
    ----------
    body : bytes
        JSON object ``{"events": [...]}``.
    caller : Caller or None
        Its stores and scopes decide which events it may send; None without doors.
    now : int
        Present instant (microseconds since 1970 UTC).

    Returns
    -------
    rows : list of (int, EventRows)
        Position in the body, and rows.
    refused : list of Refusal
        Events that break a rule.

    Raises
    ------
    Problem
        Status 422: the body is not such an object, or it has no event or more than 1,000. Status 413: too many values.

    Examples
    --------
    >>> event = b'{"type": "search", "event_id": "e1", "at": "2026-01-01T08:00:00+08:00", "visitor_id": "w"}'
    >>> rows, refused = parse_events(b'{"events": [' + event + b', {"type": "views"}]}', caller=None, now=2 * 10**15)
    >>> rows[0][1].table, refused[0].index, refused[0].field
    ('events', 1, 'type')
    """
    check_complexity(body, max_values=MAX_BULK_VALUES)
    elements = list_elements(body, "events")
    if elements is None:
        raise invalid_field("events", "missing", 'the body must be an object with a list of events: {"events": [...]}')
    check_complexity(elements.rest)
    parse_request(_WithoutEvents, elements.rest)
    if not 1 <= len(elements.starts) <= MAX_EVENTS:
        text = f"must have from 1 to {MAX_EVENTS:,} events, not {len(elements.starts):,}"
        raise invalid_field("events", "length", text)
    rows, refused = [], []
    for index, (start, end, values) in enumerate(zip(elements.starts, elements.ends, elements.values, strict=True)):
        try:
            rows.append((index, _parsed(body[start:end], values, caller, now)))
        except _Refused as e:
            refused.append(Refusal(index=index, field=e.field, rule=e.rule, message=e.message))
    return rows, refused


class _WithoutEvents(BaseModel):
    """A body whose events have been taken out."""

    model_config = ConfigDict(extra="forbid")

    events: list[None]


class _Refused(Exception):
    """An event breaks a rule."""

    def __init__(self, field: str, rule: str, message: str) -> None:
        super().__init__(rule)
        self.field, self.rule, self.message = field[:MAX_NAME_LENGTH], rule, message


def _parsed(part: bytes, values: int, caller: Caller | None, now: int) -> EventRows:
    if values > MAX_VALUES:
        raise _Refused("body", "too_complex", f"an event has at most {MAX_VALUES:,} values")
    try:
        event: BaseModel = EVENT.validate_json(part)
    except ValidationError as e:
        raise _first_error(e) from None
    try:
        check_repetition(part, [event])
    except Problem as e:
        raise _Refused(e.details[0]["field"], e.details[0]["rule"], e.details[0]["message"]) from None
    if caller is not None:
        _check_scope(event, caller.scopes)
        _check_store(event, caller.stores)
    try:
        return event_rows(event, now=now)
    except OutOfRange as e:
        raise _Refused(e.field, e.rule, e.message) from None


def _first_error(error: ValidationError) -> _Refused:
    details = error_details(error)
    field, rule, message = (details[0][name] for name in ("field", "rule", "message"))
    if rule.startswith("union_tag"):
        return _Refused("type", rule, "must be one of the types of events; docs/feedback.md and /docs list them")
    _, _, rest = field.partition(".")  # the first part is the type
    return _Refused(rest or field, rule, message)


def _check_scope(event: Any, scopes: frozenset[str]) -> None:
    scope = SCOPE_OF.get(event.type)
    if scope is not None and scope not in scopes:
        raise _Refused("type", "missing_scope", f"this key lacks the scope {scope}, which outcomes need")


def _check_store(event: Any, stores: frozenset[str] | None) -> None:
    if stores is None:
        return
    if "store_id" not in type(event).model_fields:
        text = "events of loans name no store: only a key for all stores may send them"
        raise _Refused("type", "wrong_store", text)
    if event.store_id is None:
        raise _Refused("store_id", "store_required", "this key holds for some stores only, name one of them")
    if event.store_id not in stores:
        raise _Refused("store_id", "wrong_store", "this key does not hold for this store")


def _all_refused(refused: list[Refusal]) -> Problem:
    details = [
        {"field": f"events.{r.index}.{r.field}", "rule": r.rule, "message": r.message} for r in refused[:MAX_DETAILS]
    ]
    return invalid_fields(details)
