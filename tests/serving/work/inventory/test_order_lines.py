"""Lines of the plan with costs and decisions."""

from __future__ import annotations

from ml.demand_forecast.planning import PlanningRules
from serving.work.entries import WorkEntry
from serving.work.inventory.order_lines import store_orders, unit_costs, written_at
from serving.work.inventory.order_models import OrderDecision, OrderLine
from tests.serving.work.inventory.dealership import Dealership


def test_sums_of_stores_are_those_of_their_lines(group: Dealership) -> None:
    """So is the total."""
    orders = group.ask("/v1/inventory/orders")
    lines = [OrderLine.model_validate(line) for line in orders["lines"]]
    plan = type("Plan", (), {"answer": {"comparison": []}})()
    *stores, total = store_orders(lines, plan, None)
    assert total.waiting_cost == sum(s.waiting_cost for s in stores) == sum(line.plan_cost for line in lines)
    assert total.on_hand == 7 and [s.store_id for s in stores] == ["a", "b"]


def test_a_model_without_orders_costs_its_share_of_the_latest_price(group: Dealership) -> None:
    """Without a price it has no cost; the plan's own cost comes first."""
    rows = [{"model": m, "order": n, "purchase_cost": c} for m, n, c in (("x", 2, 100.0), ("y", 0, 0.0), ("w", 0, 0.0))]
    plan = type("Plan", (), {"answer": {"orders": rows}, "suppliers": {}})()
    assert unit_costs(plan, PlanningRules(), {"x": 1.0, "y": 1_000.0}) == {"x": 50.0, "y": 940.0}


def test_a_decision_refuses_what_it_does_not_know() -> None:
    """Times are instants with offset."""
    assert OrderDecision.model_config["extra"] == "forbid"
    assert written_at(WorkEntry(1, 1_000_000, "order.confirmed", "s", None, None, None, {})).endswith("01+00:00")
