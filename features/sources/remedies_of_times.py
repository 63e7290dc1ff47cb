"""Remedies of timestamps: `format`, `unit` and `nulls`, each tried on all values of the column."""

from __future__ import annotations

import time
from typing import Any

import polars as pl

from features.sources.column_values import VALUE, ColumnValues
from features.sources.remedies_of_values import missing_markers
from features.sources.yaml_lines import column_line

_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y")
_OTHERS = (
    "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d%b%Y", "%b %d %Y",
    "%Y年%m月%d日", "%Y.%m.%d", "%y%m%d", "%Y-%m", "%Y/%m", "%Y.%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y",
    "%Y年%m月", "%Y%m", "%Y",
)  # fmt: skip
_DIGITS = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%Y%m", "%Y")
_UNITS = (
    ("s", "seconds since 1970"), ("ms", "milliseconds since 1970"), ("us", "microseconds since 1970"),
    ("ns", "nanoseconds since 1970"), ("excel", "serial days of a spreadsheet"),
)  # fmt: skip
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p", " %H%M%S", "%H%M%S", "T%H:%M:%S")
_PLAUSIBLE = (631_152_000_000_000, 2_208_988_800_000_000)  # 1990 to 2040: dates of records, in microseconds
_HOURS_14 = 14 * 3_600_000_000
GENERAL = 'give the strptime `format` of the values, for example format: "%d.%m.%Y" for 31.12.2024'


def time_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for timestamps that cannot be read or lie outside the contract's range.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str
        With an entry of sources.yaml only if every value can then be read. Where day and month may be either, the
        message has both entries.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("created_at", "timestamp", ColumnSource(source="day"), in_contract=True, required=True)
    >>> days = pl.LazyFrame({"day": ["Aug 29, 2025", "Sep 1, 2025"]})
    >>> time_remedy(ColumnValues(LEADS, column, days, timezone="UTC"), False)
    '`created_at: {from: day, format: "%b %d, %Y"}`: then every value can be read'
    """
    column = values.column
    lines = [(column_line(column.name, column.spec, **changes), reading) for changes, reading in _readings(values)]
    if len(lines) == 1:
        return f"{lines[0][0]}: then every value can be read"
    if lines:
        return "; ".join(f"if {reading}, {line}" for line, reading in lines)
    if markers := missing_markers(values, hidden):
        return markers
    if values.distinct.schema[VALUE] == pl.String and not column.spec.format:
        return GENERAL
    return "correct the values in the source, or map another source column"


def _readings(values: ColumnValues) -> list[tuple[dict[str, Any], str]]:
    """Return the changes of the column's entry with which all values can be read, each with its condition."""
    dtype = values.distinct.schema[VALUE]
    if values.column.spec.format or not (dtype.is_numeric() or dtype == pl.String):
        return []
    readings: list[tuple[dict[str, Any], str]] = [
        ({"unit": unit}, f"they are {meaning}") for unit, meaning in _UNITS if _is_plausible(values, unit=unit)
    ]
    if dtype.is_numeric():
        formats = [f for f in _DIGITS if _is_plausible(values, format=(f,))]
        return [*readings, *(({"format": f}, f"they are digits in the order {f}") for f in formats)]
    orders = ((_DAY_FIRST, "the day comes first"), (_MONTH_FIRST, "the month comes first"), (_OTHERS, "they are dates"))
    for formats_of_order, condition in orders:
        candidates = (f + clock for clock in _CLOCKS for f in formats_of_order)
        if match := next((f for f in candidates if _is_plausible(values, format=(f,))), None):
            readings.append(({"format": match}, condition))
    return readings


def _is_plausible(values: ColumnValues, **changes: Any) -> bool:
    """Return whether every value can be read with these changes, and nine in ten lie between 1990 and 2040."""
    sample = values.checked(**changes)
    if sample is None or sample["broken"].any():
        return False
    plausible = sample[values.column.name].is_between(*_PLAUSIBLE)
    return bool(plausible.mean() is not None and float(plausible.mean() or 0) >= 0.9)  # type: ignore[arg-type]


def future_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for timestamps later than the read: `timezone` if they are hours ahead, or `allow_future`.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("created_at", "timestamp", ColumnSource(source="day"), in_contract=True, required=True)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"day": ["2099-01-01"]}), timezone="UTC")
    >>> future_remedy(values, False)
    'correct the dates, or set `allow_future: true` for this table if they are right'
    """
    checked = values.checked()
    latest = None if checked is None else checked[values.column.name].max()
    if isinstance(latest, int) and latest - time.time_ns() // 1_000 < _HOURS_14:
        return "the latest value is less than 14 hours ahead: correct `timezone`"
    return "correct the dates, or set `allow_future: true` for this table if they are right"
