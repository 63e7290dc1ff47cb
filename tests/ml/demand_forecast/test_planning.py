"""From demand to orders and transfers, by costs that can be computed in one's head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.demand_forecast.planning import (
    DEFAULT,
    ORDERS,
    CarCosts,
    OrderPlan,
    PlanningRules,
    load_planning_rules,
    plan_orders,
)  # fmt: skip

LEVELS = np.array([0.1, 0.9])
ONE_OR_TWO = [1.0, 2.0]


def plan(cells: list[dict[str, Any]], rules: PlanningRules | None = None) -> OrderPlan:
    rows = [{"model": "x", "on_order": 0, "price": 100_000.0, **cell} for cell in cells]
    return plan_orders(pl.DataFrame(rows), LEVELS, np.array([ONE_OR_TWO] * len(rows)), rules or PlanningRules())


def test_costs_are_a_share_of_the_price_until_a_brand_or_a_model_says_otherwise() -> None:
    rules = PlanningRules(
        by_brand={"Lan": CarCosts(lost_customer=0.0), "Kai": CarCosts(margin=9_000.0)},
        by_model={"x": CarCosts(margin_share=0.1)},
    )
    plain = rules.of("z", None, 100_000.0)
    assert (plain.margin, plain.lost_customer) == (pytest.approx(6_000.0), DEFAULT.lost_customer)
    assert rules.of("z", "Lan", 100_000.0).lost_customer == 0.0
    assert rules.of("z", "Kai", 100_000.0).margin == 9_000.0
    assert rules.of("x", "Kai", 100_000.0).margin == pytest.approx(10_000.0), "the model's share wins"


def test_a_margin_in_yuan_needs_no_price_and_a_share_does() -> None:
    rules = PlanningRules(by_model={"x": CarCosts(margin=6_000.0)})
    assert rules.of("x", None, None).margin == 6_000.0
    with pytest.raises(DataError, match=r"price: of z none is known, .*by_model: \{z: \{margin: \.\.\.\}\}"):
        rules.of("z", None, None)
    with pytest.raises(DataError, match=r"order_planning\.yaml: x: "):
        PlanningRules(costs=CarCosts(margin_share=0.0, lost_customer=0.0)).of("x", None, 100_000.0)


def test_what_is_missing_is_ordered() -> None:
    made = plan([{"store_id": "a", "on_hand": 0}])
    (row,) = made.orders.to_dicts()
    assert (row["order_up_to"], row["order"], row["transfer_in"], row["transfer_out"]) == (2, 2, 0, 0)
    assert row["demand_p10"] == 1.0 and row["demand_p50"] == 1.5 and row["demand_p90"] == 2.0
    assert 0 < row["critical_ratio"] < 1 and made.gain > 0 and made.transfers.is_empty()


def test_cars_on_their_way_count() -> None:
    assert plan([{"store_id": "a", "on_hand": 0, "on_order": 2}]).orders["order"].to_list() == [0]


def test_cars_move_within_a_region_and_between_regions_only_at_a_price() -> None:
    cells = [
        {"store_id": "a", "on_hand": 4, "region": "north"},
        {"store_id": "b", "on_hand": 0, "region": "south"},
    ]
    assert plan([{**cell, "region": "north"} for cell in cells]).transfers.rows() == [("x", "a", "b", 2)]
    assert plan(cells).transfers.is_empty() and plan(cells).orders["order"].to_list() == [0, 2]
    far = PlanningRules(transfer_cost_between_regions=400.0)
    assert plan(cells, far).transfers.rows() == [("x", "a", "b", 2)]
    never = PlanningRules(transfer_cost=None)
    assert plan([{**cell, "region": "north"} for cell in cells], never).transfers.is_empty()


def test_models_are_planned_apart() -> None:
    made = plan([{"store_id": "a", "on_hand": 4}, {"store_id": "b", "model": "y", "on_hand": 0}])
    assert made.transfers.is_empty() and made.orders["order"].to_list() == [0, 2]


def test_no_cell_is_no_plan() -> None:
    cells = pl.DataFrame(schema={"store_id": pl.String, "model": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64})
    made = plan_orders(cells, LEVELS, np.empty((0, 2)), PlanningRules())
    assert made.orders.schema == pl.Schema(ORDERS) and made.gain == 0.0


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([{"store_id": "a", "on_hand": 1}] * 2, "stock: store a, model x is there twice"),
        ([{"store_id": "a", "on_hand": -1}], "on_hand: must not be below 0, got -1 of store a, model x"),
        ([{"store_id": "a", "on_hand": 0, "on_order": -2}], "on_order: must not be below 0, got -2"),
        (
            [{"store_id": "a", "on_hand": None}, {"store_id": "b", "on_hand": 1}],
            "on_hand: of store a, model x it is not known; give it, or set unknown_stock: zero",
        ),
    ],
)
def test_a_stock_that_cannot_be_names_its_cell(cells: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        plan(cells)


def test_an_unknown_stock_may_count_as_none() -> None:
    cells = [{"store_id": "a", "on_hand": None}, {"store_id": "b", "on_hand": 2}]
    assert plan(cells, PlanningRules(unknown_stock="zero")).orders["order"].to_list() == [2, 0]


def test_rules_are_read_from_their_file_and_a_wrong_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "order_planning.yaml"
    path.write_text("{lead_days: 7, by_model: {x: {margin: 5000}}}")
    rules = load_planning_rules(path)
    assert (rules.lead_days, rules.review_days, rules.of("x", None, None).margin) == (7, 14, 5_000)
    path.write_text("{lead_day: 7}")
    with pytest.raises(ConfigError, match="lead_day"):
        load_planning_rules(path)
