"""Pages of leads: today's calls, assignments, outcomes, staff."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.leads_reports import show_channels, show_expected, show_lost
from serving.desk.areas.leads_tables import queue_table
from serving.desk.charts import LineChart, Mark, Series
from serving.desk.formats import format_date, format_percent, in_language
from serving.desk.page import Page, PageRequest, View

PAGE_ROWS = 50
ALL_ROWS = 1_000
FILTERS = ("all", "today", "new", "test_drive", "unassigned", "mine", "later")


async def show_queue(request: PageRequest) -> View | Response:
    """Answer `GET /desk/leads`."""
    name = request.query.get("filter", "all")
    chosen = name if name in FILTERS else "all"
    number = request.query.get("page", "1")
    page = max(int(number), 1) if number.isdecimal() and len(number) < 7 else 1
    query = {"store_id": request.store_id, "filter": chosen, "q": request.query.get("q") or None}
    if request.query.get("export") in ("csv", "xlsx"):
        answer = await request.ask("GET", "/v1/leads", query={**query, "limit": ALL_ROWS})
        return request.export(queue_table(answer["items"]), request.query["export"], "leads")
    rows = {"offset": (page - 1) * PAGE_ROWS, "limit": PAGE_ROWS}
    answer = await request.ask("GET", "/v1/leads", query=query | rows)
    selected = request.query.get("lead") or (answer["items"][0]["lead_id"] if answer["items"] else None)
    lead = await _lead_or_none(request, selected)
    staff = await request.ask("GET", "/v1/leads/staff", query={"store_id": request.store_id})
    return request.render(
        "leads/queue.html",
        queue=answer,
        lead=lead,
        chart=None if lead is None else score_chart(request, lead),
        filters=FILTERS,
        chosen=chosen,
        page=page,
        pages=max(1, -(-answer["total"] // PAGE_ROWS)),
        page_rows=PAGE_ROWS,
        q=request.query.get("q", ""),
        callers=[c for store in staff["stores"] for c in store["callers"]],
        staff_stores=[store for store in staff["stores"] if store["callers"]],
        most=max((r["probability"] for r in answer["items"]), default=1.0),
        assigned=_assigned(request),
        loss_reasons=await _reasons(request),
        default_appointment=_tomorrow(request),
    )


async def show_lead(request: PageRequest) -> View:
    """Answer `GET /desk/leads/{lead_id}`."""
    lead = await request.ask("GET", f"/v1/leads/{quote(request.path['lead_id'])}")
    return await _lead_page(request, lead, None)


async def call(request: PageRequest) -> View:
    """Answer `POST /desk/leads/{lead_id}/call`: show name and number, which is logged, and the outcomes."""
    path = f"/v1/leads/{quote(request.path['lead_id'])}"
    person = await request.ask("POST", f"{path}/phone")
    return await _lead_page(request, await request.ask("GET", path), person)


async def add_contact(request: PageRequest) -> Response:
    """Answer `POST /desk/leads/{lead_id}/contact`: write an outcome."""
    lead_id = request.path["lead_id"]
    body: dict[str, Any] = {"outcome": request.field("outcome")}
    sequence = request.field("last_sequence")
    if sequence.isdecimal():
        body["last_sequence"] = int(sequence)
    if body["outcome"] == "lost":
        body["reason"] = request.field("reason") or None
    if request.field("note"):
        body["note"] = request.field("note")
    if body["outcome"] in ("appointment", "reached") and request.field("next_contact_at"):
        body["next_contact_at"] = _instant(request, request.field("next_contact_at"))
    await request.ask("POST", f"/v1/leads/{quote(lead_id)}/contacts", body)
    return request.redirect("/desk/leads", notice=f"leads.notice.{body['outcome']}")


async def assign(request: PageRequest) -> Response:
    """Answer `POST /desk/leads/assign`: evenly, or one lead by hand."""
    body: dict[str, Any] = {}
    names = request.form.get("caller_id")
    if request.field("lead_id"):
        body["lead_ids"] = [request.field("lead_id")]
    else:
        first = request.field("first", "20")
        body["first"] = int(first) if first.isdecimal() and len(first) < 7 else 0
        body["store_id"] = request.store_id
    if names:
        body["caller_ids"] = names
    answer = await request.ask("POST", "/v1/leads/assignments", body)
    numbers = [item["sequence"] for item in answer["items"]]
    return request.redirect(f"/desk/leads?assigned={len(numbers)}&since={min(numbers)}")


async def undo_assignment(request: PageRequest) -> Response:
    """Answer `POST /desk/leads/assign/undo`."""
    count, since = (request.field(name) for name in ("count", "since"))
    if not (count.isdecimal() and since.isdecimal() and int(count) <= ALL_ROWS):
        raise Problem(422, "invalid", "count and since must be numbers of the assignment that is taken back")
    numbers = list(range(int(since), int(since) + int(count)))
    await request.ask("POST", "/v1/leads/assignments/undo", {"sequences": numbers})
    return request.redirect("/desk/leads", notice="leads.notice.undone")


async def show_staff(request: PageRequest) -> View:
    """Answer `GET /desk/leads/staff`."""
    answer = await request.ask("GET", "/v1/leads/staff", query={"store_id": request.store_id})
    return request.render("leads/staff.html", staff=answer)


async def save_staff(request: PageRequest) -> Response:
    """Answer `POST /desk/leads/staff`: write the callers of a store; a row without a name is left out."""
    columns = [request.form.get(n, []) for n in ("caller_id", "name", "open", "close", "minutes_per_call")]
    callers = []
    for caller_id, name, opens, closes, minutes in zip(*columns, strict=False):
        if name.strip():
            person = {"caller_id": caller_id.strip() or name.strip(), "name": name.strip()}
            callers.append({**person, "open": opens, "close": closes, "minutes_per_call": _number(minutes)})
    body: dict[str, Any] = {"store_id": request.field("store_id"), "callers": callers}
    if request.field("last_sequence").isdecimal():
        body["last_sequence"] = int(request.field("last_sequence"))
    await request.ask("PUT", "/v1/leads/staff", body)
    return request.redirect("/desk/leads/staff", notice="leads.notice.staff")


def score_chart(request: PageRequest, lead: dict[str, Any]) -> LineChart | None:
    """Return the chart of a lead's score at each event, with marks where it jumps."""
    points = lead["scores"]
    if len(points) < 2:
        return None
    moments = [datetime.fromisoformat(p["at"]) for p in points]
    zone, now = request.clock.timezone, request.clock.local()
    days = [format_date(m, request.language, now) for m in moments]
    days[-1] = request.text("leads.today") if moments[-1].astimezone(zone).date() == now.date() else days[-1]
    marks = [
        Mark(i, in_language(points[i]["text"], request.language)) for i, p in enumerate(points)
        if p["is_jump"] and p["text"]
    ]  # fmt: skip
    first, last = points[0]["probability"], points[-1]["probability"]
    label = request.text(
        "leads.chart.label", day=days[0], first=format_percent(first), last=format_percent(last), n=len(points)
    )
    series = Series(request.text("leads.chart.series"), tuple(p["probability"] for p in points))
    return LineChart(
        days, (series,), label, kind="percent", height=150, marks=marks, x_title=request.text("leads.chart.day"),
        language=request.language, positions=_positions(moments),
    )  # fmt: skip


def _positions(moments: list[datetime]) -> list[float]:
    """Return strictly increasing positions in days."""
    out: list[float] = []
    for moment in moments:
        days = (moment - moments[0]).total_seconds() / 86_400
        out.append(days if not out or days > out[-1] else out[-1] + 1e-3)
    return out


async def _lead_or_none(request: PageRequest, lead_id: str | None) -> dict[str, Any] | None:
    if lead_id is None:
        return None
    try:
        lead: dict[str, Any] = await request.ask("GET", f"/v1/leads/{quote(lead_id)}")
    except Problem as e:
        if e.status in (403, 404):
            return None
        raise
    return lead


async def _lead_page(request: PageRequest, lead: dict[str, Any], person: Any) -> View:
    staff = await request.ask("GET", "/v1/leads/staff", query={"store_id": lead["store_id"]})
    return request.render(
        "leads/lead.html",
        lead=lead,
        person=person,
        chart=score_chart(request, lead),
        callers=[c for store in staff["stores"] for c in store["callers"]],
        loss_reasons=await _reasons(request),
        default_appointment=_tomorrow(request),
    )


async def _reasons(request: PageRequest) -> list[tuple[str, str]]:
    answer = await request.ask("GET", "/v1/leads/loss_reasons")
    return [(item["code"], in_language(item["text"], request.language)) for item in answer["items"]]


def _assigned(request: PageRequest) -> dict[str, int] | None:
    count, since = request.query.get("assigned", ""), request.query.get("since", "")
    if not (count.isdecimal() and since.isdecimal() and len(count + since) < 30):
        return None
    return {"count": int(count), "since": int(since)}


def _tomorrow(request: PageRequest) -> str:
    """Return ten o'clock of the next day as a field of a form needs it."""
    at = (request.clock.local() + timedelta(days=1)).replace(hour=10, minute=0)
    return at.strftime("%Y-%m-%dT%H:%M")


def _instant(request: PageRequest, text: str) -> str:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=request.clock.timezone).isoformat()
    except ValueError:
        message = "must be a day and a time, such as 2026-03-01T10:00; choose them again"
        detail = {"field": "next_contact_at", "rule": "instant", "message": message}
        raise Problem(422, "invalid", f"next_contact_at: {message}", [detail]) from None


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


PAGES = (
    Page("/desk/leads", "lead_scoring", show_queue),
    Page("/desk/leads/assign", "leads:write", assign, "POST"),
    Page("/desk/leads/assign/undo", "leads:write", undo_assignment, "POST"),
    Page("/desk/leads/staff", "lead_scoring", show_staff),
    Page("/desk/leads/staff", "leads:write", save_staff, "POST"),
    Page("/desk/leads/lost", "lead_scoring", show_lost),
    Page("/desk/leads/channels", "lead_scoring", show_channels),
    Page("/desk/leads/expected", "lead_scoring", show_expected),
    Page("/desk/leads/{lead_id}/call", "leads:write", call, "POST"),
    Page("/desk/leads/{lead_id}/contact", "leads:write", add_contact, "POST"),
    Page("/desk/leads/{lead_id}", "lead_scoring", show_lead),
)
