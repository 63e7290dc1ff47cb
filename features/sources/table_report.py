"""The report on the read of one table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from features.plurals import count_text
from features.sources.captured_columns import capture_note
from features.sources.violations import Violation

_MAX_UNREAD = 12
_OUTCOME = re.compile(
    r"outcome|status|state|stage|result|won|convert|sold|order|default|bad|loss|label|target|y$|成交|状态|结果|战败|逾期|违约",
    re.IGNORECASE,
)


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
    unread_columns : tuple of str
        Columns of the source that nothing in sources.yaml names and that no contract column is called.
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
    unread_columns: tuple[str, ...] = ()

    @property
    def counts(self) -> str:
        """Numbers of rows in words."""
        read = count_text(self.rows_read, "row")
        return f"{read} read, {self.rows_valid:,} valid, {self.rows_quarantined:,} quarantined"

    @property
    def unread_text(self) -> str:
        """The end of a message on a column that is missing: the source columns that are not read; may be empty.

        >>> TableReport("leads", 1, 1, 0, {}, "0", ("lead_id",), unread_columns=("who", "Lead Stage")).unread_text
        '; columns of the source that are not read: `Lead Stage`, `who`'
        """
        # Columns that sound like an outcome come first.
        names = sorted(self.unread_columns, key=lambda name: _OUTCOME.search(name) is None)
        if not names:
            return ""
        more = f" and {len(names) - _MAX_UNREAD:,} more" if len(names) > _MAX_UNREAD else ""
        return f"; columns of the source that are not read: {', '.join(f'`{n}`' for n in names[:_MAX_UNREAD])}{more}"

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The note on columns found by name, if there are any, and `notes`."""
        return (
            *((capture_note(self.by_name, has_other_columns=self.has_other_columns),) if self.by_name else ()),
            *self.notes,
        )
