"""Page of the question "would we know?", and the forms to print."""

from __future__ import annotations

from serving.desk.areas.faults.tables import ROWS
from serving.desk.areas.faults.words import builds_text, component_text
from serving.desk.page import PageRequest, View

SHEET_ROWS = 4 * ROWS  # vehicles on the printed report; the file has all


async def show_power(request: PageRequest) -> View:
    """Answer `GET /desk/faults/power`: weeks until a raised rate of any component would be known."""
    alarms = await request.ask("GET", "/v1/alarms")
    funnel = await request.ask("GET", "/v1/alarms/funnel")
    models = sorted({point["model"] for point in funnel["points"]})
    names = {point["component"]: component_text(request, point["component_name"]) for point in funnel["points"]}
    query = request.query
    cell = {"model": query.get("model"), "component": query.get("component")}
    if cell["model"] not in models or cell["component"] not in names:
        cell = alarms["typical"]
    power = None if cell is None else await request.ask("GET", "/v1/alarms/power", query=cell)
    components = sorted(names.items(), key=lambda item: item[1])
    return request.render(
        "faults/power.html", power=power, cell=cell, models=models, components=components, alarms=alarms
    )


async def print_report(request: PageRequest) -> View:
    """Answer `GET /desk/faults/{alarm_id}/sheet`: the facts for the maker, on A4."""
    path = f"/v1/alarms/{request.path['alarm_id']}"
    alarm = await request.ask("GET", path)
    vehicles = await request.ask("GET", f"{path}/vehicles")
    stock = await request.ask("GET", f"{path}/stock")
    reports = await request.ask("GET", "/v1/alarms/safety", query={"state": "all", "model": alarm["model"]})
    own = [report for report in reports["items"] if report["component"] == alarm["component"]]
    return request.render(
        "faults/sheet.html",
        alarm=alarm,
        vehicles=vehicles,
        rows=vehicles["items"][:SHEET_ROWS],
        stock=stock,
        reports=own,
        builds=builds_text(request, alarm["builds"]),
        component=component_text(request, alarm["component_name"]),
        today=str(request.clock.local().date()),
    )


async def print_letter(request: PageRequest) -> View:
    """Answer `GET /desk/faults/{alarm_id}/letter`: a letter to the owners, on A4."""
    alarm = await request.ask("GET", f"/v1/alarms/{request.path['alarm_id']}")
    return request.render(
        "faults/letter.html",
        alarm=alarm,
        builds=builds_text(request, alarm["builds"]),
        component=component_text(request, alarm["component_name"]),
        today=str(request.clock.local().date()),
    )
