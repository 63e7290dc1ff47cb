"""Words and figures of the models that several pages show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.report.columns import Interval
from ml.report.formats import Format, format_figure, format_interval
from serving.desk.catalogue import Language
from serving.desk.charts import Band, LineChart, Series
from serving.desk.formats import format_month, in_language
from serving.desk.page import PageRequest
from serving.desk.tables import Choice

Answer = Mapping[str, Any]
STATES = {
    "no_champion": Choice("models.state.no_champion", "bad"),
    "worse": Choice("models.state.worse", "bad"),
    "drifted": Choice("models.state.drifted", "wait"),
    "not_monitored": Choice("models.state.not_monitored", "none"),
    "not_tested": Choice("models.state.not_tested", "none"),
    "quiet": Choice("models.state.quiet", "good"),
}
GATES = {
    "champion": Choice("models.gate.champion", "accent"),
    "passed": Choice("models.gate.passed", "good"),
    "failed": Choice("models.gate.failed", "bad"),
    "outdated": Choice("models.gate.outdated"),
    "not_evaluated": Choice("models.gate.not_evaluated", "none"),
}


def figure_text(value: float | None, metric: Answer, language: Language) -> str:
    """Return a value of a metric or series with its unit.

    Parameters
    ----------
    value : float or None
        None gives a dash.
    metric : mapping
        With `format` and `unit`.
    language : {'zh', 'en'}
        Language of the unit.

    Examples
    --------
    >>> figure_text(0.0549, {"format": "share", "unit": None}, "en"), figure_text(None, {}, "en")
    ('5.49%', '—')
    """
    if value is None:
        return "—"
    unit = "" if metric["unit"] is None else f" {in_language(metric['unit'], language)}"
    return format_figure(value, metric["format"], language) + unit


def interval_text(metric: Answer, language: Language) -> str:
    """Return the 95% interval of a metric with its level; empty without one.

    >>> interval_text({"low": 0.7, "high": 0.8, "format": "score"}, "en")
    '95% interval 0.7000 – 0.8000'
    """
    shape: Format = metric["format"]
    text = format_interval(metric["low"], metric["high"], shape, language)
    return f"{Interval().label(language)} {text}" if text else ""


def finding(model: Answer, request: PageRequest) -> tuple[str, str]:
    """Return what the monitor says about a model, and the largest change or what to run.

    Parameters
    ----------
    model : mapping
        Of `GET /v1/models`.
    request : PageRequest
        Of the page.
    """
    drift = model["drift"]
    if model["state"] == "no_champion":
        return request.text("models.finding.no_champion"), model["commands"]["train"]
    if drift is None:
        return request.text("models.finding.not_monitored"), model["commands"]["monitor"]
    month = format_month(drift["month"], request.language)
    if not drift["alarms"]:
        key = "models.finding.quiet" if drift["tested"] else "models.finding.not_tested"
        return request.text(key, n=drift["tested"], month=month), ""
    since = format_month(drift["since"], request.language)
    title, detail = (
        in_language(drift[n], request.language) if drift[n] else "" for n in ("first_alarm", "first_detail")
    )
    text = request.text("models.finding.changed", n=drift["alarms"], m=drift["tested"], since=since, month=month)
    return text, request.text("models.finding.largest", title=title, detail=detail)


def series_chart(series: Answer, request: PageRequest) -> LineChart:
    """Return a series by month, with the limits within which months lie while nothing changes.

    Parameters
    ----------
    series : mapping
        Of `GET /v1/models/{name}/monitoring`.
    request : PageRequest
        Of the page.
    """
    language = request.language
    title = in_language(series["title"], language)
    n = len(series["months"])
    has_limits = series["low"] is not None and series["high"] is not None
    band = Band((series["low"],) * n, (series["high"],) * n) if has_limits else None
    value = figure_text(series["after"], series, language)
    before = figure_text(series["before"], series, language)
    lines = [Series(title, [m["value"] for m in series["months"]], end=value)]
    if series["before"] is not None:
        end = request.text("models.chart.before", value=before)
        lines.append(Series(request.text("models.chart.reference"), (series["before"],) * n, band, "none", end, True))
    return LineChart(
        [format_month(m["month"], language) for m in series["months"]],
        lines,
        request.text("models.chart.label", title=title, before=before, after=value),
        kind="percent" if series["format"] in ("share", "change", "points") else "number",
        height=180,
        from_zero=False,
        x_title=request.text("models.column.month"),
        language=language,
    )
