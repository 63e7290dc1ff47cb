"""Sections of a report: frozen figures that say what they are, in which unit, and how they are drawn.

Every section is a table (`table`), so that each figure of a chart can also be read; what else it is decides the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from features.yaml_config import Section as Frozen
from ml.bilingual import Text
from ml.report.columns import Axis, Column, Figure, Interval, Number, column

Row = Mapping[str, Figure]

_METRIC_COLUMNS = (
    column("name", "指标", "metric"),
    column("value", "数值", "value", "score", interval=Interval()),
    column("baseline", "基线", "baseline", "score"),
)
_GAIN_COLUMNS = (
    column("metric", "指标", "metric"),
    column("baseline", "基线", "baseline"),
    column("baseline_value", "基线数值", "value of the baseline", "score"),
    column("gain", "提升（正为更好）", "gain (above 0 is better)", "gain", interval=Interval()),
)


class _Section(Frozen):
    """What all sections have: a name that is unique in the report, a title, and the answer in one sentence."""

    name: str = Field(min_length=1)
    title: Text
    summary: Text | None = None

    def tracked_figures(self) -> dict[str, float]:
        """Return the figures that are logged with a version, by name."""
        return {}


class Rows(_Section):
    """Rows with typed columns; a key that a row lacks has no value.

    Attributes
    ----------
    columns : tuple of Column
        The first names the row.
    rows : tuple of mapping
        Column name, or end of an interval, to value.

    Examples
    --------
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
        """Return the section itself."""
        return self

    def tracked_figures(self) -> dict[str, float]:
        """Return the figures of tracked columns by `<row>.<column>`."""
        first = self.columns[0].name
        return {
            f"{row[first]}.{c.name}": float(value)
            for c in self.columns
            if c.tracked
            for row in self.rows
            if isinstance(value := row[c.name], int | float)
        }


class Table(Rows):
    """Rows that no chart shows."""

    kind: Literal["table"] = "table"


class _Drawn(Rows):
    """Rows of which some columns are drawn over the first.

    Attributes
    ----------
    y : Axis
        What the columns drawn have in common.
    drawn : tuple of str
        Names of these columns, three at most: the palette has so many colours that everybody can tell apart.
    """

    y: Axis
    drawn: tuple[str, ...] = Field(min_length=1, max_length=3)

    @model_validator(mode="after")
    def _are_columns(self) -> Self:
        if absent := set(self.drawn) - {c.name for c in self.columns}:
            raise ValueError(f"drawn: no column is named '{min(absent)}'")
        return self

    def series(self) -> list[Column]:
        """Return the columns drawn."""
        by_name = {c.name: c for c in self.columns}
        return [by_name[n] for n in self.drawn]


class Bars(_Drawn):
    """Columns drawn as bars, a group for each row, the first interval of a column as a whisker."""

    kind: Literal["bars"] = "bars"


class Curve(_Drawn):
    """Columns drawn as lines over the number in the first one, intervals as bands.

    Attributes
    ----------
    log_x : bool
        Whether the horizontal axis is logarithmic.
    """

    kind: Literal["curve"] = "curve"
    log_x: bool = False


class Threshold(Frozen):
    """A value at which something is to be done."""

    value: float
    title: Text


class TimeSeries(_Drawn):
    """Columns drawn as lines over the periods in the first one, intervals as bands.

    Attributes
    ----------
    thresholds : tuple of Threshold
        Horizontal lines.
    """

    kind: Literal["time_series"] = "time_series"
    thresholds: tuple[Threshold, ...] = ()

    def tracked_figures(self) -> dict[str, float]:
        """Return the figures of tracked columns by `<column>/<period>`."""
        parts = {tuple(key.rsplit(".", 1)): value for key, value in super().tracked_figures().items()}
        return {f"{column}/{period}": value for (period, column), value in parts.items()}


class Metric(Frozen):
    """A metric with its interval, and the same metric of the baseline prediction.

    Attributes
    ----------
    baseline : float or None
        None for a metric that reads more than the baseline predicts.
    """

    name: str
    value: Number
    low: Number = None
    high: Number = None
    baseline: Number = None


class Metrics(_Section):
    """How good the answers are, the metric that the gate compares first; 95 % intervals."""

    kind: Literal["metrics"] = "metrics"
    rows: tuple[Metric, ...]

    def table(self) -> Rows:
        """Return metric, value with interval, and the baseline's."""
        return _as_table(self, _METRIC_COLUMNS, self.rows)

    def tracked_figures(self) -> dict[str, float]:
        """Return each metric, its `.low` and `.high`, and the baseline's as `.baseline`."""
        figures = {
            f"{m.name}{end}": v
            for m in self.rows
            for end, v in (("", m.value), (".low", m.low), (".high", m.high), (".baseline", m.baseline))
        }
        return {name: value for name, value in figures.items() if value is not None}


class Gain(Frozen):
    """What a candidate gains over a baseline by one metric; above zero is better whatever the metric.

    Attributes
    ----------
    metric, baseline : str
        What is compared, and with what.
    baseline_value : float or None
        The metric of the baseline.
    gain, low, high : float
        Gain with its 95 % interval, on the same rows.
    """

    metric: str
    baseline: str
    baseline_value: Number = None
    gain: Number
    low: Number
    high: Number


class Gains(_Section):
    """What the candidate gains over baselines."""

    kind: Literal["gains"] = "gains"
    rows: tuple[Gain, ...]

    def table(self) -> Rows:
        """Return metric, baseline, its value, and the gain with its interval."""
        return _as_table(self, _GAIN_COLUMNS, self.rows)


class CalibrationBin(Frozen):
    """Rows with similar predictions: mean prediction and observed value."""

    predicted: Number
    observed: Number
    rows: int | None = None


class Calibration(_Section):
    """Predictions against outcomes, drawn beside the diagonal.

    Attributes
    ----------
    x, y : Axis
        The predicted and the observed quantity.
    rows : tuple of CalibrationBin
        From the lowest prediction to the highest.
    """

    kind: Literal["calibration"] = "calibration"
    x: Axis
    y: Axis
    rows: tuple[CalibrationBin, ...]

    def table(self) -> Rows:
        """Return predicted and observed value, and the number of rows, of each bin."""
        columns = [Column(name=n, **dict(axis)) for n, axis in (("predicted", self.x), ("observed", self.y))]
        if any(b.rows is not None for b in self.rows):
            columns.append(column("rows", "行数", "rows", "count"))
        rows = [{c.name: getattr(b, c.name) for c in columns} for b in self.rows]
        return Table(name=self.name, title=self.title, summary=self.summary, columns=tuple(columns), rows=tuple(rows))


class Feature(Frozen):
    """A feature and how much it moves the answer."""

    name: str
    importance: Number


class Importance(_Section):
    """How much each feature moves the answer, the strongest first."""

    kind: Literal["importance"] = "importance"
    x: Axis
    rows: tuple[Feature, ...]

    def table(self) -> Rows:
        """Return feature and importance."""
        columns = (column("name", "特征", "feature"), Column(name="importance", **dict(self.x)))
        return _as_table(self, columns, self.rows)


class Paragraph(_Section):
    """A text without figures of its own, such as what a table assumes."""

    kind: Literal["paragraph"] = "paragraph"
    text: str

    def table(self) -> Rows:
        """Return one cell."""
        columns = (Column(name="text", title=self.title),)
        return Table(name=self.name, title=self.title, columns=columns, rows=({"text": self.text},))


Section = Annotated[
    Metrics | Gains | Calibration | Table | Bars | Curve | TimeSeries | Importance | Paragraph,
    Field(discriminator="kind"),
]


def _as_table(section: _Section, columns: tuple[Column, ...], rows: tuple[Frozen, ...]) -> Rows:
    values = tuple(dict(row) for row in rows)
    return Table(name=section.name, title=section.title, summary=section.summary, columns=columns, rows=values)
