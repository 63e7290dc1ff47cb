"""`GET /v1/alarms/safety` and moves of its reports: dangerous faults, which wait for no figure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.alarms.answers import Move
from serving.work.alarms.moves import check_unchanged, mover_of
from serving.work.alarms.store import number_of, rules_of, store_errors
from serving.work.alarms.times import iso
from serving.work.entries import NewWorkEntry

if TYPE_CHECKING:
    from serving.work.routing import WorkRequest

SAFETY = "/v1/fault_rate/safety"
STATES = ("new", "acknowledged", "reported", "closed")
WEEK = timedelta(days=7)


class SafetyQuery(BaseModel):
    """Query string of `GET /v1/alarms/safety`."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["unhandled", "all"] = Field("unhandled", description="unhandled: new or acknowledged")
    model: str | None = Field(None, max_length=200)


class SafetyRow(BaseModel):
    """One report of a dangerous fault."""

    id: int
    state: Literal["new", "acknowledged", "reported", "closed"]
    title: Text
    words: str
    model: str | None
    component: str | None
    component_name: Text | None
    reported_on: str | None
    serviced_on: str | None
    built_on: str | None
    km: int | None
    store_id: str | None
    vehicle_id: str | None
    record_id: str
    alarm_id: int | None = Field(description="alarm of the same model and component that is not closed")


class SafetyList(BaseModel):
    """Reports of dangerous faults, the latest first."""

    items: list[SafetyRow]
    total: int
    unread: int = Field(description="reports that nobody has acknowledged")
    last_week: int = Field(description="reports of the seven days before the end of the data that nobody has read")
    since: str | None = Field(description="first of these days")
    duties: Text


class SafetyDetail(SafetyRow):
    """One report, and what was done about it."""

    moves: list[Move]
    next_states: list[str]
    duties: Text
    sequence: int


class SafetyMove(BaseModel):
    """Body of `POST /v1/alarms/safety/{report_id}/moves`."""

    model_config = ConfigDict(extra="forbid")

    to: Literal["acknowledged", "reported", "closed"]
    note: str = Field("", max_length=2_000, description="required to close a report that was not reported")
    reference: str = Field("", max_length=200, description="number that the maker or the regulator gave")
    sequence: int | None = Field(None, ge=0)


def list_reports(request: WorkRequest) -> SafetyList:
    """Answer `GET /v1/alarms/safety`."""
    from serving.work.alarms.listing import last_day
    from serving.work.alarms.store import champion_of

    answer = _reports(request, STATES, request.parameters.model)
    rows = answer["items"]
    until = date.fromisoformat(last_day(champion_of(request.context).snapshot))
    since = until - WEEK + timedelta(days=1)
    recent = [row for row in rows if row.state == "new" and row.reported_on and row.reported_on >= str(since)]
    items = [row for row in rows if request.parameters.state == "all" or row.state in ("new", "acknowledged")]
    unread = sum(row.state == "new" for row in rows)
    return SafetyList(
        items=items, total=len(items), unread=unread, last_week=len(recent), since=str(since), duties=answer["duties"]
    )


def show_report(request: WorkRequest) -> SafetyDetail:
    """Answer `GET /v1/alarms/safety/{report_id}`."""
    return _detail(request, number_of(request, "report_id"))


def move_report(request: WorkRequest) -> SafetyDetail:
    """Answer `POST /v1/alarms/safety/{report_id}/moves`."""
    from ml.fault_rate.safety_store import SafetyStore

    body, number = request.body, number_of(request, "report_id")
    report = _detail(request, number)
    request.check_store(report.store_id) if request.stores is not None else None
    check_unchanged(request, f"safety-{number}")
    note, reference = body.note.strip(), body.reference.strip()
    words = "; ".join(text for text in (note, reference) if text)
    with store_errors(writing=True):
        SafetyStore(rules_of(request.context).store).move([number], body.to, by=mover_of(request), note=words or None)
    content = {"from": report.state, "to": body.to, "note": note, "reference": reference}
    entry = NewWorkEntry("safety.moved", f"safety-{number}", report.store_id, content)
    request.context.entries.append([entry], caller=request.caller)
    return _detail(request, number)


def _detail(request: WorkRequest, number: int) -> SafetyDetail:
    from ml.fault_rate.safety_store import STATES as NEXT
    from ml.fault_rate.safety_store import SafetyStore

    with store_errors():
        history = SafetyStore(rules_of(request.context).store).history(number).to_dicts()
    answer = _reports(request, STATES, None)
    row = next((row for row in answer["items"] if row.id == number), None)
    if row is None:
        raise Problem(404, "no_alarm", f"there is no safety report {number} that this key may read")
    return SafetyDetail(
        **row.model_dump(),
        moves=[Move(**{**move, "at": iso(move["at"])}) for move in history],
        next_states=list(NEXT[row.state]),
        duties=answer["duties"],
        sequence=request.context.entries.last_sequence(f"safety-{number}"),
    )


def _reports(request: WorkRequest, states: tuple[str, ...], model: str | None) -> dict[str, Any]:
    """Return the reports that the caller may see, with the states that the store has now."""
    from ml.fault_rate.alarm_store import AlarmStore
    from ml.fault_rate.safety_store import SafetyStore

    rules = rules_of(request.context)
    body = {"states": list(states), "limit": 10_000, **({} if model is None else {"model": model})}
    answer = request.ask("POST", SAFETY, body)
    with store_errors():
        present = dict(SafetyStore(rules.store).reports().select("id", "state").iter_rows())
        alarms = AlarmStore(rules.store).alarms(states=("open", "acknowledged", "campaign"))
    numbers = {(m, c): n for m, c, n in alarms.select("model", "component", "id").iter_rows()}
    rows = []
    for report in answer["reports"]:
        if request.stores is not None and report["store_id"] not in request.stores:
            continue
        component, km = report["component"], report["km"]
        fields = {n: report[n] for n in SafetyRow.model_fields if n in report and n not in ("state", "km")}
        rows.append(
            SafetyRow(
                **fields,
                state=present.get(report["id"], report["state"]),
                km=None if km is None else round(km),
                component_name=None if component is None else rules.component_name(component),
                alarm_id=numbers.get((report["model"], component)),
            )
        )
    return {"items": rows, "duties": Text(**answer["duties"])}
