"""Copy the rows of an irregular CSV file line by line; lines that hold no row are returned with their numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import polars as pl

from features.sources.bad_lines import INVALID_TEXT, QUOTES, SCHEMA, TOO_FEW, TOO_MANY
from features.sources.csv_header import Header
from features.sources.encodings import INVALID, MARK_INVALID

MAX_TEXT = 2_000  # characters of a bad line in the quarantine file
MAX_TEXTS = 100_000  # bad lines with their text
MIN_ROWS_INSIDE = 2  # lines inside a quoted text that look like rows: then its quote was not closed
_BLANKS = " \t\u00a0\u3000\x1a"  # Ctrl-Z ended files of DOS


@dataclass(frozen=True)
class Repair:
    """What `copy_rows` left out or changed.

    Attributes
    ----------
    bad : pl.DataFrame
        Columns of `features.sources.bad_lines.SCHEMA`, one row per bad line.
    lines_read : int
        Number of lines after the header that are not blank.
    widths : Counter of int
        Number of bad lines by number of fields.
    notes : tuple of str
        Sentences on NUL characters and separators at the ends of lines.
    """

    bad: pl.DataFrame
    lines_read: int
    widths: Counter[int]
    notes: tuple[str, ...]


def copy_rows(
    source: Path, header: Header, target: Path, *, separator: str, encoding: str, ends_with_cr: bool
) -> Repair:
    """Copy the rows of a CSV file so that Polars can read them; a bad line becomes a blank one.

    Rows keep their positions, because Polars counts blank lines.

    Parameters
    ----------
    source : Path
        CSV file in UTF-8; invalid bytes are allowed.
    header : Header
        Its header; the copy has none.
    target : Path
        File to write.
    separator : str
        Separator of the copy, in ASCII.
    encoding : str
        Encoding of the original file, for messages.
    ends_with_cr : bool
        Lines end by CR alone.

    Returns
    -------
    Repair

    Raises
    ------
    OSError
        A file cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> header = Header(("a", "b"), 2, ",", line=1, n_lines=1, notes=())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, target = Path(folder, "a.csv"), Path(folder, "b.csv")
    ...     _ = source.write_text("a,b\\n1,2\\n3,4,5\\n6,7\\n")
    ...     repair = copy_rows(source, header, target, separator=",", encoding="utf-8", ends_with_cr=False)
    ...     target.read_text().split("\\n")
    ['1,2', '', '6,7', '']
    >>> repair.bad["reason"].to_list()
    ['line 3 has 3 fields, the header has 2']
    """
    with (
        source.open(encoding="utf-8", errors=MARK_INVALID, newline="" if ends_with_cr else "\n") as opened,
        target.open("w", encoding="utf-8", newline="\n") as copy,
    ):
        copier = _Copier(_Lines(opened), header, copy, separator, encoding)
        copier.copy()
    return copier.result()


class _Lines:
    """Lines with their numbers; lines may be put back."""

    def __init__(self, file: TextIO) -> None:
        self._file = enumerate(file, 1)
        self._waiting: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        if self._waiting:
            return self._waiting.popleft()
        number, line = next(self._file)
        line = line.removesuffix("\n")
        return number, line.removesuffix("\r")

    def put_back(self, lines: list[tuple[int, str]]) -> None:
        self._waiting.extendleft(reversed(lines))


@dataclass
class _Copier:
    lines: _Lines
    header: Header
    copy_file: TextIO
    separator: str
    encoding: str
    row: int = -1
    lines_read: int = 0
    n_nul: int = 0
    n_surplus: int = 0
    widths: Counter[int] = field(default_factory=Counter)
    bad: list[tuple[int, int, str, str, str]] = field(default_factory=list)

    def copy(self) -> None:
        own, most, least = self.header.separator, len(self.header.names) - 1, self.header.n_required - 1
        is_plain = own == self.separator
        for number, line in self.lines:
            if number <= self.header.n_lines:
                continue
            self.row += 1
            if "\0" in line:
                line = line.replace("\0", "")
                self.n_nul += 1
            is_simple = '"' not in line and INVALID not in line and "\r" not in line
            is_row = is_simple and least <= line.count(own) <= most and line
            if is_plain and (is_row or self._is_quoted_row(line)):
                self.copy_file.write(f"{line}\n")
                self.lines_read += 1
            else:
                self._copy_other(number, line)

    def _is_quoted_row(self, line: str) -> bool:
        """Return whether a line is a row whose fields are all quoted and hold no quotes."""
        most = len(self.header.names) - 1
        return (
            len(line) > 1
            and line[0] == line[-1] == '"'
            and line.count('"') == 2 * (most + 1)
            and line.count(f'"{self.separator}"') == most
            and INVALID not in line
            and "\r" not in line
        )

    def _copy_other(self, number: int, line: str) -> None:
        if not line.replace(self.header.separator, "").strip(_BLANKS):
            self.copy_file.write("\n")
            return
        self.lines_read += 1
        if INVALID in line:
            self._leave_out(number, line, INVALID_TEXT, f"line {number} is not valid {self.encoding}")
        elif '"' in line:
            self._copy_quoted(number, line)
        else:
            fields = line.split(self.header.separator)
            if not self._fits(fields) and "\r" in line:
                # CR as a line end in a file with other line ends
                parts = line.split("\r")
                if all(self._fits(p.split(self.header.separator)) for p in parts if p.strip(_BLANKS)):
                    self.lines.put_back([(number, p) for p in parts if p.strip(_BLANKS)])
                    self.row, self.lines_read = self.row - 1, self.lines_read - 1
                    return
            self._write(number, line, fields)

    def _fits(self, fields: list[str]) -> bool:
        n_fields = len(self.header.names)
        return len(fields) >= self.header.n_required and not any(f.strip(_BLANKS) for f in fields[n_fields:])

    def _write(self, number: int, line: str, fields: list[str]) -> None:
        n_fields = len(self.header.names)
        if not self._fits(fields):
            rule = TOO_FEW if len(fields) < n_fields else TOO_MANY
            plural = "field" if len(fields) == 1 else "fields"
            self.widths[len(fields)] += 1
            self._leave_out(number, line, rule, f"line {number} has {len(fields)} {plural}, the header has {n_fields}")
            return
        self.n_surplus += len(fields) > n_fields
        cells = (f'"{f.replace(chr(34), chr(34) * 2)}"' if f else "" for f in fields[:n_fields])
        self.copy_file.write(self.separator.join(cells) + "\n")

    def _copy_quoted(self, number: int, line: str) -> None:
        """Copy a record with quotes, which may go on in the next lines."""
        for options in ({"strict": True}, {"strict": True, "skipinitialspace": True}):
            lines = [(number, line)]
            fields = self._record(lines, **options)
            n_rows = sum(self._resembles(text, line) for _, text in lines[1:-1])
            swallows_rows = n_rows >= max(MIN_ROWS_INSIDE, (len(lines) - 2) / 2)
            is_marked = any(INVALID in text for _, text in lines)
            if fields is not None and self._fits(fields) and not swallows_rows and not is_marked:
                self._write(number, line, fields)
                return
            self.lines.put_back(lines[1:])
        if len(lines) == 1 and fields is not None:
            self._write(number, line, fields)  # says how many fields the line has
            return
        open_quote = line.count('"') % 2 == 1
        reason = "opens a quote that is not closed" if open_quote else "has text beside a quoted field"
        self._leave_out(number, line, QUOTES, f"line {number} {reason}")

    def _resembles(self, text: str, line: str) -> bool:
        """Return whether a line inside a quoted text has a row's number of fields and its form of key, with digits."""
        own = self.header.separator
        n_separators = len(self.header.names) - 1
        form = _form(line, own)
        return n_separators > 1 and "0" in form and text.count(own) == n_separators and _form(text, own) == form

    def _record(self, lines: list[tuple[int, str]], **options: bool) -> list[str] | None:
        """Return the fields of the record that begins at the first line, and append its other lines to `lines`."""

        def texts() -> Iterator[str]:
            yield f"{lines[0][1]}\n"
            for number, text in self.lines:
                lines.append((number, text))
                yield f"{text}\n"

        try:
            return next(csv.reader(texts(), delimiter=self.header.separator, **options))  # type: ignore[arg-type]
        except (csv.Error, StopIteration):
            return None

    def _leave_out(self, number: int, line: str, rule: str, reason: str) -> None:
        text = line.replace(INVALID, "\ufffd")[:MAX_TEXT] if len(self.bad) < MAX_TEXTS else ""
        self.bad.append((self.row, number, rule, reason, text))
        self.copy_file.write("\n")

    def result(self) -> Repair:
        notes = []
        if self.n_nul:
            notes.append(f"NUL characters were removed from {self.n_nul:,} line{'s' * (self.n_nul > 1)}")
        if self.n_surplus:
            plural = "lines end" if self.n_surplus > 1 else "line ends"
            notes.append(f"{self.n_surplus:,} {plural} with separators beyond the header's fields, which were left out")
        frame = pl.DataFrame(self.bad, schema=SCHEMA, orient="row")
        return Repair(frame, self.lines_read, self.widths, tuple(notes))


def _form(line: str, separator: str) -> str:
    """Return the first field with each run of letters as "a" and of digits as "0": "L12" has the form "a0"."""
    first = line.split(separator, 1)[0].strip('" ')
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d_]+", "a", first))
