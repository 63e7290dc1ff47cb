"""A raw-table contract as a pandera schema, against which the row checks of `features.sources` are tested."""

from __future__ import annotations

import pandera.polars as pa

from features.contracts import Column, Table


def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """Return the schema that accepts what `features.sources` keeps of a table; further columns are allowed.

    Examples
    --------
    >>> import polars as pl
    >>> from features.tables import LOAN_OUTCOMES
    >>> frame = pl.DataFrame({"application_id": ["A1"], "defaulted": [False], "months_on_book": [12]})
    >>> pandera_schema(LOAN_OUTCOMES).validate(frame).height
    1
    """
    columns = {name: _column(column) for name, column in table.columns.items()}
    return pa.DataFrameSchema(columns, name=table.name, unique=list(table.key), strict=False)


def _column(column: Column) -> pa.Column:
    return pa.Column(column.dtype, checks=_checks(column), nullable=column.nullable, required=column.required)


def _checks(column: Column) -> list[pa.Check]:
    checks = []
    if column.low is not None and column.high is not None:
        checks.append(pa.Check.in_range(column.low, column.high))
    if column.values:
        checks.append(pa.Check.isin(column.values))
    if column.min_length:
        checks.append(pa.Check.str_length(min_value=column.min_length))
    return checks
