"""The report on the read of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.plurals import count_text
from features.sources.captured_columns import capture_note
from features.sources.violations import Violation


@dataclass(frozen=True)
class TableReport:
    """Row counts and broken rules of one table; in `RawTables.reports`.

    Attributes
    ----------
    table : str
        Name of the table.
    rows_read, rows_valid, rows_quarantined : int
        Number of rows. The other rows of `rows_read` repeat a valid row exactly, or are replaced by a later one.
    rules : dict of str to int
        "column: rule" to the number of rows that break it, in descending order; "exact duplicate" to the number of
        rows that repeat another one.
    fingerprint : str
        Hash of the valid rows, independent of their order.
    columns : tuple of str
        Columns of the frame.
    notes : tuple of str
        Sentences about how the files were read, columns set aside, rows left out by filters,
        replaced rows, totals in a wide table, classified free-text lines and removed odometer readings.
    nulls : dict of str to tuple
        By column: the values in the contract's units that mean "missing" because of `nulls` or `map` in sources.yaml,
        as `features.sources.nulls.nulls_in_contract_units` returns them. Columns without such values are left out.
    rows_left_out : int
        Number of rows, not in `rows_read`, that filters of sources.yaml leave out: `only`, `drop`, `since`, `before`,
        `until`, `sample`, and blank cells of `unpivot`.
    violations : tuple of Violation
        The broken rules of `rules` with an example and a remedy; see `features.sources.violations.Violation`.
    by_name : tuple of str
        Optional contract columns that sources.yaml does not mention, read from the source columns of the same names.
    timezone : str
        IANA name of the time zone in which the table's instants are read and shown.
    has_other_columns : bool
        False if every column of the source is a contract column of the same name.
    """

    table: str
    rows_read: int
    rows_valid: int
    rows_quarantined: int
    rules: dict[str, int]
    fingerprint: str
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    nulls: Mapping[str, tuple[bool | int | float | str, ...]] = field(default_factory=dict)
    rows_left_out: int = 0
    violations: tuple[Violation, ...] = ()
    by_name: tuple[str, ...] = ()
    timezone: str = "UTC"
    has_other_columns: bool = True

    @property
    def counts(self) -> str:
        """Numbers of rows in words."""
        read = count_text(self.rows_read, "row")
        return f"{read} read, {self.rows_valid:,} valid, {self.rows_quarantined:,} quarantined"

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The note on columns found by name, if there are any, and `notes`."""
        return (
            *((capture_note(self.by_name, has_other_columns=self.has_other_columns),) if self.by_name else ()),
            *self.notes,
        )
