"""Tables of quality alarms: vehicles to inspect, all components, services due, safety reports; and their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from serving.desk.areas.faults.words import REPORT_STATES
from serving.desk.formats import format_date, format_month
from serving.desk.page import PageRequest
from serving.desk.tables import TableColumn, TableView, csv_bytes, export_sheet, xlsx_bytes

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ROWS = 10
COMPONENT = "/desk/faults/component?model={model}&component={component}"


def export(request: PageRequest, view: TableView, title: str, name: str) -> Response:
    """Return all rows that pass the filters as a CSV or XLSX file.

    Parameters
    ----------
    request : PageRequest
        Its query holds filters, order, and `export`: csv or xlsx.
    view : TableView
        Table.
    title : str
        Name of the sheet.
    name : str
        File name without its ending, ASCII.
    """
    kind = "csv" if request.query.get("export") == "csv" else "xlsx"
    sheet = export_sheet(view, request.query, request.language, request.text, request.clock.timezone)
    content = csv_bytes(sheet) if kind == "csv" else xlsx_bytes(sheet, title)
    return request.download(content, f"{name}.{kind}", TYPES[kind])


def vehicle_view(request: PageRequest, alarm: Mapping[str, Any], vehicles: Mapping[str, Any]) -> TableView:
    """Return the vehicles to inspect: all columns for a file, those of the page otherwise."""
    is_file = "export" in request.query
    has_value = not alarm["is_safety"] and any(row["value"] is not None for row in vehicles["items"])
    stores = {row["store_id"] for row in vehicles["items"]}
    columns = [
        TableColumn("vehicle_id", "faults.vehicle.vehicle", second="vin", is_title=True),
        TableColumn("built_on", "faults.vehicle.built", "date" if is_file else "month", sortable=True),
        TableColumn("km", "faults.vehicle.km", "number", unit="faults.km", filter="range"),
        TableColumn("probability", "faults.vehicle.risk", "percent", digits=1),
        *([TableColumn("value", "faults.vehicle.value", "money", unit="parts.yuan")] if has_value else []),
        TableColumn("week", "faults.vehicle.week", "number", filter="range"),
        *([TableColumn("store_id", "faults.vehicle.store", filter="choice")] if len(stores) > 1 else []),
        TableColumn("remark", "faults.vehicle.remark", sortable=False),
    ]
    if is_file:
        columns += [
            TableColumn(name, f"faults.vehicle.{name}", "date")
            for name in ("last_visit_on", "next_visit_on", "fault_on")
        ]
        columns.append(TableColumn("reason", "faults.vehicle.reason"))
    rows = [_vehicle_row(request, row) for row in vehicles["items"] if row["inspect"] or not has_value]
    return TableView("vehicles", columns, rows, page_rows=ROWS)


def _vehicle_row(request: PageRequest, row: Mapping[str, Any]) -> dict[str, Any]:
    now = request.clock.local()
    remarks = []
    if row["in_stock"]:
        remarks.append(request.text("faults.vehicle.stopped"))
    if row["reported_on"]:
        remarks.append(
            request.text("faults.vehicle.reported", day=format_date(row["reported_on"], request.language, now))
        )
    if row["fault_on"]:
        remarks.append(request.text("faults.vehicle.failed", month=format_month(row["fault_on"], request.language)))
    remark = request.text("faults.list.clause").join(remarks)
    return {**row, "remark": remark, "reason": row[f"reason_{request.language}"]}


def component_view(request: PageRequest, funnel: Mapping[str, Any]) -> TableView:
    """Return all components with faults, expected faults and ratio."""
    columns = (
        TableColumn("model", "faults.model", filter="choice", link=COMPONENT, is_title=True),
        TableColumn("component_name", "faults.component", filter="choice"),
        TableColumn("count", "faults.faults", "number"),
        TableColumn("expected", "faults.expected", "number", digits=1),
        TableColumn("ratio", "faults.ratio", "number", digits=2),
    )  # fmt: skip
    return TableView("components", columns, funnel["points"], default_sort="-ratio")


def report_view(request: PageRequest, reports: Mapping[str, Any]) -> TableView:
    """Return the reports of dangerous faults."""
    columns = (
        TableColumn("title", "faults.report.kind", second="words", link="/desk/faults/safety/{id}", is_title=True),
        TableColumn("state", "faults.report.state", "state", states=REPORT_STATES, filter="choice"),
        TableColumn("reported_on", "faults.report.day", "date"),
        TableColumn("model", "faults.model", filter="choice"),
        TableColumn("km", "faults.vehicle.km", "number", unit="faults.km", on_phone=False),
        TableColumn("store_id", "faults.vehicle.store", filter="choice", on_phone=False),
        TableColumn("vehicle_id", "faults.vehicle.vehicle", on_phone=False),
    )
    return TableView("reports", columns, reports["items"])


def service_view(request: PageRequest, services: Mapping[str, Any]) -> TableView:
    """Return the services that fall due, the likeliest visit first."""
    columns = [
        TableColumn("place", "faults.service.place", "number"),
        TableColumn("vehicle_id", "faults.vehicle.vehicle", second="model", is_title=True),
        TableColumn("due_on", "faults.service.due", "date", filter="range"),
        TableColumn("overdue_days", "faults.service.overdue", "number", unit="faults.days", on_phone=False),
        TableColumn("visit_probability", "faults.service.chance", "percent", digits=0),
        TableColumn("expected_revenue", "faults.service.revenue", "money", unit="parts.yuan"),
        TableColumn("store_id", "faults.vehicle.store", filter="choice", on_phone=False),
        TableColumn("invitation", "faults.service.invitation", sortable=False),
    ]
    if "export" in request.query:
        columns += [TableColumn("vin", "faults.vehicle.vin"), TableColumn("reason", "faults.service.reason")]
    rows = [_service_row(request, row) for row in services["items"]]
    return TableView("services", columns, rows, page_rows=ROWS)


def _service_row(request: PageRequest, row: Mapping[str, Any]) -> dict[str, Any]:
    invitation = None
    if row["invited_at"]:
        day = format_date(row["invited_at"], request.language, request.clock.local())
        invitation = request.text("faults.service.invited_by", day=day, person=row["invited_by"] or "—")
    return {**row, "invitation": invitation, "reason": row[f"reason_{request.language}"]}
