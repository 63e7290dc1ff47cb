"""Transfers of used cars, and figures that add up."""

from __future__ import annotations

from serving.work.inventory.used_car_advice import CarFigures, advice, fastest_store
from serving.work.inventory.used_car_models import StorePace

SLOW, FAST = (StorePace(store_id=s, sold=20, median_days=d) for s, d in (("a", 60.0), ("b", 20.0)))
CAR = CarFigures(40, 80_000.0, 80_000.0, 85_000.0, 79_000.0, 77_000.0, 500.0, 30.0)


def test_a_car_moves_where_it_sells_faster_by_more_than_the_move_costs() -> None:
    """40 days of 1,500 yuan a month are 1,973 yuan: worth a move of 350, not one of 2,000."""
    moved = advice(CAR, faster=FAST, own=SLOW, transfer_cost=350.0)
    assert (moved.action, moved.to_store) == ("transfer", "b") and "1,623 yuan" in moved.arithmetic.en
    assert advice(CAR, faster=FAST, own=SLOW, transfer_cost=2_000.0).action == "keep"
    assert advice(CAR, faster=FAST, own=SLOW, transfer_cost=None).action == "keep"


def test_an_old_car_that_still_sells_within_three_months_is_not_given_away() -> None:
    """Only where fewer than half of such cars are sold in time."""
    old = CAR._replace(days=200, price=80_000.0)
    assert advice(old, faster=None, own=None, transfer_cost=None).action == "keep"
    assert advice(old._replace(remaining_days=None), faster=None, own=None, transfer_cost=None).action == "wholesale"


def test_a_car_without_a_price_gets_one() -> None:
    """Its value, to the hundred."""
    priced = advice(CAR._replace(price=None, value=80_049.0), faster=None, own=None, transfer_cost=None)
    assert (priced.action, priced.new_price) == ("reprice", 80_000)


def test_few_sales_are_not_compared() -> None:
    """Nor stores of other regions."""
    few = StorePace(store_id="c", sold=3, median_days=1.0)
    assert fastest_store([SLOW, few], {"a": "n", "c": "n"}, "a") == (None, SLOW)
    assert fastest_store([SLOW, FAST], {"a": "n", "b": "s"}, "a") == (None, SLOW)
