"""Orders and transfers with costs that can be computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ConfigError, DataError
from ml.demand_forecast.planning import (
    DEFAULT,
    QUANTITIES,
    CarCosts,
    OrderQuantities,
    PlanningRules,
    checked_cells,
    load_planning_rules,
    plan_quantities,
)  # fmt: skip

LEVELS = np.array([0.1, 0.9])
ONE_OR_TWO = [1.0, 2.0]


def plan(cells: list[dict[str, Any]], rules: PlanningRules | None = None) -> OrderQuantities:
    rows = [{"model": "x", "on_order": 0, "price": 100_000.0, **cell} for cell in cells]
    planning = rules or PlanningRules()
    checked = checked_cells(pl.DataFrame(rows), planning)
    return plan_quantities(checked, LEVELS, np.array([ONE_OR_TWO] * len(rows)), planning)


def test_costs_of_brand_and_model_replace_the_general_ones() -> None:
    rules = PlanningRules(
        by_brand={"Lan": CarCosts(lost_customer=0.0), "Kai": CarCosts(margin=9_000.0)},
        by_model={"x": CarCosts(margin_share=0.1)},
    )
    plain = rules.unit_costs("z", None, 100_000.0)
    assert (plain.margin, plain.lost_customer) == (pytest.approx(6_000.0), DEFAULT.lost_customer)
    assert rules.unit_costs("z", "Lan", 100_000.0).lost_customer == 0.0
    assert rules.unit_costs("z", "Kai", 100_000.0).margin == 9_000.0
    assert rules.unit_costs("x", "Kai", 100_000.0).margin == pytest.approx(10_000.0), "the model's share wins"


def test_a_margin_in_yuan_needs_no_price_and_a_share_does() -> None:
    rules = PlanningRules(by_model={"x": CarCosts(margin=6_000.0)})
    assert rules.unit_costs("x", None, None).margin == 6_000.0
    with pytest.raises(DataError, match=r"price: model z has none, .*by_model: \{z: \{margin: \.\.\.\}\}"):
        rules.unit_costs("z", None, None)
    with pytest.raises(DataError, match=r"order_planning\.yaml: x: "):
        PlanningRules(costs=CarCosts(margin_share=0.0, lost_customer=0.0)).unit_costs("x", None, 100_000.0)


def test_a_shortage_is_ordered() -> None:
    order_plan = plan([{"store_id": "a", "on_hand": 0}])
    (row,) = order_plan.orders.to_dicts()
    assert (row["order_up_to"], row["order"], row["transfer_in"], row["transfer_out"]) == (2, 2, 0, 0)
    assert row["demand_p10"] == 1.0 and row["demand_p50"] == 1.5 and row["demand_p90"] == 2.0
    assert 0 < row["critical_ratio"] < 1 and order_plan.transfers.is_empty()


@given(st.integers(0, 6), st.integers(0, 3), st.floats(0.5, 4), st.floats(1, 8_000), st.integers(0, 99))
def test_the_order_is_what_the_target_lacks(on_hand: int, on_order: int, mean: float, cost: float, seed: int) -> None:
    """The planner must be able to subtract: order up to, less stock, less vehicles on order."""
    levels = np.arange(1, 40) / 40
    demand = np.quantile(np.random.default_rng(seed).poisson(mean, 400), levels)
    cells = pl.DataFrame(
        {"store_id": ["a"], "model": ["x"], "on_hand": [on_hand], "on_order": [on_order], "price": [100_000.0]}
    )
    (row,) = plan_quantities(cells, levels, demand[None, :], PlanningRules(order_cost=cost)).orders.to_dicts()
    assert row["order"] == max(row["order_up_to"] - on_hand - on_order, 0)


def test_vehicles_on_order_count() -> None:
    assert plan([{"store_id": "a", "on_hand": 0, "on_order": 2}]).orders["order"].to_list() == [0]


def test_vehicles_move_within_a_region_and_between_regions_only_with_a_cost_set() -> None:
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


def test_models_are_planned_separately() -> None:
    order_plan = plan([{"store_id": "a", "on_hand": 4}, {"store_id": "b", "model": "y", "on_hand": 0}])
    assert order_plan.transfers.is_empty() and order_plan.orders["order"].to_list() == [0, 2]


def test_without_cells_the_plan_is_empty() -> None:
    cells = pl.DataFrame(schema={"store_id": pl.String, "model": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64})
    order_plan = plan_quantities(cells, LEVELS, np.empty((0, 2)), PlanningRules())
    assert order_plan.orders.schema == pl.Schema(QUANTITIES) and order_plan.transfers.is_empty()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([{"store_id": "a", "on_hand": 1}] * 2, "stock: store a, model x occurs twice"),
        ([{"store_id": "a", "on_hand": -1}], "on_hand: must not be negative, got -1 for store a, model x"),
        ([{"store_id": "a", "on_hand": 0, "on_order": -2}], "on_order: must not be negative, got -2"),
        (
            [{"store_id": "a", "on_hand": None}, {"store_id": "b", "on_hand": 1}],
            "on_hand: store a, model x has no value; provide it, or set unknown_stock: zero",
        ),
    ],
)
def test_an_invalid_stock_names_its_store_and_model(cells: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        plan(cells)


def test_a_missing_stock_may_count_as_zero() -> None:
    cells = [{"store_id": "a", "on_hand": None}, {"store_id": "b", "on_hand": 2}]
    assert plan(cells, PlanningRules(unknown_stock="zero")).orders["order"].to_list() == [2, 0]


def test_rules_are_read_from_their_file_and_a_wrong_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "order_planning.yaml"
    path.write_text("{lead_days: 7, by_model: {x: {margin: 5000}}}")
    rules = load_planning_rules(path)
    assert (rules.lead_days, rules.review_days, rules.unit_costs("x", None, None).margin) == (7, 14, 5_000)
    path.write_text("{lead_day: 7}")
    with pytest.raises(ConfigError, match="lead_day"):
        load_planning_rules(path)
