"""The list of quality alarms, and the page of one alarm or component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.faults.charts import builds_chart, evidence_chart, funnel_chart
from serving.desk.areas.faults.deeds import deed_rows
from serving.desk.areas.faults.tables import component_view, export, vehicle_view
from serving.desk.areas.faults.words import STATES, builds_text, component_text, list_text, odds_text
from serving.desk.formats import format_number
from serving.desk.page import PageRequest, View

HOME = "/desk/faults"
EVENTS = ("age", "distance", "season", "model")


async def show_list(request: PageRequest) -> View:
    """Answer `GET /desk/faults`: what is open, and whether one would know of a fault."""
    alarms = await request.ask("GET", "/v1/alarms")
    funnel = await request.ask("GET", "/v1/alarms/funnel")
    strongest = next((row for row in alarms["items"] if row["state"] != "closed"), None)
    return request.render(
        "faults/list.html",
        **await side(request, alarms),
        alarms=alarms,
        heading=_list_heading(request, alarms),
        strongest=strongest,
        funnel=funnel_chart(request, funnel, None),
        outside=funnel["outside_without_alarm"],
    )


async def show_alarm(request: PageRequest) -> View | Response:
    """Answer `GET /desk/faults/{alarm_id}`."""
    return await alarm_page(request)


async def show_component(request: PageRequest) -> View | Response:
    """Answer `GET /desk/faults/component`."""
    query = {n: request.query.get(n, "") for n in ("model", "component")}
    alarm = await request.ask("GET", "/v1/alarms/component", query=query)
    if alarm["id"] is not None:
        return request.redirect(f"{HOME}/{alarm['id']}")
    return await _page(request, alarm)


async def show_components(request: PageRequest) -> View | Response:
    """Answer `GET /desk/faults/components`: all tested components."""
    funnel = await request.ask("GET", "/v1/alarms/funnel")
    view = component_view(request, funnel)
    if "export" in request.query:
        return export(request, view, request.text("faults.components.file"), "components")
    page = view.page(request.query, f"{HOME}/components", request.language, request.text)
    return request.render("faults/components.html", table_page=page, funnel=funnel)


async def alarm_page(request: PageRequest, *, problem: str | None = None, status: int = 200) -> View | Response:
    """Return the page of an alarm, with what was refused on top if something was."""
    alarm = await request.ask("GET", f"/v1/alarms/{request.path['alarm_id']}")
    return await _page(request, alarm, problem=problem, status=status)


async def side(request: PageRequest, alarms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the column at the side: safety reports, alarms, power."""
    safety, failed = None, None
    try:
        safety = await request.ask("GET", "/v1/alarms/safety")
    except Problem as error:
        failed = error.message
    rows = [*alarms["items"], *alarms["near"]]
    words = [
        {
            **row,
            "href": address_of(row),
            "name": component_text(request, row["component_name"]),
            "odds_text": odds_text(request, row["odds"]),
            "choice": STATES[row["state"] or "none"] if row["id"] is not None or row["detected_on"] else None,
        }
        for row in rows
    ]
    typical = alarms["typical"]
    power = None if typical is None else await request.ask("GET", "/v1/alarms/power", query=typical)
    return {"safety": safety, "safety_failed": failed, "alarm_rows": words, "typical_power": power}


def address_of(row: Mapping[str, Any]) -> str:
    """Return the address of an alarm or component.

    >>> address_of({"id": 3}), address_of({"id": None, "model": "A", "component": "pump"})
    ('/desk/faults/3', '/desk/faults/component?model=A&component=pump')
    """
    if row["id"] is not None:
        return f"{HOME}/{row['id']}"
    return f"{HOME}/component?{urlencode({n: row[n] for n in ('model', 'component')})}"


async def _page(
    request: PageRequest, alarm: Mapping[str, Any], *, problem: str | None = None, status: int = 200
) -> View | Response:
    """Return the page of an alarm or component, or the file of its vehicles."""
    values: dict[str, Any] = {"vehicles": None, "plan": None, "stock": None, "without_vehicles": None}
    if alarm["id"] is not None:
        path = f"/v1/alarms/{alarm['id']}"
        capacity = request.query.get("capacity", "")
        query = {"capacity": capacity if capacity.isdecimal() and int(capacity) else None}
        try:
            vehicles = await request.ask("GET", f"{path}/vehicles", query=query)
            view = vehicle_view(request, alarm, vehicles)
            if "export" in request.query:
                title = f"{alarm['model']} {component_text(request, alarm['component_name'])}"
                return export(request, view, title, f"vehicles-{alarm['id']}")
            values["vehicles"] = vehicles
            values["table_page"] = view.page(request.query, f"{HOME}/{alarm['id']}", request.language, request.text)
            values["plan"] = await request.ask("GET", f"{path}/inspections", query=query)
        except Problem as error:
            if error.status not in (409, 422):
                raise
            values["without_vehicles"] = error.code
        values["stock"] = await request.ask("GET", f"{path}/stock")
    alarms = await request.ask("GET", "/v1/alarms")
    funnel = await request.ask("GET", "/v1/alarms/funnel")
    cell = {n: alarm[n] for n in ("model", "component")}
    return request.render(
        "faults/alarm.html",
        status=status,
        **await side(request, alarms),
        **values,
        alarm=alarm,
        alarms=alarms,
        problem=problem,
        heading=_heading(request, alarm),
        component=component_text(request, alarm["component_name"]),
        builds=builds_text(request, alarm["builds"]),
        accounted=_accounted(request, alarm),
        odds=odds_text(request, alarm["odds"]),
        choice=STATES[alarm["state"] or "none"] if alarm["id"] is not None or alarm["detected_on"] else None,
        power=await request.ask("GET", "/v1/alarms/power", query=cell),
        evidence=evidence_chart(request, alarm),
        funnel=funnel_chart(request, funnel, alarm),
        build_chart=builds_chart(request, alarm),
        deeds=await deed_rows(request, alarm),
        today=str(request.clock.local().date()),
        may_write=alarm["id"] is not None and request.may("alarms:write"),
    )


def _heading(request: PageRequest, alarm: Mapping[str, Any]) -> str:
    name = component_text(request, alarm["component_name"], capital=True)
    values = {"model": alarm["model"], "component": name, "ratio": format_number(alarm["figures"]["shrunk"], 1)}
    if alarm["detected_on"] is None:
        return request.text("faults.alarm.no_alarm", **values)
    return request.text("faults.alarm.closed_title" if alarm["state"] == "closed" else "faults.alarm.title", **values)


def _accounted(request: PageRequest, alarm: Mapping[str, Any]) -> str:
    words = [request.text(f"faults.accounted.{name}") for name in EVENTS if name in alarm["accounted_for"]]
    return list_text(request, words)


def _list_heading(request: PageRequest, alarms: Mapping[str, Any]) -> str:
    if not alarms["not_closed"]:
        return request.text("faults.list.none", n=alarms["components"])
    first = next(row for row in alarms["items"] if row["state"] != "closed")
    name = component_text(request, first["component_name"])
    values = {"model": first["model"], "component": name, "ratio": format_number(first["figures"]["shrunk"], 1)}
    return request.text("faults.list.some", n=alarms["not_closed"], **values)
