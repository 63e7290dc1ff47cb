"""The home page: what a person should look at today; for managers also the stores, the channels and the loans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.asgi import Problem
from serving.desk.areas.dashboard import PARTS, panel_values, read_panels
from serving.desk.charts import Sparkline
from serving.desk.formats import format_interval, format_number, format_percent, in_language
from serving.desk.page import Page, PageRequest, View

MAX_TILES = 4  # what a manager has more stands below, as lists
FIRST_STORES = 8  # on the home page; all stand on the dashboard


async def show_home(request: PageRequest) -> View:
    """Answer `GET /desk`."""
    today = await request.ask("GET", "/v1/today", query={"store_id": request.store_id})
    panels = await read_panels(request, ("stores", "channels", "loans") if request.may("dashboard") else ())
    values = panel_values(request, {**panels, "overview": None})
    if values["stores"]:
        items = values["stores"]["items"]
        values["store_page"].rows[:] = values["store_page"].rows[:FIRST_STORES]
        values["more_stores"] = len(items) > FIRST_STORES
    models = await _models(request)
    shown_elsewhere = ("stores", "models") if models else ("stores",)
    parts = [part_values(request, part) for part in today["parts"] if part["name"] not in shown_elsewhere]
    return request.render(
        "home/home.html",
        **values,
        today=today,
        models=models,
        first_parts=parts[:MAX_TILES],
        lists=[part for part in parts[MAX_TILES if request.may("dashboard") else 0 :] if part["items"]],
        missing=[part["title"] for part in today["parts"] if part["problem"] is not None],
        is_manager=request.may("dashboard"),
        failed_panels=[name for name in PARTS if name != "overview" and panels[name] is None],
    )


async def _models(request: PageRequest) -> list[dict[str, Any]]:
    """Return the models and whether they can be trusted; none without the right, or if they cannot be read."""
    if not request.may("models:read"):
        return []
    try:
        answer = await request.ask("GET", "/v1/models")
    except Problem:
        return []
    items: list[dict[str, Any]] = answer["items"]
    return [{**item, "trust": trust_text(request, item)} for item in items if item["champion"] or item["promotion"]]


def trust_text(request: PageRequest, model: Mapping[str, Any]) -> str:
    """Return what speaks for or against a model: outcomes over predictions, or else its metric on held-out rows."""
    drift, language = model["drift"], request.language
    if drift is not None and drift["calibration"] is not None:
        ends = format_interval((drift["calibration_low"], drift["calibration_high"]), language, "number", 2)
        return request.text("home.models.calibration", ratio=format_number(drift["calibration"], 2), ends=ends)
    metric = None if model["champion"] is None else model["champion"]["metric"]
    if metric is None or metric["value"] is None:
        return "—"
    kind: Any = "percent" if metric["format"] == "share" else "number"
    digits = {"share": 1, "amount": 0}.get(metric["format"], 3)
    value = metric["value"]
    figure = format_percent(value, digits) if kind == "percent" else format_number(value, digits)
    unit = f" {in_language(metric['unit'], language)}" if metric["unit"] else ""
    ends = format_interval((metric["low"], metric["high"]), language, kind, digits)
    title = in_language(metric["title"], language)
    return request.text("home.models.metric", title=title, value=f"{figure}{unit}", ends=ends)


def part_values(request: PageRequest, part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of the day with its trend as a chart and its figure as words."""
    trend = part["trend"]
    return {
        **part,
        "figure": format_number(part["value"]),
        "unit_text": unit_text(request, part),
        "chart": None if trend is None else Sparkline(trend["values"], trend_label(request, trend)),
    }


def unit_text(request: PageRequest, part: Mapping[str, Any]) -> str:
    """Return the unit of a part, with the number of which it is a part."""
    unit = "" if part["unit"] is None else in_language(part["unit"], request.language)
    if part["of"] is None:
        return unit
    return request.text("home.of", n=part["of"], u=unit)


def trend_label(request: PageRequest, trend: Mapping[str, Any]) -> str:
    """Return the sentence of a sparkline for screen readers: what it shows, and its values."""
    values = request.text("home.comma").join(format_number(value) for value in trend["values"])
    return request.text("home.trend", label=in_language(trend["label"], request.language), values=values)


PAGES = (Page("/desk", "desk", show_home),)
