"""Reading of numbers in timestamp columns that have neither `format` nor `unit`, decided by column."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.conversion import with_nulls
from features.sources.instants import BARE_NUMBER, CALENDAR_DIGITS, SMALLEST_MICROSECONDS, NumberDates

_PATTERNS = {"%Y%m%d": "yyyymmdd", "%Y%m%d%H%M": "yyyymmddHHMM", "%Y%m%d%H%M%S": "yyyymmddHHMMSS"}


@dataclass(frozen=True)
class NumberReadings:
    """How the numbers of each timestamp column are read; returned by `read_numbers`.

    Attributes
    ----------
    readings : mapping of str to {'microseconds', 'calendar', 'none', 'absent'}
        By contract column of numbers or text, for `features.sources.instants.to_microseconds`.
    notes : tuple of str
        One sentence for each column whose digits are read as calendar dates.
    """

    readings: Mapping[str, NumberDates] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_numbers(rows: pl.LazyFrame, mapping: ColumnMapping, *, personal: Collection[str] = ()) -> NumberReadings:
    """Decide how the numbers of each timestamp column without `format`, `unit` and `map` are read.

    At least half of a column's values decide: microseconds since 1970, or digits of calendar dates (yyyymmdd,
    yyyymmddHHMM, yyyymmddHHMMSS). In any other column of numbers, none is read. A column of text is a column of numbers
    if at least half of its values are digits.

    Parameters
    ----------
    rows : pl.LazyFrame
        As returned by `features.sources.typed_rows.select_mapped`.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    personal : collection of str
        Contract columns whose values no note shows.

    Returns
    -------
    NumberReadings
        `readings` by contract column, and `notes`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import ColumnMapping, MappedColumn
    >>> sold_at = MappedColumn("sold_at", "timestamp", ColumnSource(source="day"), in_contract=True, required=True)
    >>> mapping = ColumnMapping((sold_at,), key=(), time=None, problems=(), unused=())
    >>> numbers = read_numbers(pl.LazyFrame({"day": [20230101, 20230102]}), mapping)
    >>> numbers.readings["sold_at"], numbers.notes[0]
    ('calendar', 'column `day` (sold_at): numbers such as 20230101 are read as dates yyyymmdd (format: "%Y%m%d")')
    >>> read_numbers(pl.LazyFrame({"day": [44927, 44928]}), mapping).readings["sold_at"]
    'none'
    """
    schema = rows.collect_schema()
    columns = [c for c in mapping.columns if _is_bare(c) and _may_hold_numbers(schema[str(c.spec.source)])]
    texts = [c for c in columns if not schema[str(c.spec.source)].is_numeric()]
    readings, han_notes = _readings_of_texts(rows, texts, schema, personal)
    columns = [c for c in columns if c.name not in readings]
    if not columns:
        return NumberReadings(readings, han_notes)
    counts = (
        rows.select([e for c in columns for e in _counts(c, schema)]).collect(engine="streaming").row(0, named=True)
    )
    notes = []
    for column in columns:
        values, instants = counts[f"{column.name}:values"], counts[f"{column.name}:instants"]
        dates = {f: counts[f"{column.name}:{f}"] for _, _, f, _ in CALENDAR_DIGITS}
        # 32-bit floats hold seven digits: 20230101 becomes 20230100 or 20230102.
        is_exact = schema[str(column.spec.source)] != pl.Float32
        readings[column.name] = _reading(values, instants, sum(dates.values())) if is_exact else "none"
        if readings[column.name] == "calendar":
            notes += [
                f"column `{column.spec.source}` ({column.name}): "
                f"numbers{'' if column.name in personal else f' such as {counts[_first(column, f)]}'} "
                f'are read as dates {_PATTERNS[f]} (format: "{f}")'
                for f, n in dates.items()
                if n
            ]
    return NumberReadings(readings, (*han_notes, *notes))


def _is_bare(column: MappedColumn) -> bool:
    spec = column.spec
    return column.kind == "timestamp" and spec.source is not None and not (spec.format or spec.unit or spec.map)


def _may_hold_numbers(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.String


def _readings_of_texts(
    rows: pl.LazyFrame, columns: list[MappedColumn], schema: pl.Schema, personal: Collection[str]
) -> tuple[dict[str, NumberDates], tuple[str, ...]]:
    """Return the reading of each column of text that is not a column of numbers, and notes on dates with 年."""
    if not columns:
        return {}, ()
    texts = {c.name: _raw(c, schema) for c in columns}
    counts = rows.select(
        *(t.str.contains(BARE_NUMBER).mean().alias(n) for n, t in texts.items()),
        *(t.filter(t.str.contains("年", literal=True)).first().alias(f"{n}:han") for n, t in texts.items()),
    )
    row = counts.collect(engine="streaming").row(0, named=True)
    shares = {n: row[n] for n in texts}
    notes = [
        f"column `{c.spec.source}` ({c.name}): dates{'' if c.name in personal else f' such as {example}'} are read as "
        "year, month and day"
        for c in columns
        if (example := row[f"{c.name}:han"]) and "日" in example
    ]
    # Between dates in text, a number is read by itself.
    readings: dict[str, NumberDates] = {
        n: "calendar" if share else "absent" for n, share in shares.items() if not share or share < 0.5
    }
    return readings, tuple(notes)


def _raw(column: MappedColumn, schema: pl.Schema) -> pl.Expr:
    source = str(column.spec.source)
    return with_nulls(pl.col(source), schema[source], column.kind, column.spec)[0]


def _counts(column: MappedColumn, schema: pl.Schema) -> list[pl.Expr]:
    raw = _raw(column, schema)
    number = raw if schema[str(column.spec.source)].is_numeric() else raw.cast(pl.Float64, strict=False)
    if number is raw and schema[str(column.spec.source)].is_integer():
        number = raw.cast(pl.Int64, strict=False)
    is_instant = (number >= SMALLEST_MICROSECONDS) | (number <= -SMALLEST_MICROSECONDS)
    counts = [raw.count().alias(f"{column.name}:values"), is_instant.sum().alias(f"{column.name}:instants")]
    for low, high, format, divisor in CALENDAR_DIGITS:
        is_date = number.is_between(low, high) & _is_calendar(number // divisor)
        first = number.filter(is_date).first().cast(pl.Int64)
        counts += [is_date.sum().alias(f"{column.name}:{format}"), first.alias(_first(column, format))]
    return counts


def _first(column: MappedColumn, format: str) -> str:
    return f"{column.name}:{format}:first"


def _is_calendar(day: pl.Expr) -> pl.Expr:
    return (day // 100 % 100).is_between(1, 12) & (day % 100).is_between(1, 31)


def _reading(values: int, instants: int, dates: int) -> NumberDates:
    if instants + dates == 0 or 2 * (instants + dates) < values:
        return "none"
    return "microseconds" if 2 * instants >= values and not dates else "calendar"
