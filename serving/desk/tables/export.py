"""Tables as files: CSV that spreadsheet programs open with Chinese letters intact, and XLSX with formats."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

import polars as pl

from serving.desk.catalogue import Language
from serving.desk.formats import in_language
from serving.desk.tables.columns import ColumnKind
from serving.desk.tables.view import TableView

BOM = "\ufeff"  # without it a spreadsheet program reads the file as the system's encoding
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FORMATS: Mapping[str, str] = {
    "money": "#,##0", "number": "#,##0", "percent": "0.0%", "interval": "0.0%", "date": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}  # fmt: skip
_NUMBERS = ("number", "money", "percent", "interval")


@dataclass(frozen=True)
class Sheet:
    """Columns of a file.

    Attributes
    ----------
    headings : tuple of str
        With the unit after a comma; all different.
    kinds : tuple of ColumnKind
        Kind of each column.
    digits : tuple of int or None
        Decimals of each column.
    columns : tuple of list
        Values: words, numbers, days, or datetimes in the dealership's time zone.
    """

    headings: tuple[str, ...]
    kinds: tuple[ColumnKind, ...]
    digits: tuple[int | None, ...]
    columns: tuple[list[Any], ...]


def export_sheet(
    view: TableView, query: Mapping[str, str], language: Language, text: Callable[[str], str], zone: tzinfo
) -> Sheet:
    """Return the columns of all rows that pass the filters of an address, in its order.

    An interval becomes three columns, and a second line a column of its own.

    Parameters
    ----------
    view : TableView
        Table.
    query : mapping of str to str
        Query of the address.
    language : {'zh', 'en'}
        Language of headings and texts.
    text : callable
        ``(key) -> str``: text of the catalogue.
    zone : tzinfo
        The dealership's time zone.
    """
    rows = view.select(view.own_query(query), language, text)
    out: list[tuple[str, ColumnKind, int | None, list[Any]]] = []
    for column in view.columns:
        if not column.exported:
            continue
        heading = text(column.heading) + (f", {text(column.unit)}" if column.unit and language == "en" else "")
        heading += f"（{text(column.unit)}）" if column.unit and language == "zh" else ""
        values = [_local(column.plain(row, language, text), zone) for row in rows]
        out.append((heading, column.kind, column.digits, values))
        for name, key in ((column.low, "parts.table.low"), (column.high, "parts.table.high")):
            if column.kind == "interval" and name:
                title = f"{heading}，{text(key)}" if language == "zh" else f"{heading}, {text(key)}"
                out.append((title, "percent", column.digits, [row.get(name) for row in rows]))
        if column.second:
            seconds = [
                None if row.get(column.second) is None else in_language(row[column.second], language) for row in rows
            ]
            out.append((_more(heading, language), "text", None, seconds))
    headings: list[str] = []
    for heading, *_ in out:
        headings.append(heading if heading not in headings else f"{heading} {headings.count(heading) + 1}")
    return Sheet(
        tuple(headings), tuple(o[1] for o in out), tuple(o[2] for o in out), tuple(o[3] for o in out)
    )  # fmt: skip


def _more(heading: str, language: Language) -> str:
    return f"{heading}，说明" if language == "zh" else f"{heading}, remark"


def _local(value: Any, zone: tzinfo) -> Any:
    return value.astimezone(zone).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


def csv_bytes(sheet: Sheet) -> bytes:
    """Return a CSV file: UTF-8 with a byte order mark, headings in the first line.

    A text that a spreadsheet program would run as a formula is written after an apostrophe.

    Examples
    --------
    >>> sheet = Sheet(("Name", "Price, yuan"), ("text", "money"), (None, None), (["=1+1"], [158_000.0]))
    >>> csv_bytes(sheet).decode().splitlines()
    ['\\ufeffName,"Price, yuan"', "'=1+1,158000"]
    """
    file = io.StringIO()
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow([_safe(h) for h in sheet.headings])
    for row in zip(*sheet.columns, strict=True):
        writer.writerow([_csv_cell(v) for v in row])
    return file.getvalue().encode()


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return value if isinstance(value, int | date) else _safe(str(value))


def _safe(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def xlsx_bytes(sheet: Sheet, title: str) -> bytes:
    """Return an XLSX file with one sheet: number formats, days as days, a frozen heading, filters and fitting widths.

    Parameters
    ----------
    sheet : Sheet
        As returned by `export_sheet`.
    title : str
        Name of the sheet; what Excel refuses is left out.
    """
    series = [
        pl.Series(h, values, dtype=_dtype(kind), strict=False)
        for h, kind, values in zip(sheet.headings, sheet.kinds, sheet.columns, strict=True)
    ]
    file = io.BytesIO()
    formats: dict[Any, Any] = {
        h: _format(k, d) for h, k, d in zip(sheet.headings, sheet.kinds, sheet.digits, strict=True) if _format(k, d)
    }
    pl.DataFrame(series).write_excel(
        file, worksheet="".join(c for c in title if c not in "[]:*?/\\'")[:31] or "1", freeze_panes=(1, 0),
        column_formats=formats, column_widths={h: _width(h, s) for h, s in zip(sheet.headings, series, strict=True)},
        header_format={"bold": True, "text_wrap": True, "valign": "top"}, table_style="Table Style Light 1",
    )  # fmt: skip
    return file.getvalue()


def _dtype(kind: ColumnKind) -> Any:
    if kind in _NUMBERS:
        return pl.Float64
    return {"date": pl.Date, "moment": pl.Datetime("us")}.get(kind, pl.String)


def _format(kind: ColumnKind, digits: int | None) -> str:
    pattern = _FORMATS.get(kind, "")
    if digits is None or kind not in _NUMBERS:
        return pattern
    decimals = f".{'0' * digits}" if digits else ""
    return f"0{decimals}%" if kind in ("percent", "interval") else f"#,##0{decimals}"


def _width(heading: str, series: pl.Series) -> int:
    """Return a column's width in px: that of its longest words, Chinese letters counted twice, up to 420."""
    values = (
        [heading, *(str(v) for v in series.drop_nulls().head(200).to_list())]
        if series.dtype == pl.String
        else [heading, "2025-06-30 10:30"[: 16 if series.dtype == pl.Datetime("us") else 10]]
    )
    longest = max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in v) for v in values)
    return min(max(7 * longest + 24, 70), 420)
