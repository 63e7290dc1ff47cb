"""Purchase orders as a workbook."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC

from serving.desk.areas.stock_workbook import purchase_workbook
from serving.desk.catalogue import catalogue

ORDER = {
    "number": "PO202301-a/b-01", "store_id": "a/b", "supplier": None, "month": "2023-01", "arrives": "2023-01-22",
    "at": "2023-01-01T02:00:00+00:00", "person": None, "vehicles": 3, "cost": 188_000.0,
    "lines": [
        {"model": "=1+1", "quantity": 2, "unit_cost": 94_000.0, "cost": 188_000.0, "reason": None},
        {"model": "https://x", "quantity": 1, "unit_cost": None, "cost": 0.0, "reason": None},
    ],
}  # fmt: skip


def test_names_of_models_are_neither_formulas_nor_links() -> None:
    """A name of a store that Excel refuses for a sheet is shortened; numbers are numbers."""
    book = zipfile.ZipFile(io.BytesIO(purchase_workbook([ORDER], "en", _text, UTC)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "hyperlink" not in sheet and "<v>188000</v>" in sheet
    assert "=1+1" in book.read("xl/sharedStrings.xml").decode()
    assert 'name="PO202301-ab-01"' in book.read("xl/workbook.xml").decode()


def _text(key: str, **values: object) -> str:
    return catalogue().text(key, "en", **values)
