"""A small dealer group."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.work.inventory.dealership import Dealership, used_car


@pytest.fixture
def group(tmp_path: Path) -> Dealership:
    """Return a group whose store a lacks both models, and whose store b has four x too many."""
    return Dealership(tmp_path)


@pytest.fixture
def lot(tmp_path: Path) -> Dealership:
    """Return a group with used cars: fresh, ageing, too dear, without mileage, invalid, and three that were sold."""
    cars = [
        used_car("fresh", 10, price=8_000_000),
        used_car("ageing", 70, price=8_300_000),
        used_car("dear", 5, price=9_900_000),
        used_car("unknown", 20, mileage_km=None),
        used_car("broken", 20, mileage_km=-1.0),
        used_car("old", 400),
        *(used_car(f"sold{d}", 200, sold_at=used_car("", 200 - d)["listed_at"]) for d in (20, 40, 90)),
        used_car("withdrawn", 50, withdrawn_at=used_car("", 1)["listed_at"]),
    ]
    dealership = Dealership(tmp_path, vehicles=cars)
    dealership.price_used_cars()
    return dealership
