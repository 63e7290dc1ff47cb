"""Digest of a table: a line for each column with its sum and its first values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

FIRST_ROWS = 3


def table_digest(path: Path) -> dict[str, Any]:
    """Return the number of rows of a Parquet or CSV file, and a digest of each column.

    The digest has the sum of numbers, the number of true values, the range of instants, else the number of distinct
    values.
    """
    table = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    return {"rows": table.height, "columns": [{"name": name, **_column(table[name])} for name in table.columns]}


def _column(column: pl.Series) -> dict[str, Any]:
    first = json.loads(json.dumps(column.head(FIRST_ROWS).to_list(), default=str))
    return {"type": str(column.dtype), "nulls": column.null_count(), "first": first, **_whole(column)}


def _whole(column: pl.Series) -> dict[str, Any]:
    if column.dtype.is_numeric():
        return {"sum": column.sum()}
    if column.dtype == pl.Boolean:
        return {"true": int(column.sum())}
    if column.dtype.is_temporal():
        return {"range": [str(column.min()), str(column.max())]}
    return {"distinct": len({str(v) for v in column.to_list()})}
