"""Order quantities and transfers against brute force, and errors for invalid input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.demand.newsvendor import UnitCosts, order_up_to
from ml.domain.demand.transfers import plan_transfers

LEVELS = np.arange(1, 200) / 200


@given(
    mean=st.floats(0.5, 30),
    margin=st.floats(500, 30_000),
    days=st.floats(7, 90),
    seed=st.integers(0, 1_000),
)
def test_no_other_number_of_cars_costs_less(mean: float, margin: float, days: float, seed: int) -> None:
    costs = UnitCosts(margin=margin, lost_customer=500, cost=120_000, floor_plan_rate=0.07, holding_per_day=12)
    demand = np.random.default_rng(seed).gamma(2, mean / 2, 4_000)
    quantiles = np.quantile(demand, LEVELS)
    under, over = costs.underage, costs.overage(days)
    quantity = int(order_up_to(LEVELS, quantiles, costs.critical_ratio(days)))
    stocks = np.arange(0, 200)
    short = np.maximum(demand[None, :] - stocks[:, None], 0.0).mean(axis=1)
    left = np.maximum(stocks[:, None] - demand[None, :], 0.0).mean(axis=1)
    cost = under * short + over * left
    # The integer optimum is next to the quantile, or hardly cheaper where the cost is flat.
    assert abs(quantity - int(np.argmin(cost))) <= 1 or cost[quantity] <= 1.02 * cost.min()


def test_interest_and_holding_by_hand() -> None:
    costs = UnitCosts(margin=9_000, lost_customer=1_000, cost=73_000, floor_plan_rate=0.05, holding_per_day=10)
    assert costs.overage(30) == pytest.approx(73_000 * 0.05 * 30 / 365 + 300)
    assert costs.critical_ratio(30) == pytest.approx(10_000 / (10_000 + 600))


@pytest.mark.parametrize(
    ("levels", "quantiles", "ratio", "message"),
    [
        ([0.5], [1.0], 0.5, "at least two"),
        ([0.5, 0.4], [1, 2], 0.5, "increasing"),
        ([0.0, 0.5], [1, 2], 0.5, "ends excluded"),
        ([0.1, 0.5], [2, 1], 0.5, "not decrease"),
        ([0.1, 0.5], [-1, 1], 0.5, "not negative"),
        ([0.1, 0.5], [1, np.nan], 0.5, "finite"),
        ([0.1, 0.5], [1, 2, 3], 0.5, "one column"),
        ([0.1, 0.5], [1, 2], 1.0, "ratio"),
    ],
)
def test_invalid_input_is_named(levels: list[float], quantiles: list[float], ratio: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_up_to(levels, quantiles, ratio)


def test_invalid_costs_are_refused() -> None:
    with pytest.raises(ValueError, match="margin"):
        UnitCosts(margin=-1, lost_customer=0, cost=1, floor_plan_rate=0.05, holding_per_day=0)
    with pytest.raises(ValueError, match="both 0"):
        UnitCosts(margin=0, lost_customer=0, cost=1, floor_plan_rate=0.05, holding_per_day=0)


@given(seed=st.integers(0, 500), n=st.integers(1, 3), order_cost=st.floats(0, 9))
def test_no_other_plan_gains_more(seed: int, n: int, order_cost: float) -> None:
    """All allocations and orders of at most three stores, by brute force."""
    rng = np.random.default_rng(seed)
    stock, max_cars = rng.integers(0, 3, n), 3
    value = -np.sort(-rng.normal(3, 4, (n, max_cars)), axis=1)
    region, within = rng.integers(0, 2, n), rng.uniform(0, 5)
    beyond = within + rng.choice([0.0, 1.5, np.inf])
    cost = np.where(region[:, None] == region[None, :], within, beyond)
    np.fill_diagonal(cost, 0)
    plan = plan_transfers(stock, value, order_cost=order_cost, within=within, beyond=beyond, region=region)
    spent = sum(cost[i, j] * cars for i, j, cars in plan.transfers) + order_cost * plan.orders.sum()
    final_stock = stock + plan.orders
    for i, j, cars in plan.transfers:
        final_stock = final_stock + cars * (np.eye(n, dtype=int)[j] - np.eye(n, dtype=int)[i])
    own = sum(value[i, :k].sum() - value[i, : stock[i]].sum() for i, k in enumerate(final_stock))
    assert (final_stock >= 0).all() and plan.gain == pytest.approx(own - spent, abs=1e-4)
    best = -np.inf
    for final in itertools.product(range(max_cars + 1), repeat=n):
        # Ordering at a store that lacks vehicles costs no more than ordering elsewhere and moving.
        for orders in itertools.product(*(range(max(0, f - s) + 1) for f, s in zip(final, stock, strict=True))):
            if sum(final) != stock.sum() + sum(orders):
                continue
            moved = _cheapest(stock + np.array(orders), np.array(final), cost)
            total = sum(value[i, :f].sum() for i, f in enumerate(final)) - moved - order_cost * sum(orders)
            best = max(best, total - sum(value[i, : stock[i]].sum() for i in range(n)))
    assert plan.gain == pytest.approx(best, abs=1e-4)


def _cheapest(stock: np.ndarray, target: np.ndarray, cost: np.ndarray) -> float:
    """Least cost of moving vehicles one by one from stores with a surplus to stores with a shortage."""
    surplus = [i for i in range(len(stock)) for _ in range(max(0, stock[i] - target[i]))]
    shortage = [i for i in range(len(stock)) for _ in range(max(0, target[i] - stock[i]))]
    return min(
        (sum(cost[a, b] for a, b in zip(surplus, p, strict=True)) for p in itertools.permutations(shortage)),
        default=0.0,
    )


def test_invalid_plans_are_refused() -> None:
    for stock, value, within, message in (
        ([1.5], [[1.0, 0.5]], 0.0, "whole"),
        ([3], [[1.0, 0.5]], 0.0, "a column for each vehicle"),
        ([1], [[0.5, 1.0]], 0.0, "decrease along each row"),
        ([1], [[1.0, 0.5]], -1.0, "not be negative"),
        ([1, 1], [[1.0, 0.5]], 0.0, "stock must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            plan_transfers(stock, value, within=within, order_cost=1)
