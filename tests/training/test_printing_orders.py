"""The plan of orders on a terminal: largest savings first, transfers, and the comparison by store."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from ml.bilingual import Text
from training.printing_orders import print_plan

FORECASTS = pl.DataFrame(
    {"level": ["everything", "store"], "period": ["2024-01", "2024-01"], "mean": [1_234.5, 2.0], "p10": [900.0, 1.0],
     "p90": [1_500.0, 3.0]}
)  # fmt: skip
LINE = {
    "store_id": "S1", "model": "A", "on_hand": 0, "on_order": 1, "order_up_to": 3, "transfer_in": 0, "transfer_out": 0,
    "order": 2, "demand_mean": 2.4, "lost_without_order": 1.6, "lost_with_order": 0.2, "saving_yuan": 9_000.0,
    "purchase_cost_yuan": 200_000.0, "priority": 2,
}  # fmt: skip
RESULT = {
    "store_id": "S1", "policy": "plan", "name_en": "this plan", "order": 9, "lost_sales": 1.25, "unsold": 3.0,
    "purchase_cost_yuan": 900_000.0, "saving_yuan": None, "saving_low": None, "saving_high": None,
}  # fmt: skip


def printed(monkeypatch: pytest.MonkeyPatch, plan: Any, **options: Any) -> str:
    console = Console(highlight=False, width=240, record=True)
    monkeypatch.setattr("training.printing_orders.out", console)
    print_plan(plan, **options)
    return " ".join(console.export_text().split())


def test_a_plan_shows_its_orders_its_transfers_and_what_it_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [LINE, {**LINE, "store_id": "S2", "order": 7, "transfer_in": 3, "priority": 1}, {**LINE, "order": 0}]
    nothing = {**RESULT, "policy": "no_orders", "name_en": "no orders", "saving_yuan": 12_000.0}
    nothing |= {"saving_low": -5.0, "saving_high": 30_000.0}
    move = {"model": "A", "from_store": "S1", "to_store": "S2", "quantity": 3, "transfer_cost_yuan": 1_050.0}
    orders = SimpleNamespace(
        orders=pl.DataFrame(lines), transfers=pl.DataFrame([move | {"saving_yuan": 2_000.0}]),
        comparison=pl.DataFrame([RESULT, nothing]), summary=(Text(zh="省", en="saves money"),),
    )  # fmt: skip
    text = printed(monkeypatch, SimpleNamespace(forecasts=FORECASTS, orders=orders), held_out="it was cheaper")
    assert "2024-01 │ 1,234.5 │ 900 .. 1,500" in text
    assert text.index("1 │ S2 │ A │ 0 │ 1 │ 2.4 │ 3 │ +3 │ 7 │ 1.6 │ 0.2 │ 9,000 │ 200,000") < text.index(
        "2 │ S1 │ A │"
    )
    assert "A │ S1 │ S2 │ 3 │ 1,050 │ 2,000" in text
    assert "S1 │ 9 │ 900,000 │ 1.2 │ 3.0 │ 12,000 (-5 .. 30,000)" in text
    assert "saves against no orders (yuan, 80% interval)" in text
    assert "9 vehicles to order, 3 to move between stores - saves money simulated on the held-out periods" in text
    assert text.endswith("it was cheaper")


def test_a_plan_without_orders_has_the_forecasts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = SimpleNamespace(forecasts=FORECASTS, orders=None, without_orders="there is no stock")
    text = printed(monkeypatch, plan)
    assert "2024-01 │ 1,234.5 │ 900 .. 1,500" in text and "store" not in text
