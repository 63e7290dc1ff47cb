"""Broken rules of a table as people read them: column as in the source, number of rows, an example and a remedy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from features.contracts import Table
from features.plurals import count_text
from features.sources.bad_lines import LINE, BadLines
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.column_values import ColumnValues
from features.sources.remedies import remedy
from features.sources.rules import DUPLICATE_KEY, EXACT_DUPLICATE
from features.sources.scans import ROW
from features.sources.validation import ValidationResult

MAX_EXPLAINED = 12  # rules of a table that get an example and a remedy, those that most rows break first
PERSONAL, NOT_SHOWN = "<personal>", "<not shown>"


@dataclass(frozen=True)
class Violation:
    """A rule of the contract, and the rows that break it; in `TableReport.violations`.

    Attributes
    ----------
    column : str
        Contract column or extra feature; the key columns, joined by ", ", for the rule "duplicate key".
    source_column : str or None
        Column as the source names it; None for a constant, a row number or several columns.
    rule : str
        The rule in words, such as "wrong type".
    rows : int
        Number of rows that break it.
    example : str or None
        A value of the source that breaks the rule; None where there is none to show.
    remedy : str or None
        What to do, checked on the values of this source.
    """

    column: str
    source_column: str | None
    rule: str
    rows: int
    example: str | None = None
    remedy: str | None = None

    @property
    def label(self) -> str:
        """Column and rule, a key of `TableReport.rules`."""
        return f"{self.column}: {self.rule}"

    @property
    def title(self) -> str:
        """Column, its name in the source where that differs, and rule; of a rule on whole lines, the rule.

        >>> Violation("defaulted", "bad", "wrong type", 7).title
        'defaulted (source column `bad`): wrong type'
        """
        return self.rule if self.column == LINE else f"{in_source(self.column, self.source_column)}: {self.rule}"

    @property
    def sentence(self) -> str:
        """All of it in one sentence.

        >>> Violation("price", "price", "wrong type", 7, "'a lot'", "correct the values").sentence
        "price: wrong type in 7 rows, for example 'a lot' (correct the values)"
        """
        rows = count_text(self.rows, "line" if self.column == LINE else "row")
        example = f", for example {self.example}" if self.example else ""
        return f"{self.title} in {rows}{example}{f' ({self.remedy})' if self.remedy else ''}"


def in_source(column: str, source_column: str | None) -> str:
    """Return the name of a column, with its name in the source where that differs.

    >>> in_source("defaulted", "bad"), in_source("price", "price")
    ('defaulted (source column `bad`)', 'price')
    """
    return column if source_column in (None, column) else f"{column} (source column `{source_column}`)"


def explained_violations(
    table: Table,
    mapping: ColumnMapping,
    rows: pl.LazyFrame,
    validation: ValidationResult,
    *,
    timezone: str,
    field: str,
    lines: BadLines | None = None,
    only: Collection[str] | None = None,
) -> tuple[Violation, ...]:
    """Return the broken rules of a table with an example and a remedy each, those that most rows break first.

    Values of personal columns and of extra features are not shown.

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
        As returned by `features.sources.validation.validate_rows`.
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    field : str
        Place of the table in the YAML file, such as "sources.yaml: tables.leads".
    lines : BadLines, optional
        Lines of the source's file that hold no row; `validation` counts them.
    only : collection of str, optional
        Columns whose rules are returned; by default those of all columns.

    Returns
    -------
    tuple of Violation
        Empty if no row breaks a rule. Rows that repeat another one exactly are no violation.
    """
    columns = {c.name: c for c in mapping.columns}
    rules = {label: label.split(": ", 1) for label in validation.rules if label != EXACT_DUPLICATE}
    labels = [label for label, (column, _) in rules.items() if only is None or column in only]
    if not labels:
        return ()
    of_lines = lines.remedies if lines else {}
    examples = _first_broken_rows(rows, validation, [n for n in labels[:MAX_EXPLAINED] if n not in of_lines])
    violations = []
    for index, label in enumerate(labels):
        (name, rule), n = rules[label], validation.rules[label]
        column = columns.get(name)
        source = column.spec.source if column else None
        if lines is not None and label in of_lines:
            violations.append(Violation(name, None, rule, n, lines.example(label), of_lines[label]))
            continue
        if index >= MAX_EXPLAINED:
            violations.append(Violation(name, source, rule, n))
            continue
        names = [k for k in (mapping.key if rule == DUPLICATE_KEY else (name,)) if k in columns]
        hidden = _hidden(names, table, columns)
        example = hidden or ", ".join(_shown(columns[k], examples[label]) for k in names) or None
        values = ColumnValues(table, column, rows, timezone=timezone) if column else None
        text = remedy(rule, table, mapping, values, field=field, hidden=bool(hidden), validation=validation)
        violations.append(Violation(name, source, rule, n, example, text))
    return tuple(violations)


def _first_broken_rows(
    rows: pl.LazyFrame, validation: ValidationResult, labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return by rule the first row of the source that breaks it, all in one pass over the source."""
    breaks = pl.col("broken_rules").list.contains
    positions = {label: int(validation.broken.filter(breaks(label))[ROW][0]) for label in labels}
    broken = rows.filter(pl.col(ROW).is_in(pl.Series([*positions.values()]).implode())).collect()
    by_position = {row[ROW]: row for row in broken.iter_rows(named=True)}
    return {label: by_position[position] for label, position in positions.items()}


def _hidden(names: Collection[str], table: Table, columns: Mapping[str, MappedColumn]) -> str | None:
    if any(n in table.personal and columns[n].in_contract for n in names):
        return PERSONAL
    # An extra feature may be personal: the contract does not say.
    return NOT_SHOWN if any(not columns[n].in_contract for n in names) else None


def _shown(column: MappedColumn, row: Mapping[str, Any]) -> str:
    spec = column.spec
    return shortened(spec.constant if spec.source is None else row[spec.source])


def shortened(value: Any) -> str:
    """Return a value of a source for a message, at most 40 characters.

    >>> shortened("a lot"), shortened(5), shortened(None)
    ("'a lot'", '5', 'null')
    """
    text = "null" if value is None else str(value) if isinstance(value, int | float) else repr(str(value))
    return text if len(text) <= 40 else text[:37] + "..."
