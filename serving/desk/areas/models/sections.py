"""Sections of a report as parts of a page: charts of the desk, and tables of formatted texts."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ml.report import charts as drawn
from ml.report.cells import TextTable, text_table
from ml.report.charts import chart_of
from ml.report.formats import Format, Language, format_figure, format_tick
from ml.report.report import Report
from ml.report.sections import Calibration, Paragraph, Section
from serving.desk.charts import Band, BarChart, BarGroup, CalibrationChart, LineChart, Series, Threshold
from serving.desk.charts.axes import TickKind
from serving.desk.charts.drawing import Chart
from serving.desk.charts.lines import LineTone
from serving.desk.formats import format_month

MAX_OPEN_ROWS = 8  # a table with more rows is folded under its heading
TONES: tuple[LineTone, ...] = ("accent", "none", "good")
_MONTH = re.compile(r"\d{4}-\d{2}")
_PERCENTS: tuple[Format, ...] = ("share", "change", "points")


@dataclass(frozen=True)
class Drawing:
    """A chart of a section.

    Attributes
    ----------
    heading : str
        Name of its only series, where a section has several charts; empty otherwise.
    chart : Chart
        Of `serving.desk.charts`.
    compared : tuple of str
        What a bar and the tick across it show; empty without ticks.
    """

    heading: str
    chart: Chart
    compared: tuple[str, ...] = ()


@dataclass(frozen=True)
class SectionPart:
    """A section as a part of a page.

    Attributes
    ----------
    name, title, summary : str
        Of the section; the summary may be empty.
    text : str
        Of a paragraph; empty for other sections.
    drawings : sequence of Drawing
        Charts.
    table : TextTable or None
        Figures as texts; None for a paragraph.
    is_folded : bool
        Whether the table is under a heading that opens it.
    is_wide : bool
        Whether the part needs the width of the page.
    """

    name: str
    title: str
    summary: str
    text: str
    drawings: Sequence[Drawing]
    table: TextTable | None
    is_folded: bool
    is_wide: bool


def section_parts(report: Report, language: Language) -> list[SectionPart]:
    """Return the parts of a report in reading order; sections without rows are left out.

    Parameters
    ----------
    report : Report
        Of a version.
    language : {'zh', 'en'}
        Language of the page.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.sections import Metric, Metrics
    >>> rows = (Metric(name="brier", value=0.1, low=0.09, high=0.12),)
    >>> section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=rows)
    >>> part = section_parts(Report(task="credit_risk", protocol="", sections=(section,)), "en")[0]
    >>> part.title, part.drawings, part.table.rows[0][1]
    ('Metrics', [], '0.1000')
    """
    parts = (_part(section, language) for section in report.sections)
    return [part for part in parts if part.text or (part.table is not None and part.table.rows)]


def _part(section: Section, language: Language) -> SectionPart:
    title = str(getattr(section.title, language))
    summary = "" if section.summary is None else str(getattr(section.summary, language))
    if isinstance(section, Paragraph):
        return SectionPart(section.name, title, summary, section.shown(language), (), None, False, True)
    table = text_table(section, language)
    drawings = _drawings(section, title, language) if table.rows else []
    is_folded = bool(drawings) or len(table.rows) > MAX_OPEN_ROWS
    is_wide = not drawings and len(table.header) > 4
    return SectionPart(section.name, title, summary, "", drawings, table, is_folded, is_wide)


def _drawings(section: Section, title: str, language: Language) -> list[Drawing]:
    chart = chart_of(section, language)
    if isinstance(section, Calibration) and isinstance(chart, drawn.Lines):
        return [Drawing("", _calibration(section, chart, title, language))]
    if isinstance(chart, drawn.Lines):
        return [Drawing("", _lines(chart, title, language))]
    return [] if chart is None else _bars(chart, title, language)


def _calibration(section: Calibration, chart: drawn.Lines, title: str, language: Language) -> Chart:
    pairs = [(b.predicted, b.observed) for b in section.rows if b.predicted is not None and b.observed is not None]
    headings = chart.x_axis.title, chart.y_axis.title
    predicted, observed = [p for p, _ in pairs], [o for _, o in pairs]
    if section.x.format == "share":
        return CalibrationChart(predicted, observed, None, None, title, headings, chart.diagonal)
    perfect = Series(chart.diagonal, predicted, tone="none", end=chart.diagonal, dashed=True)
    line = Series(headings[1], observed)
    labels = [format_tick(float(f"{p:.3g}"), section.x.format) for p in predicted]
    return LineChart(
        labels, (line, perfect), title, kind=_kind(section.y.format), height=240, x_title=headings[0],
        language=language, positions=predicted,
    )  # fmt: skip


def _lines(chart: drawn.Lines, title: str, language: Language) -> LineChart:
    labels = chart.labels or tuple(format_tick(x, chart.x_axis.format) for x in chart.x)
    series = []
    for tone, line in zip(TONES, chart.series, strict=False):
        band = Band(line.bands[0].low, line.bands[0].high) if line.bands else None
        last = next((v for v in reversed(line.values) if v is not None), None)
        end = f"{line.title} {format_figure(last, line.format, language)}".strip()
        series.append(Series(line.title, line.values, band, tone, end))
    return LineChart(
        [format_month(label, language) if _MONTH.fullmatch(label) else label for label in labels],
        series,
        title,
        kind=_kind(chart.y_axis.format),
        height=220,
        thresholds=[Threshold(value, text) for value, text in chart.thresholds],
        x_title=chart.x_axis.title,
        language=language,
        positions=[math.log10(x) for x in chart.x] if chart.log_x else chart.x,
    )


def _bars(chart: drawn.HorizontalBars, title: str, language: Language) -> list[Drawing]:
    """Return one chart; a second series is a tick across the bars, and three series are charts of their own."""
    first = chart.series[0]
    if len(chart.series) == 2:
        second = chart.series[1]
        return [Drawing("", _bar_chart(chart, first, title, language, compared=second), (first.title, second.title))]
    heads = [""] if len(chart.series) == 1 else [series.title for series in chart.series]
    return [
        Drawing(head, _bar_chart(chart, series, f"{title} {head}".strip(), language))
        for head, series in zip(heads, chart.series, strict=True)
    ]


def _bar_chart(
    chart: drawn.HorizontalBars,
    series: drawn.Series,
    title: str,
    language: Language,
    *,
    compared: drawn.Series | None = None,
) -> BarChart:
    groups = []
    for i, name in enumerate(chart.categories):
        value, band = series.values[i], series.bands[0] if series.bands else None
        text = format_figure(value, series.format, language) or "—"
        if compared is not None and compared.values[i] is not None:
            text += f" | {format_figure(compared.values[i], compared.format, language)}"
        groups.append(
            BarGroup(
                name,
                None if value is None else max(value, 0.0),
                text,
                None if band is None or band.low[i] is None else max(band.low[i] or 0.0, 0.0),
                None if band is None else band.high[i],
                None if compared is None else compared.values[i],
            )
        )
    return BarChart(groups, title, (title, series.title))


def _kind(format: Format) -> TickKind:
    return "percent" if format in _PERCENTS else "number"
