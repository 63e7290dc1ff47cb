"""Workbooks as people export them."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from features.sources import SourcesConfig, read_tables
from features.sources.excel_files import ExcelFile
from tests.features.sources.workbooks import CellError, write_workbook

NAMES = ("lead_id", "created_at", "price")
ROWS = [["lead_id", "created_at", "price"], ["L1", date(2024, 1, 2), 10], ["L2", date(2024, 1, 3), 20.5]]
EXPECTED = [("L1", date(2024, 1, 2), 10.0), ("L2", date(2024, 1, 3), 20.5)]


def _open(folder: Path, rows: list[list[Any]], sheet: str | int | None = None, **options: Any) -> ExcelFile:
    path = write_workbook(folder / "a.xlsx", {"Sheet1": rows}, merged=options.pop("merged", None))
    return ExcelFile(path, sheet, names=NAMES, where="leads: a.xlsx", **options)


def _rows(file: ExcelFile) -> list[tuple[Any, ...]]:
    return [row[1:] for row in file.scan().collect().rows()]


def test_cells_have_their_types(tmp_path: Path) -> None:
    header = ["lead_id", "created_at", "day", "hour", "open", "count"]
    row = ["L1", datetime(2024, 1, 2, 10, 30), date(2024, 1, 2), time(10, 30), True, 1038]
    file = _open(tmp_path, [header, row])
    assert _rows(file) == [("L1", datetime(2024, 1, 2, 10, 30), date(2024, 1, 2), "10:30:00", True, 1038.0)]
    assert file.log.notes == []


@pytest.mark.parametrize(
    ("title", "merged"),
    [
        ([["Sales report 2024"]], "A1:C1"),
        ([["Sales report"], [], ["printed", date(2024, 2, 1)], []], None),
        ([[], [], []], None),
        ([[None, "Company"], []], None),
    ],
)
def test_rows_above_the_header_are_left_out_and_noted(
    tmp_path: Path, title: list[list[Any]], merged: str | None
) -> None:
    file = _open(tmp_path, [*title, *ROWS], merged=merged)
    assert file.columns == NAMES and _rows(file) == EXPECTED
    n = len(title)
    assert file.log.notes == ([] if not any(title) else file.log.notes)
    if any(title):
        assert "above the header" in file.log.notes[0] and f"`skip_rows: {n}` confirms this" in file.log.notes[0]
    stated = _open(tmp_path, [*title, *ROWS], merged=merged, skip_rows=n)
    assert _rows(stated) == EXPECTED and stated.log.notes == []


def test_columns_on_the_left_and_rows_at_the_end_may_be_empty(tmp_path: Path) -> None:
    rows = [[None, None, *row] for row in ROWS]
    file = _open(tmp_path, [*rows, [], [None, None, ""], [None]])
    assert file.columns == NAMES and _rows(file) == EXPECTED


def test_a_column_of_mixed_cells_is_text_without_a_decimal_point(tmp_path: Path) -> None:
    file = _open(tmp_path, [["lead_id", "price"], [1038, "1,500"], ["A7", 2000], [13800138000, "n/a"], [1.5, 3]])
    assert _rows(file) == [("1038", "1,500"), ("A7", "2000"), ("13800138000", "n/a"), ("1.5", "3")]


def test_text_among_numbers_is_not_lost(tmp_path: Path) -> None:
    left = [[None, *row] for row in (["lead_id", "price"], ["L1", 5], ["L2", "n/a"], ["L3", "NA"], ["L4", 6])]
    assert _rows(_open(tmp_path, left)) == [("L1", "5"), ("L2", "n/a"), ("L3", "NA"), ("L4", "6")]


def test_cells_with_errors_are_missing_and_counted(tmp_path: Path) -> None:
    rows = [
        ["lead_id", "price"],
        ["L1", 5],
        ["L2", CellError("#N/A")],
        ["L3", CellError("#DIV/0!")],
        ["L4", CellError("#N/A")],
    ]
    file = _open(tmp_path, rows)
    assert _rows(file) == [("L1", 5.0), ("L2", None), ("L3", None), ("L4", None)]
    assert file.log.notes == ["column `price`: 3 cells have an error (#N/A 2, #DIV/0! 1), read as missing"]


def test_sheets_are_chosen_by_name_and_number(tmp_path: Path) -> None:
    other = [["lead_id", "price"], ["X", 1]]
    path = write_workbook(tmp_path / "a.xlsx", {"Old": other, "一月": ROWS, "Feb": other}, hidden=["Old"])

    def rows(sheet: str | int | None) -> list[tuple[Any, ...]]:
        return _rows(ExcelFile(path, sheet, names=NAMES, where="leads"))

    assert rows("一月") == rows(2) == rows(None) == EXPECTED and rows(1) == rows("Feb") == [("X", 1.0)]
    first = ExcelFile(path, None, names=NAMES, where="leads")
    assert first.log.notes[0].startswith("the sheet `一月` of `Old`, `一月`, `Feb` is read (`sheet` names another")
    for sheet, message in (("Jan", "has no sheet `Jan`; its sheets are `Old`, `一月`, `Feb`"), (4, "its 3 sheets are")):
        with pytest.raises(DataError, match=message):
            ExcelFile(path, sheet, names=NAMES, where="leads")


def test_a_first_sheet_without_the_table_names_the_one_that_has_it(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"Cover": [["Report"]], "Data": ROWS})
    with pytest.raises(DataError, match="`Cover` has none of the table's columns, but `Data` has: set `sheet: Data`"):
        ExcelFile(path, None, names=NAMES, where="leads")


def test_repeated_and_blank_names(tmp_path: Path) -> None:
    file = _open(tmp_path, [["lead_id", None, "price ", "price"], ["L1", "x", 1, 2]])
    assert file.columns == ("lead_id", "column 2", "price", "price (2)")
    assert file.log.notes == [
        "the header has `price` in the fields 3 and 4: `price` is the first, `price (2)` the next"
    ]


def test_dates_and_numbers_of_the_header_are_short_texts(tmp_path: Path) -> None:
    file = _open(tmp_path, [["lead_id", date(2024, 1, 1), 2024], ["L1", 1, 2]])
    assert file.columns == ("lead_id", "2024-01-01", "2024")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,price\n", "is no workbook but text: use `csv`"),
        (b"<html><table></table></html>", "is no workbook but a web page or XML: open it in a spreadsheet program"),
        (b"%PDF\0", "is no workbook but another kind of file"),
        (b"PK\x03\x04 damaged", "is no workbook that can be read"),
    ],
)
def test_a_file_that_is_no_workbook(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.xls").write_bytes(content)
    with pytest.raises(DataError, match=message):
        ExcelFile(tmp_path / "a.xls", None, names=NAMES, where="leads")


def test_a_damaged_sheet_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):  # named as that of pyo3, which cannot be imported
        pass

    file = _open(tmp_path, ROWS)

    class Workbook:
        def load_sheet(self, *args: Any, **options: Any) -> None:
            raise PanicException("range end index 64 out of range\nbacktrace")

    monkeypatch.setattr(file, "_workbook", Workbook())
    with pytest.raises(DataError, match=r"can be read \(range end index 64 out of range\): save it again as xlsx$"):
        file.scan()


def test_sheets_without_a_header_or_without_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the sheet `Sheet1` is empty"):
        _open(tmp_path, [])
    with pytest.raises(DataError, match="row 8 has none of the table's columns, row 1 has: set `skip_rows: 0`"):
        _open(tmp_path, ROWS, skip_rows=7)
    assert _rows(_open(tmp_path, ROWS[:1])) == []
    with pytest.raises(ConfigError, match="is a folder"):
        ExcelFile(tmp_path, None, names=NAMES, where="leads")


def test_an_open_document_is_a_workbook_too(tmp_path: Path) -> None:
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    rows = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{v}</text:p></table:table-cell>' for v in row)
        + "</table:table-row>"
        for row in (["lead_id", "price"], ["L1", "5"])
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="A">{rows}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    assert _rows(ExcelFile(tmp_path / "a.ods", None, names=NAMES, where="leads")) == [("L1", "5")]


def test_a_table_is_read_from_a_workbook_and_joined_with_another(tmp_path: Path) -> None:
    loans = write_workbook(tmp_path / "loans.xlsx", {"Loans": [["Kredite"], ["nr", "kind"], [1038, "x"], [1039, "y"]]})
    flags = [["application_id"], ["nr", "bad"], [1039, True], [1038, False]]
    outcomes = write_workbook(tmp_path / "flags.xlsx", {"Old": [["nr"]], "New": flags})
    source = {
        "excel": str(loans),
        "columns": {"application_id": "nr", "defaulted": "bad"},
        "join": [{"excel": str(outcomes), "sheet": "New", "on": ["nr"]}],
    }
    tables = read_tables(
        SourcesConfig(tables={"loan_outcomes": source}),
        ["loan_outcomes"],
        quarantine_folder=tmp_path,
        undated=["loan_outcomes"],
    )
    assert tables.frames["loan_outcomes"].collect().rows() == [("1038", False), ("1039", True)]
    assert tables.frames["loan_outcomes"].collect_schema()["application_id"] == pl.String
