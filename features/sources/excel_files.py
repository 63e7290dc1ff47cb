"""Open Excel workbooks as people export them: titles above the header, several sheets, and cells with errors."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import ConfigError, DataError
from features.sources.bad_lines import ROW, ReadLog
from features.sources.csv_header import MAX_TITLE_LINES, count_names, is_header, repetitions, unique_names
from features.yaml_config import name_hint

_HEAD_ROWS = MAX_TITLE_LINES + 10
_MAX_SHEETS = 20
_ERRORS = {"Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!",
           "Value": "#VALUE!", "GettingData": "#GETTING_DATA"}  # fmt: skip
_ZERO_DAY = pl.date(1899, 12, 31)  # the date of a cell that holds a time of day alone


@dataclass(frozen=True)
class _Head:
    rows: list[list[str]]
    total_rows: int
    is_visible: bool


class ExcelFile:
    """A sheet of a workbook whose header has been read; its rows are read by `scan`.

    Parameters
    ----------
    path : Path
        Workbook: xlsx, xlsm, xlsb, xls or ods.
    sheet : str, int or None
        Name of the sheet, or its number from 1; None for the first one that is visible.
    skip_rows : int or None
        Number of rows above the header; None recognises rows of a title.
    names, mapped : collection of str
        Names that the header may have, and those of source columns in sources.yaml.
    where : str
        Name of the source, for error messages.

    Attributes
    ----------
    columns : tuple of str
        Column names; a column without a name and without values is left out.
    log : ReadLog
        Notes on titles, sheets and cells with errors.

    Raises
    ------
    ConfigError
        fastexcel is not installed, or the path is a folder.
    DataError
        The file is missing or no workbook, it has no such sheet, or the sheet has no header.

    Examples
    --------
    >>> from pathlib import Path
    >>> ExcelFile(Path("leads.xlsx"), None, names=["id"], where="leads: leads.xlsx")
    Traceback (most recent call last):
    features.errors.DataError: leads: leads.xlsx: no such file: correct `excel`, or add the file
    """

    def __init__(
        self,
        path: Path,
        sheet: str | int | None,
        *,
        names: Collection[str],
        where: str,
        skip_rows: int | None = None,
        mapped: Collection[str] = (),
    ) -> None:
        self.where, self.log = where, ReadLog()
        self._frame: pl.DataFrame | None = None
        self._workbook = _open(path, where)
        self._sheets = list(self._workbook.sheet_names)
        if not self._sheets:
            raise DataError(f"{where}: has no sheets: save it again as xlsx")
        self._heads: dict[int, _Head] = {}
        self._index = self._sheet_index(sheet, names)
        head = self._head(self._index).rows
        if not any(any(row) for row in head):
            raise DataError(f"{where}: the sheet `{self._sheets[self._index]}` is empty: name another with `sheet`")
        self._row = _header_row(head, names, skip_rows)
        cells = head[self._row] if self._row < len(head) else []
        recognised = _header_row(head, names, None)
        if not count_names(cells, names) and count_names(head[recognised], names):
            raise DataError(
                f"{where}: row {self._row + 1} has none of the table's columns, row {recognised + 1} has: set "
                f"`skip_rows: {recognised}`, or remove it"
            )
        if not any(cells):
            raise DataError(f"{where}: row {self._row + 1} has no header: correct `skip_rows`")
        if skip_rows is None and any(any(row) for row in head[: self._row]):
            n = self._row
            plural = f"{n} rows above the header are" if n > 1 else "1 row above the header is"
            self.log.add_note(f"{plural} left out: `skip_rows: {n}` confirms this")
        for note in repetitions(cells):
            self.log.add_note(note)
        self._names = unique_names(cells, mapped)
        self._named = [bool(cell) for cell in cells]
        self.columns = self._columns(head[self._row + 1 :])

    def scan(self) -> pl.LazyFrame:
        """Return the rows with the types of their cells, and `__row__`, the position below the header from 0.

        Returns
        -------
        pl.LazyFrame
            Without blank rows. Numbers are Float64, dates Date or Datetime, and times of day text. A column of mixed
            cells is text, in which a whole number has no decimal point. A cell with an error is null, and noted.

        Raises
        ------
        DataError
            The sheet cannot be read.
        """
        if self._frame is None:
            self._frame = self._read()
        return self._frame.lazy()

    def _sheet_index(self, sheet: str | int | None, names: Collection[str]) -> int:
        listing = ", ".join(f"`{n}`" for n in self._sheets[:_MAX_SHEETS])
        if isinstance(sheet, int):
            if sheet > len(self._sheets):
                raise DataError(f"{self.where}: has no sheet {sheet}; its {len(self._sheets)} sheets are {listing}")
            return sheet - 1
        if sheet is not None:
            if sheet not in self._sheets:
                hint = name_hint(sheet, self._sheets)
                more = f"; {hint}" if hint.startswith("did you") else ""
                raise DataError(f"{self.where}: has no sheet `{sheet}`; its sheets are {listing}{more}")
            return self._sheets.index(sheet)
        index = next((i for i in range(len(self._sheets)) if self._head(i).is_visible), 0)
        if len(self._sheets) == 1:
            return index
        if not any(count_names(row, names) for row in self._head(index).rows):
            for other in range(min(len(self._sheets), _MAX_SHEETS)):
                if max((count_names(row, names) for row in self._head(other).rows), default=0) > 1:
                    raise DataError(
                        f"{self.where}: the sheet `{self._sheets[index]}` has none of the table's columns, but "
                        f"`{self._sheets[other]}` has: set `sheet: {self._sheets[other]}`"
                    )
        self.log.add_note(
            f"the sheet `{self._sheets[index]}` of {listing} is read (`sheet` names another, or this one)"
        )
        return index

    def _head(self, index: int) -> _Head:
        """Return the first rows of a sheet, counted from its top."""
        if index not in self._heads:
            with _errors_of_calamine(f"{self.where}: the sheet `{self._sheets[index]}`"):
                sheet = self._workbook.load_sheet(
                    index, header_row=None, n_rows=_HEAD_ROWS, skip_rows=0, dtypes="string"
                )
            frame = sheet.to_polars() if sheet.width and sheet.height else pl.DataFrame()
            rows = [[_header_text(v) for v in row] for row in frame.iter_rows()]
            self._heads[index] = _Head(rows, sheet.total_height, sheet.visible == "visible")
        return self._heads[index]

    def _columns(self, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
        used = [named or any(row[i] for row in rows) for i, named in enumerate(self._named)]
        self._used = [i for i, is_used in enumerate(used) if is_used]
        return tuple(self._names[i] for i in self._used)

    def _read(self) -> pl.DataFrame:
        first = self._row + 1
        texts: set[int] = set()
        if first >= self._head(self._index).total_rows:
            return pl.DataFrame(schema={ROW: pl.UInt32, **dict.fromkeys(self.columns, pl.String)})
        while True:
            frame, errors, column = self._typed(first, texts)
            mixed = {e.position[1] for e in errors if "got 'String(" in e.detail} - texts
            if column is not None:
                mixed.add(column)
            if not mixed:
                break
            texts |= mixed  # text among numbers, such as "n/a", must not become null
        assert frame is not None
        self._note_errors(errors)
        frame = frame.rename(dict(zip(frame.columns, self._names, strict=False)))
        frame = frame.select(self.columns).with_columns(_plain_times(frame.select(self.columns)))
        return frame.with_row_index(ROW).filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))

    def _typed(self, first: int, texts: Collection[int]) -> tuple[pl.DataFrame | None, list[Any], int | None]:
        """Return the rows and the errors of cells, or the number of a column of which fastexcel finds no type."""
        import fastexcel

        types = {f"__UNNAMED__{i}": "string" for i in texts}  # numbers would count empty columns on the left
        options = {"header_row": None, "schema_sample_rows": None, "whitespace_as_null": True}
        try:
            with _errors_of_calamine(self.where):
                sheet = self._workbook.load_sheet(self._index, skip_rows=first, dtypes=types or None, **options)
                batch, errors = sheet.to_arrow_with_errors()
        except fastexcel.UnsupportedColumnTypeCombinationError as error:
            match = re.search(r"column __UNNAMED__(\d+)", str(error))
            if match is None or int(match.group(1)) in texts:
                raise DataError(f"{self.where}: cannot be read ({_line(error)}): save it again as xlsx") from None
            return None, [], int(match.group(1))
        frame = pl.from_arrow(batch)
        assert isinstance(frame, pl.DataFrame)
        return frame, list(errors.errors) if errors is not None else [], None

    def _note_errors(self, errors: Sequence[Any]) -> None:
        counts: dict[int, Counter[str]] = {}
        for error in errors:
            kind = re.search(r"got 'Error\((\w+)\)'", error.detail)
            if kind:
                counts.setdefault(error.position[1], Counter())[_ERRORS.get(kind.group(1), kind.group(1))] += 1
        for column, kinds in sorted(counts.items()):
            n = sum(kinds.values())
            plural = "cells have" if n > 1 else "cell has"
            listing = ", ".join(f"{kind} {k:,}" for kind, k in kinds.most_common())
            self.log.add_note(f"column `{self._names[column]}`: {n:,} {plural} an error ({listing}), read as missing")


def _open(path: Path, where: str) -> Any:
    if path.is_dir():
        raise ConfigError(f"{where}: is a folder: `excel` needs a file")
    if not path.exists():
        raise DataError(f"{where}: no such file: correct `excel`, or add the file")
    try:
        import fastexcel
    except ImportError:
        raise ConfigError(f"{where}: workbooks need the package fastexcel: pip install fastexcel") from None
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every empty column
    with path.open("rb") as file:
        head = file.read(200)
    if not head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        is_web_page = head.lstrip().lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta"))
        kind = "a web page or XML" if is_web_page else "text" if b"\0" not in head else "another kind of file"
        remedy = "open it in a spreadsheet program, and save it as xlsx" if kind != "text" else "use `csv`"
        raise DataError(f"{where}: is no workbook but {kind}: {remedy}")
    with _errors_of_calamine(where):
        return fastexcel.read_excel(path)


@contextmanager
def _errors_of_calamine(where: str) -> Iterator[None]:
    import fastexcel

    try:
        yield
    except fastexcel.UnsupportedColumnTypeCombinationError:
        raise
    except BaseException as error:
        is_panic = type(error).__name__ == "PanicException"  # of a damaged file; not derived from Exception
        if not (is_panic or isinstance(error, fastexcel.FastExcelError)):
            raise
        is_protected = "assword" in str(error) or "ncrypt" in str(error)
        remedy = "save it without its password" if is_protected else "save it again as xlsx"
        raise DataError(f"{where}: is no workbook that can be read ({_line(error)}): {remedy}") from None


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _header_text(value: str | None) -> str:
    """Return a cell of a header without blanks; a date loses its time."""
    return re.sub(r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1", " ".join((value or "").split(" ")).strip())


def _header_row(head: Sequence[Sequence[str]], names: Collection[str], skip_rows: int | None) -> int:
    """Return the number of the header's row, from 0."""
    if skip_rows is not None:
        return next((i for i in range(skip_rows, len(head)) if any(head[i])), skip_rows)
    filled = [i for i, row in enumerate(head[:MAX_TITLE_LINES]) if any(row)]
    first = filled[0]
    best = max(filled, key=lambda i: (count_names(head[i], names), -i))
    if is_header(head[best], above=head[first], names=names):
        return best
    widths = {i: sum(map(bool, head[i])) for i in filled}
    if not count_names(head[first], names) and widths[first] == 1 and max(widths.values()) > 2:
        return next(i for i in filled if widths[i] >= 0.8 * max(widths.values()))
    return first


def _plain_times(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return expressions that make a column of midnights dates, and one of times of day texts such as "10:30:00"."""
    expressions = []
    for name, dtype in frame.schema.items():
        if not isinstance(dtype, pl.Datetime) or frame[name].null_count() == frame.height:
            continue
        column = pl.col(name)
        is_time, is_date = frame.select(
            (column.dt.date() <= _ZERO_DAY).all().alias("time"), (column.dt.time() == pl.time(0)).all().alias("date")
        ).row(0)
        if is_time:
            expressions.append(column.dt.strftime("%H:%M:%S"))
        elif is_date:
            expressions.append(column.dt.date())
    return expressions
