"""Values of `nulls`: in the units of the contract, for the requests to a model, and those that no row has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import polars as pl

from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.column_source import ColumnSource, Scalar
from features.sources.conversion import NUMERIC, Kind, convert, with_nulls
from features.sources.number_marks import configured_reading
from features.sources.numbers import NumberReading, read_number_texts
from features.sources.values import instants_of


def nulls_in_contract_units(
    spec: ColumnSource, kind: Kind, *, timezone: str = "UTC", reading: NumberReading | None = None
) -> tuple[bool | int | float | str, ...]:
    """Return the contract values that mean "missing" in a column, because `nulls` or `map` make them null.

    A request with one of these values is treated as the training rows were: as if the value were missing. The request
    of a money column has yuan, these values are fen.

    Parameters
    ----------
    spec : ColumnSource
        The column's entry in sources.yaml; `nulls`, `map` and `factor` are used.
    kind : {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Kind of the contract column, as returned by `features.sources.rules.kind_of`; an extra feature is a number or
        text.
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    reading : NumberReading, optional
        Reading of the column's numbers in text, as in `features.sources.number_columns.learn_columns`. Without it, text
        is read as `decimal`, `thousands` and `strip` say, or as a plain number.

    Returns
    -------
    tuple of scalar
        Without repetition, in the order of `nulls`, then of `map`: int for integers, money (fen) and timestamps
        (microseconds since 1970 UTC), float for numbers, str for text, bool for booleans. A value that the column's
        kind cannot hold, such as "unknown" in a column of numbers, is left out, and so is one that `map` also
        produces.

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> nulls_in_contract_units(ColumnSource(source="late", nulls=[96, "98.0", "unknown"]), "number")
    (96.0, 98.0)
    >>> nulls_in_contract_units(ColumnSource(source="price", nulls=[9999], factor=100), "money")
    (999900,)
    >>> nulls_in_contract_units(ColumnSource(source="closed", nulls=["1970-01-02"]), "timestamp")
    (86400000000,)
    >>> nulls_in_contract_units(ColumnSource(source="fee", nulls=["-1,00"], decimal=","), "number")
    (-1.0,)
    """
    mapped = spec.map or {}
    produced = [v for v in mapped.values() if v is not None]
    sources: list[Scalar] = [v for v in spec.nulls if v is not None]
    sources += [k for k, v in mapped.items() if v is None]  # a request may have the code of the source
    if not sources:
        return ()
    if kind == "timestamp":
        return tuple(dict.fromkeys(instants_of(sources, timezone=timezone, formats=spec.format)))
    texts = [_text(v) for v in sources]
    if kind == "text":
        return tuple(t for t in dict.fromkeys(texts) if t not in map(_text, produced))
    plain = ColumnSource(source="nulls", factor=spec.factor if kind in NUMERIC else None)

    def contract_values(values: list[str], reading: NumberReading | None = None) -> list[bool | int | float]:
        series = pl.lit(pl.Series(values, dtype=pl.String))
        number = None if reading is None else read_number_texts(series, reading)
        column = convert(series, pl.String(), kind, spec=plain, timezone=timezone, field="nulls", number=number)
        return pl.select(column.value).to_series().drop_nulls().to_list()

    valid = contract_values([str(v) for v in produced])
    missing = contract_values(texts)
    if reading is None and (spec.decimal or spec.thousands or spec.strip):
        reading = configured_reading(spec)
    if kind in NUMERIC and reading is not None:
        missing += contract_values([v.strip() for v in sources if isinstance(v, str)], reading)
    return tuple(v for v in dict.fromkeys(missing) if v not in valid)


def unmatched_nulls(
    rows: pl.LazyFrame,
    mapping: ColumnMapping,
    *,
    timezone: str,
    marks: Mapping[str, NumberReading | None] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Return a note on each column with values of `nulls` that no row has: they may be misspelt.

    Parameters
    ----------
    rows : pl.LazyFrame
        The source's rows, as returned by `features.sources.typed_rows.select_mapped`. Only the distinct values of
        columns with `nulls` are read.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    marks : mapping of str to NumberReading or None
        Reading of the columns of numbers in text, as in `features.sources.number_columns.learn_columns`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.column_mapping import ColumnMapping, MappedColumn
    >>> late = MappedColumn("late", "number", ColumnSource(source="x", nulls=[96, "98.0", "NA"]), False, False)
    >>> mapping = ColumnMapping((late,), key=(), time=None, problems=(), unused=())
    >>> unmatched_nulls(pl.LazyFrame({"x": ["98", "1"]}), mapping, timezone="UTC")
    ('column `x` (late): no value is 96 or NA, which `nulls` lists',)
    """
    columns = [c for c in mapping.columns if c.spec.source is not None and any(map(_is_marker, c.spec.nulls))]
    notes = []
    for column in columns:
        source = str(column.spec.source)
        values = rows.select(pl.col(source)).unique().collect(engine="streaming")
        missing = _null_count(values, column, (), timezone, marks)
        unmatched = [
            _text(v)
            for v in column.spec.nulls
            if _is_marker(v) and _null_count(values, column, (v,), timezone, marks) == missing
        ]
        if unmatched:
            listed = " or ".join(dict.fromkeys(unmatched))
            notes.append(f"column `{source}` ({column.name}): no value is {listed}, which `nulls` lists")
    return tuple(notes)


def _is_marker(value: Scalar) -> bool:
    return value is not None and str(value).strip() != ""


def _null_count(
    values: pl.DataFrame,
    column: MappedColumn,
    nulls: tuple[Scalar, ...],
    timezone: str,
    marks: Mapping[str, NumberReading | None],
) -> int:
    """Return the number of values that are missing with these `nulls`, before and after the conversion."""
    name = str(column.spec.source)
    spec = column.spec.model_copy(update={"nulls": nulls})
    raw, dtype = with_nulls(pl.col(name), values.schema[name], column.kind, spec)
    reading = marks.get(column.name)
    number = None if reading is None else read_number_texts(pl.col("raw"), reading)
    options: dict[str, Any] = {"spec": spec, "timezone": timezone, "field": column.name}
    converted = convert(pl.col("raw"), dtype, column.kind, **options, number=number)
    counts = values.select(raw.alias("raw")).select(
        pl.col("raw").is_null().sum(), converted.value.is_null().sum().alias("value")
    )
    return int(counts.sum_horizontal().item())


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
