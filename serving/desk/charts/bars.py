"""Bars of categories, with an optional comparison and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from serving.desk.charts.axes import Scale
from serving.desk.charts.drawing import NARROWEST, Chart, Figures, element, image, percent, text_width, words

ROW, BAR = 40, 12  # px: height of a category with its name above its bar, and of the bar
RIGHT = 78.0  # % of the width where the longest bar ends; the value stands after it


@dataclass(frozen=True)
class BarGroup:
    """A category.

    Attributes
    ----------
    name : str
        Written above the bar, so that a long name has the whole width.
    value : float or None
        Length, 0 or more; None has no bar.
    text : str
        Value as words, written after the bar.
    low, high : float or None
        Interval of the value.
    compared : float or None
        Value to compare with: a tick across the bar.
    tone : {'accent', 'good', 'bad', 'none'}
        Colour.
    """

    name: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None
    compared: float | None = None
    tone: Literal["accent", "good", "bad", "none"] = "accent"


@dataclass(frozen=True)
class BarChart(Chart):
    """Horizontal bars, the first at the top.

    Attributes
    ----------
    groups : sequence of BarGroup
        Categories.
    label : str
        Sentence for screen readers.
    headings : tuple of str
        Of the table: category, value.
    most : float or None
        Value of the longest possible bar; None: the greatest value.

    Examples
    --------
    >>> groups = BarGroup("recommended", 0.18, "18%"), BarGroup("searched", 0.09, "9%")
    >>> chart = BarChart(groups, "Twice as many.", ("", ""))
    >>> html = chart.__html__()
    >>> 'width="78%"' in html, 'width="39%"' in html, 'height="80"' in html
    (True, True, True)
    """

    groups: Sequence[BarGroup]
    label: str
    headings: tuple[str, str]
    most: float | None = None

    def __html__(self) -> str:
        """Return the HTML of the chart; nothing without categories."""
        if not self.groups:
            return ""
        ends = [v for g in self.groups for v in (g.value, g.high, g.compared) if v is not None]
        scale = Scale(0.0, self.most or max(ends, default=0.0) or 1.0)
        parts = [p for i, g in enumerate(self.groups) for p in self._group(scale, g, i * ROW)]
        return image(self.label, "".join(parts), height=ROW * len(self.groups))

    def figures(self) -> Figures:
        """Return the values as a table."""
        return Figures(self.headings, tuple((g.name, g.text) for g in self.groups))

    def _group(self, scale: Scale, group: BarGroup, top: int) -> list[str]:
        def place(value: float) -> float:
            return scale.place(value) * RIGHT / 100

        tone = "" if group.tone == "accent" else f" {group.tone}"
        middle = top + 20 + BAR / 2
        parts = [words(group.name, 0, top + 13)]
        end = place(group.value or 0.0)
        if group.value is not None:
            parts.append(element("rect", class_=f"bar{tone}", x=0, y=top + 20, width=percent(end), height=BAR))
        if group.low is not None and group.high is not None:
            low, high = place(group.low), place(group.high)
            parts.append(element("line", class_="whisker", x1=percent(low), x2=percent(high), y1=middle, y2=middle))
            end = max(end, high)
        if group.compared is not None:
            x = percent(place(group.compared))
            parts.append(element("line", class_="mark", x1=x, x2=x, y1=top + 17, y2=top + 23 + BAR))
            end = max(end, place(group.compared))
        room = end + (8 + text_width(group.text)) / NARROWEST <= 1
        parts.append(
            words(
                group.text,
                percent(end + 0.015) if room else "100%",
                top + 30 if room else top + 13,
                anchor="start" if room else "end",
                class_="strong",
            )
        )
        return parts
