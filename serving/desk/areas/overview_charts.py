"""Charts of the dashboard: approval and delinquency by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.desk.charts import Band, LineChart, Series
from serving.desk.formats import format_interval, format_month, format_percent
from serving.desk.page import PageRequest


def approval_chart(request: PageRequest, loans: Mapping[str, Any]) -> LineChart | None:
    """Return approval by month of submission; None without months."""
    return _chart(request, loans["approval"], "approval")


def delinquency_chart(request: PageRequest, loans: Mapping[str, Any]) -> LineChart | None:
    """Return delinquency by month of granting; None while no month is old enough."""
    return _chart(request, loans["delinquency"], "delinquency")


def _chart(request: PageRequest, months: Sequence[Mapping[str, Any]], name: str) -> LineChart | None:
    if not months:
        return None
    shares = [month["share"] for month in months]
    first, last = (format_month(month["month"], request.language) for month in (months[0], months[-1]))
    values = {
        "first": first,
        "first_value": format_percent(shares[0]["value"], 1),
        "last": last,
        "last_value": format_percent(shares[-1]["value"], 1),
        "ends": format_interval((shares[-1]["low"], shares[-1]["high"]), request.language, "percent", 1),
    }
    band = Band([s["low"] for s in shares], [s["high"] for s in shares])
    end = request.text(f"dashboard.chart.{name}.end", value=format_percent(shares[-1]["value"], 1))
    tone: Any = "accent" if name == "approval" else "bad"
    return LineChart(
        [_label(request, month["month"], is_first=month is months[0]) for month in months],
        (Series(end, [s["value"] for s in shares], band=band, tone=tone, end=end),),
        request.text(f"dashboard.chart.{name}.label", **values),
        kind="percent",
        height=150,
        from_zero=name == "delinquency",
        x_title=request.text(f"dashboard.chart.{name}.months"),
        language=request.language,
    )


def _label(request: PageRequest, month: str, *, is_first: bool) -> str:
    """Return a month as it stands under a chart: with its year where this begins."""
    number = int(month[5:])
    name = request.text(f"dashboard.month.{number}")
    return request.text("dashboard.period.month", year=month[:4], month=name) if is_first or number == 1 else name
