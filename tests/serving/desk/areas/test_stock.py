"""Every page of stock planning in both languages, in every state."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.desk.areas import stock
from tests.serving.desk.areas.stock_desk import StockDesk, heading, words
from tests.serving.work.inventory.dealership import Dealership, used_car

PATHS = (
    "/desk/stock", "/desk/stock?store=a", "/desk/stock/orders/a", "/desk/stock/orders/a?model=y",
    "/desk/stock/orders/b", "/desk/stock/transfers", "/desk/stock/forecast", "/desk/stock/forecast?region=north",
    "/desk/stock/forecast?store_id=a",
    "/desk/stock/forecast?store_id=a&model=y", "/desk/stock/forecast?model=x", "/desk/stock/what-if",
    "/desk/stock/what-if?store_id=a&model=y&price=90000&promotion=5", "/desk/stock/levels",
    "/desk/stock/levels?store=a",
    "/desk/stock/used-cars", "/desk/stock/used-cars?vehicle_id=ageing", "/desk/stock/used-cars?store=a",
)  # fmt: skip


def cars() -> list[dict[str, object]]:
    """Return cars to keep, to lower, to sell to the trade, without mileage and without price."""
    return [
        used_car("ageing", 70, price=8_300_000),
        used_car("old", 400),
        used_car("unknown", 20, mileage_km=None),
        used_car("unpriced", 9, price=None, model="车" * 60),
        used_car("sold", 90, sold_at=used_car("", 60)["listed_at"]),
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_whole(tmp_path: Path, path: str, language: str) -> None:
    """One heading, no missing value; nothing in the address of a form that leads elsewhere."""
    group = Dealership(tmp_path, vehicles=cars())
    group.price_used_cars()
    page = StockDesk(group).get(path, language)
    assert heading(page) and "None" not in words(page) and "nan" not in words(page).lower().split()
    assert 'style="' not in page.text and "onclick" not in page.text


@pytest.mark.parametrize("path", [p for p in PATHS if "orders" not in p and "transfers" not in p])
def test_without_stock_cars_and_prices_pages_say_what_is_missing(tmp_path: Path, path: str) -> None:
    """No page fails."""
    StockDesk(Dealership(tmp_path, on_hand=[float("nan")] * 4)).get(path)


def test_without_stock_the_overview_names_the_reason_and_keeps_the_forecast(tmp_path: Path) -> None:
    """The orders are the part that is missing."""
    page = StockDesk(Dealership(tmp_path, on_hand=[float("nan")] * 4)).get("/desk/stock")
    assert heading(page) == "Orders cannot be planned now"
    assert "without a stock table" in words(page) and "Expected sales, Jan. 2023" in words(page)


def test_writing_needs_its_scope() -> None:
    """Whoever may only read has no form that writes."""
    scopes = {(page.path, page.method): page.scope for page in stock.PAGES}
    assert {scope for (_, method), scope in scopes.items() if method == "POST"} == {"orders:write"}
    assert {scope for (_, method), scope in scopes.items() if method == "GET"} == {"demand_forecast"}
