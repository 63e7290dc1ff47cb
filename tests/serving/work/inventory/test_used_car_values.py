"""What the residual-value champion is asked about a car."""

from __future__ import annotations

from serving.work.inventory.used_car_values import MONTHS, PART
from tests.serving.work.inventory.dealership import Dealership


def test_values_are_asked_in_parts_and_one_by_one_where_a_car_is_invalid(lot: Dealership) -> None:
    """Five have a mileage; one of them is invalid."""
    lot.ask("/v1/inventory/used_cars")
    assert [n for name, n in lot.questions if name == "values"] == [5, 1, 1, 1, 1, 1]
    assert PART <= 1_000 and MONTHS == (1, 3)
