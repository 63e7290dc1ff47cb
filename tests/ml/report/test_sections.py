"""Sections: validation, tables and tracked figures."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ml.report.columns import Axis, Column, Interval
from ml.report.formats import format_figure, format_interval
from ml.report.report import Report
from ml.report.sections import Bars, Calibration, CalibrationBin, Metric, Metrics, Table
from tests.ml.report.small_report import NAME, SHARE, VALUE, sections, small_report, text


def test_every_kind_is_read_back_from_json() -> None:
    report = small_report()
    assert len({s.kind for s in report.sections}) == len(report.sections) == 9
    again = Report.model_validate(json.loads(json.dumps(report.as_dict(), allow_nan=False)))
    assert again == report
    assert [type(a) for a in again.sections] == [type(b) for b in report.sections]


CELL = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(width=64), st.text())
TITLE = st.builds(text, st.text(min_size=1))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.fixed_dictionaries({"name": CELL, "value": CELL, "low": CELL, "high": CELL})), TITLE, st.floats())
def test_any_figures_are_read_back_as_they_were(rows: list[dict[str, object]], title: object, value: float) -> None:
    metrics = Metrics(name="metrics", title=title, rows=(Metric(name="m", value=value),))
    bars = Bars(name="bars", title=title, columns=(NAME, VALUE), y=SHARE, drawn=("value",), rows=rows)
    bins = Calibration(name="bins", title=title, x=SHARE, y=SHARE, rows=(CalibrationBin(predicted=value, observed=0),))
    report = small_report(metrics, bars, bins)
    again = Report.model_validate(json.loads(json.dumps(report.as_dict(), allow_nan=False)))
    assert again == report
    cells = [[type(v) for v in row.values()] for row in report.rows("bars")]
    assert [[type(v) for v in row.values()] for row in again.rows("bars")] == cells


def test_what_is_not_finite_is_no_figure() -> None:
    assert Metric(name="m", value=float("nan"), low=float("inf")).value is None
    table = Table(name="t", title=text("T"), columns=(NAME,), rows=({"name": float("nan")},))
    assert table.rows == ({"name": None},)


def test_sections_refuse_columns_that_are_not_theirs() -> None:
    with pytest.raises(ValidationError, match="no column is named 'share'; the columns are name, value, low, high"):
        Table(name="t", title=text("T"), columns=(NAME, VALUE), rows=({"share": 1.0},))
    with pytest.raises(ValidationError, match="drawn: no column is named 'psi'"):
        Bars(name="b", title=text("B"), columns=(NAME, VALUE), y=SHARE, drawn=("psi",), rows=())
    with pytest.raises(ValidationError, match="two sections are named 'metrics'"):
        small_report(sections()[0], sections()[0])
    with pytest.raises(ValidationError, match="frozen"):
        sections()[0].name = "other"


def test_tables_of_sections_without_columns_of_their_own() -> None:
    metrics, gains, calibration = (s.table() for s in sections()[:3])
    assert metrics.rows[1] == {"name": "covered", "value": 0.8, "low": None, "high": None, "baseline": None}
    assert [c.name for c in gains.columns] == ["metric", "baseline", "baseline_value", "gain"]
    assert calibration.rows[1] == {"predicted": 0.3, "observed": 0.25, "rows": None}
    assert [c.format for c in calibration.columns] == ["share", "share", "count"]


def test_only_tracked_columns_and_metrics_are_logged() -> None:
    tracked = Column(name="rate", title=text("rate"), format="share", tracked=True)
    rows = ({"name": "approve", "rate": 0.5}, {"name": "decline", "rate": None})
    bands = Table(name="bands", title=text("Bands"), columns=(NAME, tracked), rows=rows)
    assert bands.tracked_figures() == {"approve.rate": 0.5}
    assert small_report().tracked_figures() == {
        "roc_auc": 0.75, "roc_auc.low": 0.7, "roc_auc.high": 0.8, "roc_auc.baseline": 0.5, "covered": 0.8,
        "psi/2024-01": 0.05, "psi/2024-03": 0.3,
    }  # fmt: skip


def test_labels_have_units_and_intervals_have_names_in_both_languages() -> None:
    cost = Axis(title=text("cost"), unit=text("yuan"), format="amount")
    assert (cost.label(), cost.label("zh")) == ("cost (yuan)", "中文 cost（中文 yuan）")
    assert (Interval(level=0.8).label(), Interval(level=0.8).label("zh")) == ("80% interval", "80% 区间")
    assert format_figure(1_234.5, "amount") == "1,234" and format_interval(0.1, 0.2, "share") == "10.0% – 20.0%"
