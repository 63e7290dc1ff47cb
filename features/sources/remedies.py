"""Remedies of broken rules, by kind of column; each was tried on all values of the column before it is given."""

from __future__ import annotations

from collections.abc import Callable

from features.contracts import Table
from features.sources.column_mapping import ColumnMapping
from features.sources.column_values import ColumnValues
from features.sources.conversion import DIGITS_LOST, NOT_FINITE, NOT_WHOLE, TYPE, UNKNOWN_UNIT, UNMAPPED
from features.sources.numbers import AMBIGUOUS, CURRENCIES, MULTIPLE, PERCENT
from features.sources.remedies_of_numbers import marks_remedy, number_remedy, range_remedy, whole_number_remedy
from features.sources.remedies_of_periods import counters_remedy
from features.sources.remedies_of_times import future_remedy, time_remedy
from features.sources.remedies_of_values import category_remedy, flag_remedy, missing_markers, unmapped_remedy
from features.sources.rules import DUPLICATE_KEY, FUTURE, NULL
from features.sources.validation import ValidationResult

CORRECT = "correct the values in the source"

_BY_RULE: dict[str, Callable[[ColumnValues, bool], str]] = {
    UNMAPPED: unmapped_remedy,
    NOT_FINITE: lambda values, hidden: missing_markers(values, hidden) or CORRECT,
    NOT_WHOLE: whole_number_remedy,
    UNKNOWN_UNIT: time_remedy,
    FUTURE: future_remedy,
    CURRENCIES: lambda values, hidden: (
        "convert the amounts to one currency in the source, or read them as one: " + number_remedy(values, hidden)
    ),
    MULTIPLE: number_remedy,
    DIGITS_LOST: lambda values, hidden: "export the column as text from its origin; the digits are gone from this file",
}


def remedy(
    rule: str,
    table: Table,
    mapping: ColumnMapping,
    values: ColumnValues | None,
    *,
    field: str,
    hidden: bool,
    validation: ValidationResult | None = None,
) -> str:
    """Return what to do about a broken rule, in words, with the entry of sources.yaml where one helps.

    Parameters
    ----------
    rule : str
        The rule in words: one of `features.sources.conversion` and `features.sources.rules`, such as "wrong type".
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    values : ColumnValues or None
        Values of the column; None for a rule on several columns.
    field : str
        Place of the table in the YAML file, such as "sources.yaml: tables.leads".
    hidden : bool
        Do not show values of the source: they may be personal data.
    validation : ValidationResult, optional
        Numbers of rows; without it, and where most rows would be replaced, `duplicate_keys: latest` is not proposed.

    Returns
    -------
    str

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import ColumnMapping, MappedColumn
    >>> from features.tables import LOAN_OUTCOMES
    >>> column = MappedColumn("defaulted", "boolean", ColumnSource(source="bad"), in_contract=True, required=True)
    >>> mapping = ColumnMapping((column,), key=("application_id",), time=None, problems=(), unused=())
    >>> values = ColumnValues(LOAN_OUTCOMES, column, pl.LazyFrame({"bad": [1, 2, 2]}), timezone="UTC")
    >>> print(remedy("wrong type", LOAN_OUTCOMES, mapping, values, field="tables.loan_outcomes", hidden=False))
    which value means defaulted? If 1 does, `defaulted: {from: bad, map: {1: true, 2: false}}`; if 2 does, `defaulted: \
{from: bad, map: {1: false, 2: true}}`; at tables.loan_outcomes.columns
    """
    place = f"at {field}.columns"
    if rule == DUPLICATE_KEY:
        return _duplicate_key(table, mapping, field, validation)
    if values is None:
        return CORRECT
    if rule == NULL:
        return _missing_value(table, values, field)
    if rule in (AMBIGUOUS, PERCENT):
        text = marks_remedy(rule, values)
    elif values.column.kind == "timestamp" and rule != FUTURE and (counters := counters_remedy(values, mapping)):
        text = counters
    elif rule in _BY_RULE:
        text = _BY_RULE[rule](values, hidden)
    elif values.column.kind == "timestamp":
        text = time_remedy(values, hidden)
    elif rule == TYPE:
        text = flag_remedy(values, hidden) if values.column.kind == "boolean" else number_remedy(values, hidden)
    elif rule.startswith("not one of"):
        text = category_remedy(values, hidden)
    elif rule.startswith("not between"):
        text = range_remedy(values, hidden)
    else:
        text = CORRECT
    return f"{text}; {place}" if "`" in text else text


def _missing_value(table: Table, values: ColumnValues, field: str) -> str:
    column = values.column
    source = column.spec.source or column.name
    texts = [f"fill in `{source}`"]
    if table.key == (column.name,):
        texts.append(f"or number the rows with `{column.name}: {{row_number: true}}` at {field}.columns")
    elif column.name in table.key:
        texts.append(f"or map another source column at {field}.columns.{column.name}")
    texts.append(f"or leave these rows out with `drop: {{{source}: [null]}}` at {field}")
    return ", ".join(texts)


def _duplicate_key(table: Table, mapping: ColumnMapping, field: str, validation: ValidationResult | None) -> str:
    key, is_single = ", ".join(mapping.key), len(table.key) == 1
    remedies = [f"keep one row for each {key if is_single else f'combination of {key}'}"]
    if validation is not None:
        rows = validation.rules.get(f"{key}: {DUPLICATE_KEY}", 0)
        replaced = rows - validation.n_duplicate_keys
        # Versions of a row are few. Where most rows would be replaced, the key is not that of the rows.
        if 0 < replaced <= validation.rows_read / 2:
            remedies.append(
                f"or set `duplicate_keys: latest` at {field}, which reads the last row of each key and leaves out the "
                f"{replaced:,} others"
            )
    if is_single:
        remedies.append(
            f"or, if the rows are different things, map the column that tells them apart, or `{key}: {{row_number: "
            "true}`"
        )
    return ", ".join(remedies)
