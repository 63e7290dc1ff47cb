"""Periods played through by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.demand.order_simulation import as_many_as, foresight, play, safety_targets, up_to


def test_orders_arrive_after_their_lead_and_what_is_missing_is_lost() -> None:
    played = play([[2, 4, 1]], [3], up_to([[5, 5, 5]]), lead=1)
    # 3 there, 2 ordered, 2 sold; 1 + 2 there, 2 ordered, 3 sold and 1 lost; 0 + 2 there, 3 ordered, 1 sold.
    assert played.sold.tolist() == [[2.0, 3.0, 1.0]] and played.lost.tolist() == [[0.0, 1.0, 0.0]]
    assert played.left.tolist() == [[1.0, 0.0, 1.0]]
    assert played.cost([100.0], [10.0]).tolist() == [100.0 + 20.0]
    assert played.cost([100.0], [10.0], since=2).tolist() == [10.0]
    assert played.fill_rate() == pytest.approx(6 / 7) and played.fill_rate(since=2) == 1.0


def test_without_lead_an_order_is_there_at_once() -> None:
    assert play([[2, 2]], [0], as_many_as([[2, 1]]), lead=0).sold.tolist() == [[2.0, 1.0]]


def test_whoever_knows_the_demand_loses_nothing_after_the_first_lead() -> None:
    demand = np.random.default_rng(0).poisson(5, (4, 12)).astype(float)
    played = play(demand, np.zeros(4), up_to(foresight(demand, lead=2)), lead=2)
    assert played.lost[:, 2:].sum() == 0 and played.lost[:, :2].sum() == demand[:, :2].sum()


def test_a_safety_target_is_mean_plus_spread_rounded_up() -> None:
    targets = safety_targets([[1.0, 3.0, 1.0, 3.0, 99.0]], 1, protection=4, factor=[1.5], window=4)
    assert targets.tolist() == [[4 * 2.0 + 1.5 * 1.0 * 2]]


@pytest.mark.parametrize(
    ("demand", "start", "lead", "message"),
    [([[1.0]], [1.0, 1.0], 1, "the same cells"), ([[-1.0]], [1.0], 1, "not be below 0"), ([[1.0]], [1.0], -1, "lead")],
)
def test_what_cannot_be_played_is_refused(demand: list, start: list, lead: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        play(demand, start, as_many_as([[1.0]]), lead=lead)
