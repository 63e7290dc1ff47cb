"""Pages of leads that report: given-up leads, channels, expected and actual sales."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from serving.desk.areas.leads_tables import channel_text, channels_table, expected_table, lost_table
from serving.desk.charts import Band, LineChart, Series
from serving.desk.formats import format_date, format_interval, format_number
from serving.desk.page import PageRequest, View
from serving.desk.tables import TableView


async def show_lost(request: PageRequest) -> View | Response:
    """Answer `GET /desk/leads/lost`."""
    answer = await request.ask("GET", "/v1/leads/reactivation", query={"store_id": request.store_id})
    view = lost_table(answer["items"])
    return _shown(request, view, "leads/lost.html", "lost_leads", answer=answer)


async def show_channels(request: PageRequest) -> View | Response:
    """Answer `GET /desk/leads/channels`."""
    answer = await request.ask("GET", "/v1/leads/channels")
    view = channels_table([_channel(request, row) for row in answer["items"]])
    best = channel_text(answer["best"])
    return _shown(request, view, "leads/channels.html", "channels", answer=answer, best=best)


async def show_expected(request: PageRequest) -> View | Response:
    """Answer `GET /desk/leads/expected`."""
    by = "month" if request.query.get("by") == "month" else "week"
    answer = await request.ask("GET", "/v1/leads/expected", query={"store_id": request.store_id, "by": by})
    rows = [{**s, "name": s["store_id"], "range": _range(request, s)} for s in answer["stores"]]
    chart = _chart(request, answer["periods"])
    view = expected_table(rows)
    return _shown(request, view, "leads/expected.html", "expected_sales", answer=answer, by=by, chart=chart)


def _shown(request: PageRequest, view: TableView, template: str, name: str, **context: Any) -> View | Response:
    if request.query.get("export") in ("csv", "xlsx"):
        return request.export(view, request.query["export"], name)
    page = view.page(request.query, str(request.scope["path"]), request.language, request.text)
    return request.render(template, page=page, **context)


def _channel(request: PageRequest, row: dict[str, Any]) -> dict[str, Any]:
    rate, net, cost = row["conversion_rate"], row["net_margin_per_lead"], row["cost_per_sale"]
    return {
        "name": channel_text(row["channel"]), "leads": row["leads"], "sales": row["sales"],
        "rate": rate["value"], "rate_low": rate["low"], "rate_high": rate["high"],
        "cost_per_lead": _value(row["cost_per_lead"]), "cost_per_sale": _value(cost), "net": _value(net),
        "cost_range": _money_range(request, cost), "net_range": _money_range(request, net), "verdict": row["verdict"],
    }  # fmt: skip


def _value(figure: dict[str, float] | None) -> float | None:
    return None if figure is None else figure["value"]


def _money_range(request: PageRequest, figure: dict[str, float] | None) -> str | None:
    return None if figure is None else format_interval(figure, request.language, "money")


def _range(request: PageRequest, sales: dict[str, Any]) -> str:
    return request.text("leads.expected.range", range=format_interval(sales, request.language, "number", 1))


def _chart(request: PageRequest, periods: list[dict[str, Any]]) -> LineChart | None:
    if len(periods) < 2:
        return None
    text, now = request.text, request.clock.local()
    days = [format_date(p["start"], request.language, now) for p in periods]
    columns: dict[str, list[float]] = {n: [p[n] for p in periods] for n in ("expected", "low", "high", "actual")}
    expected = Series(
        text("leads.expected.expected"), columns["expected"], Band(columns["low"], columns["high"]), tone="none",
        dashed=True,
    )  # fmt: skip
    actual = Series(text("leads.expected.actual"), columns["actual"])
    label = text(
        "leads.expected.label", n=len(periods), actual=sum(p["actual"] for p in periods),
        expected=format_number(sum(columns["expected"])),
    )  # fmt: skip
    return LineChart(
        days, (actual, expected), label, height=220, x_title=text("leads.expected.start"), language=request.language
    )
