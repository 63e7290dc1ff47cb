"""A report with one section of each kind."""

from __future__ import annotations

from typing import Any

from ml.bilingual import Text
from ml.report.columns import Axis, Column, Interval
from ml.report.report import Report
from ml.report.sections import (
    Bars,
    Calibration,
    CalibrationBin,
    Curve,
    Feature,
    Gain,
    Gains,
    Importance,
    Metric,
    Metrics,
    Paragraph,
    Table,
    Threshold,
    TimeSeries,
)


def text(en: str) -> Text:
    return Text(zh=f"中文 {en}", en=en)


SHARE = Axis(title=text("share of rows"), format="share")
NAME = Column(name="name", title=text("band"))
VALUE = Column(name="value", title=text("bad rate"), format="share", intervals=(Interval(),))
MONTH = Column(name="month", title=text("month"))
DRIFT = Column(name="psi", title=text("PSI"), format="number", tracked=True)


def sections() -> list[Any]:
    """Return one section of each kind, the metrics first."""
    return [
        Metrics(
            name="metrics", title=text("Metrics"),
            rows=(
                Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5), Metric(name="covered", value=0.8),
            ),
        ),
        Gains(
            name="gains", title=text("Gain over the baseline"),
            rows=(Gain(metric="roc_auc", baseline="logistic regression", baseline_value=0.7, gain=0.05, low=0.01,
                       high=0.09),),
        ),
        Calibration(
            name="calibration", title=text("Calibration"), x=SHARE, y=SHARE, summary=text("close to the diagonal"),
            rows=(CalibrationBin(predicted=0.1, observed=0.2, rows=5), CalibrationBin(predicted=0.3, observed=0.25)),
        ),
        Table(
            name="rows", title=text("Rows"),
            columns=(NAME, Column(name="rows", title=text("rows"), format="count")),
            rows=({"name": "train", "rows": 1_200}, {"name": "澄舟X5", "rows": None}),
        ),
        Bars(
            name="bands", title=text("Bands"), columns=(NAME, VALUE), y=SHARE, drawn=("value",),
            rows=({"name": "approve", "value": 0.0125, "low": 0.01, "high": 0.02}, {"name": "decline"}),
        ),
        Curve(
            name="prices", title=text("Prices"), y=SHARE, drawn=("value",), log_x=True,
            columns=(Column(name="price", title=text("price"), unit=text("yuan"), format="amount"), VALUE),
            rows=({"price": 10_000.0, "value": 0.1}, {"price": 120_000.0, "value": 0.2, "low": 0.1, "high": 0.3}),
        ),
        TimeSeries(
            name="drift", title=text("Drift by month"), columns=(MONTH, DRIFT), drawn=("psi",),
            y=Axis(title=text("PSI"), format="number"),
            thresholds=(Threshold(value=0.25, title=text("act from 0.25")),),
            rows=({"month": "2024-01", "psi": 0.05}, {"month": "2024-02"}, {"month": "2024-03", "psi": 0.3}),
        ),
        Importance(
            name="importance", title=text("Importance"), x=Axis(title=text("contribution"), format="score"),
            rows=(Feature(name="income", importance=0.5), Feature(name="price", importance=0.25)),
        ),
        Paragraph(name="assumptions", title=text("Assumptions"), text=text("costs as shipped")),
    ]  # fmt: skip


def small_report(*parts: Any, notes: tuple[str, ...] = ("prices are old",)) -> Report:
    """Return a report of the given sections, or of one of each kind."""
    return Report(task="credit_risk", protocol="in time order", sections=parts or tuple(sections()), notes=notes)
