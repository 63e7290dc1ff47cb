"""Validation of a table's rows in which columns found by name that do not fit the contract are set aside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import polars as pl

from features.contracts import Table
from features.sources.bad_lines import BadLines
from features.sources.captured_columns import (
    columns_to_set_aside,
    replacement_notes,
    set_aside_notes,
    type_note,
    unconvertible_columns,
    without_columns,
)
from features.sources.column_mapping import ColumnMapping
from features.sources.instants import NumberDates
from features.sources.number_columns import learn_columns
from features.sources.number_dates import read_numbers
from features.sources.numbers import NumberReading
from features.sources.rules import kind_of
from features.sources.typed_rows import TypedRows
from features.sources.validation import ValidationResult
from features.sources.violations import Violation, explained_violations


@dataclass(frozen=True)
class Readings:
    """How the numbers of each column are read, decided by its values.

    Attributes
    ----------
    dates : mapping of str to {'microseconds', 'calendar', 'none', 'absent'}
        Numbers in timestamp columns, as in `features.sources.number_dates.read_numbers`.
    marks : mapping of str to NumberReading or None
        Numbers in text, as in `features.sources.number_columns.learn_columns`.
    """

    dates: Mapping[str, NumberDates]
    marks: Mapping[str, NumberReading | None]


@dataclass(frozen=True)
class ValidatedRows:
    """Converted and validated rows of a table; returned by `validate_columns`.

    Attributes
    ----------
    typed : TypedRows
        Converted rows, without the columns that are set aside.
    validation : ValidationResult
        Valid and broken rows.
    mapping : ColumnMapping
        Columns of `typed`.
    readings : Readings
        How the numbers of each column are read.
    notes : tuple of str
        Extra features in place of contract columns, columns set aside, and readings of numbers as dates.
    explain : callable
        ``(validation, lines, only) -> tuple of Violation``: the broken rules with examples and remedies, with `lines`
        (BadLines or None) that hold no row, and `only` (collection of str, or None for all) columns.
    """

    typed: TypedRows
    validation: ValidationResult
    mapping: ColumnMapping
    readings: Readings
    notes: tuple[str, ...]
    explain: Callable[[ValidationResult, BadLines | None, Collection[str] | None], tuple[Violation, ...]]


def validate_columns(
    rows: pl.LazyFrame,
    table: Table,
    mapping: ColumnMapping,
    *,
    validate: Callable[[ColumnMapping, Readings], tuple[TypedRows, ValidationResult]],
    share: float,
    timezone: str,
    field: str,
) -> ValidatedRows:
    """Convert and validate rows; columns found by name that do not fit are left out and the rest validated again.

    Parameters
    ----------
    rows : pl.LazyFrame
        As returned by `features.sources.typed_rows.select_mapped`.
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    validate : callable
        ``(mapping, readings) -> (typed, validation)``: converts and validates `rows`, see
        `features.sources.typed_rows.convert_rows` and `features.sources.validation.validate_rows`.
    share : float
        Largest accepted share of broken values, from 0 to 1.
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    field : str
        Place of the table in the YAML file, such as "sources.yaml: tables.leads".

    Returns
    -------
    ValidatedRows

    Raises
    ------
    DataError
        The type of a mapped, required or target column cannot be converted.
    """
    schema, notes = rows.collect_schema(), replacement_notes(mapping, table.columns)
    unconvertible = unconvertible_columns(mapping, schema)
    notes += [type_note(c, kind_of(table, c), schema[c]) for c in unconvertible]
    mapping = without_columns(mapping, unconvertible)
    dates, marks = read_numbers(rows, mapping, personal=table.personal), learn_columns(rows, mapping, table)
    readings = Readings(dates.readings, marks.readings)
    left_out: list[str] = []
    while True:
        typed, validation = validate(mapping, readings)
        explain = _explainer(table, mapping, rows, timezone, field)
        aside = columns_to_set_aside(mapping, typed, validation, rows, share=share)
        if not aside:
            notes += [n for n in (*dates.notes, *marks.notes) if not any(f" ({c}): " in n for c in left_out)]
            return ValidatedRows(typed, validation, mapping, readings, tuple(notes), explain)
        notes += set_aside_notes(explain(validation, None, aside), validation.rows_read)
        mapping = without_columns(mapping, aside)
        left_out += aside


def _explainer(
    table: Table,
    mapping: ColumnMapping,
    rows: pl.LazyFrame,
    timezone: str,
    field: str,
) -> Callable[[ValidationResult, BadLines | None, Collection[str] | None], tuple[Violation, ...]]:
    def explain(
        validation: ValidationResult, lines: BadLines | None = None, only: Collection[str] | None = None
    ) -> tuple[Violation, ...]:
        return explained_violations(
            table,
            mapping,
            rows,
            validation,
            timezone=timezone,
            field=field,
            lines=lines,
            only=only,
        )

    return explain
