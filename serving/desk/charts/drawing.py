"""Elements of SVG, the width of words, and the places of labels."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import ClassVar

from markupsafe import Markup

LETTER, IDEOGRAPH = 7.0, 12.4  # px, upper limits of a letter's mean width in 12 px type
NARROWEST = 270  # px: width of a chart's panel on a phone; labels are placed so that they do not overlap there


@dataclass(frozen=True)
class Figures:
    """The figures of a chart as a table.

    Attributes
    ----------
    headings : tuple of str
        One for each column.
    rows : tuple of tuple of str
        Formatted values, the first of each row is its title.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Chart(ABC):
    """What all charts share: one sentence for screen readers, and HTML as which a template writes them."""

    label: str
    is_word_free: ClassVar[bool] = False

    @abstractmethod
    def __html__(self) -> str:
        """Return the HTML of the chart."""

    def __str__(self) -> str:
        """Return the HTML of the chart."""
        return Markup(self.__html__())


def attributes(**values: object) -> str:
    """Return attributes of an element; a trailing underscore is removed, others become hyphens, None is left out.

    Examples
    --------
    >>> attributes(class_="line", text_anchor="end", x=1.50, y=None, href='"')
    ' class="line" text-anchor="end" x="1.5" href="&quot;"'
    """
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(short(v) if isinstance(v, float) else str(v))}"'
        for name, v in values.items()
        if v is not None
    )


def element(name: str, content: str = "", **values: object) -> str:
    """Return an element; `content` is markup.

    Examples
    --------
    >>> element("line", x1=0, x2="100%"), element("text", "a", y=4)
    ('<line x1="0" x2="100%"/>', '<text y="4">a</text>')
    """
    head = f"<{name}{attributes(**values)}"
    return f"{head}>{content}</{name}>" if content else f"{head}/>"


def short(value: float) -> str:
    """Return a coordinate with at most two decimals.

    Examples
    --------
    >>> short(12.0), short(0.126), short(-0.001)
    ('12', '0.13', '0')
    """
    return (
        f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "0")
        if abs(value) < 0.005
        else f"{value:.2f}".rstrip("0").rstrip(".")
    )


def percent(share: float) -> str:
    """Return a share of the width as a percentage.

    Examples
    --------
    >>> percent(0.5), percent(1 / 3)
    ('50%', '33.33%')
    """
    return f"{short(100 * share)}%"


def words(text: str, x: str | float, y: float, *, anchor: str = "start", class_: str | None = None) -> str:
    """Return a text of a chart.

    Examples
    --------
    >>> words("a < b", "50%", 12, anchor="middle")
    '<text x="50%" y="12" text-anchor="middle">a &lt; b</text>'
    """
    return element("text", escape(text), x=x, y=y, text_anchor=None if anchor == "start" else anchor, class_=class_)


def text_width(text: str) -> float:
    """Return an upper limit of the width of words in px: Chinese letters are twice as wide.

    Examples
    --------
    >>> text_width("100%"), text_width("通过")
    (28.0, 24.8)
    """
    return sum(IDEOGRAPH if unicodedata.east_asian_width(c) in "WFA" else LETTER for c in text)


def image(label: str, content: str, *, width: str | float = "100%", height: float, class_: str = "chart") -> str:
    """Return an `svg` that is one image for screen readers.

    Examples
    --------
    >>> image("Sales rise.", "", height=24)
    '<svg class="chart" width="100%" height="24" role="img" aria-label="Sales rise."/>'
    """
    return element("svg", content, class_=class_, width=width, height=height, role="img", aria_label=label)


def path(points: Iterable[tuple[float, float]], *, close: bool = False) -> str:
    """Return the data of a path through points.

    Examples
    --------
    >>> path([(0, 0), (50, 10.126)]), path([(0, 0), (1, 1)], close=True)
    ('M0 0L50 10.13', 'M0 0L1 1z')
    """
    data = "L".join(f"{short(x)} {short(y)}" for x, y in points)
    return f"M{data}{'z' if close else ''}" if data else ""


def anchor_at(share: float, text: str, *, width: float = NARROWEST) -> str:
    """Return the anchor with which a text centred at a share of the width stays within it.

    Examples
    --------
    >>> anchor_at(0.0, "May"), anchor_at(0.5, "May"), anchor_at(1.0, "May")
    ('start', 'middle', 'end')
    """
    half = text_width(text) / 2
    return "start" if share * width < half else "end" if (1 - share) * width < half else "middle"


def spread_labels(places: Sequence[float], texts: Sequence[str], *, width: float = NARROWEST) -> list[int]:
    """Return which labels of a horizontal axis to write so that none overlap: the last, and every n-th before it.

    Parameters
    ----------
    places : sequence of float
        Shares of the width, rising.
    texts : sequence of str
        One for each place; empty texts need no room.
    width : float
        Of the axis in px.

    Examples
    --------
    >>> spread_labels([0, 0.5, 1.0], ["May", "June", "July"]), spread_labels([0, 0.1, 0.2], ["May 2025"] * 3)
    ([0, 1, 2], [2])
    """
    n = len(places)
    for step in range(1, n + 1):
        chosen = [i for i in range(n - 1, -1, -step) if texts[i]][::-1]
        edges = [_edges(places[i], texts[i], width) for i in chosen]
        if all(a[1] + 8 <= b[0] for a, b in pairwise(edges)):
            return chosen
    return [n - 1] if n else []


def _edges(share: float, text: str, width: float) -> tuple[float, float]:
    size, x = text_width(text), share * width
    anchor = anchor_at(share, text, width=width)
    left = x if anchor == "start" else x - size if anchor == "end" else x - size / 2
    return left, left + size
