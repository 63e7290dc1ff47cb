"""Stock coefficients and days of stock."""

from __future__ import annotations

from pathlib import Path

from tests.serving.work.inventory.dealership import Dealership, used_car


def test_stock_is_compared_with_sales_and_forecast(group: Dealership) -> None:
    """Store b has six x and sells two a month: coefficient 3, three months of 31 days."""
    answer = group.ask("/v1/inventory/stock")
    rows = {row["store_id"]: (row["on_hand"], row["coefficient"], row["days"]) for row in answer["rows"]}
    assert rows == {"a": (1, 0.25, 7.8), "b": (6, 3.0, 93.0), "c": (2, None, None)}
    assert answer["total"]["on_hand"] == 9 and answer["total"]["coefficient"] == 1.5
    assert (answer["source"], answer["last_period"], answer["next_period"]) == ("stock", "2022-12", "2023-01")
    assert answer["without_forecast"] == [{"store_id": "c", "model": "z", "on_hand": 2}]
    models = group.ask("/v1/inventory/stock?store_id=a")["rows"]
    assert {row["model"] for row in models} == {"x", "y"}
    assert [r["store_id"] for r in group.ask("/v1/inventory/stock", stores=frozenset({"b"}))["rows"]] == ["b"]


def test_without_a_stock_table_vehicles_are_counted(tmp_path: Path) -> None:
    """A model that the demand model does not have is named."""
    cars = [used_car(str(i), 5, condition="new", model=model) for i, model in enumerate("xxw")]
    group = Dealership(tmp_path, on_hand=[float("nan")] * 4, vehicles=cars)
    answer = group.ask("/v1/inventory/stock")
    assert answer["source"] == "vehicles" and answer["total"]["on_hand"] == 2
    assert answer["without_forecast"] == [{"store_id": "b", "model": "w", "on_hand": 1}]


def test_without_any_stock_it_says_so(tmp_path: Path) -> None:
    """No figure is invented."""
    group = Dealership(tmp_path, on_hand=[float("nan")] * 4)
    assert group.ask("/v1/inventory/stock")["source"] == "none"
