"""Count the bad lines of text files among the quarantined rows of a table, and limit those of joined files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from features.errors import DataError
from features.sources.bad_lines import BadLines, ReadLog
from features.sources.scans import ROW
from features.sources.validation import ValidationResult


def count_bad_lines(validation: ValidationResult, lines: BadLines | None) -> ValidationResult:
    """Return a validation result that counts the bad lines of the table's file as quarantined rows.

    Parameters
    ----------
    validation : ValidationResult
        As returned by `features.sources.validation.validate_rows`.
    lines : BadLines or None
        Bad lines of the file, if it has any.

    Returns
    -------
    ValidationResult
        `rows_read` and `rules` with the lines; `broken` with a row for each, whose rule is that of the line.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.typed_rows import TypedRows
    >>> from features.sources.validation import validate_rows
    >>> from features.sources.bad_lines import SCHEMA, TOO_MANY
    >>> valid = validate_rows(TypedRows(pl.LazyFrame({"__row__": [0], "vin": ["a"]}), ("vin",), ()), ("vin",))
    >>> frame = pl.DataFrame([(1, 3, TOO_MANY, "line 3 has 2 fields, the header has 1", "b,c")], SCHEMA, orient="row")
    >>> result = count_bad_lines(valid, BadLines("a.csv", frame, 2, {}))
    >>> result.rows_read, result.rows_valid, result.rules
    (2, 1, {'line: more fields than the header': 1})
    """
    if lines is None:
        return validation
    rows = lines.frame.select(
        pl.col(ROW).cast(validation.broken.schema[ROW]), pl.concat_list("rule").alias("broken_rules")
    )
    rules = validation.rules | lines.rules
    return replace(
        validation,
        rows_read=validation.rows_read + rows.height,
        broken=pl.concat([validation.broken, rows]).sort(ROW),
        rules=dict(sorted(rules.items(), key=lambda item: -item[1])),
    )


def log_notes(logs: Sequence[ReadLog], *, share: float, unmatched_share: float, file: str, table: str) -> list[str]:
    """Return the notes on how a table's files were read.

    Parameters
    ----------
    logs : sequence of ReadLog
        `features.sources.scans.Scan.logs`: of the table's own file, then of joined files.
    share : float
        Largest accepted share of bad lines of a joined file, from 0 to 1.
    unmatched_share : float
        Largest accepted share of the table's rows without a partner in a joined file, from 0 to 1.
    file, table : str
        Name of the YAML file, and of the table, for error messages.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        More than `share` of a joined file's lines are bad, or more than `unmatched_share` of the rows have no partner
        in it.

    Examples
    --------
    >>> limits = {"share": 0.02, "unmatched_share": 0.2}
    >>> logs = [ReadLog(notes=["2 lines above the header are left out"])]
    >>> log_notes(logs, **limits, file="sources.yaml", table="leads")
    ['2 lines above the header are left out']
    """
    notes = []
    for index, log in enumerate(logs):
        notes += log.notes
        unmatched = log.unmatched
        if unmatched is not None and (note := unmatched.check(unmatched_share, place=f"{file}: tables.{table}")):
            notes.append(note)
        lines = log.bad_lines
        if lines is None:
            continue
        if index == 0:
            notes.append(f"quarantined lines: {lines.summary()}")
            continue
        if lines.frame.height > share * lines.lines_read:
            raise DataError(
                f"{lines.where}: {lines.frame.height:,} of {lines.lines_read:,} lines cannot be joined, and "
                f"max_quarantined_share in {file} is {share:.1%}. {lines.summary()}"
            )
        notes.append(f"lines of {lines.where.split(': ', 1)[-1]} that are not joined: {lines.summary()}")
    return notes
