"""Periods result through by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.demand.order_simulation import (
    fixed_orders,
    order_up_to_policy,
    perfect_foresight,
    safety_stock_targets,
    simulate_orders,
)


def test_orders_arrive_after_their_lead_and_unmet_demand_is_lost() -> None:
    result = simulate_orders([[2, 4, 1]], [3], order_up_to_policy([[5, 5, 5]]), lead=1)
    # Stock 3: 2 ordered, 2 sold; stock 1 + 2: 2 ordered, 3 sold, 1 lost; stock 0 + 2: 3 ordered, 1 sold.
    assert result.sold.tolist() == [[2.0, 3.0, 1.0]] and result.lost.tolist() == [[0.0, 1.0, 0.0]]
    assert result.left.tolist() == [[1.0, 0.0, 1.0]]
    assert result.cost([100.0], [10.0]).tolist() == [100.0 + 20.0]
    assert result.cost([100.0], [10.0], since=2).tolist() == [10.0]
    assert result.fill_rate() == pytest.approx(6 / 7) and result.fill_rate(since=2) == 1.0


def test_without_lead_an_order_arrives_at_once() -> None:
    assert simulate_orders([[2, 2]], [0], fixed_orders([[2, 1]]), lead=0).sold.tolist() == [[2.0, 1.0]]


def test_under_perfect_foresight_nothing_is_lost_after_the_first_lead() -> None:
    demand = np.random.default_rng(0).poisson(5, (4, 12)).astype(float)
    result = simulate_orders(demand, np.zeros(4), order_up_to_policy(perfect_foresight(demand, lead=2)), lead=2)
    assert result.lost[:, 2:].sum() == 0 and result.lost[:, :2].sum() == demand[:, :2].sum()


def test_a_safety_target_is_mean_plus_safety_stock_rounded_up() -> None:
    targets = safety_stock_targets([[1.0, 3.0, 1.0, 3.0, 99.0]], 1, protection=4, factor=[1.5], window=4)
    assert targets.tolist() == [[4 * 2.0 + 1.5 * 1.0 * 2]]


@pytest.mark.parametrize(
    ("demand", "start", "lead", "message"),
    [
        ([[1.0]], [1.0, 1.0], 1, "demand must have shape"),
        ([[-1.0]], [1.0], 1, "not be negative"),
        ([[1.0]], [1.0], -1, "lead"),
    ],
)
def test_invalid_input_is_refused(demand: list, start: list, lead: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate_orders(demand, start, fixed_orders([[1.0]]), lead=lead)
