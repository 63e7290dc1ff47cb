"""Charts of points: the funnel plot and the calibration of probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.desk.charts.axes import Scale, log_ticks, round_ticks, tick_labels
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
)
from serving.desk.charts.lines import FOOT, TOP, LabelPlaces, LineTone, plot, stretch
from serving.desk.formats import format_number, format_percent

STEPS = 60  # points of a curve


@dataclass(frozen=True)
class Point:
    """A unit of a funnel plot.

    Attributes
    ----------
    expected, observed : float
        Counts; `expected` is above 0.
    name : str
        Name; written beside the point if it has a tone.
    tone : {'accent', 'good', 'bad', 'none'} or None
        Colour of a point that is spoken of; None: one of many.
    """

    expected: float
    observed: float
    name: str = ""
    tone: LineTone | None = None


@dataclass(frozen=True)
class FunnelPlot(Chart):
    """Observed counts divided by expected ones, against the expected count, with the band of chance.

    The band has the limits ``1 ± z / sqrt(expected)`` of a Poisson count with mean `expected`, or those of `limits`.

    Attributes
    ----------
    points : sequence of Point
        Units.
    label : str
        Sentence for screen readers.
    x_title : str
        Of the horizontal axis, such as "expected".
    headings : tuple of str
        Of the table: name, observed, expected, ratio.
    z : float
        Standard errors of the band; 1.96 holds 95 % of units that differ by chance alone.
    height : int
        In px.
    limits : sequence of (float, float, float)
        Expected count, and lower and upper limit of the ratio there, in ascending order; empty: those of `z`.

    Examples
    --------
    >>> chart = FunnelPlot((Point(100, 250, "brakes", "bad"), Point(10, 9)), "The brakes stand out.", "expected")
    >>> ">brakes<" in chart.__html__(), chart.figures().rows[0]
    (True, ('brakes', '250', '100.0', '2.50'))
    """

    points: Sequence[Point]
    label: str
    x_title: str
    headings: tuple[str, str, str, str] = ("", "", "", "")
    z: float = 1.96
    height: int = 240
    limits: Sequence[tuple[float, float, float]] = ()

    def __html__(self) -> str:
        """Return the HTML of the chart; nothing without points."""
        points = [p for p in self.points if p.expected > 0]
        if not points:
            return ""
        sizes = [p.expected for p in points]
        least, greatest = min(sizes), max(max(sizes), min(sizes) * 4)
        x = Scale(least * 0.85, greatest * 1.1, log=True)
        top = max(2.0, *(p.observed / p.expected for p in points), min(1 + self.z / math.sqrt(x.low), 4.0))
        ticks = round_ticks(0, top)
        y = Scale(0.0, ticks[-1])
        texts = tick_labels(ticks, "number")
        width = max(map(text_width, texts))
        axis = "".join(words(t, width, self._y(y, v) + 4, anchor="end") for v, t in zip(ticks, texts, strict=True))
        parts = [stretch(element("path", class_="band", d=self._band(x, y)), self.height)]
        parts += [
            element("line", class_="gridline", x1=0, x2="100%", y1=self._y(y, v), y2=self._y(y, v)) for v in ticks
        ]
        parts += [*self._x_labels(x), *self._dots(points, x, y)]
        return plot(self.label, axis, "".join(parts), width, self.height)

    def figures(self) -> Figures:
        """Return the points that have a name as a table, those that are spoken of first."""
        rows = sorted((p for p in self.points if p.name and p.expected > 0), key=lambda p: p.tone is None)
        cells = [
            (p.name, format_number(p.observed), format_number(p.expected, 1), format_number(p.observed / p.expected, 2))
            for p in rows
        ]
        return Figures(self.headings, tuple(cells))

    def _y(self, scale: Scale, value: float) -> float:
        return TOP + (self.height - TOP - FOOT) * (1 - scale.place(value))

    def _band(self, x: Scale, y: Scale) -> str:
        if inside := [row for row in self.limits if x.low <= row[0] <= x.high]:
            ends = [(x.low, *inside[0][1:]), *inside, (x.high, *inside[-1][1:])]
            above = [(100 * x.place(e), 100 * (1 - y.place(min(high, y.high)))) for e, _, high in ends]
            below = [(100 * x.place(e), 100 * (1 - y.place(low))) for e, low, _ in reversed(ends)]
            return path([*above, *below], close=True)
        sizes = [x.low * (x.high / x.low) ** (k / STEPS) for k in range(STEPS + 1)]
        limits = [(100 * x.place(e), self.z / math.sqrt(e)) for e in sizes]
        upper = [(p, 100 * (1 - y.place(1 + d))) for p, d in limits]
        lower = [(p, 100 * (1 - y.place(max(1 - d, 0.0)))) for p, d in reversed(limits)]
        return path([*upper, *lower], close=True)

    def _x_labels(self, x: Scale) -> list[str]:
        decades = log_ticks(x.low, x.high)
        values = sorted({m * d for d in decades for m in (1, 2, 5) if x.low <= m * d <= x.high})
        if len(values) > 6:
            values = [d for d in decades if x.low <= d <= x.high] or values
        texts = [f"{v:,g}" for v in values]
        if texts:
            texts[-1] = f"{texts[-1]} {self.x_title}"
        places = [x.place(v) for v in values]
        ground = self.height - FOOT + 18
        return [
            words(texts[i], percent(places[i]), ground, anchor=anchor_at(places[i], texts[i]))
            for i in spread_labels(places, texts)
        ]

    def _dots(self, points: Sequence[Point], x: Scale, y: Scale) -> list[str]:
        at = [(x.place(p.expected), self._y(y, p.observed / p.expected)) for p in points]
        labels = LabelPlaces([(a * NARROWEST, b) for a, b in at], self.height - FOOT)
        plain = [
            element("circle", class_="point", cx=percent(a), cy=b, r=3)
            for p, (a, b) in zip(points, at, strict=True)
            if p.tone is None
        ]
        special = []
        for p, (a, b) in zip(points, at, strict=True):
            if p.tone is not None:
                special.append(
                    element(
                        "circle", class_=f"dot{'' if p.tone == 'accent' else f' {p.tone}'}", cx=percent(a), cy=b, r=5
                    )
                )
                special.append(labels.write(p.name, a, b, p.tone))
        return [*plain, *special]


@dataclass(frozen=True)
class CalibrationChart(Chart):
    """Predicted against observed shares, with intervals of the observed share and the line of perfect calibration.

    Attributes
    ----------
    predicted, observed : sequence of float
        Mean predicted probability and observed share of each group, 0 to 1.
    low, high : sequence of float or None
        Intervals of the observed shares.
    label : str
        Sentence for screen readers.
    headings : tuple of str
        Titles: predicted, observed.
    perfect : str
        Meaning of the dashed diagonal, written under it, such as "predicted = observed".
    height : int
        In px.

    Examples
    --------
    >>> chart = CalibrationChart((0.1, 0.2), (0.1, 0.25), None, None, "Well calibrated.", ("predicted", "observed"), "")
    >>> chart.__html__().count("<circle"), chart.figures().rows[1]
    (2, ('20.0%', '25.0%'))
    """

    predicted: Sequence[float]
    observed: Sequence[float]
    low: Sequence[float] | None
    high: Sequence[float] | None
    label: str
    headings: tuple[str, str]
    perfect: str
    height: int = 240

    def __html__(self) -> str:
        """Return the HTML of the chart; nothing without groups."""
        if not self.predicted:
            return ""
        ticks = round_ticks(0.0, max(*self.predicted, *self.observed, *(self.high or (0.0,))))
        scale = Scale(0.0, ticks[-1])
        texts = tick_labels(ticks, "percent")
        width = max(map(text_width, texts))
        axis = "".join(words(t, width, self._y(scale, v) + 4, anchor="end") for v, t in zip(ticks, texts, strict=True))
        parts = [
            element("line", class_="gridline", x1=0, x2="100%", y1=self._y(scale, v), y2=self._y(scale, v))
            for v in ticks
        ]
        parts.append(stretch(element("path", class_="line none dashed", d="M0 100L100 0"), self.height))
        parts += (
            [words(self.perfect, "100%", self.height - FOOT - 8, anchor="end", class_="label none")]
            if self.perfect
            else []
        )
        parts += [*self._x_labels(scale, ticks), *self._groups(scale)]
        return plot(self.label, axis, "".join(parts), width, self.height)

    def figures(self) -> Figures:
        """Return the groups as a table."""
        pairs = zip(self.predicted, self.observed, strict=True)
        return Figures(self.headings, tuple((format_percent(p, 1), format_percent(o, 1)) for p, o in pairs))

    def _y(self, scale: Scale, value: float) -> float:
        return TOP + (self.height - TOP - FOOT) * (1 - scale.place(value))

    def _x_labels(self, scale: Scale, ticks: Sequence[float]) -> list[str]:
        texts = tick_labels(ticks, "percent")
        texts[-1] = f"{self.headings[0]} {texts[-1]}"
        places = [scale.place(v) for v in ticks]
        y = self.height - FOOT + 18
        return [
            words(texts[i], percent(places[i]), y, anchor=anchor_at(places[i], texts[i]))
            for i in spread_labels(places, texts)
        ]

    def _groups(self, scale: Scale) -> list[str]:
        parts = []
        for i, (p, o) in enumerate(zip(self.predicted, self.observed, strict=True)):
            x = percent(scale.place(p))
            if self.low and self.high:
                parts.append(
                    element(
                        "line",
                        class_="whisker none",
                        x1=x,
                        x2=x,
                        y1=self._y(scale, self.low[i]),
                        y2=self._y(scale, self.high[i]),
                    )
                )
            parts.append(element("circle", class_="dot", cx=x, cy=self._y(scale, o), r=4))
        return parts
