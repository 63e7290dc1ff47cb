"""The error of a table with too many quarantined rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from features.errors import DataError
from features.plurals import count_text
from features.sources.validation import ValidationResult
from features.sources.violations import Violation

_MAX_RULES = 3


def quarantine_error(
    table: str,
    validation: ValidationResult,
    violations: Sequence[Violation],
    *,
    share: float,
    file: str,
    quarantine: Path | None,
    notes: Sequence[str] = (),
) -> DataError:
    """Return an error with the three rules that most rows break, an example value and a remedy for each.

    Called by `features.sources.read_tables`.

    Parameters
    ----------
    table : str
        Name of the table.
    validation : ValidationResult
        As returned by `features.sources.validation.validate_rows`, with at least one broken row.
    violations : sequence of Violation
        As returned by `features.sources.violations.explained_violations`.
    share : float
        Largest accepted share of broken rows, from 0 to 1.
    file : str
        Name of the YAML file.
    quarantine : Path or None
        Path of the quarantine file, as returned by `features.sources.quarantine.write_quarantine`.
    notes : sequence of str
        What was noted while the source was read, which may explain the broken rows, such as a total in a wide table.

    Returns
    -------
    DataError
        The message has table, number and share of broken rows, limit, rules and path; the caller raises it.
    """
    n_broken, n_read = validation.broken.height, validation.rows_read
    rules = "; ".join(v.sentence for v in violations[:_MAX_RULES])
    more = f"; and {count_text(len(violations) - _MAX_RULES, 'more rule')}" if len(violations) > _MAX_RULES else ""
    limit = f"max_quarantined_share in {file} is {share:.1%}" if validation.rows_valid else "no valid row is left"
    return DataError(
        f"{table}: {n_broken:,} of {n_read:,} rows ({n_broken / n_read:.1%}) break the contract, and {limit}. "
        f"{rules}{more}. The rows are in {quarantine}{'. Note: ' if notes else ''}{'; '.join(notes)}"
    )
