"""Transfers are decided like orders."""

from __future__ import annotations

from typing import Any

from tests.serving.work.inventory.dealership import Dealership

MOVE = {"model": "x", "from_store": "b", "to_store": "a"}


def decide(
    group: Dealership, *, status: int = 200, decision: str = "confirm", person: str = "Chen", **fields: Any
) -> Any:
    """Decide about the move of x from b to a after reading it."""
    transfers = group.ask("/v1/inventory/transfers")
    body = {name: transfers[name] for name in ("plan", "last_sequence")}
    body |= {"decision": decision, "transfers": [MOVE], **fields}
    return group.ask("/v1/inventory/transfers", body, status=status, person=person)


def test_a_surplus_moves_within_the_region(group: Dealership) -> None:
    """Store b has six x and needs three: two move to store a, which has none."""
    transfers = group.ask("/v1/inventory/transfers")
    row = transfers["transfers"][0]
    assert {k: row[k] for k in MOVE} == MOVE and (row["quantity"], row["from_on_hand"], row["to_on_hand"]) == (2, 6, 0)
    assert transfers["transfer_cost"] == row["transfer_cost"] == 2 * 350
    assert decide(group)["vehicles"] == 2
    assert group.ask("/v1/inventory/transfers")["waiting"] == 0


def test_a_transfer_is_decided_once_and_taken_back(group: Dealership) -> None:
    """The same person may press twice."""
    first = decide(group)
    assert decide(group) == first and len(group.entries.of()) == 1
    group.ask("/v1/inventory/orders/undo", {"sequences": first["sequences"]})
    assert group.ask("/v1/inventory/transfers")["transfers"][0]["state"] == "waiting"


def test_other_numbers_and_rejections_need_a_reason(group: Dealership) -> None:
    """No more vehicles move than are there."""
    assert decide(group, decision="reject", status=422)["error"]["details"][0]["field"] == "reason"
    more = [{**MOVE, "quantity": 7}]
    assert decide(group, transfers=more, reason="all", status=422)["error"]["details"][0]["field"] == "quantity"
    assert (
        decide(group, transfers=[{**MOVE, "to_store": "c"}], status=422)["error"]["details"][0]["field"] == "transfers"
    )
    decide(group, decision="reject", reason="sold meanwhile")
    row = group.ask("/v1/inventory/transfers")["transfers"][0]
    assert (row["state"], row["quantity"], row["decision"]["reason"]) == ("rejected", 0, "sold meanwhile")


def test_a_new_plan_is_not_confirmed_unread(group: Dealership) -> None:
    """Its number is part of the decision."""
    old = group.ask("/v1/inventory/transfers")["plan"]
    group.promote(2, scale=1.5)
    assert decide(group, plan=old, status=409)["error"]["code"] in ("plan_changed", "changed")


def test_both_stores_must_be_the_caller_s(group: Dealership) -> None:
    """It sees the transfer, and cannot decide it alone."""
    transfers = group.ask("/v1/inventory/transfers", stores=frozenset({"a"}))
    assert len(transfers["transfers"]) == 1
    body = {"plan": transfers["plan"], "last_sequence": 0, "decision": "confirm", "transfers": [MOVE]}
    group.ask("/v1/inventory/transfers", body, stores=frozenset({"a"}), status=403)
    assert group.ask("/v1/inventory/transfers", stores=frozenset({"c"}))["transfers"] == []
