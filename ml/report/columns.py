"""Axes and columns of sections: title, unit and format of a quantity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from features.yaml_config import Section as Frozen
from ml.bilingual import Text
from ml.report.formats import Cell, Format, Language, format_figure


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
Figure = Annotated[Cell, BeforeValidator(_finite)]

INTERVAL = {"zh": "区间", "en": "interval"}


class Axis(Frozen):
    """A quantity with its title, unit and format.

    Attributes
    ----------
    title : Text
        Name of the quantity, such as "cost".
    unit : Text or None
        Its unit, such as "yuan"; None for a share, a score or a text.
    format : {'text', 'flag', 'count', 'number', 'score', 'share', 'amount', 'gain', 'change', 'points'}
        Format of its values, applied by `ml.report.formats.format_figure`.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> Axis(title=Text(zh="成本", en="cost"), unit=Text(zh="元", en="yuan"), format="amount").label()
    'cost (yuan)'
    """

    title: Text
    unit: Text | None = None
    format: Format = "text"

    def label(self, language: Language = "en") -> str:
        """Return the title with the unit in parentheses; `language` is 'en' or 'zh'."""
        title = getattr(self.title, language)
        if self.unit is None:
            return str(title)
        unit = getattr(self.unit, language)
        return f"{title}（{unit}）" if language == "zh" else f"{title} ({unit})"


class Interval(Frozen):
    """An interval around the values of a column.

    Attributes
    ----------
    low, high : str
        Keys of each row with the lower and the upper limit.
    level : float
        Probability of the interval, above 0 and below 1.

    Examples
    --------
    >>> Interval(low="p10", high="p90", level=0.8).label(), Interval().label("zh")
    ('80% interval', '95% 区间')
    """

    low: str = "low"
    high: str = "high"
    level: float = Field(default=0.95, gt=0, lt=1)

    def label(self, language: Language = "en") -> str:
        """Return the title of the interval, such as "95% interval"; `language` is 'en' or 'zh'."""
        return f"{self.level:.0%} {INTERVAL[language]}"


class Column(Axis):
    """A column of a section: a quantity with one value in each row.

    Attributes
    ----------
    name : str
        Key of the value in each row.
    intervals : tuple of Interval
        Intervals around the value, the widest first.
    tracked : bool
        Whether the values are logged as metrics of the model version, one for each row.
    words : mapping of str to Text
        Names of the values of a text column, as shown to people; other values are shown as they are.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> words = {"used": Text(zh="二手车", en="used vehicles")}
    >>> condition = Column(name="value", title=Text(zh="车况", en="condition"), words=words)
    >>> condition.shown("used", "zh"), condition.shown("S0001")
    ('二手车', 'S0001')
    """

    name: str
    intervals: tuple[Interval, ...] = ()
    tracked: bool = False
    words: Mapping[str, Text] = Field(default_factory=dict)

    def shown(self, value: Cell, language: Language = "en") -> str:
        """Return a value as text, by its name or in the format of the column; the empty text for None."""
        if isinstance(value, str) and value in self.words:
            return str(getattr(self.words[value], language))
        return format_figure(value, self.format, language)


def column(
    name: str,
    zh: str,
    en: str,
    format: Format = "text",
    *,
    unit: Text | None = None,
    interval: Interval | None = None,
    tracked: bool = False,
    words: Mapping[str, Text] | None = None,
) -> Column:
    """Return a column with a title in both languages.

    Parameters
    ----------
    name : str
        Key of the value in each row.
    zh, en : str
        Titles.
    format : {'text', 'flag', 'count', 'number', 'score', 'share', 'amount', 'gain', 'change', 'points'}
        Format of the values, applied by `ml.report.formats.format_figure`; 'share' is a fraction shown in percent.
    unit : Text, optional
        Unit of the values, such as ``Text(zh="元", en="yuan")``.
    interval : Interval, optional
        Keys of the limits in each row, such as ``Interval(low="low", high="high")``.
    tracked : bool
        Whether the values are logged as metrics of the model version.
    words : mapping of str to Text, optional
        Names of the values of a text column, by value.

    Returns
    -------
    Column
        For `Rows.columns` of a section in `ml.report.sections`.

    Examples
    --------
    >>> column("share", "占比", "share of applications", "share").title.en
    'share of applications'
    """
    intervals = () if interval is None else (interval,)
    return Column(
        name=name, title=Text(zh=zh, en=en), unit=unit, format=format, intervals=intervals, tracked=tracked,
        words=words or {},
    )  # fmt: skip


def axis(zh: str, en: str, format: Format, *, unit: Text | None = None) -> Axis:
    """Return an axis with a title in both languages, a unit and a format.

    Parameters
    ----------
    zh, en : str
        Titles.
    format : {'text', 'flag', 'count', 'number', 'score', 'share', 'amount', 'gain', 'change', 'points'}
        Format of the values, applied by `ml.report.formats.format_figure`; 'share' is a fraction shown in percent.
    unit : Text, optional
        Unit of the values, such as ``Text(zh="元", en="yuan")``.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> axis("成本", "cost", "amount", unit=Text(zh="元", en="yuan")).label("zh")
    '成本（元）'
    """
    return Axis(title=Text(zh=zh, en=en), unit=unit, format=format)
