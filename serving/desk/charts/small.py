"""Charts of one line of text or of a table's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from serving.desk.charts.axes import Scale
from serving.desk.charts.drawing import NARROWEST, Chart, anchor_at, element, image, path, percent, text_width, words

Tone = Literal["good", "wait", "bad", "none", "accent"]


@dataclass(frozen=True)
class Sparkline(Chart):
    """A line without axes beside a figure; its last value has a dot.

    Attributes
    ----------
    values : sequence of float or None
        In time order; None is a gap. Without values nothing is drawn.
    label : str
        Sentence for screen readers, with the first and the last value.
    width : int
        Width in px.

    Examples
    --------
    >>> Sparkline((0, 1), "Reports by week: 0, 1.").__html__()
    '<svg class="chart spark" width="88" height="24" role="img" aria-label="Reports...<path class="line" d="M3 20L85...'
    """

    values: Sequence[float | None]
    label: str
    width: int = 88

    def __html__(self) -> str:
        """Return the HTML of the chart."""
        numbers = [v for v in self.values if v is not None]
        if not numbers:
            return ""
        scale, step = Scale(min(numbers), max(numbers)), (self.width - 6) / max(len(self.values) - 1, 1)
        points = [None if v is None else (3 + i * step, 20 - 16 * scale.place(v)) for i, v in enumerate(self.values)]
        x, y = next(p for p in reversed(points) if p is not None)
        lines = [element("path", class_="line", d=path(run)) for run in _runs(points) if len(run) > 1]
        dot = element("circle", class_="dot", cx=float(x), cy=float(y), r=2.6)
        return image(self.label, "".join([*lines, dot]), width=self.width, height=24, class_="chart spark")


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return runs


@dataclass(frozen=True)
class IntervalBar(Chart):
    """A point on its interval, for one row of a table; rows that are compared have the same `most`.

    Attributes
    ----------
    value : float
        Point.
    low, high : float or None
        Ends of the interval; None draws the point alone.
    most : float
        Value at the right end.
    label : str
        Such as "19.8%, 15.1% to 25.2%".
    least : float
        Value at the left end.
    reference : float or None
        Value to compare with, such as the mean of all rows: a tick.
    width : int
        Width in px.

    Examples
    --------
    >>> IntervalBar(0.2, 0.1, 0.3, most=0.4, label="20%, 10% to 30%", width=100).__html__()
    '<svg class="chart interval" width="100" height="16"...<rect class="range" x="25%" y="6" width="50%"...'
    """

    value: float
    low: float | None
    high: float | None
    most: float
    label: str
    least: float = 0.0
    reference: float | None = None
    width: int = 112

    def __html__(self) -> str:
        """Return the HTML of the chart."""
        place = Scale(self.least, self.most).place
        parts = [element("rect", class_="track", y=7.5, width="100%", height=1)]
        if self.low is not None and self.high is not None:
            low, high = place(self.low), place(self.high)
            parts.append(element("rect", class_="range", x=percent(low), y=6, width=percent(high - low), height=4))
        if self.reference is not None:
            x = percent(place(self.reference))
            parts.append(element("line", class_="axis", x1=x, x2=x, y1=1, y2=15))
        parts.append(element("circle", class_="dot", cx=percent(place(self.value)), cy=8, r=4))
        return image(self.label, "".join(parts), width=self.width, height=16, class_="chart interval")


@dataclass(frozen=True)
class ReasonBar(Chart):
    """A bar from the middle: to the right what raises a score, to the left what lowers it, which is grey and not red.

    Hidden from screen readers, because the value is written beside it.

    Attributes
    ----------
    value : float
        Contribution.
    most : float
        Largest absolute contribution of the list.

    Examples
    --------
    >>> ReasonBar(-5, most=10).__html__()
    '<svg ...<rect class="against" x="25%" y="1" width="25%" height="10" rx="2"/></svg>'
    """

    value: float
    most: float

    def __html__(self) -> str:
        """Return the HTML of the chart."""
        size = 0.5 * min(abs(self.value) / self.most, 1.0) if self.most > 0 else 0.0
        x = percent(0.5 if self.value > 0 else 0.5 - size)
        side = "in-favour" if self.value > 0 else "against"
        parts = element("line", class_="axis", x1="50%", x2="50%", y1=0, y2=12)
        parts += element("rect", class_=side, x=x, y=1, width=percent(size), height=10, rx=2)
        return element("svg", parts, class_="chart", width="100%", height=12, aria_hidden="true")


@dataclass(frozen=True)
class Segment:
    """A part of a `ScoreScale`.

    Attributes
    ----------
    text : str
        Name.
    end : float
        Value at its right end.
    tone : {'good', 'wait', 'bad', 'none', 'accent'}
        Colour.
    """

    text: str
    end: float
    tone: Tone


@dataclass(frozen=True)
class ScoreScale(Chart):
    """A score on a scale with its cut-offs.

    Attributes
    ----------
    score : float or None
        Score; None draws the scale alone.
    start : float
        Value at the left end.
    segments : sequence of Segment
        From left to right; their inner ends are the cut-offs, and the last end is the right end of the scale.
    text : str
        Words above the mark, such as "548 人工审核".
    label : str
        Sentence for screen readers.

    Examples
    --------
    >>> parts = (Segment("refer", 500, "wait"), Segment("accept", 900, "good"))
    >>> html = ScoreScale(600, 300, parts, "600 accept", "Score 600: above the cut-off 500.").__html__()
    >>> 'x="33.33%" y="60" text-anchor="middle">500<' in html, '<line class="mark" x1="50%" x2="50%"' in html
    (True, True)
    """

    score: float | None
    start: float
    segments: Sequence[Segment]
    text: str
    label: str

    def __html__(self) -> str:
        """Return the HTML of the chart."""
        scale = Scale(self.start, self.segments[-1].end)
        parts, left = [], 0.0
        for segment in self.segments:
            right = scale.place(segment.end)
            parts.append(
                element(
                    "rect", class_=f"fill-{segment.tone}", x=percent(left), y=24, width=percent(right - left), height=18
                )
            )
            if text_width(segment.text) + 8 <= (right - left) * NARROWEST:
                parts.append(
                    words(segment.text, percent((left + right) / 2), 37, anchor="middle", class_=f"on-{segment.tone}")
                )
            left = right
        parts += self._cut_offs(scale)
        if self.score is not None:
            x = scale.place(self.score)
            parts.append(element("line", class_="mark", x1=percent(x), x2=percent(x), y1=18, y2=46))
            parts.append(words(self.text, percent(x), 13, anchor=anchor_at(x, self.text), class_="strong"))
        return image(self.label, "".join(parts), height=66)

    def _cut_offs(self, scale: Scale) -> list[str]:
        """Return the cut-offs under the scale, of two that are close one to the left and one to the right."""
        ends = [s.end for s in self.segments[:-1]]
        texts = [f"{end:,.0f}" for end in ends]
        out = []
        for i, (end, text) in enumerate(zip(ends, texts, strict=True)):
            x, anchor = scale.place(end), "middle"
            if i + 1 < len(ends) and (scale.place(ends[i + 1]) - x) * NARROWEST < text_width(text) + 6:
                anchor = "end"
            elif i and (x - scale.place(ends[i - 1])) * NARROWEST < text_width(text) + 6:
                anchor = "start"
            out.append(words(text, percent(x), 60, anchor=anchor))
        return out
