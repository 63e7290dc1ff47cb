"""A source's rows as the contract's columns, with a flag for every rule that a row may break."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from features.errors import DataError
from features.sources.column_mapping import Binding, Feed
from features.sources.config import TableSource
from features.sources.conversion import accepts, converted, prepared
from features.sources.filters import filtered
from features.sources.rules import FUTURE, NULL, contract_rules
from features.sources.scans import ROW
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


def chosen(rows: pl.LazyFrame, source: TableSource, binding: Binding) -> pl.LazyFrame:
    """The rows that `only` and `drop` leave, with the source columns that feed something."""
    return filtered(rows, source).select(ROW, *source_columns(binding))


def source_columns(binding: Binding) -> list[str]:
    """The source columns that feed something, each once."""
    return list(dict.fromkeys(f.spec.source for f in binding.feeds if f.spec.source is not None))


def typed(
    rows: pl.LazyFrame, table: Table, binding: Binding, *, timezone: str, now: int | None, field: str, where: str
) -> TypedRows:
    """Convert chosen rows and flag the rules they break.

    Parameters
    ----------
    rows : pl.LazyFrame
        As `chosen` returns them.
    table : Table
        The contract.
    binding : Binding
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
    _check_types(binding, schema, where)
    raw: list[pl.Expr] = []
    values: list[pl.Expr] = []
    flags: list[Flag] = []
    conditions: list[pl.Expr] = []
    for index, feed in enumerate(binding.feeds):
        name = f"__raw_{index}__"
        expression, dtype = _raw(feed, schema)
        raw.append(expression.alias(name))
        result = converted(
            pl.col(name), dtype, feed.kind, spec=feed.spec, timezone=timezone, field=f"{field}.columns.{feed.name}.map"
        )
        values.append(result.value.alias(feed.name))
        for rule, rows_that_break in result.broken.items():
            flags.append(Flag(f"__flag_{len(flags)}__", feed.name, rule))
            conditions.append(rows_that_break.fill_null(False).alias(flags[-1].name))
    converted_rows = rows.select(ROW, *raw).select(ROW, *values, *conditions)

    broken = _contract(table, binding, flags, now=now)
    later = [Flag(f"__flag_{len(flags) + i}__", column, rule) for i, (column, rule) in enumerate(broken)]
    checks = [e.fill_null(False).alias(f.name) for e, f in zip(broken.values(), later, strict=True)]
    return TypedRows(converted_rows.with_columns(checks), tuple(f.name for f in binding.feeds), (*flags, *later))


def _contract(
    table: Table, binding: Binding, flags: list[Flag], *, now: int | None
) -> Mapping[tuple[str, str], pl.Expr]:
    broken: dict[tuple[str, str], pl.Expr] = {}
    for feed in binding.feeds:
        if not feed.contract:
            continue
        if not table.columns[feed.name].nullable:
            # A value that did not convert is null as well: it has broken its own rule already.
            unconverted = [pl.col(f.name) for f in flags if f.column == feed.name]
            missing = pl.col(feed.name).is_null()
            broken[feed.name, NULL] = missing & ~pl.any_horizontal(unconverted) if unconverted else missing
        for rule, expression in contract_rules(table, feed.name).items():
            broken[feed.name, rule] = expression
    if now is not None and binding.time is not None and any(f.name == binding.time for f in binding.feeds):
        broken[binding.time, FUTURE] = pl.col(binding.time) > now
    return broken


def _raw(feed: Feed, schema: pl.Schema) -> tuple[pl.Expr, pl.DataType]:
    spec = feed.spec
    if spec.row_number:
        return pl.col(ROW).cast(pl.Int64) + 1, pl.Int64()
    if spec.source is None:
        return prepared(pl.lit(_constant(spec.constant)), pl.String(), feed.kind, spec)
    return prepared(pl.col(spec.source), schema[spec.source], feed.kind, spec)


def _constant(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_types(binding: Binding, schema: pl.Schema, where: str) -> None:
    for feed in binding.feeds:
        source = feed.spec.source
        if source is not None and not accepts(feed.kind, schema[source]):
            raise DataError(
                f"{where}: column `{source}` is {schema[source]}, which cannot hold {feed.name} ({feed.kind}): "
                "map another column to it, or store it as text or a number"
            )
