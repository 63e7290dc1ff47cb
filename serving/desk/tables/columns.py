"""Columns of tables: what a value is, and how it is ordered and filtered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from serving.desk.catalogue import Language
from serving.desk.formats import in_language, parse_time

ColumnKind = Literal["text", "number", "money", "percent", "date", "moment", "month", "state", "interval"]
FilterKind = Literal["choice", "range"]
Tone = Literal["good", "wait", "bad", "none", "accent"]
Row = Mapping[str, Any]
NUMBERS = ("number", "money", "percent", "interval")


@dataclass(frozen=True)
class Choice:
    """A value of a column of states: its words and its colour.

    Attributes
    ----------
    key : str
        Key of the text in the catalogue.
    tone : {'good', 'wait', 'bad', 'none', 'accent'}
        Colour; 'bad' only where somebody must act.
    """

    key: str
    tone: Tone = "none"


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Attributes
    ----------
    name : str
        Key of its value in a row.
    heading : str
        Key of the heading in the catalogue.
    kind : {'text', 'number', 'money', 'percent', 'date', 'moment', 'month', 'state', 'interval'}
        'percent' is a fraction; 'money' is yuan; an 'interval' is a fraction with the ends in the fields `low` and
        `high` of the row; texts may be ``{"zh": ..., "en": ...}``.
    unit : str or None
        Key of the unit in the catalogue, written in the heading after a comma.
    digits : int or None
        Decimals; None: those that suit the kind.
    states : mapping of str to Choice
        Words and colour by value of a column of kind 'state'.
    low, high : str or None
        Names of the fields with the ends of an 'interval'.
    second : str or None
        Name of a field whose text stands in a second, quiet line.
    link : str or None
        Address of the row, with fields such as `/desk/leads/{lead_id}`; the value becomes the link.
    sortable : bool
        Whether the heading orders the table.
    filter : {'choice', 'range'} or None
        A choice among the values that occur, or a least and a greatest number or day.
    on_phone : bool
        Whether the value stands on the row's card on a phone; the first column always does.
    is_title : bool
        Whether the value names the row.
    exported : bool
        Whether the column stands in CSV and XLSX files.

    Examples
    --------
    >>> column = TableColumn("price", "stock.price", "money", unit="parts.yuan", filter="range")
    >>> column.is_number, column.order({"price": None}), column.order({"price": 158_000})
    (True, None, 158000)
    """

    name: str
    heading: str
    kind: ColumnKind = "text"
    unit: str | None = None
    digits: int | None = None
    states: Mapping[str, Choice] | None = None
    low: str | None = None
    high: str | None = None
    second: str | None = None
    link: str | None = None
    sortable: bool = True
    filter: FilterKind | None = None
    on_phone: bool = True
    is_title: bool = False
    exported: bool = True

    @property
    def is_number(self) -> bool:
        """Return whether values are right-aligned."""
        return self.kind in NUMBERS

    def order(self, row: Row, language: Language = "zh") -> Any:
        """Return what a row is ordered by; None for a missing value, which is last in both directions."""
        value = row.get(self.name)
        if value is None or value == "":
            return None
        return _ORDERS.get(self.kind, _text_order)(self, value, language)

    def orders(self, rows: Sequence[Row], language: Language = "zh") -> list[Any]:
        """Return `order` of every row."""
        if self.is_number:  # most long tables are ordered by a number, which needs no conversion
            return [row.get(self.name) for row in rows]
        return [self.order(row, language) for row in rows]

    def plain(self, row: Row, language: Language, text: Callable[[str], str]) -> Any:
        """Return the value as words, a number or a date, for filters and exports; None if it is missing.

        Parameters
        ----------
        row : mapping
            Row of the table.
        language : {'zh', 'en'}
            Language of texts.
        text : callable
            ``(key) -> str``: text of the catalogue.
        """
        value = row.get(self.name)
        if value is None or value == "":
            return None
        if self.kind == "state":
            choice = (self.states or {}).get(str(value))
            return text(choice.key) if choice else str(value)
        if self.kind in ("date", "moment"):
            return parse_time(value)
        return in_language(value, language) if self.kind in ("text", "month") else value


def _number_order(column: TableColumn, value: Any, language: Language) -> Any:
    return value


def _time_order(column: TableColumn, value: Any, language: Language) -> Any:
    instant = parse_time(value)
    if isinstance(instant, datetime):
        return instant.timestamp()
    return datetime(instant.year, instant.month, instant.day, tzinfo=UTC).timestamp()


def _state_order(column: TableColumn, value: Any, language: Language) -> Any:
    """Return the place of a state in the order in which its column lists them."""
    states = list(column.states or {})
    return states.index(str(value)) if str(value) in states else len(states)


def _text_order(column: TableColumn, value: Any, language: Language) -> Any:
    """Return a key that orders Latin letters without case and frequent Chinese characters by their sound.

    GB 18030 numbers the 3,755 characters of level 1 by pinyin, and the others by radical.
    """
    if isinstance(value, date):
        return str(value).encode()
    return in_language(value, language).casefold().encode("gb18030", "replace")


_ORDERS: Mapping[str, Callable[[TableColumn, Any, Language], Any]] = {
    **dict.fromkeys(NUMBERS, _number_order),
    "date": _time_order,
    "moment": _time_order,
    "state": _state_order,
}
