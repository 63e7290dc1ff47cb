"""The error of a table with too many quarantined rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from features.contracts import Table
from features.errors import DataError
from features.sources.bad_lines import BadLines
from features.sources.column_mapping import ColumnMapping
from features.sources.conversion import DIGITS_LOST, NOT_FINITE, NOT_WHOLE, TYPE, UNKNOWN_UNIT, UNMAPPED
from features.sources.numbers import AMBIGUOUS, CURRENCIES, MULTIPLE, PERCENT
from features.sources.rules import DUPLICATE_KEY, EXACT_DUPLICATE, FUTURE, NULL
from features.sources.scans import ROW
from features.sources.validation import ValidationResult

_MAX_RULES = 3

_REMEDIES = {
    TYPE: "correct the values, list them under `nulls`, or map another source column",
    UNMAPPED: "add the value to `map`, or set `map_other`",
    NOT_FINITE: "correct the values, or list them under `nulls`",
    NOT_WHOLE: "set `factor` (100 converts yuan to fen), or correct the values",
    UNKNOWN_UNIT: "set `unit` or `format`, or map another source column",
    DIGITS_LOST: "export the column as text from its origin; the digits are gone from this file",
    AMBIGUOUS: "set `decimal` and `thousands`",
    CURRENCIES: "convert the amounts to one currency, or set `strip` if they are in one",
    PERCENT: "set `strip: '%'` and `factor: 0.01`, without `factor` for percent",
    MULTIPLE: "set `strip` to the unit, if `factor` already has it",
    NULL: "fill in the column, or map another source column",
    FUTURE: "correct the timestamps or `timezone`, or set `allow_future: true`",
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
    quarantine: Path | None,
    lines: BadLines | None = None,
) -> DataError:
    """Return an error with the three rules that most rows break, an example value and a remedy for each.

    Called by `features.sources.read_tables`. Values of personal columns and of extra features are not shown.

    Parameters
    ----------
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    rows : pl.LazyFrame
        The source's rows with their position from 0 in `__row__`, as returned by
        `features.sources.typed_rows.select_mapped`.
    validation : ValidationResult
        As returned by `features.sources.validation.validate_rows`, with at least one broken row.
    share : float
        Largest accepted share of broken rows, from 0 to 1.
    file : str
        Name of the YAML file.
    quarantine : Path or None
        Path of the quarantine file, as returned by `features.sources.quarantine.write_quarantine`.
    lines : BadLines, optional
        Lines of the source's file that hold no row; `validation` counts them.

    Returns
    -------
    DataError
        The message has table, number and share of broken rows, limit, rules and path; the caller raises it.
    """
    n_broken, n_read = validation.broken.height, validation.rows_read
    counts = [(label, n) for label, n in validation.rules.items() if label != EXACT_DUPLICATE]
    rules = "; ".join(
        f"{label} in {n:,} rows, for example {lines.example(label)} ({lines.remedies[label]})"
        if lines is not None and label in lines.remedies
        else f"{label} in {n:,} rows, for example {_example(label, table, mapping, rows, validation)} "
        f"({_remedy(label)})"
        for label, n in counts[:_MAX_RULES]
    )
    more = f"; and {len(counts) - _MAX_RULES} more rules" if len(counts) > _MAX_RULES else ""
    limit = f"max_quarantined_share in {file} is {share:.1%}" if validation.rows_valid else "no valid row is left"
    return DataError(
        f"{table.name}: {n_broken:,} of {n_read:,} rows ({n_broken / n_read:.1%}) break the contract, and {limit}. "
        f"{rules}{more}. The rows are in {quarantine}"
    )


def _remedy(label: str) -> str:
    rule = label.split(": ", 1)[1]
    return _REMEDIES.get(rule, "correct the values, or set `factor` or `map`")


def _example(label: str, table: Table, mapping: ColumnMapping, rows: pl.LazyFrame, validation: ValidationResult) -> str:
    column, rule = label.split(": ", 1)
    names = mapping.key if rule == DUPLICATE_KEY else (column,)
    mapped_columns = {f.name: f for f in mapping.columns}
    if any(n in table.personal for n in names):
        return "<personal>"
    if not all(mapped_columns[n].in_contract for n in names):
        return "<not shown>"  # an extra feature may be personal: the contract does not say
    row_index = validation.broken.filter(pl.col("broken_rules").list.contains(label))[ROW][0]
    row = rows.filter(pl.col(ROW) == row_index).collect()

    def value(name: str) -> Any:
        spec = mapped_columns[name].spec
        return spec.constant if spec.source is None else row[spec.source][0]

    return ", ".join(_shortened(value(n)) for n in names)


def _shortened(value: Any) -> str:
    text = "null" if value is None else str(value) if isinstance(value, int | float) else repr(str(value))
    return text if len(text) <= 40 else text[:37] + "..."
