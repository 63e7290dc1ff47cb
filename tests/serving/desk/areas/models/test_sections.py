"""Sections of reports as charts and tables of the desk."""

from __future__ import annotations

from typing import Any

import pytest

from ml.bilingual import Text
from ml.report.columns import Interval, axis, column
from ml.report.report import Report
from ml.report.sections import (
    Bars,
    Calibration,
    CalibrationBin,
    Curve,
    Feature,
    Importance,
    Paragraph,
    Section,
    Table,
    Threshold,
    TimeSeries,
)
from serving.desk.areas.models.sections import SectionPart, section_parts
from serving.desk.charts import BarChart, CalibrationChart, LineChart

TITLE = Text(zh="标题", en="Title")
RATE = axis("比例", "rate", "share")


def part(section: Section, language: Any = "en") -> SectionPart:
    """Return the part of a report with one section."""
    (only,) = section_parts(Report(task="credit_risk", protocol="", sections=(section,)), language)
    return only


def bars(*drawn: str, rows: Any) -> Bars:
    """Return bars of some columns."""
    columns = (column("band", "档", "band"), *(column(n, "值", n, "share") for n in drawn))
    return Bars(name="bars", title=TITLE, columns=columns, y=RATE, drawn=drawn, rows=rows)


def test_one_series_of_bars_is_a_chart_whose_table_is_folded() -> None:
    """A missing value is a dash."""
    shown = part(bars("share", rows=({"band": "approve", "share": 0.5}, {"band": "refer"})))
    chart = shown.drawings[0].chart
    assert isinstance(chart, BarChart) and [g.text for g in chart.groups] == ["50.0%", "—"]
    assert shown.is_folded and shown.table is not None and not shown.is_wide


def test_two_series_of_bars_share_a_chart_with_a_tick() -> None:
    """Which is which is said."""
    drawing = part(bars("observed", "predicted", rows=({"band": "a", "observed": 0.1, "predicted": 0.2},))).drawings[0]
    assert drawing.compared == ("observed", "predicted") and isinstance(drawing.chart, BarChart)
    assert (drawing.chart.groups[0].value, drawing.chart.groups[0].compared) == (0.1, 0.2)
    assert drawing.chart.groups[0].text == "10.0% | 20.0%"


def test_three_series_of_bars_are_three_charts() -> None:
    """Each has the name of its series."""
    drawings = part(bars("a", "b", "c", rows=({"band": "x", "a": 0.1, "b": 0.2, "c": 0.3},))).drawings
    assert [d.heading for d in drawings] == ["a", "b", "c"]


def test_months_have_their_band_threshold_and_names() -> None:
    """A month is written as in the language."""
    rate = column("rate", "比例", "rate", "share", interval=Interval())
    section = TimeSeries(
        name="months",
        title=TITLE,
        columns=(column("month", "月份", "month"), rate),
        y=RATE,
        drawn=("rate",),
        rows=({"month": "2026-01", "rate": 0.2, "low": 0.1, "high": 0.3}, {"month": "2026-02", "rate": 0.4}),
        thresholds=(Threshold(value=0.35, title=Text(zh="上限", en="limit")),),
    )
    chart = part(section, "zh").drawings[0].chart
    assert isinstance(chart, LineChart) and list(chart.x) == ["2026 年 1 月", "2026 年 2 月"]
    assert chart.series[0].band is not None and chart.series[0].band.low == (0.1, None)
    assert (chart.thresholds[0].text, chart.series[0].end, chart.kind) == ("上限", "比例 40.0%", "percent")


def test_a_logarithmic_axis_places_points_by_their_logarithm() -> None:
    """10, 100 and 1000 are at equal distances."""
    columns = (column("rows", "行数", "rows", "count"), column("error", "误差", "error", "score"))
    rows = tuple({"rows": n, "error": 0.1} for n in (10, 100, 1000))
    section = Curve(
        name="c",
        title=TITLE,
        columns=columns,
        y=axis("误差", "error", "score"),
        drawn=("error",),
        rows=rows,
        log_x=True,
    )
    chart = part(section).drawings[0].chart
    assert isinstance(chart, LineChart) and chart.positions is not None
    assert [round(p, 6) for p in chart.positions] == [1.0, 2.0, 3.0] and list(chart.x) == ["10", "100", "1,000"]


@pytest.mark.parametrize(("shape", "kind"), [("share", CalibrationChart), ("amount", LineChart)])
def test_calibration_of_shares_and_of_amounts(shape: Any, kind: type) -> None:
    """Bins without rows are left out; amounts have the line of perfect calibration too."""
    scale = 1.0 if shape == "share" else 10_000.0
    points = ((0.1, 0.12), (0.2, None), (0.5, 0.4))
    rows = tuple(CalibrationBin(predicted=p * scale, observed=None if o is None else o * scale) for p, o in points)
    x, y = axis("预测", "predicted", shape), axis("实际", "observed", shape)
    chart = part(Calibration(name="c", title=TITLE, x=x, y=y, rows=rows)).drawings[0].chart
    assert isinstance(chart, kind)
    if isinstance(chart, LineChart):
        assert list(chart.series[0].values) == [1_200.0, 4_000.0] and list(chart.series[1].values) == [1_000.0, 5_000.0]
    assert "<svg" in str(chart)


def test_importance_has_the_names_of_features() -> None:
    """As people call them."""
    words = {"income": Text(zh="收入", en="income of a month")}
    section = Importance(name="i", title=TITLE, x=RATE, rows=(Feature(name="income", importance=0.4),), words=words)
    chart = part(section, "zh").drawings[0].chart
    assert isinstance(chart, BarChart) and chart.groups[0].name == "收入"


def test_long_and_wide_tables_are_folded_and_wide() -> None:
    """A short table stands open."""
    columns = tuple(column(n, n, n, "count") for n in "abcde")
    rows = tuple(dict.fromkeys("abcde", i) for i in range(9))
    long = part(Table(name="t", title=TITLE, columns=columns, rows=rows))
    short = part(Table(name="t", title=TITLE, columns=columns[:2], rows=(dict.fromkeys("ab", 1),)))
    assert (long.is_folded, long.is_wide, short.is_folded, short.is_wide) == (True, True, False, False)


def test_a_paragraph_is_text_and_a_section_without_rows_is_left_out() -> None:
    """Nothing stands empty on the page."""
    paragraph = Paragraph(name="p", title=TITLE, summary=TITLE, text=Text(zh="说明", en="Note"))
    empty = Table(name="t", title=TITLE, columns=(column("a", "a", "a"),), rows=())
    parts = section_parts(Report(task="credit_risk", protocol="", sections=(paragraph, empty)), "zh")
    assert [(p.name, p.text, p.summary, p.table) for p in parts] == [("p", "说明", "标题", None)]
