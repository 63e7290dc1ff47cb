"""Readings of a table's columns of numbers in text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.contracts import Table
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.conversion import NUMERIC, with_nulls
from features.sources.number_marks import is_plain, learn_reading
from features.sources.numbers import NumberReading

_OPTIONS = ("decimal", "thousands", "strip")


@dataclass(frozen=True)
class NumberColumns:
    """Readings of the columns of numbers in text, and notes on them; returned by `learn_columns`.

    Attributes
    ----------
    readings : mapping of str to NumberReading or None
        By contract column or extra feature; None for a column of plain numbers.
    notes : tuple of str
        Sentences with the name of the column and of its source column.
    """

    readings: Mapping[str, NumberReading | None]
    notes: tuple[str, ...]


def learn_columns(rows: pl.LazyFrame, mapping: ColumnMapping, table: Table) -> NumberColumns:
    """Return how each column of numbers in text is read.

    Parameters
    ----------
    rows : pl.LazyFrame
        The source's rows, as returned by `features.sources.typed_rows.select_mapped`. Only the text columns that are
        mapped to numbers are read.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    table : Table
        Contract of the table: units, and the columns whose values no note may show.

    Returns
    -------
    NumberColumns

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.tables import TABLES
    >>> source = TableSource(csv="a.csv", columns={"price": {"from": "p", "factor": 100}})
    >>> options = {"extra": ExtraFeatures(), "undated": True, "file": "sources.yaml"}
    >>> mapping = map_columns(TABLES["leads"], source, ["lead_id", "p"], **options)
    >>> rows = pl.LazyFrame({"lead_id": ["1"], "p": ["1.234,50"]})
    >>> learn_columns(rows, mapping, TABLES["leads"]).notes
    ("column `p` (price): 1 number with marks is read, such as '1.234,50' as 1234.5",)
    """
    schema = rows.collect_schema()
    columns = [c for c in mapping.columns if c.kind in NUMERIC and c.spec.source is not None and c.spec.map is None]
    in_text = [c for c in columns if schema[c.spec.source or ""] in (pl.String, pl.Categorical, pl.Enum)]
    notes = [_without_effect(c, schema) for c in columns if c not in in_text]
    texts = rows.select(pl.col(c.spec.source or "").cast(pl.String).alias(c.name) for c in in_text)
    frame = texts.collect(engine="streaming")
    readings: dict[str, NumberReading | None] = {}
    for column in in_text:
        if not any(getattr(column.spec, o) for o in _OPTIONS) and is_plain(frame[column.name]):
            readings[column.name] = None  # as most columns are, without a copy of their texts
            continue
        unit = table.columns[column.name].unit if column.in_contract else None
        is_shown = column.in_contract and column.name not in table.personal
        values = frame.select(with_nulls(pl.col(column.name), pl.String(), column.kind, column.spec)[0]).to_series()
        learnt = learn_reading(values, column.spec, column.kind, unit=unit, is_shown=is_shown)
        readings[column.name] = None if learnt.is_plain else learnt.reading
        notes += [f"column `{column.spec.source}` ({column.name}): {note}" for note in learnt.notes]
    return NumberColumns(readings, tuple(n for n in notes if n))


def _without_effect(column: MappedColumn, schema: pl.Schema) -> str:
    source, options = column.spec.source or "", [o for o in _OPTIONS if getattr(column.spec, o)]
    if not options:
        return ""
    return (
        f"column `{source}` ({column.name}): `{options[0]}` has no effect, because the column has type {schema[source]}"
    )
