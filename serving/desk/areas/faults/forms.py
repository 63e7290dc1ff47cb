"""Forms of a quality alarm: moves, report to the maker, stop of sale, notice, capacity, VINs and contacts."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.faults.pages import HOME, alarm_page
from serving.desk.areas.faults.tables import TYPES, vehicle_view
from serving.desk.areas.faults.words import component_text, problem_text
from serving.desk.page import PageRequest, View
from serving.desk.tables import TableColumn, TableView, export_sheet, xlsx_bytes

SHOWN = ("vin", "contact")


async def move(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/moves`."""
    body = {"to": request.field("to"), "note": request.field("note")}
    return await _write(request, "moves", body, "faults.notice.moved")


async def report(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/reports`."""
    names = ("reported_on", "recipient", "reference", "note")
    return await _write(request, "reports", {n: request.field(n) for n in names}, "faults.notice.reported")


async def stop(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/sale_stops`."""
    return await _write(request, "sale_stops", {"note": request.field("note")}, "faults.notice.stopped")


async def resume(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/sale_resumptions`."""
    return await _write(request, "sale_resumptions", {"note": request.field("note")}, "faults.notice.resumed")


async def notify(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/notices`."""
    number = request.field("vehicles")
    body: dict[str, Any] = {n: request.field(n) for n in ("notified_on", "channel", "note")}
    return await _write(request, "notices", {**body, "vehicles": _whole(number)}, "faults.notice.notified")


async def undo(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/undo`: take an entry back."""
    number = _whole(request.field("entry"))
    return await _send(request, f"/v1/work_entries/{number}/undo", None, "faults.notice.undone")


async def set_capacity(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/capacity`."""
    body = {"capacity": _whole(request.field("capacity"))}
    return await _send(request, "/v1/alarms/capacity", body, "faults.notice.capacity")


async def disclose(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/{alarm_id}/disclosures`: VINs and contacts on a page, or of all vehicles as a file."""
    path = f"/v1/alarms/{request.path['alarm_id']}"
    is_file = request.field("as") == "file"
    numbers = None if is_file else [n for n in request.form.get("vehicle_id", []) if n]
    answer = await request.ask("POST", f"{path}/disclosures", {"fields": list(SHOWN), "vehicle_ids": numbers})
    alarm = await request.ask("GET", path)
    vehicles = await request.ask("GET", f"{path}/vehicles")
    view = _disclosed_view(request, alarm, vehicles, {row["vehicle_id"]: row for row in answer["items"]})
    title = f"{alarm['model']} {component_text(request, alarm['component_name'])}"
    if is_file:
        sheet = export_sheet(view, {}, request.language, request.text, request.clock.timezone)
        return request.download(xlsx_bytes(sheet, title), f"vehicles-{alarm['id']}-contacts.xlsx", TYPES["xlsx"])
    return request.render("faults/contacts.html", alarm=alarm, title=title, rows=view.rows)


def _disclosed_view(
    request: PageRequest, alarm: dict[str, Any], vehicles: dict[str, Any], shown: dict[str, Any]
) -> TableView:
    view = vehicle_view(request, alarm, vehicles)
    rows = [{**row, **shown[row["vehicle_id"]]} for row in view.rows if row["vehicle_id"] in shown]
    first, *others = view.columns
    columns = [
        TableColumn("vehicle_id", first.heading, is_title=True),
        *(TableColumn(name, f"faults.vehicle.{name}") for name in ("vin", "owner", "phone")),
    ]
    return TableView("contacts", [*columns, *others], rows)


async def _write(request: PageRequest, deed: str, body: dict[str, Any], notice: str) -> View | Response:
    sequence = request.field("sequence")
    path = f"/v1/alarms/{request.path['alarm_id']}/{deed}"
    return await _send(request, path, {**body, "sequence": _whole(sequence) if sequence else None}, notice)


async def _send(request: PageRequest, path: str, body: dict[str, Any] | None, notice: str) -> View | Response:
    """Ask an endpoint that writes; what it refuses stands on top of the page of the alarm."""
    try:
        await request.ask("POST", path, body)
    except Problem as error:
        if error.status not in (403, 404, 409, 422, 503) or error.code in ("missing_scope", "no_alarm"):
            raise
        return await alarm_page(request, problem=problem_text(request, error), status=error.status)
    return request.redirect(f"{HOME}/{request.path['alarm_id']}", notice=notice)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
