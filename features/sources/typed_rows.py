"""Conversion of source rows to contract columns, with a boolean flag column for every rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from features.contracts import Table
from features.errors import DataError
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.conversion import can_convert, convert, convert_key, with_nulls
from features.sources.filters import filter_rows
from features.sources.instants import NumberDates
from features.sources.numbers import NumberReading, read_number_texts
from features.sources.rules import FUTURE, NULL, contract_rules
from features.sources.scans import ROW
from features.sources.table_source import TableSource
from features.sources.texts import as_key

NO_NUMBERS: Mapping[str, NumberDates] = MappingProxyType({})
NO_MARKS: Mapping[str, NumberReading | None] = MappingProxyType({})


@dataclass(frozen=True)
class Flag:
    """A rule on a column, and the boolean column that marks the rows that break it; in `TypedRows.flags`.

    Attributes
    ----------
    name : str
        Name of the boolean column.
    column : str
        Name of the contract column.
    rule : str
        The rule in words, such as "missing value".
    """

    name: str
    column: str
    rule: str

    @property
    def label(self) -> str:
        """Column and rule as shown in reports and quarantine files, such as "price: missing value"."""
        return f"{self.column}: {self.rule}"


@dataclass(frozen=True)
class TypedRows:
    """Rows of a table in the contract's types, with a flag column for every rule; returned by `convert_rows`.

    `features.sources.typed_rows.convert_rows(rows, table, mapping, ...)` makes one, or the class itself:
    ``TypedRows(frame, columns=("vin",), flags=(Flag("flag", "vin", "missing value"),))``.

    Attributes
    ----------
    frame : pl.LazyFrame
        `__row__` (position in the source, from 0), `columns`, and a boolean column for each rule, named `Flag.name`.
    columns : tuple of str
        Contract columns and extra features.
    flags : tuple of Flag
        Rules of the table.
    remarks : tuple of Flag
        Counts of values that break no rule, such as keys that another program rewrote; `rule` is the end of a sentence
        that begins with the number of rows. Their boolean columns are in `frame` too.
    """

    frame: pl.LazyFrame
    columns: tuple[str, ...]
    flags: tuple[Flag, ...]
    remarks: tuple[Flag, ...] = ()


def select_mapped(rows: pl.LazyFrame, source: TableSource, mapping: ColumnMapping) -> pl.LazyFrame:
    """Return the rows that pass `only` and `drop`, with `__row__`, the mapped source columns and `latest_by`.

    Parameters
    ----------
    rows : pl.LazyFrame
        The source's rows with `__row__`, as returned by ``features.sources.scans.open_source(name, source).rows()``.
    source : TableSource
        The table's entry in sources.yaml: a value of ``features.sources.load_sources(path).tables``.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.

    Returns
    -------
    pl.LazyFrame
        `__row__` and the source columns under their own names and types.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.tables import TABLES
    >>> source = TableSource(csv="o.csv", columns={"application_id": "loan"}, drop={"defaulted": ["?"]})
    >>> options = {"extra": ExtraFeatures(), "undated": True, "file": "sources.yaml"}
    >>> mapping = map_columns(TABLES["loan_outcomes"], source, ["loan", "defaulted"], **options)
    >>> rows = pl.LazyFrame({"__row__": [0, 1], "loan": ["L1", "L2"], "defaulted": ["?", "no"]})
    >>> select_mapped(rows, source, mapping).collect().rows()
    [(1, 'L2', 'no')]
    """
    latest_by = [source.latest_by] if source.latest_by else []
    return filter_rows(rows, source).select(ROW, *dict.fromkeys([*source_columns(mapping), *latest_by]))


def source_columns(mapping: ColumnMapping) -> list[str]:
    """Return the names of the source columns that a mapping reads, each once.

    Parameters
    ----------
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import ColumnMapping, MappedColumn
    >>> column = MappedColumn("defaulted", "boolean", ColumnSource(source="bad"), in_contract=True, required=True)
    >>> source_columns(ColumnMapping((column,), key=(), time=None, problems=(), unused=()))
    ['bad']
    """
    return list(dict.fromkeys(f.spec.source for f in mapping.columns if f.spec.source is not None))


def convert_rows(
    rows: pl.LazyFrame,
    table: Table,
    mapping: ColumnMapping,
    *,
    timezone: str,
    now: int | None,
    field: str,
    where: str,
    numbers: Mapping[str, NumberDates] = NO_NUMBERS,
    marks: Mapping[str, NumberReading | None] = NO_MARKS,
) -> TypedRows:
    """Convert source rows to contract columns and flag the rules that each row breaks.

    Parameters
    ----------
    rows : pl.LazyFrame
        As returned by `features.sources.typed_rows.select_mapped`.
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    now : int or None
        Time of the read (int64, microseconds since 1970 UTC): later rows break the rule "in the future". None accepts
        them.
    field, where : str
        Place in the YAML file, and name of the source, for error messages.
    numbers : mapping of str to {'microseconds', 'calendar', 'none', 'absent'}
        Reading of the numbers of timestamp columns, as in `features.sources.number_dates.read_numbers`.
    marks : mapping of str to NumberReading or None
        Reading of the columns of numbers in text; None for plain numbers, as in
        `features.sources.number_columns.learn_columns`.

    Returns
    -------
    TypedRows
        `frame`: lazy rows with `__row__` (position in the source, from 0), the mapped columns in the contract's types
        (timestamps int64, microseconds since 1970 UTC, money int64 fen), and a boolean column for each rule, true in
        the rows that break it. `flags`: for each rule the `name` of its boolean column, `column`, `rule` and `label`.
        `remarks`: the same for counts of values that break no rule. `columns`: names of the mapped columns. A value
        that cannot be converted is null and flagged.

    Raises
    ------
    DataError
        The type of a source column cannot be converted.
    ConfigError
        A key of `map` is text although the source column is numeric.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.tables import TABLES
    >>> table, source = TABLES["loan_outcomes"], TableSource(csv="outcomes.csv")
    >>> options = {"extra": ExtraFeatures(), "undated": True, "file": "sources.yaml"}
    >>> mapping = map_columns(table, source, ["application_id", "defaulted"], **options)
    >>> rows = pl.LazyFrame({"__row__": [0, 1], "application_id": ["L1", "L2"], "defaulted": ["no", "?"]})
    >>> options = {"timezone": "Asia/Shanghai", "now": None, "field": "tables.loan_outcomes", "where": "outcomes.csv"}
    >>> typed = convert_rows(rows, table, mapping, **options)
    >>> typed.frame.collect()["defaulted"].to_list()
    [False, None]
    >>> typed.flags[1].label
    'defaulted: wrong type'
    """
    schema = rows.collect_schema()
    _check_types(mapping, schema, where)
    raw: list[pl.Expr] = []
    keys: list[pl.Expr] = []
    values: list[pl.Expr] = []
    flags: list[Flag] = []
    remarks: list[Flag] = []
    conditions: list[pl.Expr] = []
    for index, column in enumerate(mapping.columns):
        name, key = f"__raw_{index}__", f"__key_{index}__"
        expression, dtype = _raw(column, schema)
        raw.append(expression.alias(name))
        is_key = column.name in table.references and column.kind == "text" and column.spec.map is None
        if is_key:
            keys.append(as_key(pl.col(name), dtype).alias(key))
        reading = marks.get(column.name)
        if reading is not None:
            keys.append(read_number_texts(pl.col(name), reading).alias(key))
        converted = (
            convert_key(pl.col(name), dtype, pl.col(key), column.spec)
            if is_key
            else convert(
                pl.col(name),
                dtype,
                column.kind,
                spec=column.spec,
                timezone=timezone,
                field=f"{field}.columns.{column.name}.map",
                numbers=numbers.get(column.name, "calendar"),
                number=None if reading is None else pl.col(key),
                is_plain=column.name in marks,
            )
        )
        values.append(converted.value.alias(column.name))
        for rule, rows_that_break in converted.broken.items():
            flags.append(Flag(f"__flag_{len(flags)}__", column.name, rule))
            conditions.append(rows_that_break.fill_null(False).alias(flags[-1].name))
        for remark, rows_that_count in converted.remarks.items():
            remarks.append(Flag(f"__remark_{len(remarks)}__", column.name, remark))
            conditions.append(rows_that_count.fill_null(False).alias(remarks[-1].name))
    converted_rows = rows.select(ROW, *raw).with_columns(*keys).select(ROW, *values, *conditions)

    broken = _contract_violations(table, mapping, flags, now=now)
    contract_flags = [Flag(f"__flag_{len(flags) + i}__", column, rule) for i, (column, rule) in enumerate(broken)]
    checks = [e.fill_null(False).alias(f.name) for e, f in zip(broken.values(), contract_flags, strict=True)]
    return TypedRows(
        converted_rows.with_columns(checks),
        tuple(f.name for f in mapping.columns),
        (*flags, *contract_flags),
        tuple(remarks),
    )


def _contract_violations(
    table: Table, mapping: ColumnMapping, flags: list[Flag], *, now: int | None
) -> Mapping[tuple[str, str], pl.Expr]:
    broken: dict[tuple[str, str], pl.Expr] = {}
    for column in mapping.columns:
        if not column.in_contract:
            continue
        if not table.columns[column.name].nullable:
            # A value that could not be converted is null too, but breaks only the rule of its conversion.
            unconverted = [pl.col(f.name) for f in flags if f.column == column.name]
            missing = pl.col(column.name).is_null()
            broken[column.name, NULL] = missing & ~pl.any_horizontal(unconverted) if unconverted else missing
        for rule, expression in contract_rules(table, column.name).items():
            broken[column.name, rule] = expression
    if now is not None and mapping.time is not None and any(f.name == mapping.time for f in mapping.columns):
        broken[mapping.time, FUTURE] = pl.col(mapping.time) > now
    return broken


def _raw(column: MappedColumn, schema: pl.Schema) -> tuple[pl.Expr, pl.DataType]:
    spec = column.spec
    if spec.row_number:
        return pl.col(ROW).cast(pl.Int64) + 1, pl.Int64()
    if spec.source is None:
        return with_nulls(pl.lit(_constant(spec.constant)), pl.String(), column.kind, spec)
    return with_nulls(pl.col(spec.source), schema[spec.source], column.kind, spec)


def _constant(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_types(mapping: ColumnMapping, schema: pl.Schema, where: str) -> None:
    for column in mapping.columns:
        source = column.spec.source
        if source is not None and not can_convert(column.kind, schema[source]):
            raise DataError(
                f"{where}: column `{source}` has type {schema[source]}, which cannot be converted to {column.name} "
                f"({column.kind}): map another source column to {column.name}, or export `{source}` as text"
            )
