"""A monitoring run: every series with what it was, what it is, and since when it differs."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from serving.desk.areas.models.figures import Answer, series_chart
from serving.desk.page import Page, PageRequest, View
from serving.desk.tables import Choice, TableColumn, TableView

VERDICTS = {
    "alarm": Choice("models.verdict.alarm", "wait"),
    "quiet": Choice("models.verdict.quiet", "good"),
    "not_tested": Choice("models.verdict.not_tested", "none"),
}
GROUPS = {"performance": Choice("models.group.performance"), "drift": Choice("models.group.drift")}
RUN_STATES = {
    "quiet": Choice("models.state.quiet", "good"),
    "not tested": Choice("models.state.not_tested", "none"),
    "drift": Choice("models.state.drifted", "wait"),
    "performance": Choice("models.state.worse", "bad"),
}
COLUMNS = (
    TableColumn(
        "title", "models.column.series", is_title=True, link="/desk/models/{model}/drift?month={month}&series={name}"
    ),
    TableColumn("verdict", "models.column.verdict", "state", states=VERDICTS, filter="choice"),
    TableColumn("group", "models.column.group", "state", states=GROUPS, filter="choice"),
    TableColumn("detail", "models.column.change", sortable=False),
    TableColumn("since", "models.column.since", "month"),
    TableColumn("effect", "models.column.effect", "number", digits=2),
    TableColumn("p_value", "models.column.p_value", "number", digits=4, on_phone=False),
    TableColumn("psi", "models.column.psi", "number", digits=3, on_phone=False),
    TableColumn("psi_expected", "models.column.psi_expected", "number", digits=3, on_phone=False),
)


async def show_drift(request: PageRequest) -> View | Response:
    """Answer `GET /desk/models/{name}/drift`: a month, and one of its series drawn."""
    name = request.path["name"]
    query = {"month": request.query.get("month") or None}
    answer = await request.ask("GET", f"/v1/models/{name}/monitoring", query=query)
    rows = [_row(name, answer["month"], series, request) for series in answer["series"]]
    view = TableView("series", COLUMNS, rows)
    if kind := request.query.get("export"):
        return request.export(view, kind, "drift")
    wish = request.query.get("series")
    chosen = next((s for s in answer["series"] if s["name"] == wish), None) or next(iter(answer["series"]), None)
    return request.render(
        "models/drift.html",
        answer=answer,
        run_states=RUN_STATES,
        alarms=sum(s["is_alarm"] for s in answer["series"]),
        chosen=chosen,
        drawing=None if chosen is None or len(chosen["months"]) < 2 else series_chart(chosen, request),
        page=view.page(request.query, f"/desk/models/{name}/drift", request.language, request.text),
    )


def _row(model: str, month: str, series: Answer, request: PageRequest) -> dict[str, Any]:
    is_tested = series["p_value"] is not None
    names = ("name", "title", "group", "since", "effect", "p_value", "psi", "psi_expected")
    return {
        **{name: series[name] for name in names},
        "model": model,
        "month": month,
        "verdict": "alarm" if series["is_alarm"] else "quiet" if is_tested else "not_tested",
        "detail": series["detail"] or series["reason"],
    }


PAGES = (Page("/desk/models/{name}/drift", "models:read", show_drift),)
