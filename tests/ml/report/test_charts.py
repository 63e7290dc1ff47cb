"""Charts of sections."""

from __future__ import annotations

import pytest

from ml.report.charts import MAX_BARS, MAX_FEATURES, HorizontalBars, Lines, chart_of, decades, ticks
from ml.report.sections import Bars, Feature, Importance, TimeSeries
from tests.ml.report.small_report import DRIFT, MONTH, NAME, SHARE, VALUE, sections, text

METRICS, GAINS, CALIBRATION, TABLE, BANDS, PRICES, MONTHS, IMPORTANCE, PARAGRAPH = sections()


def test_the_type_of_a_section_decides() -> None:
    assert [chart_of(s) for s in (METRICS, GAINS, TABLE, PARAGRAPH)] == [None] * 4
    assert chart_of(BANDS.model_copy(update={"rows": ()})) is None
    assert isinstance(chart_of(IMPORTANCE), HorizontalBars)


def test_calibration_has_one_scale_and_the_diagonal() -> None:
    chart = chart_of(CALIBRATION, "zh")
    assert isinstance(chart, Lines) and chart.diagonal == "完全校准"
    assert chart.extent() == (0.0, 0.3, 0.0, 0.3) and chart.x == (0.1, 0.3)
    assert chart.x_axis.title == "中文 share of rows"


def test_curves_have_bands_and_periods_have_thresholds() -> None:
    prices, months = chart_of(PRICES), chart_of(MONTHS)
    assert isinstance(prices, Lines) and prices.log_x and prices.labels is None
    assert prices.series[0].bands[0].high == (None, 0.3) and prices.extent() == (10_000.0, 120_000.0, 0.0, 0.3)
    assert isinstance(months, Lines) and months.thresholds == ((0.25, "act from 0.25"),)
    assert months.series[0].values == (0.05, None, 0.3)


def test_of_many_periods_a_few_are_labelled_the_last_among_them() -> None:
    rows = [{"month": str(i), "psi": 0.1} for i in range(31)]
    section = TimeSeries(name="t", title=text("T"), columns=(MONTH, DRIFT), y=SHARE, drawn=("psi",), rows=rows)
    chart = chart_of(section)
    assert isinstance(chart, Lines) and chart.shown_labels() == {float(i): str(i) for i in (0, 6, 12, 18, 24, 30)}


def test_of_many_groups_the_first_are_drawn() -> None:
    rows = [{"name": f"s{i}", "value": 0.1} for i in range(20)]
    bars = chart_of(Bars(name="b", title=text("B"), columns=(NAME, VALUE), y=SHARE, drawn=("value",), rows=rows))
    features = tuple(Feature(name=f"f{i}", importance=i) for i in range(20))
    strongest = chart_of(Importance(name="i", title=text("I"), x=SHARE, rows=features))
    pairs = [{"name": f"s{i}", "value": 0.1, "other": 0.2} for i in range(20)]
    other = VALUE.model_copy(update={"name": "other"})
    two = chart_of(
        Bars(name="b", title=text("B"), columns=(NAME, VALUE, other), y=SHARE, drawn=("value", "other"), rows=pairs)
    )
    assert isinstance(two, HorizontalBars) and len(two.categories) == MAX_BARS // 2
    assert isinstance(bars, HorizontalBars) and isinstance(strongest, HorizontalBars)
    assert bars.categories[-1] == f"s{MAX_BARS - 1}" and len(strongest.categories) == MAX_FEATURES


def test_ticks_are_round() -> None:
    assert ticks(-0.2, 0.3) == pytest.approx([-0.2, -0.1, 0.0, 0.1, 0.2, 0.3])
    assert ticks(0.0, 0.0) == [0.0] and decades(2.0, 150.0) == [10.0, 100.0]
