"""Forecasts are drilled down by links; the what-if answer is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.desk.areas.stock_forecast import PATH, WHAT_IF
from tests.serving.desk.areas.stock_desk import StockDesk, heading, words
from tests.serving.work.inventory.dealership import Dealership


@pytest.fixture
def desk(tmp_path: Path) -> StockDesk:
    """Return the pages of a group."""
    return StockDesk(Dealership(tmp_path))


@pytest.mark.parametrize(
    ("query", "title", "link"),
    [
        ("", "The group: 6.0 vehicles expected in Jan. 2023 (80%: 5–7)", "?region=north"),
        ("?region=north", "north: 6.0 vehicles expected in Jan. 2023 (80%: 5–7)", "?store_id=a"),
        ("?store_id=a", "a: 4.0 vehicles expected in Jan. 2023 (80%: 3–5)", "?store_id=a&amp;model=y"),
        ("?store_id=a&model=y", "a · y: 3.0 vehicles expected in Jan. 2023 (80%: 2–4)", "store_id=a&amp;model=y"),
    ],
)
def test_each_level_links_to_the_next(desk: StockDesk, query: str, title: str, link: str) -> None:
    """With its history and its interval as a chart and as figures."""
    page = desk.get(PATH + query)
    assert heading(page) == title and link in page.text
    assert 'role="img"' in page.text and "80% interval" in words(page)


def test_other_prices_are_answered_live(desk: StockDesk) -> None:
    """As a part of the page; a price of another model is not used."""
    query = f"{WHAT_IF}?store_id=a&model=y&price=80000"
    part = desk.get(query, is_part=True)
    assert "+2.2 vehicles +25%" in words(part) or "+2.3 vehicles +25%" in words(part)
    assert "<h1" not in part.text and "extrapolates" in words(part)
    assert "does not change" in words(desk.get(f"{query}&of=a/x"))
    desk.get(f"{WHAT_IF}?store_id=a&model=y&price=cheap", status=422)


def test_what_the_model_does_not_read_is_said(desk: StockDesk) -> None:
    """Without a field to type it in."""
    desk.group.champions["demand_forecast"].estimator.signature.fields.clear()
    page = desk.get(WHAT_IF)
    assert "does not use prices" in words(page) and 'name="price"' not in page.text
