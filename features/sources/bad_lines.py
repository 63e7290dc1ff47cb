"""Lines of text files that hold no row of the table, and notes on how files were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

import polars as pl

from features.sources.joins import UnmatchedRows

ROW = "__row__"  # position of a row in its source, from 0

LINE = "line"  # in place of a column in the names of rules
INVALID_TEXT = f"{LINE}: not valid in its encoding"
TOO_MANY = f"{LINE}: more fields than the header"
TOO_FEW = f"{LINE}: fewer fields than the header"
QUOTES = f"{LINE}: quotes that do not match"

SCHEMA = pl.Schema({ROW: pl.UInt32, "line": pl.Int64, "rule": pl.String, "reason": pl.String, "text": pl.String})


@dataclass(frozen=True)
class BadLines:
    """Lines of a text file that cannot be read as rows.

    Attributes
    ----------
    where : str
        Table and file, for messages.
    frame : pl.DataFrame
        `__row__` (position among all lines after the header, from 0), `line` (number in the file, from 1), `rule` (a
        constant of this module), `reason` (a sentence with the line's number) and `text` of each line.
    lines_read : int
        Number of lines after the header that are not blank, the bad ones included.
    remedies : mapping of str to str
        What to do, by rule.
    """

    where: str
    frame: pl.DataFrame
    lines_read: int
    remedies: Mapping[str, str]

    @property
    def rules(self) -> dict[str, int]:
        """Return the number of lines by rule."""
        return dict(self.frame.group_by("rule", maintain_order=True).len().iter_rows())

    def example(self, rule: str) -> str:
        """Return the reason of the first line that breaks a rule, such as "line 4 has 5 fields, the header has 4"."""
        return str(self.frame.filter(pl.col("rule") == rule)["reason"][0])

    def summary(self) -> str:
        """Return the number of lines, an example and a remedy of each rule, in one line without the lines' text."""
        return "; ".join(
            f"{rule.removeprefix(f'{LINE}: ')} in {n:,} of {self.lines_read:,}, for example {self.example(rule)} "
            f"({self.remedies[rule]})"
            for rule, n in self.rules.items()
        )


@dataclass
class ReadLog:
    """What is noted while one file is opened and read; in `features.sources.scans.Scan.logs`.

    Attributes
    ----------
    bad_lines : BadLines or None
        Lines that are no rows; known when the rows are read.
    notes : list of str
        Sentences on what was recognised.
    unmatched : UnmatchedRows or None
        For a joined file: rows of the table without a partner in it; known when the rows are read.
    folder : TemporaryDirectory or None
        Decoded copy of the file; it is deleted with this object.

    Examples
    --------
    >>> ReadLog().bad_lines is None
    True
    """

    bad_lines: BadLines | None = None
    notes: list[str] = field(default_factory=list)
    unmatched: UnmatchedRows | None = None
    folder: TemporaryDirectory[str] | None = field(default=None, repr=False)

    def add_note(self, note: str) -> None:
        """Add a sentence, once."""
        if note not in self.notes:
            self.notes.append(note)
