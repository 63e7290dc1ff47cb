"""Orders are listed with their state; decisions are entries that two planners cannot make at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.serving.work.inventory.dealership import Dealership

Y = {"store_id": "a", "model": "y"}


def line(group: Dealership, model: str = "y", **options: Any) -> dict[str, Any]:
    """Return the line of a model of store a."""
    lines = group.ask("/v1/inventory/orders?store_id=a", **options)["lines"]
    return next(row for row in lines if row["model"] == model)


def test_an_order_is_stock_against_demand_until_the_next_delivery(group: Dealership) -> None:
    """Three y a month are 3 + 3 * 4 / 28 in 35 days: 4 are needed at most, 1 is there, 3 are ordered."""
    orders = group.ask("/v1/inventory/orders")
    assert (orders["first_period"], orders["stock_period"], orders["arrives"]) == ("2023-01", "2022-12", "2023-01-22")
    row = line(group)
    assert row["demand_mean"] == pytest.approx(3 + 3 * 4 / 28, abs=0.01)
    assert (row["on_hand"], row["order_up_to"], row["plan_quantity"], row["state"]) == (1, 4, 3, "waiting")
    assert row["cost"] == row["plan_quantity"] * row["unit_cost"] == 3 * 94_000
    assert orders["total"]["waiting_cost"] == orders["used_limit"] == 282_000 and orders["limit"] is None
    assert orders["total"]["waiting_orders"] == 1


def test_a_store_is_confirmed_at_once_and_the_same_person_may_press_twice(group: Dealership) -> None:
    """The second press writes nothing; somebody else's is refused."""
    first = group.decide(store_id="a")
    assert (first["lines"], first["vehicles"], first["cost"]) == (1, 3, 282_000)
    again = group.decide(lines=[Y])
    assert again == first and len(group.entries.of()) == 1
    stale = {"plan": group.ask("/v1/inventory/orders")["plan"], "last_sequence": 0, "decision": "reject"}
    error = group.ask("/v1/inventory/orders", {**stale, "lines": [Y], "reason": "no"}, person="Li", status=409)
    assert error["error"]["code"] == "changed" and "Chen" in error["error"]["message"]
    assert group.decide(store_id="a", status=409)["error"]["code"] == "nothing_waits"
    row = line(group)
    assert (row["state"], row["decision"]["person"], row["decision"]["reason"]) == ("confirmed", "Chen", None)


def test_another_quantity_needs_a_reason_and_both_numbers_are_written(group: Dealership) -> None:
    """The entry has the plan's quantity beside the decided one."""
    error = group.decide(lines=[{**Y, "quantity": 5}], status=422)["error"]
    assert error["details"][0]["field"] == "reason"
    assert group.decide(lines=[{**Y, "quantity": 5}], reason=" two are promised ")["cost"] == 5 * 94_000
    content = group.entries.latest("order.confirmed")[f"{group.ask('/v1/inventory/orders')['plan']}/a/y"].content
    assert (content["quantity"], content["plan_quantity"], content["reason"]) == (5, 3, "two are promised")


def test_a_rejected_order_counts_nothing_and_needs_a_reason(group: Dealership) -> None:
    """Its vehicles leave the limit."""
    assert group.decide("reject", lines=[Y], status=422)["error"]["details"][0]["field"] == "reason"
    group.decide("reject", lines=[Y], reason="no room")
    orders = group.ask("/v1/inventory/orders")
    assert (orders["total"]["rejected_vehicles"], orders["total"]["waiting_orders"], orders["used_limit"]) == (3, 0, 0)


def test_a_decision_is_taken_back_until_it_is_exported(group: Dealership) -> None:
    """What a supplier has cannot be taken back."""
    sequence = group.decide(store_id="a")["sequences"][0]
    group.ask("/v1/inventory/orders/undo", {"sequences": [sequence]})
    assert line(group)["state"] == "waiting"
    assert group.ask("/v1/inventory/orders/undo", {"sequences": [sequence]}, status=404)
    sequence = group.decide(store_id="a")["sequences"][0]
    last = group.ask("/v1/inventory/orders")["last_sequence"]
    group.ask("/v1/inventory/purchase_orders", {"store_id": "a", "last_sequence": last})
    undone = group.ask("/v1/inventory/orders/undo", {"sequences": [sequence]}, status=409)
    assert undone["error"]["code"] == "exported"
    assert group.decide("reject", lines=[Y], reason="late", status=409)["error"]["code"] == "exported"


def test_a_new_plan_is_not_confirmed_unread_and_does_not_order_again(group: Dealership) -> None:
    """Vehicles of the old plan's order are on order in the new plan."""
    old = group.ask("/v1/inventory/orders")["plan"]
    group.decide(store_id="a")
    group.promote(2, scale=2.0)
    error = group.decide(plan=old, store_id="a", status=409)["error"]
    assert error["code"] == "plan_changed" and "read the orders again" in error["message"]
    row = line(group)
    assert (row["on_order"], row["order_up_to"], row["plan_quantity"], row["state"]) == (3, 7, 3, "waiting")
    assert group.ask("/v1/inventory/orders")["model_version"] == 2


def test_a_key_of_one_store_sees_and_decides_that_store_alone(group: Dealership) -> None:
    """The plan is the group's; its rows are limited."""
    orders = group.ask("/v1/inventory/orders", stores=frozenset({"b"}))
    assert {row["store_id"] for row in orders["lines"]} == {"b"} and orders["summary"] == []
    assert orders["plan"] == group.ask("/v1/inventory/orders")["plan"]
    group.ask("/v1/inventory/orders?store_id=a", stores=frozenset({"b"}), status=403)
    body = {"plan": orders["plan"], "last_sequence": 0, "decision": "confirm", "lines": [Y]}
    group.ask("/v1/inventory/orders", body, stores=frozenset({"b"}), status=403)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [Y, Y]}, "lines"),
        ({"lines": [{"store_id": "a", "model": "unheard"}]}, "lines"),
        ({"lines": [Y], "store_id": "a"}, "lines"),
    ],
)
def test_a_wrong_decision_names_its_field(group: Dealership, fields: dict[str, Any], field: str) -> None:
    """Nothing is written."""
    assert group.decide(status=422, **fields)["error"]["details"][0]["field"] == field
    assert group.entries.of() == []


def test_without_stock_or_price_the_plan_says_what_is_missing(tmp_path: Path) -> None:
    """The message of the planner is passed on."""
    nothing = float("nan")
    error = Dealership(tmp_path, on_hand=[nothing] * 4).ask("/v1/inventory/orders", status=422)["error"]
    assert "without a stock table" in error["message"]


def test_nothing_is_ordered_where_everything_is_there(tmp_path: Path) -> None:
    """Zero orders are zero, and can be listed."""
    group = Dealership(tmp_path, on_hand=(9.0, 9.0, 9.0, 0.0))
    orders = group.ask("/v1/inventory/orders?state=waiting")
    assert orders["lines"] == [] and orders["total"]["waiting_vehicles"] == 0


def test_a_limit_says_which_orders_fit(tmp_path: Path) -> None:
    """Two y would fit 200,000 yuan, three do not."""
    group = Dealership(tmp_path, rules="{budget: 200000}")
    assert group.ask("/v1/inventory/orders")["limit"] == 200_000
    assert line(group)["fits_limit"] is False
