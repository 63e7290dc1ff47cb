"""Pages of the reports of dangerous faults, which come before any figure."""

from __future__ import annotations

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.faults.deeds import report_rows
from serving.desk.areas.faults.tables import export, report_view
from serving.desk.areas.faults.words import REPORT_STATES, problem_text
from serving.desk.page import PageRequest, View

SAFETY = "/desk/faults/safety"


async def show_reports(request: PageRequest) -> View | Response:
    """Answer `GET /desk/faults/safety`."""
    which = "all" if request.query.get("which") == "all" else "unhandled"
    reports = await request.ask("GET", "/v1/alarms/safety", query={"state": which})
    view = report_view(request, reports)
    if "export" in request.query:
        return export(request, view, request.text("faults.safety.title"), "safety-reports")
    page = view.page(request.query, SAFETY, request.language, request.text)
    return request.render("faults/safety.html", reports=reports, table_page=page, which=which)


async def show_report(request: PageRequest) -> View:
    """Answer `GET /desk/faults/safety/{report_id}`."""
    return await _report_page(request)


async def move_report(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/safety/{report_id}/moves`."""
    number, sequence = request.path["report_id"], request.field("sequence")
    body = {n: request.field(n) for n in ("to", "note", "reference")}
    body |= {"sequence": int(sequence)} if sequence.isdecimal() else {}  # type: ignore[dict-item]
    try:
        await request.ask("POST", f"/v1/alarms/safety/{number}/moves", body)
    except Problem as error:
        if error.status not in (409, 422) and error.code not in ("wrong_store", "alarm_store_unavailable"):
            raise
        return await _report_page(request, problem=problem_text(request, error), status=error.status)
    return request.redirect(f"{SAFETY}/{number}", notice="faults.notice.report_moved")


async def _report_page(request: PageRequest, *, problem: str | None = None, status: int = 200) -> View:
    report = await request.ask("GET", f"/v1/alarms/safety/{request.path['report_id']}")
    return request.render(
        "faults/report.html",
        status=status,
        report=report,
        choice=REPORT_STATES[report["state"]],
        rows=report_rows(request, report),
        problem=problem,
        may_write=request.may("alarms:write"),
    )
