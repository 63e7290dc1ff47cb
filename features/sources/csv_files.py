"""Open CSV files as people export them: compressed, in any encoding, with titles, and with lines that hold no row."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars._typing import FrameType

from features.errors import ConfigError, DataError
from features.sources import encoding_advice
from features.sources.bad_lines import INVALID_TEXT, QUOTES, ROW, TOO_FEW, TOO_MANY, BadLines, ReadLog
from features.sources.compression import is_compressed, open_bytes, split_member
from features.sources.csv_header import ends_with_cr, find_header, split_lines
from features.sources.csv_repair import Repair, copy_rows
from features.sources.csv_structure import is_regular
from features.sources.encodings import (
    CHUNK_BYTES,
    HEAD_BYTES,
    INVALID,
    byte_order_mark,
    decode_head,
    is_utf8,
    write_utf8,
)

MAX_PUSHED_DOWN = 200  # columns; time for a filter inside of a Polars scan grows with the square of their number


def _drop_blank_rows(frame: FrameType) -> FrameType:
    """Return the rows with a value: blank lines are not rows."""
    return frame.filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))


@dataclass(frozen=True)
class CsvOptions:
    """Options of a CSV file in sources.yaml, and what is known of its table.

    Attributes
    ----------
    encoding : str
        Python's name of the encoding.
    states_encoding : bool
        Whether `encoding` is written in sources.yaml.
    separator : str or None
        Character between fields; None for that of the line `sep=`, or else a comma.
    skip_rows : int or None
        Number of lines above the header; None recognises lines of a title.
    null_values : tuple of str
        Texts that mean "missing".
    names : frozenset of str
        Names that the header may have.
    mapped : frozenset of str
        Names of source columns in sources.yaml.
    shows_text : bool
        Messages may show a line of the file: the table has no personal columns.
    """

    encoding: str = "utf-8"
    states_encoding: bool = False
    separator: str | None = None
    skip_rows: int | None = None
    null_values: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    mapped: frozenset[str] = frozenset()
    shows_text: bool = False


class CsvFile:
    """A CSV file whose header has been read; its rows are read by `scan`.

    Parameters
    ----------
    path : Path
        Path of the file; ``export.zip/sales.csv`` is a file in an archive.
    options : CsvOptions
        Options of the file.
    where : str
        Name of the source, for error messages.

    Attributes
    ----------
    header : Header
        Column names and what was recognised.
    log : ReadLog
        Bad lines, after `scan`, and notes.

    Raises
    ------
    ConfigError
        The path is a folder.
    DataError
        The file is missing, empty, damaged or of another kind, its header cannot be decoded, or its separator is
        another one.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "leads.csv")
    ...     _ = path.write_text("id,price\\nL1,5\\nL2,6,7\\n")
    ...     file = CsvFile(path, CsvOptions(names=frozenset({"id", "price"})), where="leads")
    ...     rows = file.scan().collect().rows()
    >>> rows, file.log.bad_lines.summary()
    ([(0, 'L1', '5')], 'more fields than the header in 1 of 2, for example line 3 has 3 fields, ...')
    """

    def __init__(self, path: Path, options: CsvOptions, *, where: str) -> None:
        self.path, self.member = split_member(path)
        self.options, self.where, self.log = options, where, ReadLog()
        if self.path.is_dir():
            raise ConfigError(f"{where}: is a folder: `csv` needs a file; use `parquet` for Parquet files")
        if not self.path.exists():
            raise DataError(f"{where}: no such file: correct `csv`, or add the file")
        self._prepared: tuple[Path, bool] | None = None
        with self._open() as file:
            head = file.read(HEAD_BYTES)
            is_whole = not file.read(1)
        declared, self._mark_length = byte_order_mark(head)
        self.encoding = declared or options.encoding
        if declared and options.states_encoding and not options.encoding.startswith(declared[:6]):
            self.log.add_note(f"the byte order mark of {declared} takes precedence over `encoding: {options.encoding}`")
        self._check_kind(head)
        if self.encoding in ("utf-16", "utf-32") and head:
            raise DataError(f"{where}: has no byte order mark of {self.encoding}: {self._encoding_remedy()}")
        text = decode_head(head[self._mark_length :], self.encoding, is_whole=is_whole, where=where)
        self._ends_with_cr = ends_with_cr(text)
        if not declared and INVALID not in text and encoding_advice.is_doubtful(text, self.encoding):
            self._note_encoding()
        self._check_header_text(text)
        self.header = find_header(
            text,
            separator=options.separator,
            skip_rows=options.skip_rows,
            names=options.names,
            mapped=options.mapped,
            where=where,
        )
        for note in self.header.notes:
            self.log.add_note(note)

    def scan(self) -> pl.LazyFrame:
        """Return the rows as text columns, with `__row__`, the position among all lines after the header, from 0.

        Returns
        -------
        pl.LazyFrame
            Without blank lines and bad lines; these are in `log.bad_lines`. A regular file in UTF-8 is read from its
            own path, another one from a temporary copy that lives as long as `log`.

        Raises
        ------
        DataError
            The file is damaged, or does not fit on the disk when it is decompressed.
        OSError
            The file cannot be read or copied.
        """
        if self._prepared is None:
            self._prepared = self._prepare()
        path, has_header = self._prepared
        names = self.header.names
        # All columns as text: the contract decides the types, and a wrong value must be quarantined, not fail the scan.
        frame = pl.scan_csv(
            path,
            separator=self._separator,
            null_values=list(self.options.null_values),
            infer_schema=False,
            glob=False,
            row_index_name=ROW,
            has_header=False,
            skip_lines=self.header.n_lines if has_header else 0,
            schema=dict.fromkeys(names, pl.String()),
            missing_columns="insert",
            raise_if_empty=False,
        )
        if len(names) > MAX_PUSHED_DOWN:
            return frame.map_batches(_drop_blank_rows, predicate_pushdown=False, projection_pushdown=False)
        return _drop_blank_rows(frame)

    @property
    def _separator(self) -> str:
        return self.header.separator if self.header.separator.isascii() else ","

    def _open(self) -> AbstractContextManager[BinaryIO]:
        return open_bytes(self.path, where=self.where, member=self.member)

    def _check_kind(self, head: bytes) -> None:
        start = head[:200].lstrip().lower()
        if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")):
            raise DataError(
                f"{self.where}: is a web page or XML, not CSV: open it in a spreadsheet program, and save it as xlsx"
            )
        if start.startswith((b'{"', b'[{"', b"[\n")):
            raise DataError(f"{self.where}: is JSON, not CSV: export the rows as CSV or Parquet")

    def _check_header_text(self, text: str) -> None:
        """Raise an error if the first lines are in another encoding: a header cannot be quarantined."""
        lines = split_lines(text)
        index = (self.options.skip_rows or 0) if lines else 0
        first = next((i for i in range(index, len(lines)) if lines[i].strip()), None)
        is_utf16 = text[:400].count("\0") > len(text[:400]) / 4
        if first is None or not (INVALID in lines[first] or is_utf16):
            return
        if is_utf16 and is_utf8(self.encoding):
            problem = "every other byte is NUL, as in utf-16"
        else:
            problem = f"line {first + 1} is not valid {self.encoding}"
        raise DataError(f"{self.where}: {problem}: {self._encoding_remedy()}")

    def _note_encoding(self) -> None:
        """Note that the text is hardly plausible in its encoding, if it is in another one."""
        proposals = encoding_advice.propose(self._open)
        if proposals and self.encoding not in {p.encoding for p in proposals}:
            advice = encoding_advice.remedy(proposals, shows_text=self.options.shows_text)
            self.log.add_note(f"the text is hardly plausible in {self.encoding}: {advice}")

    def _encoding_remedy(self) -> str:
        if is_utf8(self.encoding) and encoding_advice.is_mostly_utf8(self._open):
            return "the rest of the file is utf-8: correct the characters there, or export the file again as UTF-8"
        return encoding_advice.remedy(encoding_advice.propose(self._open), shows_text=self.options.shows_text)

    def _prepare(self) -> tuple[Path, bool]:
        """Return the path that Polars reads, and whether it has the header."""
        path = self._as_utf8()
        header = self.header
        if not self._ends_with_cr and is_regular(
            path, header.separator, n_lines=header.n_lines, n_fields=len(header.names), n_required=header.n_required
        ):
            return path, True
        target = self._temporary("rows.csv")
        repair = copy_rows(
            path,
            header,
            target,
            separator=self._separator,
            encoding=self.encoding,
            ends_with_cr=self._ends_with_cr,
        )
        for note in repair.notes:
            self.log.add_note(note)
        if repair.bad.height:
            self.log.bad_lines = BadLines(self.where, repair.bad, repair.lines_read, self._remedies(repair))
        return target, False

    def _as_utf8(self) -> Path:
        """Return the path of the file, or of its decompressed and decoded copy."""
        is_plain = not is_compressed(self.path)
        if is_plain and is_utf8(self.encoding):
            return self.path
        target = self._temporary("text.csv")
        with self._open() as source, target.open("wb") as copy:
            source.read(self._mark_length)
            if is_utf8(self.encoding):
                shutil.copyfileobj(source, copy, CHUNK_BYTES)
            else:
                write_utf8(source, self.encoding, copy, where=self.where)
        return target

    def _temporary(self, name: str) -> Path:
        if self.log.folder is None:
            self.log.folder = tempfile.TemporaryDirectory(prefix="chehang-")
        return Path(self.log.folder.name, name)

    def _remedies(self, repair: Repair) -> dict[str, str]:
        """Return what to do, by rule that a line breaks."""
        rules = set(repair.bad["rule"])
        n_fields = len(self.header.names)
        remedies = {
            TOO_MANY: "put quotes around a field that contains the separator",
            TOO_FEW: "complete the lines, or export the file again",
            QUOTES: "close the quote, and write a quote inside a field twice",
        }
        if repair.widths:
            width, n = repair.widths.most_common(1)[0]
            if n > max(1, repair.lines_read / 2):
                remedies[TOO_MANY if width > n_fields else TOO_FEW] = (
                    f"most lines have {width} fields: name all in the header, or correct `separator` or `skip_rows`"
                )
        if INVALID_TEXT in rules:
            remedies[INVALID_TEXT] = self._encoding_remedy()
        return {rule: remedies[rule] for rule in rules}
