"""Sections of a report: figures with titles, units and formats.

Every section has a table (`table`), so each figure of a chart can be read as a number. The class of a section decides
its chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from features.yaml_config import Section as Frozen
from ml.bilingual import Text
from ml.report.columns import Axis, Column, Figure, Interval, Number, column
from ml.report.formats import Language

Row = Mapping[str, Figure]

_METRIC_COLUMNS = (
    column("name", "指标", "metric"),
    column("value", "数值", "value", "score", interval=Interval()),
    column("baseline", "基线", "baseline", "score"),
)
_GAIN_COLUMNS = (
    column("metric", "指标", "metric"),
    column("baseline", "基线", "baseline"),
    column("baseline_value", "基线数值", "value of baseline", "score"),
    column("gain", "提升（大于 0 为更好）", "gain (above 0 is better)", "gain", interval=Interval()),
)


class _Section(Frozen):
    """Base class: a name that is unique in the report, a title, and the result in one sentence."""

    name: str = Field(min_length=1)
    title: Text
    summary: Text | None = None

    def tracked_figures(self) -> dict[str, float]:
        """Return the figures that are logged as metrics of a model version, by name."""
        return {}


class Rows(_Section):
    """Section with typed columns, as returned by `table()` of every section; values that a row lacks are None.

    Attributes
    ----------
    columns : tuple of Column
        The first has the name of each row.
    rows : tuple of mapping
        Values by name of the column, and limits by `low` and `high` of its intervals.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import Column
    >>> name = Column(name="band", title=Text(zh="档", en="band"))
    >>> share = Column(name="share", title=Text(zh="占比", en="share"), format="share")
    >>> rows = [{"band": "approve", "share": 0.5}, {"band": "decline"}]
    >>> Table(name="bands", title=Text(zh="分档", en="Bands"), columns=(name, share), rows=rows).rows[1]
    {'band': 'decline', 'share': None}
    """

    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[Row, ...]

    @field_validator("rows")
    @classmethod
    def _complete(cls, rows: tuple[Row, ...], info: Any) -> tuple[Row, ...]:
        columns: tuple[Column, ...] = info.data.get("columns", ())
        keys = [k for c in columns for k in (c.name, *(e for i in c.intervals for e in (i.low, i.high)))]
        if columns and (unknown := {k for row in rows for k in row} - set(keys)):
            raise ValueError(f"no column is named '{min(unknown)}'; the columns are {', '.join(keys)}")
        return tuple({k: row.get(k) for k in keys} for row in rows)

    def table(self) -> Rows:
        """Return the section itself, which is a table."""
        return self

    def tracked_figures(self) -> dict[str, float]:
        """Return the values of tracked columns by `<row>.<column>`, where `<row>` is the value of the first column."""
        first = self.columns[0].name
        return {
            f"{row[first]}.{c.name}": float(value)
            for c in self.columns
            if c.tracked
            for row in self.rows
            if isinstance(value := row[c.name], int | float)
        }


class Table(Rows):
    """Section that is shown as a table, without a chart.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import column
    >>> columns = (column("band", "档", "band"), column("share", "占比", "share", "share", tracked=True))
    >>> rows = [{"band": "approve", "share": 0.5}]
    >>> Table(name="bands", title=Text(zh="分档", en="Bands"), columns=columns, rows=rows).tracked_figures()
    {'approve.share': 0.5}
    """

    kind: Literal["table"] = "table"


class _Drawn(Rows):
    """Section with a chart of some columns over the first one.

    Attributes
    ----------
    y : Axis
        Title, unit and format of the vertical axis (of bars: the horizontal one).
    drawn : tuple of str
        Names of the columns in the chart, at most three: the palette has three colours that all readers can tell apart.
    """

    y: Axis
    drawn: tuple[str, ...] = Field(min_length=1, max_length=3)

    @model_validator(mode="after")
    def _are_columns(self) -> Self:
        if absent := set(self.drawn) - {c.name for c in self.columns}:
            raise ValueError(f"drawn: no column is named '{min(absent)}'")
        return self

    def series(self) -> list[Column]:
        """Return the columns in the chart, in the order of `drawn`."""
        by_name = {c.name: c for c in self.columns}
        return [by_name[n] for n in self.drawn]


class Bars(_Drawn):
    """Section with a bar chart: one group of bars for each row, and the first interval of a column as an error bar.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import axis, column
    >>> columns = (column("model", "模型", "model"), column("error", "误差", "error", "score"))
    >>> bars = Bars(
    ...     name="errors", title=Text(zh="误差", en="Errors"), columns=columns, y=axis("误差", "error", "score"),
    ...     drawn=("error",), rows=[{"model": "trees", "error": 0.12}],
    ... )
    >>> [c.name for c in bars.series()]
    ['error']
    """

    kind: Literal["bars"] = "bars"


class Curve(_Drawn):
    """Section with a line chart over the number in the first column; intervals are bands.

    Attributes
    ----------
    log_x : bool
        Whether the horizontal axis is logarithmic.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import axis, column
    >>> columns = (column("rows", "行数", "rows", "count"), column("error", "误差", "error", "score"))
    >>> curve = Curve(
    ...     name="learning", title=Text(zh="学习曲线", en="Learning curve"), columns=columns,
    ...     y=axis("误差", "error", "score"), drawn=("error",),
    ...     rows=[{"rows": 1_000, "error": 0.2}, {"rows": 2_000, "error": 0.1}],
    ... )
    >>> curve.rows[1]
    {'rows': 2000, 'error': 0.1}
    """

    kind: Literal["curve"] = "curve"
    log_x: bool = False


class Threshold(Frozen):
    """A horizontal line at a value that calls for action, in the unit of the vertical axis, with its title."""

    value: float
    title: Text


class TimeSeries(_Drawn):
    """Section with a line chart over the periods in the first column; intervals are bands.

    Attributes
    ----------
    thresholds : tuple of Threshold
        Horizontal lines in the chart.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import axis, column
    >>> columns = (column("month", "月份", "month"), column("rate", "成交率", "rate", "share", tracked=True))
    >>> series = TimeSeries(
    ...     name="months", title=Text(zh="按月", en="By month"), columns=columns, y=axis("成交率", "rate", "share"),
    ...     drawn=("rate",), rows=[{"month": "2026-01", "rate": 0.2}],
    ... )
    >>> series.tracked_figures()
    {'rate/2026-01': 0.2}
    """

    kind: Literal["time_series"] = "time_series"
    thresholds: tuple[Threshold, ...] = ()

    def tracked_figures(self) -> dict[str, float]:
        """Return the values of tracked columns by `<column>/<period>`, such as `rate/2026-01`."""
        parts = {tuple(key.rsplit(".", 1)): value for key, value in super().tracked_figures().items()}
        return {f"{column}/{period}": value for (period, column), value in parts.items()}


class Metric(Frozen):
    """A metric with its interval and its value for the baseline.

    Attributes
    ----------
    name : str
        Name of the metric, such as "roc_auc".
    value : float or None
        Value on the hold-out rows.
    low, high : float or None
        Limits of the 95 % interval.
    baseline : float or None
        Value for the baseline; None if the metric reads columns that the baseline does not predict.
    """

    name: str
    value: Number
    low: Number = None
    high: Number = None
    baseline: Number = None


class Metrics(_Section):
    """Metrics on the hold-out rows with 95 % intervals, the primary metric first.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> metric = Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5)
    >>> section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
    >>> section.table().rows[0]
    {'name': 'roc_auc', 'value': 0.75, 'low': 0.7, 'high': 0.8, 'baseline': 0.5}
    """

    kind: Literal["metrics"] = "metrics"
    rows: tuple[Metric, ...]

    def table(self) -> Rows:
        """Return one row for each metric: `name`, `value`, `low`, `high` and `baseline`, in the unit of the metric."""
        return _as_table(self, _METRIC_COLUMNS, self.rows)

    def tracked_figures(self) -> dict[str, float]:
        """Return each metric as `<name>`, `<name>.low`, `<name>.high` and `<name>.baseline`."""
        figures = {
            f"{m.name}{end}": v
            for m in self.rows
            for end, v in (("", m.value), (".low", m.low), (".high", m.high), (".baseline", m.baseline))
        }
        return {name: value for name, value in figures.items() if value is not None}


class Gain(Frozen):
    """Gain of a candidate over a baseline in one metric; above 0 is better, also for metrics where lower is better.

    Attributes
    ----------
    metric, baseline : str
        Names of the metric and of the baseline.
    baseline_value : float or None
        Value of the metric for the baseline.
    gain, low, high : float
        Gain on the same rows and its 95 % interval.
    """

    metric: str
    baseline: str
    baseline_value: Number = None
    gain: Number
    low: Number
    high: Number


class Gains(_Section):
    """Gains of the candidate over baselines; `words` has the names of the baselines as shown to people.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> gain = Gain(metric="roc_auc", baseline="champion", baseline_value=0.7, gain=0.05, low=0.01, high=0.09)
    >>> section = Gains(name="gains", title=Text(zh="提升", en="Gains"), rows=(gain,))
    >>> section.table().rows[0]["gain"]
    0.05
    """

    kind: Literal["gains"] = "gains"
    rows: tuple[Gain, ...]
    words: Mapping[str, Text] = Field(default_factory=dict)

    def table(self) -> Rows:
        """Return one row for each gain: `metric`, `baseline`, `baseline_value`, `gain`, `low` and `high`."""
        return _as_table(self, _GAIN_COLUMNS, self.rows)


class CalibrationBin(Frozen):
    """A bin of rows with similar predictions: mean prediction, mean outcome and number of rows."""

    predicted: Number
    observed: Number
    rows: int | None = None


class Calibration(_Section):
    """Reliability diagram: mean outcome (axis `y`) over mean prediction (axis `x`) by bin, with the diagonal.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import axis
    >>> section = Calibration(
    ...     name="calibration", title=Text(zh="校准", en="Calibration"), x=axis("预测概率", "predicted", "share"),
    ...     y=axis("实际比例", "observed", "share"), rows=(CalibrationBin(predicted=0.1, observed=0.12, rows=500),),
    ... )
    >>> section.table().rows[0]
    {'predicted': 0.1, 'observed': 0.12, 'rows': 500}
    """

    kind: Literal["calibration"] = "calibration"
    x: Axis
    y: Axis
    rows: tuple[CalibrationBin, ...]

    def table(self) -> Rows:
        """Return one row for each bin: `predicted` and `observed` in the units of `x` and `y`, and number of `rows`."""
        columns = [Column(name=n, **dict(axis)) for n, axis in (("predicted", self.x), ("observed", self.y))]
        if any(b.rows is not None for b in self.rows):
            columns.append(column("rows", "行数", "rows", "count"))
        rows = [{c.name: getattr(b, c.name) for c in columns} for b in self.rows]
        return Table(name=self.name, title=self.title, summary=self.summary, columns=tuple(columns), rows=tuple(rows))


class Feature(Frozen):
    """A feature and its importance, in the unit of `Importance.x`."""

    name: str
    importance: Number


class Importance(_Section):
    """Importance of the features, the highest first.

    `x` has the definition of the importance with its unit, `words` the names of the features as shown to people.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import axis
    >>> section = Importance(
    ...     name="importance", title=Text(zh="重要性", en="Importance"), x=axis("贡献", "contribution", "score"),
    ...     rows=(Feature(name="income", importance=0.4),),
    ... )
    >>> section.table().rows[0]
    {'name': 'income', 'importance': 0.4}
    """

    kind: Literal["importance"] = "importance"
    x: Axis
    rows: tuple[Feature, ...]
    words: Mapping[str, Text] = Field(default_factory=dict)

    def table(self) -> Rows:
        """Return one row for each feature: `name` and `importance`, in the unit of `x`."""
        columns = (column("name", "特征", "feature", words=self.words), Column(name="importance", **dict(self.x)))
        return _as_table(self, columns, self.rows)


class Paragraph(_Section):
    """Section with a text in both languages, or in one, such as the assumptions of a table.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> sales = Text(zh="2025 年的销量。", en="Sales of 2025.")
    >>> Paragraph(name="scope", title=Text(zh="范围", en="Scope"), text=sales).table().rows
    ({'text': 'Sales of 2025.'},)
    """

    kind: Literal["paragraph"] = "paragraph"
    text: Text | str

    def shown(self, language: Language = "en") -> str:
        """Return the text in a language; a text that exists in one language only is returned as it is."""
        return self.text if isinstance(self.text, str) else str(getattr(self.text, language))

    def table(self) -> Rows:
        """Return a table with one row and one column, `text`, in English."""
        columns = (Column(name="text", title=self.title),)
        return Table(name=self.name, title=self.title, columns=columns, rows=({"text": self.shown()},))


Section = Annotated[
    Metrics | Gains | Calibration | Table | Bars | Curve | TimeSeries | Importance | Paragraph,
    Field(discriminator="kind"),
]


def _as_table(section: _Section, columns: tuple[Column, ...], rows: tuple[Frozen, ...]) -> Rows:
    values = tuple(dict(row) for row in rows)
    return Table(name=section.name, title=section.title, summary=section.summary, columns=columns, rows=values)
