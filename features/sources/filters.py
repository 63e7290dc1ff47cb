"""The rows of a source that `only` and `drop` leave."""

from __future__ import annotations

import polars as pl

from features.sources.config import TableSource
from features.sources.values import is_listed


def filtered(rows: pl.LazyFrame, source: TableSource) -> pl.LazyFrame:
    """Rows to keep; a column that the source does not have filters nothing, its absence is told by name elsewhere."""
    schema = rows.collect_schema()
    for column, values in source.only.items():
        if column in schema:
            rows = rows.filter(is_listed(_matchable(column, schema), _type(schema[column]), values))
    for column, values in source.drop.items():
        if column in schema:
            rows = rows.filter(~is_listed(_matchable(column, schema), _type(schema[column]), values))
    return rows


def _type(dtype: pl.DataType) -> pl.DataType:
    return pl.String() if dtype in (pl.Categorical, pl.Enum, pl.Null) else dtype


def _matchable(column: str, schema: pl.Schema) -> pl.Expr:
    dtype = _type(schema[column])
    return pl.col(column) if dtype == schema[column] else pl.col(column).cast(dtype)
