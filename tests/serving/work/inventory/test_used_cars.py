"""Used cars with their value, what waiting costs, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.work.inventory.dealership import Dealership, used_car

PATH = "/v1/inventory/used_cars"


def test_a_car_has_its_value_and_the_cost_of_waiting(lot: Dealership) -> None:
    """A month costs 1,000 yuan of value, interest of 5.5 % a year on 80,000, and 18 yuan a day."""
    car = lot.ask(f"{PATH}?vehicle_id=fresh")["cars"][0]
    assert (car["days"], car["price"], car["value"], car["gap"]) == (10, 80_000, 80_000, 0)
    assert car["depreciation"] == 1_000 and car["holding"] == pytest.approx(
        80_000 * 0.055 / 12 + 18 * 365 / 12, abs=0.01
    )
    assert car["waiting"] == pytest.approx(car["depreciation"] + car["holding"], abs=0.01)
    assert car["action"] == "keep" and car["age_months"] == pytest.approx(1_000 / (365 / 12), abs=0.1)


def test_what_to_do_follows_from_price_and_days(lot: Dealership) -> None:
    """Longest on the lot first; sold and withdrawn cars are not for sale."""
    answer = lot.ask(PATH)
    actions = {car["vehicle_id"]: (car["action"], car["new_price"]) for car in answer["cars"]}
    assert next(iter(actions)) == "old" and answer["count"] == answer["matches"] == 6
    assert actions["dear"] == ("reprice", 80_000) and actions["ageing"] == ("reprice", 80_000)
    floor = 77_000 - 3 * (80_000 * 0.055 / 12 + 18 * 365 / 12)
    assert actions["old"] == ("wholesale", round(floor / 100) * 100)
    assert (answer["ageing"], answer["long"], answer["longest_sold"], answer["longer_than_sold"]) == (2, 1, 90, 1)


def test_a_car_that_cannot_be_priced_says_why(lot: Dealership) -> None:
    """One invalid car does not hide the others."""
    cars = {car["vehicle_id"]: car for car in lot.ask(f"{PATH}?action=check")["cars"]}
    assert set(cars) == {"unknown", "broken"}
    assert cars["unknown"]["problem"]["en"] == "mileage_km is missing"
    assert cars["broken"]["problem"]["en"] == "the value of mileage_km is invalid"
    assert lot.ask(PATH)["unpriced"] == 2


def test_without_a_champion_cars_are_listed_without_value(lot: Dealership) -> None:
    """The reason stands beside them."""
    lot.champions.pop("residual_value")
    answer = lot.ask(PATH)
    assert answer["coverage"] is None and answer["unpriced"] == answer["count"] == 6
    assert "has no champion" in answer["cars"][0]["problem"]["en"]


def test_ten_thousand_cars_are_priced_in_parts_and_paged(tmp_path: Path) -> None:
    """They are priced once a day, not with every page."""
    group = Dealership(tmp_path, vehicles=[used_car(f"U{i}", i % 100) for i in range(10_000)])
    group.price_used_cars()
    first = group.ask(f"{PATH}?rows=50&page=1&sort=days")
    last = group.ask(f"{PATH}?rows=50&page=200&sort=days")
    assert first["count"] == 10_000 and len(first["cars"]) == len(last["cars"]) == 50
    assert (first["cars"][0]["days"], last["cars"][-1]["days"]) == (99, 0)
    assert sum(n for name, n in group.questions if name == "values") == 10_000


def test_a_key_of_another_store_sees_none(lot: Dealership) -> None:
    """Nor may it ask for the store."""
    assert lot.ask(PATH, stores=frozenset({"a"}))["count"] == 0
    lot.ask(f"{PATH}?store_id=b", stores=frozenset({"a"}), status=403)


def test_no_used_cars_are_no_error(group: Dealership) -> None:
    """Without the table `vehicles`."""
    answer = group.ask(PATH)
    assert (answer["count"], answer["cars"], answer["longest_sold"]) == (0, [], None)
