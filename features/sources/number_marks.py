"""Decimal and thousands marks of a column of text, as its own values prove them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from features.plurals import count_text
from features.sources.column_source import ColumnSource
from features.sources.currencies import currency_of
from features.sources.numbers import (
    AMBIGUOUS_COMMA,
    AMBIGUOUS_POINT,
    CONTINENTAL,
    ENGLISH,
    NumberMarks,
    NumberReading,
    count_marks,
    read_numbers,
    split_numbers,
)

# A column has the marks of its other values if at most one in twenty of those that prove their marks contradicts them.
_MAX_CONTRADICTION = 20
_UNITS: Mapping[str, tuple[str, ...]] = {
    "km": ("km", "KM", "Km", "公里", "千米"),
    "km per month": ("km", "KM", "公里"),
    "kW": ("kW", "KW", "kw", "千瓦"),
    "months": ("months", "month", "mo", "个月", "月", "期"),
    "days": ("days", "day", "d", "天", "日"),
    "h": ("hours", "hour", "hrs", "h", "小时"),
    "s": ("seconds", "sec", "s", "秒"),
}


@dataclass(frozen=True)
class LearntReading:
    """Reading of a column of text, and sentences about what its values prove; returned by `learn_reading`.

    Attributes
    ----------
    reading : NumberReading
        Input of `features.sources.numbers.read_numbers`.
    notes : tuple of str
        Sentences without the name of the column.
    is_plain : bool
        Whether all texts are numbers with a decimal point and no other mark.
    """

    reading: NumberReading
    notes: tuple[str, ...] = ()
    is_plain: bool = False


def configured_reading(spec: ColumnSource, *, unit: str | None = None) -> NumberReading:
    """Return the reading that `decimal`, `thousands` and `strip` of a column set, without a look at its values.

    Parameters
    ----------
    spec : ColumnSource
        The column's entry in sources.yaml. `thousands` alone with a point implies a decimal comma.
    unit : str, optional
        Unit of the contract column, which may follow the numbers.

    Returns
    -------
    NumberReading

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> configured_reading(ColumnSource(source="price", thousands=".")).marks
    NumberMarks(decimal=',', thousands=('.',))
    """
    marks = ENGLISH
    if spec.decimal is not None or spec.thousands:
        thousands = tuple("'" if m in "’‘" else " " if m.isspace() else m for m in spec.thousands)
        marks = NumberMarks(spec.decimal or ("," if "." in thousands else "."), thousands)
    return NumberReading(
        marks=marks,
        strip=spec.strip or None,
        units=_UNITS.get(unit or "", ()),
        multiples=spec.factor is None or abs(spec.factor) < 10_000,
    )


def learn_reading(
    texts: pl.Series, spec: ColumnSource, kind: str, *, unit: str | None = None, is_shown: bool = True
) -> LearntReading:
    """Return how a column's texts are read as numbers: as configured, or as its values prove.

    A value such as 1.234,56 or 1,234,567 proves its marks, and those of 1.234 or 12,345 in the same column. Without
    proof a comma before three digits is a thousands mark and a point a decimal mark, which is noted; in columns of
    money and of whole numbers, three decimals would be a fraction of the smallest unit, so that 1.234 is left unread.

    Parameters
    ----------
    texts : pl.Series
        Texts of the column, without surrounding blanks; null is a missing value.
    spec : ColumnSource
        The column's entry in sources.yaml; `decimal`, `thousands`, `strip` and `factor` are used.
    kind : {'integer', 'money', 'number'}
        Kind of the contract column.
    unit : str, optional
        Unit of the contract column.
    is_shown : bool
        Whether notes may show values: False for personal data.

    Returns
    -------
    LearntReading

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> texts, spec = pl.Series(["1.234", "12.000.000", "5,5"]), ColumnSource(source="km")
    >>> learnt = learn_reading(texts, spec, "number")
    >>> learnt.reading.marks
    NumberMarks(decimal=',', thousands=('.', ' ', "'"))
    >>> learnt.notes
    ("2 numbers with marks are read, such as '12.000.000' as 12000000",)
    """
    configured = configured_reading(spec, unit=unit)
    is_configured = spec.decimal is not None or bool(spec.thousands)
    values = texts.drop_nulls()
    if values.is_empty() or (not is_configured and not spec.strip and is_plain(values)):
        return LearntReading(configured, is_plain=True)
    counts = values.rename("text").value_counts(sort=True, name="rows").sort("rows", "text", descending=[True, False])
    parts = pl.concat(
        [counts, split_numbers(counts["text"], strip=configured.strip, units=configured.units)], how="horizontal"
    )
    decide = _implied_decimal if is_configured else _marks
    fields, note = decide(parts, spec, kind, is_shown)
    currencies = sorted({currency_of(c) for c in parts["currency"].drop_nulls().unique()})
    percent = kind == "number" and spec.factor is None and _all_percent(parts)
    reading = replace(configured, **fields, currencies=len(currencies) < 2, percent=percent)
    notes = [note] if note else []
    return LearntReading(reading, (*notes, *_reading_notes(parts, reading, currencies, spec, kind, is_shown)))


def is_plain(values: pl.Series) -> bool:
    """Return whether all texts are numbers with a decimal point at most, which nobody can read as a thousands mark.

    Parameters
    ----------
    values : pl.Series
        String; null is a missing value.

    Returns
    -------
    bool

    Examples
    --------
    >>> import polars as pl
    >>> is_plain(pl.Series(["1.5", "12.345", None])), is_plain(pl.Series(["12.345", "7"]))
    (True, False)
    """
    if values.cast(pl.Float64, strict=False).null_count() > values.null_count():
        return False
    for part in (values.head(1_000), values):  # most columns have a number such as 1.5 in their first rows
        with_point = part.filter(part.str.contains(".", literal=True))
        if len(with_point) and not _all_ambiguous(with_point):
            return True
    return with_point.is_empty()


def _all_ambiguous(values: pl.Series) -> bool:
    return bool(values.str.contains(AMBIGUOUS_POINT).all())


def _marks(parts: pl.DataFrame, spec: ColumnSource, kind: str, is_shown: bool) -> tuple[dict[str, Any], str]:
    counts = count_marks(parts["body"], parts["rows"])
    english, continental = counts["english"], counts["continental"]
    if english == continental == 0:
        return _undecided(parts, counts, spec, kind, is_shown)
    if continental * _MAX_CONTRADICTION <= english:
        return {"marks": ENGLISH}, ""
    if english * _MAX_CONTRADICTION <= continental:
        return {"marks": CONTINENTAL}, ""
    pair = [_example(parts, parts["body"].str.contains(m.pattern), is_shown, but=o.pattern) for m, o in _PAIRS]
    sentence = (
        f"the values contradict each other on the decimal mark, such as {pair[0]} and {pair[1]}: those that can be "
        "read in two ways are quarantined; set `decimal` and `thousands`"
    )
    return {"marks": None, "single_marks": counts["groups"] == 0}, sentence


_PAIRS = ((ENGLISH, CONTINENTAL), (CONTINENTAL, ENGLISH))


def _implied_decimal(parts: pl.DataFrame, spec: ColumnSource, kind: str, is_shown: bool) -> tuple[dict[str, Any], str]:
    """Leave numbers such as 1.234 unread where `thousands` implies a decimal point that no other number proves."""
    marks = configured_reading(spec).marks or ENGLISH
    if spec.decimal is not None or _may_have_thousandths(spec, kind):
        return {}, ""
    pattern, field = AMBIGUOUS_POINT, "point_is_ambiguous"
    if marks.decimal == ",":
        pattern, field = AMBIGUOUS_COMMA, "comma_is_ambiguous"
    body = parts["body"]
    has_decimals = body.str.contains(marks.pattern) & body.str.contains(marks.decimal, literal=True)
    if not has_decimals.any() or not body.filter(has_decimals).str.contains(pattern).all():
        return {}, ""
    sentence = (
        f"`thousands` is set, `decimal` is not, and every number with {marks.decimal!r} has three digits after it, "
        f"such as {_example(parts, has_decimals, is_shown)}: they are quarantined; set `decimal` if these are decimals"
    )
    return {field: True}, sentence


def _undecided(
    parts: pl.DataFrame, counts: dict[str, int], spec: ColumnSource, kind: str, is_shown: bool
) -> tuple[dict[str, Any], str]:
    """Decide on values such as 1.234 and 12,345 in a column without proof of its marks."""
    point = _example(parts, parts["body"].str.contains(AMBIGUOUS_POINT), is_shown)
    comma = _example(parts, parts["body"].str.contains(AMBIGUOUS_COMMA), is_shown)
    if counts["point"] and counts["comma"]:
        both = {"point_is_ambiguous": True, "comma_is_ambiguous": True}
        return both, f"nothing proves which of {point} and {comma} has decimals: both are quarantined; set `decimal`"
    if counts["point"] and not _may_have_thousandths(spec, kind):
        sentence = (
            f"every number with a point has three digits after it, such as {point}, and nothing proves whether they "
            'are decimals: they are quarantined; set `thousands: "."` or `decimal: "."`'
        )
        return {"point_is_ambiguous": True}, sentence
    if counts["point"]:
        sentence = (
            f"every number with a point has three digits after it, such as {point}: they are read as decimals; set "
            '`thousands: "."` if the point groups thousands'
        )
        return {}, sentence
    if counts["comma"] and _may_have_thousandths(spec, kind):
        sentence = (
            f"every number with a comma has three digits after it, such as {comma}: the comma is read as a thousands "
            'mark; set `decimal: ","` if decimals follow it'
        )
        return {}, sentence
    return {}, ""


def _may_have_thousandths(spec: ColumnSource, kind: str) -> bool:
    """Return whether three decimals of the source are a whole number of the contract's smallest unit."""
    return kind == "number" or (spec.factor is not None and (spec.factor / 1_000).is_integer())


def _all_percent(parts: pl.DataFrame) -> bool:
    numbers = parts.filter(pl.col("body").str.contains(r"[1-9]"))
    return numbers.height > 0 and bool((numbers["power"] < 0).all())


def _reading_notes(
    parts: pl.DataFrame, reading: NumberReading, currencies: list[str], spec: ColumnSource, kind: str, is_shown: bool
) -> list[str]:
    notes = []
    numbers = read_numbers(parts["text"], reading).struct.field("value")
    is_marked = parts["text"].cast(pl.Float64, strict=False).is_null() & numbers.is_not_null()
    if is_marked.any() and not (spec.decimal or spec.thousands or spec.strip):
        position = int(is_marked.arg_max() or 0)
        n = int(parts.filter(is_marked)["rows"].sum())
        value = f" as {numbers[position]:.15g}" if is_shown else ""
        count = count_text(n, "number with marks is read", "numbers with marks are read")
        notes.append(f"{count}, such as {_shown(parts['text'][position], is_shown)}{value}")
    if len(currencies) == 1:
        fen = "; without `factor` they count as fen" if kind == "money" and spec.factor is None else ""
        notes.append(f"amounts in {currencies[0]} are not converted to another currency{fen}")
    if len(currencies) > 1:
        names = ", ".join(currencies)
        notes.append(f"amounts are in several currencies ({names}), so that those with a currency are quarantined")
    in_multiples = int(parts.filter(pl.col("power") > 0)["rows"].sum())
    if in_multiples and reading.multiples:
        rest = int(parts.filter(pl.col("power") == 0)["rows"].sum())
        others = f"; the other {count_text(rest, 'number has', 'numbers have')} no such word" if rest else ""
        verb = "is" if in_multiples == 1 else "are"
        notes.append(f"{count_text(in_multiples, 'number')} with a multiple such as 万 {verb} multiplied{others}")
    if reading.percent:
        notes.append("all numbers are percentages: 12% is read as 0.12")
    return notes


def _example(parts: pl.DataFrame, mask: pl.Series, is_shown: bool, *, but: str = r"[^\s\S]") -> str:
    texts = parts.filter(mask & ~parts["body"].str.contains(but))["text"]
    return _shown(texts[0], is_shown) if len(texts) else ""


def _shown(text: str, is_shown: bool) -> str:
    """Return a value in quotation marks; of personal data only its shape, with the digit 9."""
    text = text if is_shown else re.sub(r"\d", "9", text)
    return repr(text if len(text) <= 40 else text[:37] + "...")
