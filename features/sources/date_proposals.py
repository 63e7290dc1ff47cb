"""Proposals of `format` and `unit` for a timestamp column that cannot be read, each tried on the column's values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from features.sources.date_shapes import DateFormat, Order, formats_of, shape_of
from features.sources.instants import BARE_NUMBER, SMALLEST_MICROSECONDS, to_microseconds
from features.tables import EARLIEST

_MAX_SHAPES = 12
_MAX_SAMPLE = 20_000  # distinct texts whose shapes are compared; a proposal is tried on all of them
_MAX_OTHERS = 5  # distinct values that a proposal may leave unread, such as 0 or 99999999
_SERIALS_FROM = -631_152_000_000_000  # 1950-01-01: smaller serials of spreadsheets are more likely other numbers
# Shapes of periods that are no dates, and what to do about them.
_PERIODS = {
    r"9999[ -]?Q9|Q9[ -]?9999": "quarters are no dates: export the first day of each quarter, such as 2025-04-01",
    r"9999[ -]?W9": "weeks are no dates: export the first day of each week, such as 2025-03-24",
    r"[A-Za-z]+[_ -]?9+": (
        "these are numbers of periods, not dates: `join` a file with the date of each, and map its column"
    ),
}
_CONDITIONS: dict[Order, str] = {
    "day": "the day comes first",
    "month": "the month comes first",
    "year": "the year comes first",
    "": "the first four digits are the year",
}


@dataclass(frozen=True)
class DateEntry:
    """Keys of a column's entry in sources.yaml that read its values; in `DateProposal.entries`.

    Attributes
    ----------
    changes : dict
        `format` (list of str) or `unit` (str).
    condition : str
        What must be true of the values, such as "the day comes first"; empty if the values leave no doubt.
    first, last : int
        Earliest and latest instant of the values, microseconds since 1970 UTC.
    others : tuple
        Distinct values that are still unread or out of range, at most five, such as 0.
    """

    changes: dict[str, Any]
    condition: str
    first: int
    last: int
    others: tuple[Any, ...] = ()


@dataclass(frozen=True)
class DateProposal:
    """Entries of sources.yaml that read a timestamp column; returned by `propose_dates`.

    Attributes
    ----------
    entries : tuple of DateEntry
        One, or several between which the values do not decide.
    remark : str
        What the values are if no entry reads them, such as row numbers; empty if that is open.
    """

    entries: tuple[DateEntry, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class _Column:
    values: pl.Series
    timezone: str
    earliest: int
    latest: int

    def plausible(self, *, formats: tuple[str, ...] = (), unit: str | None = None) -> pl.Series:
        """Return the instants of the values, null where a value is not read or out of the plausible range."""
        raw, dtype = pl.lit(self.values), self.values.dtype
        instants = to_microseconds(raw, dtype, timezone=self.timezone, formats=formats, unit=unit)
        earliest = max(self.earliest, _SERIALS_FROM) if unit == "excel" else self.earliest
        return pl.select(pl.when(instants.is_between(earliest, self.latest)).then(instants)).to_series()


def propose_dates(values: pl.Series, *, timezone: str, latest: int, earliest: int = EARLIEST) -> DateProposal:
    """Return the entries of sources.yaml that read the values of a timestamp column as plausible dates.

    A format or unit is proposed only after it was tried on all values. Where day and month may be either, both formats
    are returned, each with its condition.

    Parameters
    ----------
    values : pl.Series
        Distinct values of the source column, without missing ones; text has no surrounding blanks.
    timezone : str
        IANA name of the time zone of values without an offset.
    latest, earliest : int
        Limits of plausible instants (int64, microseconds since 1970 UTC), such as the time of the read.

    Returns
    -------
    DateProposal
        `entries` (each with `changes`, `condition`, `first`, `last` and `others`), and `remark`.

    Examples
    --------
    >>> import polars as pl
    >>> now = 1_764_000_000_000_000
    >>> propose_dates(pl.Series(["Aug 29, 2025", "26-Mar-25"]), timezone="UTC", latest=now).entries[0].changes
    {'format': ['%d-%b-%y', '%b %d, %Y']}
    >>> propose_dates(pl.Series([44927, 44928]), timezone="UTC", latest=now).entries[0].changes
    {'unit': 'excel'}
    >>> either = propose_dates(pl.Series(["01/02/2024", "03/02/2024"]), timezone="UTC", latest=now).entries
    >>> [(entry.changes["format"], entry.condition) for entry in either]
    [(['%d/%m/%Y'], 'the day comes first'), (['%m/%d/%Y'], 'the month comes first')]
    >>> propose_dates(pl.Series(range(1, 400)), timezone="UTC", latest=now).remark
    'these are row numbers (1 to 399), not dates: map another source column, or set `time: none` if the table has none'
    """
    if values.is_empty():
        return DateProposal()
    if values.dtype == pl.Float32:
        return DateProposal(
            remark="32-bit floating point holds seven digits of a number: export the column as text or 64-bit numbers"
        )
    column = _Column(values, timezone, earliest, latest)
    numbers = _numbers(values)
    if 2 * len(numbers) >= len(values) and (remark := _counters(numbers)):
        return DateProposal(remark=remark)
    entries = list(_units(column)) if len(numbers) else []
    entries = entries or list(_formats(column))
    fewest = min((len(e.others) for e in entries), default=0)
    entries = [e for e in entries if len(e.others) == fewest]
    return DateProposal(tuple(entries), "" if entries else _unreadable(values))


def _numbers(values: pl.Series) -> pl.Series:
    if values.dtype.is_numeric():
        return values.cast(pl.Float64)
    return values.filter(values.str.contains(BARE_NUMBER)).cast(pl.Float64, strict=False)


def _counters(numbers: pl.Series) -> str:
    """Return a remark on month numbers and row numbers, which no format turns into dates."""
    low, high = numbers.min(), numbers.max()
    if not isinstance(low, float) or not isinstance(high, float) or low < 0 or (numbers != numbers.round()).any():
        return ""
    if low >= 1 and high <= 12:
        return (
            "these are month numbers: with the column of the year, `combine: {date: [year, month]}` makes a column "
            '`date`, and `format: "%Y %m"` reads it; write the names of your two columns'
        )
    if low <= 1 and high < 1.5 * len(numbers) + 1:
        return (
            f"these are row numbers ({low:.0f} to {high:.0f}), not dates: map another source column, or set "
            "`time: none` if the table has none"
        )
    return ""


def _units(column: _Column) -> Iterator[DateEntry]:
    for unit in ("excel", "s", "ms", "us", "ns"):
        instants = column.plausible(unit=unit)
        if unit != "excel":  # a number that stands for a date near 1970 is more likely in another unit
            is_near = (instants.abs() < SMALLEST_MICROSECONDS).fill_null(False)
            instants = instants.zip_with(~is_near, pl.Series([None], dtype=pl.Int64))
        if (entry := _entry(column, instants, {"unit": unit}, "")) is not None:
            yield entry


def _entry(column: _Column, instants: pl.Series, changes: dict[str, Any], condition: str) -> DateEntry | None:
    others = column.values.filter(instants.is_null())
    if len(others) > min(_MAX_OTHERS, (len(column.values) - 1) // 2):
        return None
    first, last = int(instants.min()), int(instants.max())  # type: ignore[arg-type]
    return DateEntry(changes, condition, first, last, tuple(others.to_list()))


def _formats(column: _Column) -> Iterator[DateEntry]:
    """Yield the formats that read all shapes of the values, by the order of day and month where both are possible."""
    shapes: dict[str, list[str]] = {}
    for text in _texts(column.values).to_list():
        shapes.setdefault(shape_of(text), []).append(text)
    if len(shapes) > _MAX_SHAPES + _MAX_OTHERS:
        return
    choices = [c for s, values in shapes.items() if (c := _choices(column, s, pl.Series(values, dtype=pl.String)))]
    for condition, formats in _combinations(choices):
        ordered = sorted(dict.fromkeys(formats), key=lambda f: "%y" not in f)  # %Y reads 25 as the year 25
        instants = column.plausible(formats=tuple(ordered))
        if (entry := _entry(column, instants, {"format": ordered}, condition)) is not None:
            yield entry


def _texts(values: pl.Series) -> pl.Series:
    values = values.head(_MAX_SAMPLE)
    if values.dtype == pl.String:
        return values.str.replace(r"^(\d+)\.0*$", "$1")
    whole = values.cast(pl.Int64, strict=False)
    digits = whole.filter(whole.cast(pl.Float64) == values.cast(pl.Float64)).cast(pl.String)
    longest = max(map(len, digits.to_list()), default=0)
    # A number drops a leading zero: 1012023 among numbers of eight digits is 01012023.
    return digits.str.zfill(longest) if longest in (6, 8) else digits


def _choices(column: _Column, shape: str, values: pl.Series) -> list[DateFormat]:
    """Return the formats of a shape that read every value which any of them reads as a plausible date."""
    readings = {
        f: replace(column, values=values).plausible(formats=(f.format,)).is_not_null() for f in formats_of(shape)
    }
    if not readings:
        return []
    readable = pl.select(pl.any_horizontal(*map(pl.lit, readings.values()))).to_series()
    if not readable.any():
        return []
    complete = [f for f, reads in readings.items() if (reads == readable).all()]
    by_order: dict[Order, DateFormat] = {}
    for format in complete:  # of "%b" and "%B", the first that reads all
        by_order.setdefault(format.order, format)
    return list(by_order.values())


def _combinations(choices: list[list[DateFormat]]) -> Iterator[tuple[str, list[str]]]:
    """Yield one format for each shape, with the condition on the order of day and month."""
    decided = {(c[0].marks, c[0].order) for c in choices if len(c) == 1 and c[0].order}
    choices = [[f for f in c if (f.marks, f.order) in decided] or c for c in choices]
    open_shapes = [c for c in choices if len(c) > 1]
    possible = set.intersection(*({f.order for f in c} for c in open_shapes)) if open_shapes else {""}
    for order in (o for o in _CONDITIONS if o in possible):
        formats = [next((f.format for f in c if f.order == order), c[0].format) for c in choices]
        yield _CONDITIONS[order] if open_shapes else "", formats


def _unreadable(values: pl.Series) -> str:
    """Return a remark on words that no format reads, such as month names of another language."""
    if values.dtype != pl.String:
        return ""
    shapes = {shape_of(text) for text in values.head(_MAX_SAMPLE).to_list()}
    for pattern, remark in _PERIODS.items():
        if all(re.fullmatch(pattern, s) for s in shapes):
            return remark
    if any("9" in s and not formats_of(s) and re.search(r"[^\W\d_]{3}|[^\W\d_a-zA-Z]", s) for s in shapes):
        return "`format` reads English names of months only: export the column with numbers, such as 2025-03-26"
    return ""
