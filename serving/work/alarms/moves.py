"""Moves of an alarm, and deeds: report to the maker, stop of sale and its end, notice to the owners."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.alarms.answers import AlarmDetail
from serving.work.alarms.deeds import stops_of
from serving.work.alarms.detail import alarm_detail
from serving.work.alarms.stock import stock_rows
from serving.work.alarms.store import (
    WATCHED,
    check_group,
    entry_stores,
    number_of,
    rules_of,
    shown_state,
    store_errors,
    stored_alarm,
    subject_of,
)
from serving.work.entries import NewWorkEntry

if TYPE_CHECKING:
    from serving.work.routing import WorkRequest


class AlarmMove(BaseModel):
    """Body of `POST /v1/alarms/{alarm_id}/moves`."""

    model_config = ConfigDict(extra="forbid")

    to: Literal["acknowledged", "watched", "campaign", "closed"] = Field(description="new state")
    note: str = Field("", max_length=2_000, description="reason; required to close an alarm")
    sequence: int | None = Field(None, ge=0, description="last entry that the person has read: 409 if there are later")


class MakerReport(BaseModel):
    """Body of `POST /v1/alarms/{alarm_id}/reports`: the alarm was reported to the maker."""

    model_config = ConfigDict(extra="forbid")

    reported_on: date = Field(strict=False, description="day of the report")
    recipient: str = Field(min_length=1, max_length=200, description="maker, department or portal")
    reference: str = Field("", max_length=200, description="number that the maker gave")
    note: str = Field("", max_length=2_000)
    sequence: int | None = Field(None, ge=0)


class SaleStop(BaseModel):
    """Body of `POST /v1/alarms/{alarm_id}/sale_stops` and `/sale_resumptions`."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=2_000, description="reason; required to resume the sale")
    sequence: int | None = Field(None, ge=0)


class OwnersNotice(BaseModel):
    """Body of `POST /v1/alarms/{alarm_id}/notices`: the owners were notified."""

    model_config = ConfigDict(extra="forbid")

    notified_on: date = Field(strict=False)
    channel: Literal["letter", "phone", "message", "app"]
    vehicles: int = Field(ge=1, le=1_000_000, description="vehicles whose owners were notified")
    note: str = Field("", max_length=2_000)
    sequence: int | None = Field(None, ge=0)


def move_alarm(request: WorkRequest) -> AlarmDetail:
    """Answer `POST /v1/alarms/{alarm_id}/moves`: move in the alarm store, and an entry of who moved it."""
    from ml.fault_rate.alarm_store import AlarmStore

    context, body, number = request.context, request.body, number_of(request, "alarm_id")
    check_group(request)
    alarm = stored_alarm(context, number)
    check_unchanged(request, subject_of(number))
    note = body.note.strip()
    if body.to == "closed" and not note:
        raise Problem(422, "invalid", "note: is needed to close an alarm; say what was repaired, or why it is no fault")
    before = shown_state(context, number, alarm["state"])
    stored = "acknowledged" if body.to == WATCHED else body.to
    if before == body.to:
        raise Problem(409, "move_not_allowed", f"state: alarm {number} is {before} already")
    between_names = {before, body.to} == {WATCHED, "acknowledged"}
    if not between_names and not (body.to == WATCHED and alarm["state"] == "acknowledged"):
        with store_errors(writing=True):
            store = AlarmStore(rules_of(context).store)
            store.move(number, stored, by=mover_of(request), note=note or None)
    _append(request, "alarm.moved", number, {"from": before, "to": body.to, "note": note}, stores=[None])
    return alarm_detail(request, number)


def report_alarm(request: WorkRequest) -> AlarmDetail:
    """Answer `POST /v1/alarms/{alarm_id}/reports`."""
    check_group(request)
    body = request.body
    _check_past(request, "reported_on", body.reported_on)
    content = {"reported_on": str(body.reported_on), "recipient": body.recipient.strip(), "note": body.note.strip()}
    return _deed(request, "alarm.reported", {**content, "reference": body.reference.strip()}, stores=[None])


def stop_sale(request: WorkRequest) -> AlarmDetail:
    """Answer `POST /v1/alarms/{alarm_id}/sale_stops`: the cars in stock of the affected builds are not sold."""
    number = number_of(request, "alarm_id")
    rows = stock_rows(request, stored_alarm(request.context, number))
    deeds = {deed.store_id for deed in stops_of(request.context, subject_of(number))}
    if None in deeds or set(entry_stores(request)) <= deeds:
        raise Problem(409, "move_not_allowed", "state: the sale is stopped already")
    content = {
        "note": request.body.note.strip(),
        "vehicle_ids": [row["vehicle_id"] for row in rows if row["vehicle_id"] is not None],
        "cars": int(sum(row["quantity"] for row in rows)),
    }
    return _deed(request, "alarm.sale_stopped", content, stores=entry_stores(request))


def resume_sale(request: WorkRequest) -> AlarmDetail:
    """Answer `POST /v1/alarms/{alarm_id}/sale_resumptions`."""
    note, stores = request.body.note.strip(), entry_stores(request)
    if not note:
        raise Problem(
            422, "invalid", "note: is needed to sell again; say what was inspected, and what the maker answered"
        )
    deeds = {deed.store_id for deed in stops_of(request.context, subject_of(number_of(request, "alarm_id")))}
    if not deeds:
        raise Problem(409, "move_not_allowed", "state: the sale is not stopped")
    if stores != [None] and None in deeds:
        raise Problem(403, "wrong_store", "the group has stopped the sale: a key of the whole group resumes it")
    return _deed(request, "alarm.sale_resumed", {"note": note}, stores=stores)


def notify_owners(request: WorkRequest) -> AlarmDetail:
    """Answer `POST /v1/alarms/{alarm_id}/notices`."""
    body = request.body
    _check_past(request, "notified_on", body.notified_on)
    content = {"notified_on": str(body.notified_on), "channel": body.channel, "vehicles": body.vehicles}
    content |= {"note": body.note.strip()}
    return _deed(request, "alarm.owners_notified", content, stores=entry_stores(request))


def mover_of(request: WorkRequest) -> str:
    """Return the name that the alarm store writes beside a move."""
    return "desk" if request.caller is None else request.caller.name[:100]


def check_unchanged(request: WorkRequest, subject: str) -> None:
    """Raise `Problem` 409 (`changed`) if there are entries that the person has not read.

    The alarm store is written before the entry, so that a conflict must be recognised before.
    """
    sequence = request.body.sequence
    later = [entry for entry in request.context.entries.history(subject) if entry.sequence > (sequence or 0)]
    if sequence is not None and later:
        person = later[-1].person or "somebody else"
        raise Problem(409, "changed", f"{person} has changed this record meanwhile; read it again, then decide")


def _check_past(request: WorkRequest, name: str, day: date) -> None:
    today = max(request.context.clock.local().date(), date.today())
    if day > today:
        raise Problem(
            422, "invalid", f"{name}: must not lie in the future, got {day}; give the day on which it was done"
        )


def _deed(request: WorkRequest, kind: str, content: dict[str, Any], *, stores: list[str | None]) -> AlarmDetail:
    number = number_of(request, "alarm_id")
    if stored_alarm(request.context, number)["state"] == "closed" and kind != "alarm.sale_resumed":
        raise Problem(409, "move_not_allowed", f"state: alarm {number} is closed; a new one opens if the fault returns")
    _append(request, kind, number, content, stores=stores)
    return alarm_detail(request, number)


def _append(request: WorkRequest, kind: str, number: int, content: dict[str, Any], *, stores: list[str | None]) -> None:
    subject, sequence = subject_of(number), request.body.sequence
    entries = [NewWorkEntry(kind, subject, store, content) for store in stores]
    expected = None if sequence is None or kind == "alarm.moved" else {subject: sequence}
    request.context.entries.append(entries, caller=request.caller, expected=expected)
