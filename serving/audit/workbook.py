"""Write a table as an Excel workbook (Office Open XML), row by row, so that any number of rows fits in memory."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

MAX_ROWS = 1_048_576  # of a sheet, its header included; more rows go to further sheets
MAX_TEXT = 32_767  # characters of a cell
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/></cellXfs></styleSheet>'
)


def write_workbook(
    path: Path, *, title: str, header: Sequence[str], rows: Iterable[Sequence[Any]], sheet_rows: int = MAX_ROWS
) -> int:
    """Write rows to the sheets of a workbook, each sheet with the header, and return the number of rows.

    Texts are written as texts: none is read as a formula.

    Parameters
    ----------
    path : Path
        File to write; an existing one is replaced.
    title : str
        Name of the first sheet, at most 25 characters; further ones have a number behind it.
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence
        A text, number, bool or None for each column; NaN and infinity become empty cells. A text is cut after 32,767
        characters, which a cell holds.
    sheet_rows : int
        Most rows of a sheet, its header included, at least 2.

    Returns
    -------
    int

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import fastexcel
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "decisions.xlsx")
    ...     rows = [("D1", 0.5), ("=1+1", None)]
    ...     write_workbook(path, title="decisions", header=("decision", "probability"), rows=rows)
    ...     fastexcel.read_excel(path).load_sheet(0).to_polars().rows()
    2
    [('D1', 0.5), ('=1+1', None)]
    """
    remaining, sheets, count = iter(rows), 0, 0
    first = next(remaining, None)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        while first is not None or sheets == 0:
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                written, first = _write_sheet(sheet, header, first, remaining, sheet_rows - 1)
            count += written
        _write_frame(archive, [title if n == 1 else f"{title} {n}" for n in range(1, sheets + 1)])
    return count


def _write_sheet(
    sheet: IO[bytes], header: Sequence[str], first: Sequence[Any] | None, remaining: Any, most: int
) -> tuple[int, Sequence[Any] | None]:
    """Write at most so many rows; return their number, and the first row of the next sheet (None without one)."""
    pane = '<pane ySplit="1" topLeftCell="A2" state="frozen"/>'
    view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}">{view}<sheetData>'.encode())
    sheet.write(_row(header, style=' s="1"'))
    count = 0
    while first is not None and count < most:
        sheet.write(_row(first))
        count += 1
        first = next(remaining, None)
    sheet.write(b"</sheetData></worksheet>")
    return count, first


def _row(values: Sequence[Any], style: str = "") -> bytes:
    return f"<row>{''.join(_cell(value, style) for value in values)}</row>".encode()


def _cell(value: Any, style: str) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return f"<c{style}/>"
    if isinstance(value, bool):
        return f'<c t="b"{style}><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c{style}><v>{value!r}</v></c>"
    text = escape(_NOT_XML.sub("\ufffd", str(value))[:MAX_TEXT])
    return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{text}</t></is></c>'


def _write_frame(archive: ZipFile, titles: Sequence[str]) -> None:
    """Write the parts that say which sheets there are."""
    numbers = range(1, len(titles) + 1)
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>' for n in numbers
    )
    types += f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    types += f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    relations += f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    sheets = "".join(
        f'<sheet name="{escape(title)}" sheetId="{n}" r:id="r{n}"/>' for n, title in enumerate(titles, start=1)
    )
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{default}{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
    }
    for name, content in parts.items():
        archive.writestr(name, _HEAD + content)
    archive.writestr("xl/styles.xml", _STYLES)
