"""The figures at a glance are those of the single answers; a part that fails is named."""

from __future__ import annotations

from pathlib import Path

from tests.serving.work.inventory.dealership import Dealership


def test_the_overview_repeats_the_single_answers(lot: Dealership) -> None:
    """Nothing is computed another way."""
    answer = lot.ask("/v1/inventory")
    assert answer["problems"] == []
    assert answer["orders"]["total"] == lot.ask("/v1/inventory/orders")["total"]
    assert answer["forecast"] == lot.ask("/v1/inventory/forecast")["forecast"][0]
    assert answer["stock"] == lot.ask("/v1/inventory/stock")["total"]
    assert answer["transfers"]["vehicles"] == 2 and answer["used_cars"]["count"] == 6


def test_the_overview_of_a_store_has_its_sums(lot: Dealership) -> None:
    """A store without orders has none; another one is refused."""
    answer = lot.ask("/v1/inventory?store_id=b", stores=frozenset({"b"}))
    assert answer["orders"]["total"]["on_hand"] == answer["stock"]["on_hand"] == 6
    assert [row["store_id"] for row in answer["orders"]["stores"]] == ["b"] and answer["forecast"]["mean"] == 2.0
    assert lot.ask("/v1/inventory?store_id=c")["orders"]["total"]["waiting_orders"] == 0
    lot.ask("/v1/inventory?store_id=a", stores=frozenset({"b"}), status=403)


def test_a_part_that_fails_is_named(tmp_path: Path) -> None:
    """Without stock there are no orders, and the forecast stays."""
    group = Dealership(tmp_path, on_hand=[float("nan")] * 4)
    answer = group.ask("/v1/inventory")
    assert [p["part"] for p in answer["problems"]] == ["orders", "transfers"]
    assert answer["orders"] is None and answer["forecast"]["mean"] == 6.0 and answer["stock"] is None
    group.champions.clear()
    assert {p["code"] for p in group.ask("/v1/inventory")["problems"]} == {"no_champion"}
