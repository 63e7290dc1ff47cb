"""Tables as CSV and XLSX files, read back."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from serving.desk.catalogue import catalogue
from serving.desk.tables.columns import TableColumn
from serving.desk.tables.export import Sheet, csv_bytes, export_sheet, xlsx_bytes
from serving.desk.tables.view import TableView

COLUMNS = (
    TableColumn("name", "parts.table.search", is_title=True, second="remark"),
    TableColumn("price", "parts.table.all", "money", unit="parts.yuan"),
    TableColumn("share", "parts.figures", "interval", low="low", high="high"),
    TableColumn("day", "parts.retry", "date", exported=False),
    TableColumn("at", "parts.table.next", "moment"),
)
ROWS: list[dict[str, Any]] = [
    {"name": "=1+1", "remark": {"zh": "红", "en": "red"}, "price": 158000.0, "share": 0.2, "low": 0.1, "high": 0.3,
     "at": "2025-06-30T01:00:00+00:00"},
    {"name": "陈静", "remark": None, "price": None, "share": None, "low": None, "high": None, "at": None},
]  # fmt: skip


def sheet(language: Any = "en", query: dict[str, str] | None = None) -> Sheet:
    view = TableView("cars", COLUMNS, ROWS)
    texts = catalogue()
    return export_sheet(view, query or {}, language, lambda k: texts.text(k, language), ZoneInfo("Asia/Shanghai"))


def test_headings_have_the_unit_and_the_language() -> None:
    assert sheet("en").headings == (
        "Search", "Search, remark", "All, yuan", "Figures as a table", "Figures as a table, lower end",
        "Figures as a table, upper end", "Next",
    )  # fmt: skip
    assert sheet("zh").headings[2:4] == ("全部（元）", "数据表")


def test_a_csv_file_has_a_mark_of_its_encoding_and_no_formulas() -> None:
    content = csv_bytes(sheet())
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[1] == ["'=1+1", "red", "158000", "0.2", "0.1", "0.3", "2025-06-30 09:00"]
    assert rows[2] == ["陈静", "", "", "", "", "", ""]


def test_an_export_holds_the_rows_that_pass_the_filters_in_their_order() -> None:
    assert sheet(query={"q": "陈"}).columns[0] == ["陈静"]
    assert sheet(query={"sort": "price"}).columns[0] == ["=1+1", "陈静"]


def test_an_xlsx_file_is_read_back_with_its_types() -> None:
    frame = pl.read_excel(io.BytesIO(xlsx_bytes(sheet(), "Cars")), sheet_name="Cars")
    assert frame["All, yuan"].to_list() == [158000, None]
    assert frame["Next"].to_list() == [datetime(2025, 6, 30, 9), None]
    assert frame["Search"].to_list() == ["=1+1", "陈静"]


def test_an_xlsx_file_has_formats_a_frozen_heading_and_widths() -> None:
    file = zipfile.ZipFile(io.BytesIO(xlsx_bytes(sheet("zh"), "车辆/清单[1]")))
    content = file.read("xl/worksheets/sheet1.xml").decode()
    assert 'ySplit="1"' in content and 'state="frozen"' in content
    assert content.count("<col ") >= 3
    styles = file.read("xl/styles.xml").decode()
    assert "#,##0" in styles and "yyyy-mm-dd hh:mm" in styles
    assert "车辆清单1" in file.read("xl/workbook.xml").decode()


def test_a_file_without_rows_has_its_headings() -> None:
    empty = sheet(query={"q": "zzz"})
    assert csv_bytes(empty).decode("utf-8-sig").count("\r\n") == 1
    assert pl.read_excel(io.BytesIO(xlsx_bytes(empty, "x"))).height == 0


def test_days_are_days() -> None:
    day = Sheet(("day",), ("date",), (None,), ([date(2025, 6, 30)],))
    assert pl.read_excel(io.BytesIO(xlsx_bytes(day, "x")))["day"].to_list() == [date(2025, 6, 30)]
    assert csv_bytes(day).decode().endswith("2025-06-30\r\n")
