"""Stock days and used cars."""

from __future__ import annotations

from pathlib import Path

from serving.desk.areas.stock_cars import CARS_PATH, LEVELS_PATH
from tests.serving.desk.areas.stock_desk import StockDesk, heading, words
from tests.serving.work.inventory.dealership import Dealership, used_car


def test_stores_lead_to_their_models(tmp_path: Path) -> None:
    """A coefficient above the warning line is marked; models without forecast are named."""
    desk = StockDesk(Dealership(tmp_path))
    page = desk.get(LEVELS_PATH)
    assert heading(page) == "The group: 9 new vehicles in stock, enough for 46 days" or "47 days" in heading(page)
    assert "3.00 above the warning line" in words(page) and "2 new vehicles without forecast" in words(page)
    assert "/desk/stock/levels?store=b" in page.text
    assert "x" in desk.get(f"{LEVELS_PATH}?store=b&export=csv").text


def test_ten_thousand_used_cars_are_paged(tmp_path: Path) -> None:
    """The page stays small; the file has them all."""
    group = Dealership(tmp_path, vehicles=[used_car(f"U{i}", i % 100) for i in range(10_000)])
    group.price_used_cars()
    desk = StockDesk(group)
    desk.get(CARS_PATH)
    page = desk.get(f"{CARS_PATH}?page=3&action=reprice")
    assert len(page.content) < 150_000
    assert "4,000" in heading(page) and "10,000" in heading(page)
    assert len(desk.get(f"{CARS_PATH}?export=csv").text.splitlines()) == 10_001


def test_the_advice_stands_with_its_arithmetic(tmp_path: Path) -> None:
    """And the cars that stand longer than any that was sold are named."""
    group = Dealership(
        tmp_path, vehicles=[used_car("U1", 400), used_car("S", 90, sold_at=used_car("", 60)["listed_at"])]
    )
    group.price_used_cars()
    page = StockDesk(group).get(CARS_PATH)
    assert "Wholesale: accept offers from" in words(page) and "value in 3 months 77,000" in words(page)
    assert "1 car stands longer than any car sold within a year (30 days)" in words(page)
