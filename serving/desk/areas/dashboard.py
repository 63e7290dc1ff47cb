"""The manager's dashboard: key figures, stores, channels and loans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.overview_charts import approval_chart, delinquency_chart
from serving.desk.catalogue import Language
from serving.desk.formats import format_interval, format_money, format_number, format_percent
from serving.desk.page import Page, PageRequest, View
from serving.desk.tables import TableColumn, TableView

PATH = "/desk/dashboard"
MAX_PERIODS = 5  # 30 days, 90 days and three months
# Key figures in tiles; of the others, the mean age of the stock stands beside its months.
TILES = (
    "sales", "gross_margin", "conversion", "cost_per_sale",
    "finance_penetration", "recommendation_share", "stock_factor", "service_level",
)  # fmt: skip
PARTS = {
    "overview": "/v1/overview",
    "stores": "/v1/overview/stores",
    "channels": "/v1/overview/channels",
    "loans": "/v1/overview/loans",
}
STORE_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("store_id", "dashboard.column.store", link="/desk/dashboard?store={store_id}", is_title=True),
    TableColumn("region", "dashboard.column.region", filter="choice", on_phone=False),
    TableColumn("deviation", "dashboard.column.deviation", "percent", filter="range"),
    TableColumn("margin", "dashboard.column.margin", "money", unit="parts.yuan", second="margin_ends"),
    TableColumn("conversion", "dashboard.column.conversion", "interval", low="conversion_low", high="conversion_high"),
    TableColumn("stock_factor", "dashboard.column.stock_factor", "number", digits=1),
    TableColumn("finance", "dashboard.column.finance", "interval", low="finance_low", high="finance_high"),
    TableColumn("look", "dashboard.column.look", sortable=False),
)
# Of a file, which has every figure in a cell of its own.
EXPORT_COLUMNS: tuple[TableColumn, ...] = (
    STORE_COLUMNS[0],
    STORE_COLUMNS[1],
    TableColumn("sold", "dashboard.column.sold", "number"),
    TableColumn("expected_value", "dashboard.column.expected", "number", digits=1),
    TableColumn("expected_low", "dashboard.column.expected_low", "number", digits=1),
    TableColumn("expected_high", "dashboard.column.expected_high", "number", digits=1),
    *STORE_COLUMNS[2:],
)


async def show_dashboard(request: PageRequest) -> View | Response:
    """Answer `GET /desk/dashboard`."""
    panels = await read_panels(request, tuple(PARTS))
    stores = panels["stores"]
    if stores is not None and request.query.get("export") in ("csv", "xlsx"):
        return request.export(
            TableView("stores", EXPORT_COLUMNS, store_rows(stores, request.language)), request.query["export"], "stores"
        )
    today = await request.ask("GET", "/v1/today", query={"store_id": request.store_id})
    return request.render(
        "home/dashboard.html",
        **panel_values(request, panels),
        title=dashboard_title(request, panels),
        faults=[part for part in today["parts"] if part["name"] in ("safety", "alarms", "models")],
    )


async def read_panels(request: PageRequest, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the answers of the endpoints of the dashboard by name; None for one that did not answer; await it."""
    query = {"period": request.query.get("period", "30d"), "store_id": request.store_id}
    panels: dict[str, Any] = dict.fromkeys(PARTS)
    for name in names:
        try:
            panels[name] = await request.ask("GET", PARTS[name], query=query)
        except Problem as e:
            if e.status in (422, 403) or e.code == "records_loading":
                raise
    return panels


def panel_values(request: PageRequest, panels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of `home/panels.html`."""
    stores, channels, loans = (panels[name] for name in ("stores", "channels", "loans"))
    some = next((panel for panel in panels.values() if panel is not None), None)
    most = max((c["conversion"]["high"] for c in channels["channels"]), default=1.0) if channels else 1.0
    return {
        "some": some,
        "periods": period_links(request, some) if some else [],
        "period_text": period_text(request, some["period"]) if some else "",
        "tiles": figure_tiles(request, panels["overview"]) if panels["overview"] else [],
        "stores": stores,
        "store_page": store_page(request, stores) if stores else None,
        "channels": channels,
        "most": most,
        "loans": loans,
        "approval": approval_chart(request, loans) if loans else None,
        "delinquency": delinquency_chart(request, loans) if loans else None,
        "failed": [name for name, panel in panels.items() if panel is None],
    }


def period_text(request: PageRequest, period: Mapping[str, Any]) -> str:
    """Return the name of a period: the last 30 days, or a month."""
    if period["name"] in ("30d", "90d"):
        return request.text("dashboard.period.days", n=period["days"])
    year, month = period["name"].split("-")
    return request.text("dashboard.period.month", year=year, month=request.text(f"dashboard.month.{int(month)}"))


def period_links(request: PageRequest, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the periods that can be chosen, as pills."""
    rows = []
    for name in answer["periods"][:MAX_PERIODS]:
        period = {"name": name, "days": int(name[:-1]) if name.endswith("d") else 0}
        href = f"{request.scope['path']}?{urlencode({'period': name})}"
        is_on = name == answer["period"]["name"]
        rows.append({"text": period_text(request, period), "href": href, "on": is_on})
    return rows


def figure_tiles(request: PageRequest, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the key figures as tiles: value, unit, interval, the period before, and whether it has changed."""
    figures = {figure["name"]: figure for figure in answer["figures"]}
    tiles = []
    for name in TILES:
        figure = figures[name]
        notes = [figure["problem"]] if figure["now"] is None else []
        text = _notes(request, figure, figures) if figure["now"] is not None else ""
        tiles.append(
            {
                "name": figure["label"],
                "definition": figure["definition"],
                "value": written(request, figure["unit"], figure["now"]),
                "unit": request.text(f"dashboard.unit.{figure['unit']}") if figure["unit"] != "share" else "",
                "note": text,
                "problem": notes[0] if notes else None,
            }
        )
    return tiles


def written(request: PageRequest, unit: str, estimate: Mapping[str, Any] | None) -> str:
    """Return a figure as words, without its unit."""
    if estimate is None:
        return "—"
    value = estimate["value"]
    if unit == "share":
        return format_percent(value, 1 if value < 0.2 else 0)
    if unit == "yuan":
        return format_money(value, request.language)
    return format_number(value, 1 if unit == "sales_months" else 0)


def _notes(request: PageRequest, figure: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    now, before, unit = figure["now"], figure["before"], figure["unit"]
    notes = []
    if now["low"] is not None:
        kind: Any = {"share": "percent", "yuan": "money"}.get(unit, "number")
        ends = format_interval((now["low"], now["high"]), request.language, kind)
        notes.append(request.text("dashboard.interval", ends=ends))
    if before is not None:
        change = request.text(f"dashboard.change.{figure['change']}")
        notes.append(request.text("dashboard.before", value=written(request, unit, before), change=change))
    age = figures["stock_age"]["now"] if figure["name"] == "stock_factor" else None
    if age is not None:
        notes.append(request.text("dashboard.stock_age", n=now["count"], days=format_number(age["value"])))
    return request.text("dashboard.joint").join(notes)


def store_rows(answer: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """Return the rows of the table of stores: every estimate with its ends."""
    rows = []
    for store in answer["items"]:
        margin = store["gross_margin"] or _NOTHING
        ends = (margin["low"], margin["high"])
        row = {
            **store,
            **_flat("expected", store["expected"]),
            **_flat("conversion", store["conversion"]),
            **_flat("finance", store["finance_penetration"]),
            "margin": margin["value"],
            "margin_ends": None if None in ends else format_interval(ends, language, "money"),
            "sold": store["sold_of_expected"],
            "look": store["remarks"][0]["text"] if store["remarks"] else None,
        }
        rows.append({**row, "expected": store["expected"], "expected_value": row["expected"]})
    return rows


_NOTHING: Mapping[str, Any] = {"value": None, "low": None, "high": None}


def _flat(name: str, estimate: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an estimate as three fields."""
    values = estimate or _NOTHING
    return {name: values["value"], f"{name}_low": values["low"], f"{name}_high": values["high"]}


def store_view(answer: Mapping[str, Any], language: Language) -> TableView:
    """Return the table of stores, the furthest from the expectation first; without regions it has no such column."""
    has_regions = any(store["region"] for store in answer["items"])
    columns = [column for column in STORE_COLUMNS if has_regions or column.name != "region"]
    return TableView("stores", columns, store_rows(answer, language))


def store_page(request: PageRequest, answer: Mapping[str, Any]) -> Any:
    """Return the page of the table of stores that the address asks for."""
    query = {k: v for k, v in request.query.items() if k not in ("store", "notice", "lang", "export")}
    return store_view(answer, request.language).page(query, PATH, request.language, request.text)


def dashboard_title(request: PageRequest, panels: Mapping[str, Any]) -> str:
    """Return the heading: what was sold, against the period before, and the stores off their forecast."""
    overview, stores = panels["overview"], panels["stores"]
    if overview is None:
        return request.text("dashboard.title.none")
    sales = next(figure for figure in overview["figures"] if figure["name"] == "sales")
    period = period_text(request, overview["period"])
    if sales["now"] is None:
        return request.text("dashboard.title.no_sales", period=period)
    sold = int(sales["now"]["value"])
    change = request.text(f"dashboard.title.{sales['change'] or 'first'}")
    first = request.text("dashboard.title.sold", period=period, n=sold, change=change)
    if stores is None or stores["problem"] is not None or not stores["items"]:
        return first
    outside, total = stores["outside"], len(stores["items"])
    key = "dashboard.title.inside" if outside == 0 else "dashboard.title.outside"
    if total == 1:
        key += "_one"
    return first + request.text("dashboard.joint") + request.text(key, n=outside or total, total=total)


PAGES = (Page(PATH, "dashboard", show_dashboard),)
