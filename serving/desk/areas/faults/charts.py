"""Charts of a quality alarm: evidence by week, all components, affected builds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from serving.desk.areas.faults.words import component_text, odds_text
from serving.desk.charts import BarChart, BarGroup, FunnelPlot, LineChart, Mark, Point, Series, Threshold
from serving.desk.formats import format_date, format_month, format_number
from serving.desk.page import PageRequest

LEAST, GREATEST = 0.01, 1e6
LEAST_EXPECTED = 1  # below, a single fault is many times the expected number


def evidence_chart(request: PageRequest, alarm: Mapping[str, Any]) -> LineChart | None:
    """Return the odds by week with their threshold; None without tested weeks."""
    weeks = alarm["weeks"]
    if not weeks:
        return None
    odds = [min(max(week["odds"], LEAST), GREATEST) for week in weeks]
    threshold = alarm["odds_threshold"]
    marks = []
    detected = alarm["detected_on"]
    if detected is not None:
        day = format_date(detected, request.language, request.clock.local(), year=True)
        places = [i for i, week in enumerate(weeks) if week["week_end"] < detected and week["odds"] >= threshold]
        marks = [Mark(i, request.text("faults.evidence.since", day=day), "bad") for i in places[-1:]]
    words = {"now": odds_text(request, weeks[-1]["odds"]), "from": format_month(weeks[0]["week_end"], request.language)}
    return LineChart(
        [format_month(week["week_end"], request.language) for week in weeks],
        [Series(request.text("faults.evidence.series"), odds, end="-")],
        request.text("faults.evidence.label", now=words["now"], first=words["from"]),
        height=240,
        log=True,
        thresholds=[Threshold(threshold, request.text("faults.evidence.threshold", n=format_number(threshold)))],
        marks=marks,
        x_title=request.text("faults.evidence.week"),
        language=request.language,
    )


def funnel_chart(request: PageRequest, funnel: Mapping[str, Any], alarm: Mapping[str, Any] | None) -> FunnelPlot:
    """Return all components, with the alarms and the component of the page named."""
    cell = None if alarm is None else (alarm["model"], alarm["component"])
    points = []
    for point in (row for row in funnel["points"] if row["expected"] >= LEAST_EXPECTED):
        is_own = cell == (point["model"], point["component"])
        name = f"{point['model']} {component_text(request, point['component_name'])}"
        named = point["alarm"] or is_own
        tone = ("bad" if point["alarm"] else "accent") if named else None
        points.append(Point(point["expected"], point["count"], name if named else "", tone))  # type: ignore[arg-type]
    alarms = sum(point["alarm"] for point in funnel["points"])
    return FunnelPlot(
        points,
        request.text("faults.funnel.label", n=len(points), alarms=alarms),
        request.text("faults.funnel.expected"),
        headings=(
            request.text("faults.component"), request.text("faults.faults"), request.text("faults.expected"),
            request.text("faults.ratio"),
        ),
        limits=[(row["expected"], row["low"], row["high"]) for row in funnel["limits"]],
    )  # fmt: skip


def builds_chart(request: PageRequest, alarm: Mapping[str, Any]) -> BarChart | None:
    """Return faults over expected faults by half-year of builds; None without builds."""
    periods = [row for row in alarm["build_periods"] if row["expected"] >= 1]
    if not periods:
        return None
    groups = [
        BarGroup(
            _half_year(request, row["built_from"]),
            float(row["count"]),
            request.text(
                "faults.builds.bar", n=row["count"], expected=format_number(row["expected"], 1),
                ratio=format_number(row["ratio"], 1),
            ),
            compared=row["expected"],
            tone="bad" if row["affected"] else "none",
        )
        for row in periods
    ]  # fmt: skip
    affected = sum(row["affected"] for row in periods)
    label = request.text("faults.builds.label", n=len(periods), affected=affected)
    return BarChart(groups, label, (request.text("faults.builds.heading"), request.text("faults.faults")))


def _half_year(request: PageRequest, day: str) -> str:
    first = date.fromisoformat(day)
    key = "faults.builds.first_half" if first.month == 1 else "faults.builds.second_half"
    return request.text(key, year=str(first.year))
