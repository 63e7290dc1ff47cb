"""Which orders of earlier plans are still on their way."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from serving.work.entries import WorkEntry
from serving.work.inventory.group_plan import on_the_way
from tests.serving.work.inventory.dealership import Dealership

CONTENT = {"basis": "old", "model": "x", "quantity": 2, "arrives": "2023-01-22"}


def entry(sequence: int, kind: str, **changes: object) -> WorkEntry:
    """Return an entry about x of store a."""
    return WorkEntry(sequence, 0, kind, "old/a/x", "a", None, None, CONTENT | changes)


@pytest.mark.parametrize(
    ("entries", "begin", "coming"),
    [
        ([entry(1, "order.confirmed")], "2023-01-15", {("a", "x"): 2}),
        ([entry(1, "order.confirmed")], "2023-01-22", {}),
        ([entry(1, "order.confirmed"), entry(2, "order.rejected", quantity=0)], "2023-01-15", {}),
        ([entry(1, "order.rejected", quantity=0), entry(2, "order.confirmed")], "2023-01-15", {("a", "x"): 2}),
        ([entry(1, "order.confirmed"), entry(2, "purchase_order.exported", quantity=3)], "2023-01-01", {("a", "x"): 3}),
        ([entry(1, "order.confirmed", basis="new")], "2023-01-15", {}),
        ([entry(1, "transfer.confirmed")], "2023-01-15", {}),
    ],
)
def test_orders_are_on_their_way_until_they_arrive(
    entries: list[WorkEntry], begin: str, coming: dict[tuple[str, str], int]
) -> None:
    """Exported ones with the number that was sent."""
    assert on_the_way(entries, basis="new", begin=date.fromisoformat(begin)) == coming


def test_invalid_rules_are_named(tmp_path: Path) -> None:
    """With the file and the key."""
    group = Dealership(tmp_path)
    group.ask("/v1/inventory/orders")
    (tmp_path / "order_planning.yaml").write_text("{lead_day: 3}")
    error = group.ask("/v1/inventory/transfers", status=503)["error"]
    assert error["code"] == "invalid_rules" and "lead_day" in error["message"]
