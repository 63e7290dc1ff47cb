"""SVG renderer: positions are percentages of the width, so a chart stretches and its text keeps its size."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from itertools import groupby

from ml.report.charts import Band, HorizontalBars, Lines, Series, Values, decades, ticks
from ml.report.formats import Language, format_figure, format_tick
from ml.report.style import BAD, BAND_OPACITY, CONTROL, DASHES, INK, LINE, SERIES

HEIGHT, TOP, BOTTOM = 240, 18, 42  # px: height of a line chart, and its margins
LEFT, RIGHT = 10.0, 97.0  # % of the width: ends of the horizontal axis
BAR, GAP = 16, 10  # px: height of a bar, and distance between groups
BAR_X0, BAR_X1 = 34.0, 84.0  # % of the width: where bars begin and end
MAX_MARKERS = 24
Scale = Callable[[float], float]


def svg_of(chart: Lines | HorizontalBars, description: str, language: Language = "en") -> str:
    """Return a chart as an `svg` element.

    Parameters
    ----------
    chart : Lines or HorizontalBars
        As returned by `ml.report.charts.chart_of`.
    description : str
        One sentence for screen readers.
    language : {'en', 'zh'}
        Language of the values at the bars.

    Examples
    --------
    >>> from ml.report.charts import ChartAxis, HorizontalBars, Series
    >>> chart = HorizontalBars(("income",), (Series("share", "share", (0.4,)),), ChartAxis("share", "share"))
    >>> svg_of(chart, "Share by feature")[:53]
    '<svg class="chart" width="100%" height="44" role="img'
    """
    body, height = _lines(chart) if isinstance(chart, Lines) else _bars(chart, language)
    head = f'<svg class="chart" width="100%" height="{height}" role="img" aria-label="{escape(description)}">'
    return f"{head}{''.join(body)}</svg>"


def legend(chart: Lines | HorizontalBars) -> str:
    """Return the legend of a chart as HTML, a `p` element; the empty text if it has one entry only.

    Parameters
    ----------
    chart : Lines or HorizontalBars
        As returned by `ml.report.charts.chart_of`.

    Examples
    --------
    >>> from ml.report.charts import ChartAxis, HorizontalBars, Series
    >>> legend(HorizontalBars(("income",), (Series("share", "share", (0.4,)),), ChartAxis("share", "share")))
    ''
    """
    marks = [(s.title, SERIES[i % len(SERIES)]) for i, s in enumerate(chart.series)]
    items = [_key(title, f'<line x1="0" x2="18" y1="5" y2="5" stroke="{c}" stroke-width="3"/>') for title, c in marks]
    for i, series in enumerate(chart.series):
        if series.bands:
            swatch = f'<rect width="18" height="10" fill="{SERIES[i % len(SERIES)]}" fill-opacity="{BAND_OPACITY}"/>'
            whisker = f'<line x1="0" x2="18" y1="5" y2="5" stroke="{INK}" stroke-width="2"/>'
            items.append(_key(series.band_title, swatch if isinstance(chart, Lines) else whisker))
    if isinstance(chart, Lines):
        for i, (_, title) in enumerate(chart.thresholds):
            items.append(_key(title, f'<line x1="0" x2="18" y1="5" y2="5" stroke="{BAD}" stroke-width="2"{_dash(i)}/>'))
        if chart.diagonal:
            items.append(
                _key(chart.diagonal, f'<line x1="0" x2="18" y1="5" y2="5" stroke="{CONTROL}" stroke-dasharray="2 3"/>')
            )
    return f'<p class="legend">{"".join(items)}</p>' if len(items) > 1 else ""


def _key(title: str, mark: str) -> str:
    return f'<span><svg aria-hidden="true">{mark}</svg>{escape(title)}</span>'


def _dash(i: int) -> str:
    return f' stroke-dasharray="{" ".join(map(str, DASHES[i % len(DASHES)]))}"'


def _text(x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.2f}%" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _lines(chart: Lines) -> tuple[list[str], int]:
    x0, x1, y0, y1 = chart.extent()
    inner = HEIGHT - TOP - BOTTOM
    scale_x: Scale = math.log10 if chart.log_x else float

    def place_y(value: float) -> float:
        return 100 - 100 * (value - y0) / ((y1 - y0) or 1.0)

    def place_x(value: float) -> float:
        return 100 * (scale_x(value) - scale_x(x0)) / ((scale_x(x1) - scale_x(x0)) or 1.0)

    def px(value: float) -> float:
        return TOP + inner * place_y(value) / 100

    def percent(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * place_x(value) / 100

    out = [_text(LEFT, 10, chart.y_axis.title, "start")]
    for tick in ticks(y0, y1):
        out.append(f'<line x1="{LEFT}%" x2="{RIGHT}%" y1="{px(tick):.1f}" y2="{px(tick):.1f}" stroke="{LINE}"/>')
        out.append(_text(LEFT - 1, px(tick) + 4, format_tick(tick, chart.y_axis.format), "end"))
    for place, label in _x_labels(chart, x0, x1).items():
        anchor = "start" if percent(place) < LEFT + 3 else "end" if percent(place) > RIGHT - 3 else "middle"
        out.append(_text(percent(place), HEIGHT - BOTTOM + 16, label, anchor))
    out.append(_text((LEFT + RIGHT) / 2, HEIGHT - 6, chart.x_axis.title))
    stretch = [_area(chart.x, b, i, place_x, place_y) for i, s in enumerate(chart.series) for b in s.bands]
    if chart.diagonal:
        ends = f"M{place_x(x0):.2f} {place_y(y0):.2f} L{place_x(x1):.2f} {place_y(x1):.2f}"
        stretch.append(_path(ends, CONTROL, ' stroke-dasharray="2 3"'))
    for i, (value, _) in enumerate(chart.thresholds):
        stretch.append(_path(f"M0 {place_y(value):.2f} H100", BAD, f' stroke-width="1.5"{_dash(i)}'))
    for i, s in enumerate(chart.series):
        stretch.append(
            _path(_points(chart.x, s.values, place_x, place_y), SERIES[i % len(SERIES)], ' stroke-width="2"')
        )
    box = f'x="{LEFT}%" y="{TOP}" width="{RIGHT - LEFT}%" height="{inner}"'
    box += ' viewBox="0 0 100 100" preserveAspectRatio="none" overflow="visible"'
    out.append(f"<svg {box}>{''.join(stretch)}</svg>")
    if len(chart.x) <= MAX_MARKERS:
        out += [
            f'<circle cx="{percent(x):.2f}%" cy="{px(y):.1f}" r="3" fill="{SERIES[i % len(SERIES)]}"/>'
            for i, s in enumerate(chart.series)
            for x, y in zip(chart.x, s.values, strict=True)
            if y is not None
        ]
    return out, HEIGHT


def _x_labels(chart: Lines, x0: float, x1: float) -> dict[float, str]:
    if chart.labels is not None:
        return chart.shown_labels()
    return {t: format_tick(t, chart.x_axis.format) for t in (decades(x0, x1) if chart.log_x else ticks(x0, x1))}


def _path(data: str, colour: str, more: str) -> str:
    return f'<path d="{data}" fill="none" stroke="{colour}"{more} vector-effect="non-scaling-stroke"/>'


def _points(x: tuple[float, ...], values: Values, place_x: Scale, place_y: Scale) -> str:
    """Return the path of a series, with a gap at each missing value."""
    pairs = zip(x, values, strict=True)
    runs = [list(run) for has_value, run in groupby(pairs, key=lambda p: p[1] is not None) if has_value]
    return " ".join(
        "M" + " L".join(f"{place_x(a):.2f} {place_y(b):.2f}" for a, b in run if b is not None) for run in runs
    )


def _area(x: tuple[float, ...], band: Band, i: int, place_x: Scale, place_y: Scale) -> str:
    limits = [(a, low, high) for a, low, high in zip(x, band.low, band.high, strict=True) if None not in (low, high)]
    upper = [f"{place_x(a):.2f} {place_y(high or 0.0):.2f}" for a, _, high in limits]
    lower = [f"{place_x(a):.2f} {place_y(low or 0.0):.2f}" for a, low, _ in reversed(limits)]
    fill = f'fill="{SERIES[i % len(SERIES)]}" fill-opacity="{BAND_OPACITY}"'
    return f'<polygon points="{" ".join([*upper, *lower])}" {fill}/>'


def _bars(chart: HorizontalBars, language: Language) -> tuple[list[str], int]:
    high = max([v for s in chart.series for v in (*s.values, *_ends(s)) if v is not None and v > 0] or [1.0])
    width = BAR_X1 - BAR_X0
    group = BAR * len(chart.series) + GAP
    out: list[str] = []
    for k, category in enumerate(chart.categories):
        top = k * group
        out.append(_text(BAR_X0 - 1.5, top + (group - GAP) / 2 + 4, category, "end", f' fill="{INK}"'))
        for i, series in enumerate(chart.series):
            value, y = series.values[k], top + i * BAR
            length = width * max(value or 0.0, 0.0) / high
            colour = SERIES[i % len(SERIES)]
            out.append(f'<rect x="{BAR_X0}%" y="{y + 2}" width="{length:.2f}%" height="{BAR - 4}" fill="{colour}"/>')
            end = length
            for band in series.bands[:1]:
                low, up = (width * max(v[k] or 0.0, 0.0) / high for v in (band.low, band.high))
                out.append(
                    f'<line x1="{BAR_X0 + low:.2f}%" x2="{BAR_X0 + up:.2f}%" y1="{y + BAR / 2}" y2="{y + BAR / 2}" '
                    f'stroke="{INK}" stroke-width="2"/>'
                )
                end = max(end, up)
            label = "–" if value is None else format_figure(value, series.format, language)
            out.append(_text(BAR_X0 + end + 1, y + BAR / 2 + 4, label, "start"))
    height = group * len(chart.categories)
    out.append(_text((BAR_X0 + BAR_X1) / 2, height + 12, chart.axis.title))
    return out, height + 18


def _ends(series: Series) -> Values:
    return series.bands[0].high if series.bands else ()
