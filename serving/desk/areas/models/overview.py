"""All models, and one model: can it be trusted, what changed, and what to do."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.models.figures import GATES, STATES, Answer, figure_text, finding, interval_text, series_chart
from serving.desk.formats import format_month, in_language
from serving.desk.page import Page, PageRequest, View
from serving.desk.tables import TableColumn, TableView

SCOPE = "models:read"
NEEDS_ACTION = ("no_champion", "worse", "drifted")
MAX_CHARTS = 4
MODEL_COLUMNS = (
    TableColumn("title", "models.column.model", second="version", link="/desk/models/{name}", is_title=True),
    TableColumn("state", "models.column.state", "state", states=STATES, filter="choice"),
    TableColumn("finding", "models.column.finding", second="largest", sortable=False),
    TableColumn("metric", "models.column.metric", second="interval", sortable=False, on_phone=False),
    TableColumn("data_until", "models.column.data_until", "date"),
    TableColumn("challenger", "models.column.challenger", "state", states=GATES, sortable=False, on_phone=False),
)
VERSION_COLUMNS = (
    TableColumn("title", "models.column.version", link="/desk/models/{name}/versions/{version}", is_title=True),
    TableColumn("gate", "models.column.gate", "state", states=GATES),
    TableColumn("metric", "models.column.metric", second="interval", sortable=False),
    TableColumn("data_until", "models.column.data_until", "date"),
    TableColumn("registered_at", "models.column.registered", "moment"),
)


async def show_models(request: PageRequest) -> View | Response:
    """Answer `GET /desk/models`: every model, those first about which something must be done."""
    answer = await request.ask("GET", "/v1/models")
    view = TableView("models", MODEL_COLUMNS, [_model_row(item, request) for item in answer["items"]])
    if kind := request.query.get("export"):
        return request.export(view, kind, "models")
    urgent = [item for item in answer["items"] if item["state"] in NEEDS_ACTION]
    first = urgent[0] if urgent else None
    return request.render(
        "models/list.html",
        page=view.page(request.query, "/desk/models", request.language, request.text),
        urgent=len(urgent),
        count=len(answer["items"]),
        first=first,
        unmonitored=[item for item in answer["items"] if item["state"] == "not_monitored"],
        moves=answer["moves"][:8],
    )


async def show_model(request: PageRequest) -> View | Response:
    """Answer `GET /desk/models/{name}`."""
    name = request.path["name"]
    model = await request.ask("GET", f"/v1/models/{name}")
    view = TableView("versions", VERSION_COLUMNS, [_version_row(name, row, request) for row in model["versions"]])
    if kind := request.query.get("export"):
        return request.export(view, kind, "versions")
    monitoring = await _monitoring(name, request) if model["drift"] is not None else None
    alarms = [s for s in monitoring["series"] if s["is_alarm"]] if monitoring else []
    outcomes = [s for s in monitoring["series"] if s["group"] == "performance"] if monitoring else []
    text, largest = finding(model, request)
    champion = model["champion"]
    return request.render(
        "models/model.html",
        model=model,
        heading=_heading(model, request),
        finding=text,
        largest=largest,
        metric=None if champion is None or champion["metric"] is None else _metric(champion["metric"], request),
        monitoring=monitoring,
        alarms=alarms,
        charts_of_alarms=[(s, series_chart(s, request)) for s in alarms[:MAX_CHARTS]],
        charts_of_outcomes=[(s, series_chart(s, request)) for s in outcomes if not s["is_alarm"]][:MAX_CHARTS],
        page=view.page(request.query, f"/desk/models/{name}", request.language, request.text),
    )


async def _monitoring(name: str, request: PageRequest) -> Any:
    """Return the run behind the state; None if its file went away meanwhile."""
    try:
        return await request.ask("GET", f"/v1/models/{name}/monitoring")
    except Problem as e:
        if e.code != "not_monitored":
            raise
        return None


def _model_row(item: Answer, request: PageRequest) -> dict[str, Any]:
    text, largest = finding(item, request)
    champion, challenger = item["champion"], item["challenger"]
    metric = None if champion is None else champion["metric"]
    version = "" if champion is None else request.text("models.version", n=champion["version"])
    return {
        "name": item["name"],
        "title": item["title"],
        "version": version,
        "state": item["state"],
        "finding": text,
        "largest": largest,
        **_metric_texts(metric, request),
        "data_until": item["data_until"],
        "challenger": None if challenger is None else challenger["gate"],
    }


def _version_row(name: str, row: Answer, request: PageRequest) -> dict[str, Any]:
    return {
        "name": name,
        "version": row["version"],
        "title": request.text("models.version", n=row["version"]),
        "gate": row["gate"],
        **_metric_texts(row["metric"], request),
        "data_until": row["data_until"],
        "registered_at": row["registered_at"],
    }


def _metric_texts(metric: Answer | None, request: PageRequest) -> dict[str, str]:
    if metric is None:
        return {"metric": "", "interval": ""}
    texts = _metric(metric, request)
    return {
        "metric": f"{texts['title']} {texts['value']}",
        "interval": request.text("models.metric.second", interval=texts["interval"], baseline=texts["baseline"]),
    }


def _metric(metric: Answer, request: PageRequest) -> dict[str, str]:
    language = request.language
    return {
        "title": in_language(metric["title"], language),
        "value": figure_text(metric["value"], metric, language),
        "interval": interval_text(metric, language) or "—",
        "baseline": figure_text(metric["baseline"], metric, language),
        "direction": in_language(metric["direction"], language) if metric["direction"] else "",
    }


def _heading(model: Answer, request: PageRequest) -> str:
    """Return the answer to: can the model be trusted?"""
    title, drift, state = in_language(model["title"], request.language), model["drift"], model["state"]
    if drift is None or state in ("not_tested", "no_champion", "not_monitored"):
        return request.text(f"models.heading.{state}", title=title)
    month = format_month(drift["month"], request.language)
    since = format_month(drift["since"] or drift["month"], request.language)
    values = {"title": title, "n": drift["alarms"], "m": drift["tested"], "since": since, "month": month}
    return request.text(f"models.heading.{state}", **values)


PAGES = (
    Page("/desk/models", SCOPE, show_models),
    Page("/desk/models/{name}", SCOPE, show_model),
)
