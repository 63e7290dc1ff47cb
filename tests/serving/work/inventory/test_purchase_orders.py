"""Confirmed orders become purchase orders, one for each supplier, once."""

from __future__ import annotations

from pathlib import Path

from tests.serving.work.inventory.dealership import Dealership


def export(group: Dealership, *, status: int = 200, last: int | None = None, store: str = "a") -> dict[str, object]:
    """Export the orders of a store after reading them."""
    sequence = group.ask("/v1/inventory/orders")["last_sequence"] if last is None else last
    body = {"store_id": store, "last_sequence": sequence}
    return dict(group.ask("/v1/inventory/purchase_orders", body, status=status))


def test_a_store_has_one_purchase_order_for_each_supplier(tmp_path: Path) -> None:
    """Numbers count on within a month and store; sums are those of the lines."""
    group = Dealership(tmp_path, on_hand=(0.0, 2.0, 1.0, 0.0))
    group.decide(store_id="a")
    orders = export(group)["orders"]
    assert [(o["number"], o["supplier"], o["vehicles"]) for o in orders] == [  # type: ignore[attr-defined]
        ("PO202301-a-01", "B1", 2),
        ("PO202301-a-02", "B2", 3),
    ]
    assert all(o["cost"] == sum(line["cost"] for line in o["lines"]) for o in orders)  # type: ignore[attr-defined]
    listed = group.ask("/v1/inventory/purchase_orders?number=PO202301-a-02")["orders"]
    assert [o["month"] for o in listed] == ["2023-01"]
    states = {row["model"]: (row["state"], row["order_number"]) for row in group.ask("/v1/inventory/orders")["lines"]}
    assert states["y"] == ("exported", "PO202301-a-02")


def test_an_order_is_exported_once(group: Dealership) -> None:
    """Nothing is left the second time; a stale page is refused."""
    assert export(group, status=409)["error"]["code"] == "nothing_confirmed"  # type: ignore[index]
    group.decide(store_id="a")
    assert export(group, last=0, status=409)["error"]["code"] == "changed"  # type: ignore[index]
    export(group)
    assert export(group, status=409)["error"]["code"] == "nothing_confirmed"  # type: ignore[index]


def test_an_exported_order_stays_where_another_entry_follows(group: Dealership) -> None:
    """Taking the confirmation back elsewhere does not reopen what the supplier has."""
    sequence = group.decide(store_id="a")["sequences"][0]
    export(group)
    group.entries.undo(sequence, caller=None)
    assert group.ask("/v1/inventory/orders?state=exported")["total"]["exported_vehicles"] == 3


def test_purchase_orders_of_other_stores_are_not_listed(group: Dealership) -> None:
    """Nor exported."""
    group.decide(store_id="a")
    export(group)
    assert group.ask("/v1/inventory/purchase_orders", stores=frozenset({"b"}))["orders"] == []
    body = {"store_id": "a", "last_sequence": 9}
    group.ask("/v1/inventory/purchase_orders", body, stores=frozenset({"b"}), status=403)
