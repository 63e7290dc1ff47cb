"""Workbooks are read back by another program's reader, whatever the cells hold."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import fastexcel
import pytest

from serving.audit.workbook import MAX_TEXT, write_workbook


def read(path: Path, sheet: int = 0) -> list[tuple[object, ...]]:
    return fastexcel.read_excel(path).load_sheet(sheet).to_polars().rows()


def test_cells_keep_their_types(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    cells = [("甲 <&> \"'", 1, 2.5, True), (None, -3, None, False), ("  blanks  ", 10**12, 1e-9, None)]
    assert write_workbook(path, title="表", header=("a", "b", "c", "d"), rows=cells) == 3
    assert read(path) == cells
    assert fastexcel.read_excel(path).sheet_names == ["表"]
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))


def test_what_xml_or_a_cell_cannot_hold_is_replaced_or_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    rows = [("a\x00b\x1f\ud800", float("nan")), ("x" * (MAX_TEXT + 5), float("inf"))]
    write_workbook(path, title="a", header=("a", "b"), rows=rows)
    texts = [row[0] for row in read(path)]
    assert texts == ["a\ufffdb\ufffd\ufffd", "x" * MAX_TEXT]


@pytest.mark.parametrize(("count", "sheets"), [(0, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_rows_go_on_in_further_sheets(tmp_path: Path, count: int, sheets: int) -> None:
    path = tmp_path / "a.xlsx"
    rows = ((n,) for n in range(count))
    assert write_workbook(path, title="a", header=("n",), rows=rows, sheet_rows=3) == count
    names = fastexcel.read_excel(path).sheet_names
    assert names == ["a", "a 2", "a 3"][:sheets]
    assert [row[0] for n in range(sheets) for row in read(path, n)] == list(range(count))
