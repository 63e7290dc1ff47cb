"""Line charts over time or over a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise
from typing import Literal

from serving.desk.charts.axes import Scale, TickKind, log_ticks, round_ticks, tick_labels
from serving.desk.charts.drawing import (
    NARROWEST,
    Chart,
    Figures,
    anchor_at,
    element,
    path,
    percent,
    spread_labels,
    text_width,
    words,
)  # fmt: skip
from serving.desk.formats import format_money_wan, format_number, format_percent

LineTone = Literal["accent", "good", "bad", "none"]
TOP, FOOT, GAP = 18, 24, 15  # px: room for a label above and for labels below; distance of two labels
Values = Sequence[float | None]


@dataclass(frozen=True)
class Band:
    """Interval around a line, one value for each position; None is a gap."""

    low: Values
    high: Values


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes
    ----------
    name : str
        Written at its end, with the value if `end` is empty, such as "预审通过".
    values : sequence of float or None
        One for each position; None is a gap.
    band : Band or None
        Interval.
    tone : {'accent', 'good', 'bad', 'none'}
        Colour; at most two beside grey.
    end : str
        Words at the end of the line in place of name and value; a hyphen writes none.
    dashed : bool
        Whether the line is dashed, such as a forecast.
    """

    name: str
    values: Values
    band: Band | None = None
    tone: LineTone = "accent"
    end: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Threshold:
    """A horizontal line with its meaning, such as "alarm from 20 to 1"."""

    value: float
    text: str
    tone: LineTone = "bad"


@dataclass(frozen=True)
class Mark:
    """A dot on the first line with words, such as an event.

    Attributes
    ----------
    position : int
        Index among the positions.
    text : str
        Words beside the dot.
    tone : {'accent', 'good', 'bad', 'none'}
        Colour.
    """

    position: int
    text: str
    tone: LineTone = "none"


@dataclass(frozen=True)
class LineChart(Chart):
    """Lines with bands, thresholds and marks; labels stand at the lines, there is no legend and no second axis.

    Attributes
    ----------
    x : sequence of str
        Label of each position; those that would overlap are left out, the last stays.
    series : sequence of Series
        Lines.
    label : str
        Sentence for screen readers that says what the chart shows.
    kind : {'number', 'percent', 'money'}
        Of the vertical axis.
    height : int
        In px, labels included.
    log : bool
        Logarithmic vertical axis; values at or below 0 are gaps.
    from_zero : bool
        Whether the vertical axis includes 0.
    thresholds : sequence of Threshold
        Horizontal lines.
    marks : sequence of Mark
        Events.
    x_title : str
        Heading of the positions in the table of figures.
    language : {'zh', 'en'}
        Language of money on the axis.
    positions : sequence of float or None
        Where the positions lie; None: at equal distances.

    Examples
    --------
    >>> chart = LineChart(("May", "June"), (Series("sold", (10.0, 15.0)),), "Sales rose from 10 to 15.")
    >>> html = chart.__html__()
    >>> 'class="line" d="M0 33.33L100 0"' in html, ">sold 15<" in html
    (True, True)
    >>> chart.figures().rows
    (('May', '10'), ('June', '15'))
    """

    x: Sequence[str]
    series: Sequence[Series]
    label: str
    kind: TickKind = "number"
    height: int = 200
    log: bool = False
    from_zero: bool = True
    thresholds: Sequence[Threshold] = ()
    marks: Sequence[Mark] = ()
    x_title: str = ""
    language: Literal["zh", "en"] = "zh"
    positions: Sequence[float] | None = None

    def __html__(self) -> str:
        """Return the HTML of the chart; nothing without values."""
        values = self._all_values()
        if not values:
            return ""
        low, high = min(values), max(values)
        if not self.log and self.from_zero:
            low, high = min(low, 0.0), max(high, 0.0)
        ticks = log_ticks(low, high) if self.log else round_ticks(low, high)
        texts = tick_labels(ticks, self.kind, self.language)
        scale = Scale(ticks[0], ticks[-1], log=self.log)
        places = self._places()
        width = max(text_width(t) for t in texts)
        axis = "".join(words(t, width, self._y(scale, v) + 4, anchor="end") for v, t in zip(ticks, texts, strict=True))
        parts = [
            element("line", class_="gridline", x1=0, x2="100%", y1=self._y(scale, v), y2=self._y(scale, v))
            for v in ticks
        ]
        parts += [self._stretched(scale, places), *self._x_labels(places), *self._words(scale, places)]
        return plot(self.label, axis, "".join(parts), width, self.height)

    def figures(self) -> Figures:
        """Return the values as a table."""
        digits = 2 if self.kind == "number" and any(0 < abs(v) < 10 and v % 1 for v in self._all_values()) else 0

        def written(value: float | None) -> str:
            return format_percent(value, 1) if self.kind == "percent" else format_number(value, digits)

        rows = [(x, *(written(s.values[i]) for s in self.series)) for i, x in enumerate(self.x)]
        return Figures((self.x_title, *(s.name for s in self.series)), tuple(rows))

    def _written(self, value: float) -> str:
        if self.kind == "money":
            return format_money_wan(value, self.language)
        return (
            format_percent(value)
            if self.kind == "percent"
            else format_number(value, 0 if abs(value) >= 10 or value % 1 == 0 else 1)
        )

    def _all_values(self) -> list[float]:
        bands = [v for s in self.series if s.band for v in (*s.band.low, *s.band.high)]
        values = [v for v in (*(v for s in self.series for v in s.values), *bands) if v is not None]
        if not values:
            return []
        return [v for v in (*values, *(t.value for t in self.thresholds)) if v > 0 or not self.log]

    def _places(self) -> list[float]:
        at = list(self.positions) if self.positions is not None else [float(i) for i in range(len(self.x))]
        scale = Scale(at[0], at[-1])
        return [scale.place(p) for p in at]

    def _y(self, scale: Scale, value: float) -> float:
        return TOP + (self.height - TOP - FOOT) * (1 - scale.place(value))

    def _stretched(self, scale: Scale, places: Sequence[float]) -> str:
        """Return lines and bands in an inner coordinate system of 100 by 100, which stretches to the width."""
        parts = []
        for s in self.series:
            if s.band:
                parts += [
                    element("path", class_=f"band{_tone(s.tone)}", d=_area(run))
                    for run in self._band_runs(scale, places, s.band)
                ]
        for s in self.series:
            runs = [path((100 * x, y) for x, y in run) for run in self._runs(scale, places, s.values)]
            class_ = f"line{_tone(s.tone)}{' dashed' if s.dashed else ''}"
            parts += [element("path", class_=class_, d=d) for d in runs if "L" in d]
        for t in self.thresholds:
            y = 100 * (1 - scale.place(t.value))
            parts.append(element("path", class_=f"line{_tone(t.tone)} dashed", d=path([(0, y), (100, y)])))
        return stretch("".join(parts), self.height)

    def _runs(self, scale: Scale, places: Sequence[float], values: Values) -> list[list[tuple[float, float]]]:
        points = [(x, v) for x, v in zip(places, values, strict=True)]
        return [
            [(x, 100 * (1 - scale.place(v))) for x, v in run if v is not None]
            for drawn, run in groupby(points, key=lambda p: p[1] is not None and (p[1] > 0 or not self.log))
            if drawn
        ]

    def _band_runs(self, scale: Scale, places: Sequence[float], band: Band) -> list[list[tuple[float, float, float]]]:
        points = list(zip(places, band.low, band.high, strict=True))
        return [
            [
                (100 * x, 100 * (1 - scale.place(a)), 100 * (1 - scale.place(b)))
                for x, a, b in run
                if a is not None and b is not None
            ]
            for drawn, run in groupby(points, key=lambda p: p[1] is not None and p[2] is not None)
            if drawn
        ]

    def _x_labels(self, places: Sequence[float]) -> list[str]:
        shown = spread_labels(places, self.x)
        y = self.height - FOOT + 18
        return [words(self.x[i], percent(places[i]), y, anchor=anchor_at(places[i], self.x[i])) for i in shown]

    def _words(self, scale: Scale, places: Sequence[float]) -> list[str]:
        """Return dots, and labels that keep clear of each other and of the lines at the narrowest width."""
        lines = [
            (x * NARROWEST, self._y(scale, v))
            for s in self.series
            for x, v in _dense(places, s.values)
            if v > 0 or not self.log
        ]
        labels = LabelPlaces(lines, self.height - FOOT)
        parts = [labels.write(t.text, 0.0, self._y(scale, t.value), t.tone, near=5) for t in self.thresholds]
        for m in self.marks:
            value = self.series[0].values[m.position] if self.series else None
            if value is not None and (value > 0 or not self.log):
                y = self._y(scale, value)
                parts.append(
                    element("circle", class_=f"dot{_tone(m.tone)}", cx=percent(places[m.position]), cy=y, r=4.5)
                )
                parts.append(labels.write(m.text, places[m.position], y, m.tone))
        for s in self.series:
            last = next((i for i in range(len(places) - 1, -1, -1) if s.values[i] is not None), None)
            if last is None or s.values[last] is None:
                continue
            value = s.values[last] or 0.0
            y = self._y(scale, value)
            parts.append(element("circle", class_=f"dot{_tone(s.tone)}", cx=percent(places[last]), cy=y, r=4))
            if s.end != "-":
                parts.append(labels.write(s.end or f"{s.name} {self._written(value)}".strip(), places[last], y, s.tone))
        return parts


def _tone(tone: LineTone) -> str:
    return "" if tone == "accent" else f" {tone}"


def _area(run: Sequence[tuple[float, float, float]]) -> str:
    return path([*((x, high) for x, _, high in run), *((x, low) for x, low, _ in reversed(run))], close=True)


def _dense(places: Sequence[float], values: Values) -> list[tuple[float, float]]:
    """Return the points of a line, with the points between two neighbours that are far apart."""
    points = [(x, v) for x, v in zip(places, values, strict=True) if v is not None]
    out = points[:1]
    for (x0, v0), (x1, v1) in pairwise(points):
        n = max(1, round((x1 - x0) * 40))
        out += [(x0 + (x1 - x0) * k / n, v0 + (v1 - v0) * k / n) for k in range(1, n + 1)]
    return out


class LabelPlaces:
    """Places for labels of points: above or below, where they cover neither a line nor another label.

    Parameters
    ----------
    points : sequence of (float, float)
        Points of lines in px at the narrowest width.
    floor : float
        Lowest y of a label's ground line.

    Examples
    --------
    >>> labels = LabelPlaces([(100, 50)], 200)
    >>> labels.write("A", 1.0, 60, "bad")
    '<text x="100%" y="50" text-anchor="end" class="label bad">A</text>'
    >>> labels.write("B", 1.0, 60, "bad")
    '<text x="100%" y="78" text-anchor="end" class="label bad">B</text>'
    """

    def __init__(self, points: Sequence[tuple[float, float]], floor: float) -> None:
        self._points = points
        self._floor = floor
        self._boxes: list[tuple[float, float, float, float]] = []

    def write(self, text: str, share: float, y: float, tone: LineTone, *, near: float = 10) -> str:
        """Return the label of a point at a share of the width and a height in px."""
        anchor = "end" if share > 0.55 else "start" if share < 0.2 else "middle"
        candidates = [y - near, y + 8 + near, y - near - GAP, y + 8 + near + GAP, y - near - 2 * GAP]
        allowed = [c for c in candidates if 10 <= c <= self._floor] or [max(y - near, 10)]
        best = min(allowed, key=lambda c: (self._cost(text, share, c, anchor), allowed.index(c)))
        self._boxes.append(self._box(text, share, best, anchor))
        return words(text, percent(share), best, anchor=anchor, class_=f"label {tone}")

    def _cost(self, text: str, share: float, y: float, anchor: str) -> float:
        left, top, right, bottom = self._box(text, share, y, anchor)
        labels = sum(left < r and right > x and top < b and bottom > t for x, t, r, b in self._boxes)
        return 100 * labels + sum(left < x < right and top < p < bottom for x, p in self._points)

    def _box(self, text: str, share: float, y: float, anchor: str) -> tuple[float, float, float, float]:
        size, x = text_width(text) * 1.06, share * NARROWEST
        left = x - size if anchor == "end" else x - size / 2 if anchor == "middle" else x
        return left, y - 11, left + size, y + 3


def stretch(content: str, height: int) -> str:
    """Return the part of a plot that stretches to its width.

    Examples
    --------
    >>> stretch("", 100)
    '<svg x="0" y="18" width="100%" height="58" viewBox="0 0 100 100" preserveAspectRatio="none" overflow="visible"/>'
    """
    return element(
        "svg", content, x=0, y=TOP, width="100%", height=height - TOP - FOOT, viewBox="0 0 100 100",
        preserveAspectRatio="none", overflow="visible",
    )  # fmt: skip


def plot(label: str, axis: str, content: str, axis_width: float, height: int) -> str:
    """Return an axis of a fixed width beside a plot that takes the rest, as one image for screen readers.

    Examples
    --------
    >>> plot("Sales rise.", "", "", 20, 100)
    '<div class="chart plot" role="img" aria-label="Sales rise."><svg width="20" height="100"...'
    """
    left = f'<svg width="{axis_width:.0f}" height="{height}" aria-hidden="true">{axis}</svg>'
    right = f'<svg width="100%" height="{height}" aria-hidden="true">{content}</svg>'
    return f'<div class="chart plot" role="img" aria-label="{escape(label)}">{left}{right}</div>'
