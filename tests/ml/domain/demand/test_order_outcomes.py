"""Lost sales and unsold stock on paths of demand, by hand and for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.demand.order_outcomes import order_outcomes


def test_an_order_does_not_win_back_what_was_lost_before_it_arrived() -> None:
    demand = [[[3.0, 0.0], [2.0, 1.0]]]  # two paths: 3 then 2, 0 then 1
    outcomes = order_outcomes(demand, [[1.0, 4.0]])
    assert outcomes.lost_before.tolist() == outcomes.lost.tolist() == [[2.0, 0.0]]
    assert outcomes.left.tolist() == [[2.0, 4.0]]
    assert outcomes.cost([10.0], [1.0]).tolist() == [[22.0, 4.0]]


@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
    st.integers(0, 5),
)
def test_vehicles_are_sold_left_or_never_there(demand: list[int], arrivals: list[int], more: int) -> None:
    paths = np.array(demand, dtype=float)[None, :, None]
    outcomes = order_outcomes(paths, np.array([arrivals], dtype=float))
    sold = sum(demand) - outcomes.lost[0, 0]
    assert sum(arrivals) - sold == outcomes.left[0, 0] >= 0 and 0 <= outcomes.lost_before[0, 0] <= outcomes.lost[0, 0]
    larger = order_outcomes(paths, np.array([[*arrivals[:2], arrivals[2] + more]], dtype=float))
    assert larger.lost[0, 0] <= outcomes.lost[0, 0] and larger.lost_before[0, 0] == outcomes.lost_before[0, 0]


@pytest.mark.parametrize(
    ("demand", "arrivals", "message"),
    [
        ([[1.0]], [[1.0]], "must have shape"),
        ([[[1.0]]], [[1.0, 2.0]], "must have shape"),
        ([[[-1.0]]], [[1.0]], "not be negative"),
        ([[[1.0]]], [[-1.0]], "not be negative"),
    ],
)
def test_invalid_input_is_refused(demand: list[object], arrivals: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_outcomes(demand, arrivals)  # type: ignore[arg-type]
