"""A source's rows as the contract's columns, with a flag for every rule that a row may break."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from features.errors import DataError
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.config import TableSource
from features.sources.conversion import accepts, converted, prepared
from features.sources.rules import FUTURE, NULL, contract_rules
from features.sources.scans import ROW
from features.sources.values import filtered
from features.tables import Table


@dataclass(frozen=True)
class Flag:
    """A rule that rows may break, and the boolean column that says which do.

    Attributes
    ----------
    name : str
        The boolean column.
    column : str
        The column that the rule is about.
    rule : str
        The rule in words.
    """

    name: str
    column: str
    rule: str

    @property
    def label(self) -> str:
        """Column and rule, as reports and the quarantine show them."""
        return f"{self.column}: {self.rule}"


@dataclass(frozen=True)
class TypedRows:
    """Rows with `__row__`, the table's columns and the flags' boolean columns.

    Attributes
    ----------
    frame : pl.LazyFrame
        The rows.
    columns : tuple of str
        The table's columns.
    flags : tuple of Flag
        The rules.
    """

    frame: pl.LazyFrame
    columns: tuple[str, ...]
    flags: tuple[Flag, ...]


def chosen(rows: pl.LazyFrame, source: TableSource, mapping: ColumnMapping) -> pl.LazyFrame:
    """The rows that `only` and `drop` leave, with the source columns that feed something."""
    return filtered(rows, source).select(ROW, *source_columns(mapping))


def source_columns(mapping: ColumnMapping) -> list[str]:
    """The source columns that feed something, each once."""
    return list(dict.fromkeys(f.spec.source for f in mapping.columns if f.spec.source is not None))


def typed(
    rows: pl.LazyFrame, table: Table, mapping: ColumnMapping, *, timezone: str, now: int | None, field: str, where: str
) -> TypedRows:
    """Convert chosen rows and flag the rules they break.

    Parameters
    ----------
    rows : pl.LazyFrame
        As `chosen` returns them.
    table : Table
        The contract.
    mapping : ColumnMapping
        What feeds what.
    timezone : str
        Zone of timestamps that do not carry one.
    now : int or None
        Moment (us) after which a row's own instant is in the future; None accepts the future.
    field, where : str
        How messages name the configuration and the source.

    Raises
    ------
    DataError
        A source column of a type that cannot hold what the contract wants.
    """
    schema = rows.collect_schema()
    _check_types(mapping, schema, where)
    raw: list[pl.Expr] = []
    values: list[pl.Expr] = []
    flags: list[Flag] = []
    conditions: list[pl.Expr] = []
    for index, column in enumerate(mapping.columns):
        name = f"__raw_{index}__"
        expression, dtype = _raw(column, schema)
        raw.append(expression.alias(name))
        result = converted(
            pl.col(name),
            dtype,
            column.kind,
            spec=column.spec,
            timezone=timezone,
            field=f"{field}.columns.{column.name}.map",
        )
        values.append(result.value.alias(column.name))
        for rule, rows_that_break in result.broken.items():
            flags.append(Flag(f"__flag_{len(flags)}__", column.name, rule))
            conditions.append(rows_that_break.fill_null(False).alias(flags[-1].name))
    converted_rows = rows.select(ROW, *raw).select(ROW, *values, *conditions)

    broken = _contract(table, mapping, flags, now=now)
    later = [Flag(f"__flag_{len(flags) + i}__", column, rule) for i, (column, rule) in enumerate(broken)]
    checks = [e.fill_null(False).alias(f.name) for e, f in zip(broken.values(), later, strict=True)]
    return TypedRows(converted_rows.with_columns(checks), tuple(f.name for f in mapping.columns), (*flags, *later))


def _contract(
    table: Table, mapping: ColumnMapping, flags: list[Flag], *, now: int | None
) -> Mapping[tuple[str, str], pl.Expr]:
    broken: dict[tuple[str, str], pl.Expr] = {}
    for column in mapping.columns:
        if not column.contract:
            continue
        if not table.columns[column.name].nullable:
            # A value that did not convert is null as well: it has broken its own rule already.
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
        return prepared(pl.lit(_constant(spec.constant)), pl.String(), column.kind, spec)
    return prepared(pl.col(spec.source), schema[spec.source], column.kind, spec)


def _constant(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_types(mapping: ColumnMapping, schema: pl.Schema, where: str) -> None:
    for column in mapping.columns:
        source = column.spec.source
        if source is not None and not accepts(column.kind, schema[source]):
            raise DataError(
                f"{where}: column `{source}` is {schema[source]}, which cannot hold {column.name} ({column.kind}): "
                "map another column to it, or store it as text or a number"
            )
