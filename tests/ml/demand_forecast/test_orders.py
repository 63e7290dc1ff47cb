"""`POST /v1/demand_forecast/orders` with forecasts that can be computed by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from features.errors import ConfigError, DataError, FeatureError
from ml.demand_forecast.coherence import Dependence
from ml.demand_forecast.forecast import GRID, ForecastTable
from ml.demand_forecast.order_models import OrdersRequest, Position
from ml.demand_forecast.order_plan import periods_in_days
from ml.demand_forecast.orders import ORDERS, answer, planning_cells
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.planning import PlanningRules

JANUARY_2022 = (2022 - 1970) * 12
NAN = float("nan")


def estimator(*, keys: tuple[str, ...] = ("store_id", "model"), on_hand: tuple[float, ...] = (4.0, 0.0, NAN)) -> Any:
    """Stores a and b sell one x in 31 days; c sold y, which has ended. The history ends with 2022."""
    series = pl.DataFrame({"store_id": ["a", "b", "c"], "model": ["x", "x", "y"], "region": ["north"] * 3})
    price = np.full((3, 12), NAN)
    price[0, 3:5] = 9_000_000, 10_000_000
    panel = Panel(series, keys, "month", JANUARY_2022, np.ones((3, 12)), np.ones((3, 12)), {"price": price})
    one_a_month = np.ones((3, 3, len(GRID)), dtype=np.float32)
    forecaster = SimpleNamespace(
        dependence_=Dependence((0.0,), (0.0, 0.0)), is_count_=False, codes=lambda panel: [np.zeros(3, dtype=np.int64)]
    )
    return SimpleNamespace(
        panel=panel,
        origin=12,
        forecaster=forecaster,
        features=SimpleNamespace(demand=panel.sold),
        params=SimpleNamespace(horizon=3),
        is_ended=np.array([False, False, True]),
        on_hand=np.array(on_hand),
        series_forecasts=ForecastTable(np.array([[1.0] * 3, [2.0] * 3, [0.0] * 3]), one_a_month),
        cumulative_demand=lambda periods: np.full((3, len(GRID)), periods),
    )


def respond(rules: PlanningRules | None = None, **body: Any) -> Any:
    champions: Any = {"demand_forecast": SimpleNamespace(estimator=estimator(), card={})}
    return answer(rules or PlanningRules(), champions, OrdersRequest.model_validate(body))


def position(store: str, on_hand: int, **changes: Any) -> dict[str, Any]:
    return {"store_id": store, "model": "x", "on_hand": on_hand, **changes}


@pytest.mark.parametrize(("days", "periods"), [(0, 0.0), (31, 1.0), (45, 1.5), (59, 2.0), (90, 3.0)])
def test_days_are_counted_in_periods_from_the_origin_on(days: float, periods: float) -> None:
    assert periods_in_days(estimator(), days) == pytest.approx(periods)


def test_more_days_than_the_horizon_are_refused() -> None:
    with pytest.raises(DataError, match="are 91 days together, the model forecasts 90 days: reduce lead_days"):
        periods_in_days(estimator(), 91)


def test_a_missing_price_is_the_latest_of_the_series_or_else_of_its_model() -> None:
    rows, cells = planning_cells(
        estimator(), [Position(**position("b", 1)), Position(**position("a", 2, price=80_000.0))]
    )
    assert rows == [1, 0]
    assert cells.select("store_id", "region", "on_hand", "on_order", "price").rows() == [
        ("b", "north", 1, 0, 100_000.0), ("a", "north", 2, 0, 80_000.0),
    ]  # fmt: skip


def test_without_stock_in_the_request_all_living_series_are_planned_from_the_history_s_stock() -> None:
    rows, cells = planning_cells(estimator(), [])
    assert rows == [0, 1] and cells["on_hand"].to_list() == [4, 0]
    assert planning_cells(estimator(), [], stores=["b"])[0] == [1]


@pytest.mark.parametrize(
    ("stock", "stores", "message"),
    [
        ([position("a", 1)] * 2, (), "has a store and model twice"),
        (
            [position("b", 1, model="z"), position("a", 1, model="y")],
            (),
            "has 2 pairs of store and model not in the model, such as store b with model z",
        ),
        (
            [position("z", 1), position("a", 1)],
            (),
            "'stock' has 1 store that is not in the model, which has 3 .such as `a`.; correct or remove it",
        ),
        ([], ("z",), "has 1 store that is not in the model, which has"),
    ],
)
def test_an_invalid_stock_is_refused(stock: list[dict[str, Any]], stores: tuple[str, ...], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        planning_cells(estimator(), [Position(**fields) for fields in stock], stores=stores)


def test_a_model_without_stock_or_stores_is_refused_with_a_remedy() -> None:
    with pytest.raises(FeatureError, match="trained without a stock table"):
        planning_cells(estimator(on_hand=(NAN, NAN, NAN)), [])
    with pytest.raises(DataError, match=r"are by region: train with params\.series: \[store_id, model\]"):
        planning_cells(estimator(keys=("region",)), [])


def test_the_plan_covers_lead_time_and_review_period() -> None:
    plan = respond(stock=[position("a", 4), position("b", 0)], lead_days=31, review_days=28)
    assert (plan.lead_days, plan.review_days, plan.first_period) == (31, 28, "2023-01")
    # 59 days are January and February: each store needs two cars, and a has two too many.
    assert [(order.order_up_to, order.order) for order in plan.orders] == [(2, 0), (2, 0)]
    (transfer,) = plan.transfers
    assert (transfer.from_store, transfer.to_store, transfer.quantity, transfer.transfer_cost) == ("a", "b", 2, 700.0)
    # An order of two for b would cost 1,200 yuan instead of 700, arrive after one of b's sales is lost (margin 6,000
    # and customer 1,500), and leave one vehicle at b and two at a for 28 days (897 yuan each).
    assert transfer.saving == pytest.approx(500 + 7_500 + 3 * (28 * 18 + 94_000 * 0.055 * 28 / 365), abs=1)
    assert plan.orders[0].demand_p50 == pytest.approx(2.0)


def test_the_plan_is_compared_with_what_planners_do_without_it() -> None:
    # February has 28 days: one is sold in January before the order arrives, half a one in the 14 days after it.
    plan = respond(PlanningRules(order_cost=0), stock=[position("b", 1, price=100_000.0)], lead_days=31, review_days=14)
    (order,) = plan.orders
    assert (order.last_sales, order.demand_mean, order.order) == (1.0, pytest.approx(1.5), 1)
    assert order.lost_before_delivery == 0 and order.lost_with_order == 0
    assert order.lost_without_order == pytest.approx(0.5)
    holding = 94_000 * 0.055 * 14 / 365 + 18 * 14
    assert order.expected_cost == pytest.approx(0.5 * holding) and order.purchase_cost == pytest.approx(94_000)
    assert order.saving == pytest.approx(0.5 * 7_500 - 0.5 * holding)
    assert (order.priority, order.running_cost) == (1, order.purchase_cost)
    rows = {(row.store_id, row.policy): row for row in plan.comparison}
    assert list(rows) == [(s, p) for p in ("plan", "last_sales", "safety_stock", "no_orders") for s in ("b", None)]
    nothing, same = rows[None, "no_orders"], rows[None, "last_sales"]
    assert nothing.cost == pytest.approx(0.5 * 7_500) == nothing.lost_sales_cost and nothing.order == 0
    assert nothing.saving == pytest.approx(order.saving) == nothing.saving_low == nothing.saving_high
    assert same.saving == 0 == same.saving_low and same.name.en == "ordering last month's sales"
    assert rows["b", "plan"].saving is None and rows["b", "plan"].cost == pytest.approx(0.5 * holding)
    assert plan.summary[0].en == "against ordering last month's sales: the same cost"
    assert plan.summary[-1].en == "1 vehicle costs 94,000 yuan to buy; no budget is configured"
    assert "expected demand until the next delivery (45 days) 1.5" in order.reason.en and "不采购" in order.reason.zh


def test_a_budget_names_the_lines_that_fit_and_cuts_none() -> None:
    stock = [position("a", 0, price=100_000.0), position("b", 0, price=100_000.0)]
    plan = respond(PlanningRules(budget=100_000.0), stock=stock, lead_days=31, review_days=14)
    assert [order.order for order in plan.orders] == [2, 2]
    assert sorted(order.running_cost for order in plan.orders) == [pytest.approx(188_000), pytest.approx(376_000)]
    assert plan.summary[-1].en == (
        "4 vehicles cost 376,000 yuan to buy, 276,000 yuan above the budget of 100,000 yuan: 0 of 2 lines fit it, by "
        "priority"
    )


def test_the_configured_days_are_used_where_the_request_has_none() -> None:
    plan = respond(PlanningRules(lead_days=20, review_days=11), stock=[position("a", 0)])
    assert (plan.lead_days, plan.review_days) == (20, 11) and plan.orders[0].order == 1


def test_the_endpoint_needs_its_rules_and_answers_its_example(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="order_planning"):
        ORDERS.rules(tmp_path)
    (tmp_path / "order_planning.yaml").write_text("{lead_days: 7}")
    rules = ORDERS.rules(tmp_path)
    champions: Any = {"demand_forecast": SimpleNamespace(estimator=estimator(), card={})}
    example = ORDERS.example(champions)
    assert (example["stock"][0]["store_id"], example["stock"][0]["model"]) == ("b", "x")  # sells most
    (plan,) = ORDERS.respond(rules, champions, [OrdersRequest.model_validate(example)], False)
    assert plan.lead_days == 7 and len(plan.orders) == 1


@pytest.mark.parametrize(
    "body",
    [{"stock": [position("a", -1)]}, {"stock": [position("a", 1, price=0.0)]}, {"review_days": 0.0}, {"colour": "red"}],
)
def test_requests_that_break_a_rule_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OrdersRequest.model_validate(body)
