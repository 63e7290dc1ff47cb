"""Transfers are confirmed, rejected and taken back by forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.desk.areas.stock_transfers import PATH
from tests.serving.desk.areas.stock_desk import StockDesk, heading, words
from tests.serving.work.inventory.dealership import Dealership

MOVE: dict[str, Any] = {"model": "x", "from_store": "b", "to_store": "a"}


@pytest.fixture
def desk(tmp_path: Path) -> StockDesk:
    """Return the pages of a group in which two x move from b to a."""
    return StockDesk(Dealership(tmp_path))


def test_all_transfers_are_confirmed_and_taken_back(desk: StockDesk) -> None:
    """The heading counts what waits."""
    assert heading(desk.get(PATH)).startswith("1 transfer waits for confirmation: 2 vehicles")
    page = desk.follow(desk.post(PATH, decision="confirm", **desk.plan()))
    assert "1 transfer decided." in words(page) and heading(page) == "No transfer waits for confirmation"
    page = desk.follow(desk.post(f"{PATH}/undo", sequences=desk.group.entries.of()[0].sequence))
    assert "1 transfer waits" in heading(page)


def test_a_rejection_needs_a_reason(desk: StockDesk) -> None:
    """Which stands beside it."""
    desk.post(PATH, status=422, decision="reject", **MOVE, **desk.plan())
    page = desk.follow(desk.post(PATH, decision="reject", reason="sold meanwhile", **MOVE, **desk.plan()))
    assert "rejected" in words(page) and "sold meanwhile" in words(page)
    assert "sold" not in desk.get(f"{PATH}?export=csv").text
