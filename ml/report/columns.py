"""Quantities with title, unit and format: what an axis or a column of a section shows."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from features.yaml_config import Section as Frozen
from ml.bilingual import Text
from ml.report.formats import Cell, Format, Language


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
Figure = Annotated[Cell, BeforeValidator(_finite)]

INTERVAL = {"zh": "区间", "en": "interval"}


class Axis(Frozen):
    """A quantity.

    Attributes
    ----------
    title : Text
        The quantity.
    unit : Text or None
        Its unit; None for a share, a score or a text.
    format : Format
        How its figures are written.

    Examples
    --------
    >>> Axis(title=Text(zh="成本", en="cost"), unit=Text(zh="元", en="yuan"), format="amount").label()
    'cost (yuan)'
    """

    title: Text
    unit: Text | None = None
    format: Format = "text"

    def label(self, language: Language = "en") -> str:
        """Return title and unit."""
        title = getattr(self.title, language)
        if self.unit is None:
            return str(title)
        unit = getattr(self.unit, language)
        return f"{title}（{unit}）" if language == "zh" else f"{title} ({unit})"


class Interval(Frozen):
    """Two keys of each row between which the value of a column lies.

    Attributes
    ----------
    low, high : str
        Keys of the row.
    level : float
        Probability of the interval, 0 to 1.
    """

    low: str = "low"
    high: str = "high"
    level: float = Field(default=0.95, gt=0, lt=1)

    def label(self, language: Language = "en") -> str:
        """Return the name of the interval."""
        return f"{self.level:.0%} {INTERVAL[language]}"


class Column(Axis):
    """A quantity of each row of a table.

    Attributes
    ----------
    name : str
        Key of the row.
    intervals : tuple of Interval
        Intervals around the value, the narrowest last.
    tracked : bool
        Whether the figures are logged with the version, one for each row.
    """

    name: str
    intervals: tuple[Interval, ...] = ()
    tracked: bool = False


def column(
    name: str,
    zh: str,
    en: str,
    format: Format = "text",
    *,
    unit: Text | None = None,
    interval: Interval | None = None,
    tracked: bool = False,
) -> Column:
    """Return a column with a title in both languages.

    >>> column("share", "占比", "share of applications", "share").title.en
    'share of applications'
    """
    intervals = () if interval is None else (interval,)
    return Column(name=name, title=Text(zh=zh, en=en), unit=unit, format=format, intervals=intervals, tracked=tracked)


def axis(zh: str, en: str, format: Format, *, unit: Text | None = None) -> Axis:
    """Return a quantity with a title in both languages.

    >>> axis("成本", "cost", "amount", unit=Text(zh="元", en="yuan")).label("zh")
    '成本（元）'
    """
    return Axis(title=Text(zh=zh, en=en), unit=unit, format=format)
