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
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.orders import ORDERS, OrdersRequest, Position, answer, periods_in_days, planning_cells
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
    return SimpleNamespace(
        panel=panel,
        origin=12,
        params=SimpleNamespace(horizon=3),
        is_ended=np.array([False, False, True]),
        on_hand=np.array(on_hand),
        series_forecasts=SimpleNamespace(mean=np.array([[1.0], [2.0], [0.0]])),
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
            "has 2 pairs of store and model that are not in the model",
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
    assert [t.model_dump() for t in plan.transfers] == [
        {"model": "x", "from_store": "a", "to_store": "b", "quantity": 2}
    ]
    assert plan.gain > 0 and plan.orders[0].demand_p50 == pytest.approx(2.0)


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
