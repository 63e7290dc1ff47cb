"""The error that stops a run when too many rows of a table break its contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from features.errors import DataError
from features.sources.column_mapping import ColumnMapping
from features.sources.conversion import NOT_FINITE, NOT_WHOLE, OTHER_UNIT, TYPE, UNMAPPED
from features.sources.rules import DUPLICATE_KEY, EXACT_DUPLICATE, FUTURE, NULL
from features.sources.scans import ROW
from features.sources.validation import ValidationResult
from features.tables import Table

_TOP = 3

_REMEDIES = {
    TYPE: "correct the values, or map another column or list them under `nulls`",
    UNMAPPED: "add the value to `map`, or set `map_other`",
    NOT_FINITE: "replace infinite values, or list them under `nulls`",
    NOT_WHOLE: "give its `factor` (100 from yuan to fen)",
    OTHER_UNIT: "set `unit` (s or ms; us if it is right as it is)",
    NULL: "fill it, or map another column",
    FUTURE: "correct the instants or `timezone`, or set `allow_future: true`",
    DUPLICATE_KEY: "keep one row for each key",
}


def quarantine_error(
    table: Table,
    mapping: ColumnMapping,
    rows: pl.LazyFrame,
    validation: ValidationResult,
    *,
    share: float,
    file: str,
    written: Path | None,
) -> DataError:
    """Name the rules that most rows break, each with an example unless it could be personal data.

    Parameters
    ----------
    table : Table
        The contract.
    mapping : ColumnMapping
        Source column of every column.
    rows : pl.LazyFrame
        The source's rows with their position in `__row__`.
    validation : ValidationResult
        Rows that are valid, repeated or broken.
    share : float
        The share of broken rows that is allowed.
    file : str
        Name of the YAML file.
    written : Path or None
        The quarantine file.
    """
    broken, read = validation.broken.height, validation.rows_read
    counted = [(label, n) for label, n in validation.rules.items() if label != EXACT_DUPLICATE]
    told = "; ".join(
        f"{label} in {n:,} rows, for example {_example(label, table, mapping, rows, validation)}: {_remedy(label)}"
        for label, n in counted[:_TOP]
    )
    more = f"; and {len(counted) - _TOP} more rules" if len(counted) > _TOP else ""
    return DataError(
        f"{table.name}: {broken:,} of {read:,} rows ({broken / read:.1%}) break the contract, "
        f"max_quarantined_share in {file} is {share:.1%}: {told}{more}. The rows are in {written}"
    )


def _remedy(label: str) -> str:
    rule = label.split(": ", 1)[1]
    return _REMEDIES.get(rule, "correct the values, or their `factor` or `map`")


def _example(label: str, table: Table, mapping: ColumnMapping, rows: pl.LazyFrame, validation: ValidationResult) -> str:
    column, rule = label.split(": ", 1)
    names = mapping.key if rule == DUPLICATE_KEY else (column,)
    mapped_columns = {f.name: f for f in mapping.columns}
    if any(n in table.personal for n in names):
        return "<personal>"
    if not all(mapped_columns[n].contract for n in names):
        return "<not shown>"  # nobody has said whether an extra feature is personal
    row = validation.broken.filter(pl.col("broken_rules").list.contains(label))[ROW][0]
    found = rows.filter(pl.col(ROW) == row).collect()

    def value(name: str) -> Any:
        spec = mapped_columns[name].spec
        return spec.constant if spec.source is None else found[spec.source][0]

    return ", ".join(_shown(value(n)) for n in names)


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value) if isinstance(value, int | float) else repr(str(value))
    return text if len(text) <= 40 else text[:37] + "..."
