"""Remedies of timestamp columns that hold parts of dates or row numbers: the other columns of the source that help."""

from __future__ import annotations

import re

import polars as pl

from features.sources.column_mapping import ColumnMapping
from features.sources.column_values import VALUE, ColumnValues
from features.sources.date_shapes import shape_of
from features.sources.yaml_lines import column_line, scalar

_YEAR = re.compile(r"(?:^|[^a-z])(?:year|yr|jahr|année|annee|año|anno)(?:$|[^a-z])|年", re.IGNORECASE)
_DATE = re.compile(r"date|datum|fecha|time|zeit|(?:^|_)day$|_at$|日期|时间", re.IGNORECASE)
_MAX_SHOWN = 5
COMBINED = "year_month"  # proposed name of the column of year and month


def counters_remedy(values: ColumnValues, mapping: ColumnMapping) -> str:
    """Return the remedy for month numbers, names of months and row numbers in a timestamp column.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`; `available` has the columns of the source.

    Returns
    -------
    str
        `combine` with the source column of the year, if exactly one is called so; for row numbers, the columns that are
        called dates. Empty for other values, and where no column of the source helps.

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import SALES
    >>> column = MappedColumn("sold_at", "timestamp", ColumnSource(source="Month"), in_contract=True, required=True)
    >>> mapping = ColumnMapping((column,), (), None, (), (), available=("Year", "Month"))
    >>> months = ColumnValues(SALES, column, pl.LazyFrame({"Month": ["Jan", "Feb"]}), timezone="UTC")
    >>> print(counters_remedy(months, mapping))
    these are months without a year: if `Year` has the year, write `combine: {year_month: [Year, Month]}` beside \
`columns`, and there `sold_at: {from: year_month, format: "%Y %b"}`
    """
    source = values.column.spec.source
    others = [c for c in mapping.available if c != source]
    texts = values.distinct[VALUE].cast(pl.String).to_list()
    if not texts or source is None:
        return ""
    if format := _month_format(texts):
        years = [c for c in others if _YEAR.search(c) and c != COMBINED]
        if len(years) != 1:
            return ""
        line = column_line(values.column.name, values.column.spec, **{"from": COMBINED, "format": f"%Y {format}"})
        if COMBINED in others:
            return f"these are months without a year: map the combined column, {line}"
        combined = f"`combine: {{{COMBINED}: [{scalar(years[0])}, {scalar(source)}]}}`"
        return (
            f"these are months without a year: if `{years[0]}` has the year, write {combined} beside `columns`, and "
            f"there {line}"
        )
    mapped = {c.spec.source for c in mapping.columns}
    dates = [c for c in others if _DATE.search(c) and c not in mapped][:_MAX_SHOWN]
    if dates and _are_row_numbers(texts):
        shown = ", ".join(f"`{c}`" for c in dates)
        return f"these are row numbers, not dates: map another source column, such as {shown} by its name"
    return ""


def _month_format(texts: list[str]) -> str:
    """Return the strptime format of months: names, or numbers from 1 to 12; empty for other texts."""
    if all(shape_of(t) == "B" for t in texts):
        return "%b" if all(len(t) == 3 for t in texts) else "%B"
    return "%m" if all(re.fullmatch(r"0?[1-9]|1[0-2]", t) for t in texts) else ""


def _are_row_numbers(texts: list[str]) -> bool:
    numbers = [int(m[1]) for t in texts if (m := re.fullmatch(r"(\d{1,9})(?:\.0)?", t))]
    return len(numbers) == len(texts) and min(numbers) <= 1 and max(numbers) < 1.5 * len(numbers) + 1
