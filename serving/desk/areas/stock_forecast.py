"""Forecasts from the group down to a model in a store, and the what-if question about price and promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.charts import Band, LineChart, Series
from serving.desk.formats import format_interval, format_month, format_number
from serving.desk.page import PageRequest, View
from serving.desk.tables.columns import TableColumn
from serving.desk.tables.view import TableView

PATH, WHAT_IF = "/desk/stock/forecast", "/desk/stock/what-if"
NAMES = {"region": "region", "store": "store_id", "series": "model"}
PARTS = (
    TableColumn("name", "stock.part", is_title=True),
    TableColumn("mean", "stock.expected", "number", unit="stock.vehicles", digits=1),
    TableColumn("range", "stock.interval", sortable=False, exported=False, on_phone=False),
    TableColumn("low", "stock.low", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("high", "stock.high", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("last_sold", "stock.last_sold", "number", unit="stock.vehicles"),
    TableColumn("last_year", "stock.last_year", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("on_hand", "stock.on_hand", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("total_mean", "stock.total_expected", "number", unit="stock.vehicles", digits=1),
)


async def show_forecast(request: PageRequest) -> View | Response:
    """Answer `GET /desk/stock/forecast`: the group, or the region, store or model of the address."""
    names = ("region", "store_id", "model")
    identifiers = {name: request.query.get(name) or None for name in names}
    if not any(identifiers.values()) and "all" not in request.query:
        identifiers["store_id"] = request.store_id
    answer = await request.ask("GET", "/v1/inventory/forecast", query=identifiers)
    rows = [_part(answer, part) for part in answer["parts"]]
    view = TableView("parts", PARTS, rows)
    if "export" in request.query:
        return request.export(view, request.query["export"], "forecast")
    query = {k: v for k, v in request.query.items() if k != "notice"}
    return request.render(
        "stock/forecast.html",
        answer=answer,
        name=_name(request, answer),
        next=answer["forecast"][0] if answer["forecast"] else None,
        chart=_chart(request, answer) if answer["forecast"] else None,
        parts=view.page(query, PATH, request.language, request.text),
        most=max((part["high"] for part in answer["parts"]), default=1.0) or 1.0,
        what_if=f"{WHAT_IF}?{urlencode({'store_id': answer['store_id'] or '', 'model': answer['model'] or ''})}",
    )


def _part(answer: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    column = NAMES[answer["part_level"]]
    fixed = {"model": answer["model"]} if answer["model"] else {}
    fixed |= {"store_id": answer["store_id"]} if answer["part_level"] == "series" else {}
    return {**part, "name": part[column], "address": urlencode({**fixed, column: part[column]}), "range": None}


def _name(request: PageRequest, answer: Mapping[str, Any]) -> str:
    names = {
        "group": request.text("stock.group"),
        "region": answer["region"],
        "store": answer["store_id"],
        "model": answer["model"],
        "series": f"{answer['store_id']} · {answer['model']}",
    }
    return str(names[answer["level"]])


def _chart(request: PageRequest, answer: Mapping[str, Any]) -> LineChart:
    history, ahead = answer["history"], answer["forecast"]
    periods = [p["period"] for p in (*history, *ahead)]
    gap: list[float | None] = [None] * len(history)
    last = history[-1]["sold"] if history else None
    # The forecast begins at the last month of the history, so that the two lines meet.
    mean = [*gap[:-1], last, *(p["mean"] for p in ahead)] if history else [p["mean"] for p in ahead]
    low, high = (
        [*gap[:-1], last, *(p[n] for p in ahead)] if history else [p[n] for p in ahead] for n in ("low", "high")
    )
    first = ahead[0]
    label = request.text(
        "stock.chart.label",
        name=_name(request, answer),
        month=_period(request, answer, first["period"]),
        mean=format_number(first["mean"], _digits(first["mean"])),
        range=format_interval((first["low"], first["high"]), request.language, "number"),
        last=format_number(last),
    )
    return LineChart(
        periods,
        (
            Series(
                request.text("stock.sold"), [p["sold"] for p in history] + [None] * len(ahead), tone="none", end="-"
            ),
            Series(request.text("stock.forecast"), mean, Band(low, high), dashed=True),
        ),
        label,
        height=240,
        x_title=request.text("stock.period"),
        language=request.language,
    )


def _period(request: PageRequest, answer: Mapping[str, Any], period: str) -> str:
    return format_month(period, request.language) if answer["frequency"] == "month" else period


def _digits(value: float) -> int:
    return 0 if abs(value) >= 10 else 1


async def show_what_if(request: PageRequest) -> View:
    """Answer `GET /desk/stock/what-if`: a model in a store with another price or promotion."""
    stores = await _stores(request)
    store_id = request.query.get("store_id") or request.store_id or (stores[0] if stores else None)
    models: Sequence[str] = ()
    if store_id is not None:
        answer = await request.ask("GET", "/v1/inventory/forecast", query={"store_id": store_id})
        models = [part["model"] for part in answer["parts"] if part["total_mean"] > 0]
    model = request.query.get("model") if request.query.get("model") in models else None
    model = model or (models[0] if models else None)
    result = None
    if store_id is not None and model is not None:
        # Values of another model say nothing about this one: the form carries the model that they belong to.
        is_same = request.query.get("of", f"{store_id}/{model}") == f"{store_id}/{model}"
        body: dict[str, Any] = {"store_id": store_id, "model": model}
        body |= {n: v for n in ("price", "promotion") if is_same and (v := _value(request, n)) is not None}
        result = await request.ask("POST", "/v1/inventory/what_if/preview", body)
    context: dict[str, Any] = {
        "store_options": [(name, name) for name in stores],
        "model_options": [(name, name) for name in models],
        "store_id": store_id,
        "model": model,
        "result": result,
        "chart": None if result is None else _what_if_chart(request, result),
    }
    return request.render("stock/what_if_answer.html" if request.is_fragment else "stock/what_if.html", **context)


async def _stores(request: PageRequest) -> list[str]:
    answer = await request.ask("GET", "/v1/inventory/stock")
    return sorted({row["store_id"] for row in answer["rows"]})


def _value(request: PageRequest, name: str) -> float | None:
    text = request.query.get(name, "").replace(",", "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        message = "must be a number"
        raise Problem(
            422, "invalid", f"{name}: {message}", [{"field": name, "rule": "x", "message": message}]
        ) from None
    return value / 100 if name == "promotion" else value


def _what_if_chart(request: PageRequest, result: Mapping[str, Any]) -> LineChart:
    periods = result["periods"]
    before, after = (sum(p[n] for p in periods) for n in ("mean", "new_mean"))
    label = request.text(
        "stock.what_if.label", model=result["model"], before=format_number(before, 1), after=format_number(after, 1)
    )
    # One unchanged line would lie under the other.
    changed = (
        (Series(request.text("stock.what_if.after"), [p["new_mean"] for p in periods]),) if result["reacts"] else ()
    )
    band = Band([p["low"] for p in periods], [p["high"] for p in periods])
    return LineChart(
        [format_month(p["period"], request.language) if len(p["period"]) == 7 else p["period"] for p in periods],
        (Series(request.text("stock.what_if.before"), [p["mean"] for p in periods], band, tone="none"), *changed),
        label,
        x_title=request.text("stock.period"),
        language=request.language,
    )
