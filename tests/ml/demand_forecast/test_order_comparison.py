"""Costs of a plan and of other practices, by hand and for any demand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ml.demand_forecast.order_comparison import COMPARISON, LINE, EvaluatedPlan, evaluate_plan
from ml.demand_forecast.planning import CarCosts, PlanningRules, plan_quantities

# A lost sale costs 1,000 yuan, an unsold vehicle 10 yuan a day for 10 days, an order 50 yuan.
RULES = PlanningRules(
    lead_days=20, review_days=10, order_cost=50.0, transfer_cost=20.0,
    costs=CarCosts(margin=1_000.0, lost_customer=0.0, cost_share=1.0, floor_plan_rate=0.0, holding_per_day=10.0),
)  # fmt: skip


def evaluated(
    on_hand: list[int], demand: Any, *, last_sales: list[float], total: list[float], stores: list[str] | None = None
) -> EvaluatedPlan:
    """Evaluate the plan of stores that sell `total` for certain; `demand` has shape (n_cells, 3 spans, n_paths)."""
    n = len(on_hand)
    cells = pl.DataFrame(
        {"store_id": stores or [f"S{i}" for i in range(n)], "model": ["x"] * n, "on_hand": on_hand, "on_order": [0] * n,
         "price": [100_000.0] * n}
    )  # fmt: skip
    plan = plan_quantities(cells, np.array([0.1, 0.9]), np.repeat(np.array(total)[:, None], 2, axis=1), RULES)
    practices = {"last_sales": np.array(last_sales), "no_orders": np.zeros(n)}
    blocks = [(np.arange(n), np.asarray(demand, dtype=np.float32))]
    return evaluate_plan(plan, cells, blocks, RULES, practices=practices, last_sales=np.array(last_sales))


def test_costs_by_store_and_in_total() -> None:
    # S0 has 1 and orders 2: of 3 demanded, 1 falls before the delivery. S1 has 2 and orders 3: of 5, 3 fall before it.
    demand = [[[1.0], [0.0], [2.0]], [[2.0], [1.0], [2.0]]]
    result = evaluated([1, 2], demand, last_sales=[4.0, 2.0], total=[3.0, 5.0])
    assert result.orders["order"].to_list() == [2, 3]
    assert result.orders["lost_before_delivery"].to_list() == [0.0, 1.0] == result.orders["lost_with_order"].to_list()
    assert result.orders["lost_without_order"].to_list() == [2.0, 3.0]
    # S1: the order saves two sales, and one vehicle too many is left.
    assert result.orders["saving_yuan"].to_list() == [2 * 1_000 - 2 * 50, 2 * 1_000 - 100 - 3 * 50]
    assert result.orders["priority"].to_list() == [1, 2]
    assert result.orders["running_cost_yuan"].to_list() == [200_000.0, 500_000.0]
    rows = {(row["store_id"], row["policy"]): row for row in result.comparison.to_dicts()}
    assert rows["S1", "plan"]["cost_yuan"] == 1_000 + 100 + 150
    assert rows["S0", "last_sales"]["cost_yuan"] == 2 * 100 + 4 * 50 and rows["S0", "last_sales"]["unsold"] == 2
    assert rows["S1", "no_orders"]["saving_yuan"] == 3_000 - 1_250
    total = rows[None, "last_sales"]
    assert total["order"] == 6 and total["cost_yuan"] == 400 + 1_000 + 2 * 50
    assert total["saving_yuan"] == total["cost_yuan"] - rows[None, "plan"]["cost_yuan"] == 1_500 - (100 + 1_250)
    assert total["saving_low"] == total["saving_yuan"] == total["saving_high"]  # the demand is certain
    assert rows[None, "no_orders"]["cheaper_probability"] == 1.0 and rows["S1", "plan"]["cheaper_probability"] is None
    assert result.comparison.columns == list(COMPARISON) and set(LINE) <= set(result.orders.columns)


def test_a_move_is_judged_against_an_order_for_the_receiver() -> None:
    demand = [[[0.0], [0.0], [0.0]], [[1.0], [0.0], [0.0]]]
    result = evaluated([1, 0], demand, last_sales=[0.0, 1.0], total=[0.0, 1.0])
    (move,) = result.transfers.to_dicts()
    assert (move["from_store"], move["to_store"], move["transfer_cost_yuan"]) == ("S0", "S1", 20.0)
    # With an order instead, S0 keeps its vehicle (100), S1 loses its sale (1,000) and keeps the late vehicle (100).
    assert move["saving_yuan"] == 100 + 1_000 + 100 + 50 - 20
    plan = result.comparison.filter(pl.col("store_id") == "S1", pl.col("policy") == "plan")
    assert plan["ordering_cost_yuan"].to_list() == [20.0]


@given(st.integers(0, 999), st.integers(1, 4), st.integers(0, 5), st.floats(0.2, 4))
def test_a_saving_lies_within_its_interval_and_the_stores_add_up(seed: int, n: int, stock: int, mean: float) -> None:
    rng = np.random.default_rng(seed)
    demand = rng.poisson(mean, (n, 3, 20)) * (rng.random((n, 3, 20)) < 0.2) * 5
    result = evaluated([stock] * n, demand, last_sales=rng.poisson(2, n).tolist(), total=[3.0] * n)
    saved = result.comparison.drop_nulls("saving_yuan")
    assert (saved["saving_low"] <= saved["saving_yuan"]).all() and (saved["saving_yuan"] <= saved["saving_high"]).all()
    assert saved["cheaper_probability"].is_between(0, 1).all()
    parts = ("lost_sales_cost_yuan", "holding_cost_yuan", "ordering_cost_yuan")
    np.testing.assert_allclose(
        result.comparison["cost_yuan"], result.comparison.select(pl.sum_horizontal(parts)).to_series()
    )
    by_store = (
        result.comparison.drop_nulls("store_id").group_by("policy", maintain_order=True).agg(pl.col("cost_yuan").sum())
    )
    total = result.comparison.filter(pl.col("store_id").is_null())
    np.testing.assert_allclose(by_store["cost_yuan"], total["cost_yuan"])
    assert (result.orders["lost_with_order"] <= result.orders["lost_without_order"]).all()
