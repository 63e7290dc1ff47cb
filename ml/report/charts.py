"""Charts of sections as data, line charts and bar charts, which the SVG and PNG renderers draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ml.report.columns import INTERVAL, Column
from ml.report.formats import Format, Language
from ml.report.sections import Bars, Calibration, Curve, Importance, Rows, Section, TimeSeries

MAX_BARS = 16  # in a chart, over all series; the table shows all rows
MAX_FEATURES = 12
MAX_LABELS = 6  # on a horizontal axis
Values = tuple[float | None, ...]
_PERFECT = {"zh": "完全校准", "en": "perfect calibration"}


@dataclass(frozen=True)
class Band:
    """Lower and upper limits around a series, one value for each position; None is a gap."""

    low: Values
    high: Values


@dataclass(frozen=True)
class Series:
    """A line or the bars of one colour.

    Attributes
    ----------
    title : str
        Text in the legend.
    format : {'text', 'flag', 'count', 'number', 'score', 'share', 'amount', 'gain', 'change', 'points'}
        Format of the values, applied by `ml.report.formats.format_figure`.
    values : tuple of float or None
        One for each position or category; None is a gap.
    bands : tuple of Band
        Intervals around the values, the widest first.
    band_title : str
        Text in the legend for all bands.
    """

    title: str
    format: Format
    values: Values
    bands: tuple[Band, ...] = ()
    band_title: str = ""


@dataclass(frozen=True)
class ChartAxis:
    """Title of an axis with its unit, and the format of its numbers."""

    title: str
    format: Format


@dataclass(frozen=True)
class Lines:
    """A line chart, as returned by `chart_of`.

    Attributes
    ----------
    x : tuple of float
        Horizontal positions of the values.
    x_axis, y_axis : ChartAxis
        Titles and formats of the axes.
    series : tuple of Series
        Lines, with one value for each position.
    labels : tuple of str or None
        A label for each position; None if the axis shows the positions as numbers.
    thresholds : tuple of (float, str)
        Horizontal lines: value and title.
    diagonal : str
        Legend of the diagonal, such as "perfect calibration"; the empty text draws no diagonal.
    log_x : bool
        Whether the horizontal axis is logarithmic.

    Examples
    --------
    >>> line = Series("sales", "count", (10.0, 15.0, 12.0))
    >>> axis = ChartAxis("month", "text"), ChartAxis("sales", "count")
    >>> chart = Lines((0.0, 1.0, 2.0), *axis, (line,), labels=("2026-01", "2026-02", "2026-03"))
    >>> chart.extent(), chart.shown_labels()
    ((0.0, 2.0, 0.0, 15.0), {0.0: '2026-01', 1.0: '2026-02', 2.0: '2026-03'})
    """

    x: tuple[float, ...]
    x_axis: ChartAxis
    y_axis: ChartAxis
    series: tuple[Series, ...]
    labels: tuple[str, ...] | None = None
    thresholds: tuple[tuple[float, str], ...] = ()
    diagonal: str = ""
    log_x: bool = False

    def shown_labels(self) -> dict[float, str]:
        """Return at most 6 labels by position (a value of `x`); the last position always has one."""
        if self.labels is None or not self.x:
            return {}
        step = max(1, math.ceil((len(self.x) - 1) / (MAX_LABELS - 1)))
        places = [*range(len(self.x) - 1, -1, -step)]
        return {self.x[i]: self.labels[i] for i in sorted(places)}

    def extent(self) -> tuple[float, float, float, float]:
        """Return the ends of both axes as (x0, x1, y0, y1), in the units of the axes; the vertical axis includes 0."""
        bands = [v for s in self.series for b in s.bands for v in (*b.low, *b.high)]
        y = [v for v in (*(v for s in self.series for v in s.values), *bands) if v is not None]
        y += [value for value, _ in self.thresholds]
        low, high = min([0.0, *y]), max([*y, 0.0]) or 1.0
        x = self.x or (0.0,)
        if self.diagonal:
            high = max(high, *x)
            return low, high, low, high
        return min(x), max(x), low, high


@dataclass(frozen=True)
class HorizontalBars:
    """A bar chart, as returned by `chart_of`: one group of horizontal bars for each category, the first at the top.

    Attributes
    ----------
    categories : tuple of str
        Titles of the groups.
    series : tuple of Series
        One bar in each group, with one value for each category.
    axis : ChartAxis
        Title and format of the horizontal axis.
    """

    categories: tuple[str, ...]
    series: tuple[Series, ...]
    axis: ChartAxis


def chart_of(section: Section, language: Language = "en") -> Lines | HorizontalBars | None:
    """Return the chart of a section; None if the section has no rows, or its kind is shown as a table or text only.

    Parameters
    ----------
    section : Section
        Instance of a class of `ml.report.sections`, such as an element of `ml.report.report.Report.sections`.
    language : {'en', 'zh'}
        Language of titles and legends.

    Returns
    -------
    Lines, HorizontalBars or None
        Lines for `Calibration`, `Curve` and `TimeSeries`; bars for `Importance` (at most 12 features) and `Bars`.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.columns import axis
    >>> from ml.report.sections import Feature, Importance
    >>> section = Importance(
    ...     name="importance", title=Text(zh="重要性", en="Importance"), x=axis("贡献", "contribution", "score"),
    ...     rows=(Feature(name="income", importance=0.4), Feature(name="age", importance=0.1)),
    ... )
    >>> chart = chart_of(section)
    >>> chart.categories, chart.series[0].values, chart.axis.title
    (('income', 'age'), (0.4, 0.1), 'contribution')
    """
    if not section.table().rows:
        return None
    if isinstance(section, Calibration):
        x = tuple(b.predicted or 0.0 for b in section.rows)
        line = Series(section.y.label(language), section.y.format, tuple(b.observed for b in section.rows))
        x_axis, y_axis = (ChartAxis(a.label(language), a.format) for a in (section.x, section.y))
        return Lines(x, x_axis, y_axis, (line,), diagonal=_PERFECT[language])
    if isinstance(section, Importance):
        rows = section.rows[:MAX_FEATURES]
        axis = ChartAxis(section.x.label(language), section.x.format)
        series = Series(axis.title, axis.format, tuple(f.importance for f in rows))
        feature = section.table().columns[0]
        return HorizontalBars(tuple(feature.shown(f.name, language) for f in rows), (series,), axis)
    if isinstance(section, Bars):
        limit = MAX_BARS // len(section.drawn)
        title = section.columns[0]
        names = tuple(title.shown(row[title.name], language) for row in section.rows[:limit])
        bars = tuple(_series(section, c, language, limit=limit) for c in section.series())
        return HorizontalBars(names, bars, ChartAxis(section.y.label(language), section.y.format))
    if isinstance(section, Curve | TimeSeries):
        return _lines(section, language)
    return None


def _lines(section: Curve | TimeSeries, language: Language) -> Lines:
    first = section.columns[0]
    values = [row[first.name] for row in section.rows]
    series = tuple(_series(section, c, language) for c in section.series())
    x_axis, y_axis = (ChartAxis(a.label(language), a.format) for a in (first, section.y))
    if isinstance(section, Curve):
        return Lines(tuple(float(v or 0.0) for v in values), x_axis, y_axis, series, log_x=section.log_x)
    return Lines(
        tuple(map(float, range(len(values)))), x_axis, y_axis, series,
        labels=tuple(first.shown(v, language) for v in values),
        thresholds=tuple((t.value, getattr(t.title, language)) for t in section.thresholds),
    )  # fmt: skip


def _series(section: Rows, column: Column, language: Language, *, limit: int | None = None) -> Series:
    def values(key: str) -> Values:
        return tuple(None if (v := row[key]) is None else float(v) for row in section.rows[:limit])

    bands = tuple(Band(values(i.low), values(i.high)) for i in column.intervals)
    band_title = f"{', '.join(f'{i.level:.0%}' for i in column.intervals)} {INTERVAL[language]}" if bands else ""
    return Series(getattr(column.title, language), column.format, values(column.name), bands, band_title)


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return about `about` round numbers between `low` and `high`, for the ticks of an axis.

    Examples
    --------
    >>> ticks(0.0, 0.9), ticks(0.0, 96_000.0)
    ([0.0, 0.2, 0.4, 0.6, 0.8], [0.0, 20000.0, 40000.0, 60000.0, 80000.0])
    """
    rough = (high - low) / about if high > low else 1.0
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= 0.7 * rough)
    count = math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9)
    return [round(step * (math.ceil(low / step - 1e-9) + i), 12) for i in range(count + 1)]


def decades(low: float, high: float) -> Sequence[float]:
    """Return the powers of ten between `low` (above 0) and `high`, for the ticks of a logarithmic axis.

    Examples
    --------
    >>> decades(1.0, 2_500.0)
    [1.0, 10.0, 100.0, 1000.0]
    """
    return [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
