"""A store's orders are confirmed, changed, rejected, taken back and exported by forms."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.desk.areas.stock_orders import heading as order_heading
from serving.desk.catalogue import catalogue
from tests.serving.desk.areas.stock_desk import StockDesk, heading, words
from tests.serving.work.inventory.dealership import Dealership

STORE = "/desk/stock/orders/a"


@pytest.fixture
def desk(tmp_path: Path) -> StockDesk:
    """Return the pages of a group in which store a waits for three y of B2."""
    return StockDesk(Dealership(tmp_path))


def test_a_store_is_confirmed_and_exported(desk: StockDesk) -> None:
    """The file has the model, its number and the supplier."""
    assert heading(desk.get(STORE)).endswith("1 purchase order waits for confirmation: 3 vehicles, 282,000 yuan")
    page = desk.follow(desk.post(STORE, decision="confirm", **desk.plan()))
    assert "1 model confirmed: 3 vehicles." in words(page) and "3 confirmed vehicles wait" in heading(page)
    page = desk.follow(desk.post(f"{STORE}/export", last_sequence=desk.plan()["last_sequence"]))
    assert "Issued: PO202301-a-01" in words(page)
    file = desk.get(f"{STORE}/file?numbers=PO202301-a-01")
    assert file.headers["content-disposition"] == 'attachment; filename="PO202301-a-01.xlsx"'
    content = zipfile.ZipFile(io.BytesIO(file.content)).read("xl/sharedStrings.xml").decode()
    assert all(f">{text}<" in content for text in ("y", "B2", "Purchase order", "Jan. 2023"))
    desk.get(f"{STORE}/file?numbers=PO-unheard", status=404)


def test_the_chinese_file_is_a_chinese_purchase_order(desk: StockDesk) -> None:
    """As the supplier wants it."""
    desk.post(STORE, decision="confirm", **desk.plan())
    desk.post(f"{STORE}/export", last_sequence=desk.plan()["last_sequence"])
    file = desk.get(f"{STORE}/file", "zh")
    content = zipfile.ZipFile(io.BytesIO(file.content)).read("xl/sharedStrings.xml").decode()
    assert all(text in content for text in ("采购订单", "订货月份", "2023 年 1 月", "收货门店"))


def test_another_number_without_a_reason_is_shown_again_with_what_was_typed(desk: StockDesk) -> None:
    """Nothing is written; with a reason it is."""
    form: dict[str, Any] = {"decision": "confirm", "model": "y", "quantity": 5}
    page = desk.post(STORE, status=422, **form, **desk.plan())
    assert "Give a reason" in words(page) and 'value="5"' in page.text
    assert desk.group.entries.of() == []
    desk.post(STORE, status=422, **{**form, "quantity": "1.5"}, **desk.plan())
    page = desk.follow(desk.post(STORE, **form, reason="two are promised", **desk.plan()))
    assert "planned 3" in words(page) and "Reason: two are promised" in words(page)


def test_a_rejection_is_taken_back(desk: StockDesk) -> None:
    """By the button beside what was done."""
    page = desk.follow(desk.post(STORE, decision="reject", model="y", reason="no room", **desk.plan()))
    assert "1 model rejected: 3 vehicles." in words(page)
    sequence = desk.group.entries.of()[0].sequence
    page = desk.follow(desk.post(f"{STORE}/undo", sequences=sequence))
    assert "Taken back." in words(page) and "waits for confirmation" in heading(page)


def test_a_stale_page_is_refused_with_what_to_do(desk: StockDesk) -> None:
    """Another plan, or a decision of somebody else."""
    fields = desk.plan()
    desk.group.promote(2, scale=2.0)
    page = desk.post(STORE, status=409, decision="confirm", **fields)
    assert "Somebody has changed this meanwhile" in words(page)
    desk.get("/desk/stock/orders/unheard", status=404)


def test_the_tables_are_exported(desk: StockDesk) -> None:
    """With more columns than the page has room for."""
    lines = desk.get(f"{STORE}?export=csv").text.splitlines()
    assert "Unit cost" in lines[0] and len(lines) == 3
    assert desk.get("/desk/stock?export=xlsx").content[:2] == b"PK"


@pytest.mark.parametrize(
    ("used", "words_of_limit"), [(900_000.0, "within the limit"), (2_000_000.0, "exceeds the limit")]
)
def test_the_heading_says_whether_the_limit_holds(used: float, words_of_limit: str) -> None:
    """Only where one is configured."""
    request: Any = SimpleNamespace(language="en", text=lambda key, **values: catalogue().text(key, "en", **values))
    total = {"waiting_orders": 2, "waiting_vehicles": 3, "waiting_cost": used, "confirmed_lines": 0}
    orders = {"total": total, "limit": 1_000_000.0, "used_limit": used}
    assert words_of_limit in order_heading(request, orders)
    assert "limit" not in order_heading(request, orders | {"limit": None})
    assert (
        order_heading(request, orders | {"total": total | {"waiting_orders": 0}}) == "No order waits for confirmation"
    )
