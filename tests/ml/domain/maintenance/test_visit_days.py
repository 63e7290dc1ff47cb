"""Days of visits: quantiles in order, after today, and probabilities that add up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.maintenance.visit_days import later_quantiles, mid_probabilities, probability_until, visit_points

DAYS = st.lists(st.floats(-50, 500), min_size=1, max_size=9)


@given(DAYS, DAYS, st.floats(0, 400))
def test_a_visit_comes_after_today_and_its_interval_contains_the_median(
    due: list[float], late: list[float], today: float
) -> None:
    points = visit_points([due], late)
    ((low, day, high),) = later_quantiles(points, today, (0.1, 0.5, 0.9))
    assert today < low <= day <= high
    assert 0 <= probability_until(points, today)[0] <= probability_until(points, today + 10)[0] <= 1


def test_lateness_widens_the_interval_of_the_due_day() -> None:
    points = visit_points([[100.0, 110.0, 120.0]], [0.0, 10.0])
    assert points.tolist() == [[100.0, 110.0, 110.0, 120.0, 120.0, 130.0]]
    assert probability_until(points, 115.0).tolist() == [0.5]
    assert later_quantiles(points, 99.0, (0.1, 0.5, 0.9)).tolist() == [[100.0, 120.0, 130.0]]
    assert later_quantiles(points, 115.0, (0.1, 0.5, 0.9)).tolist() == [[120.0, 120.0, 130.0]]
    assert later_quantiles(visit_points([[np.inf]], [0.0]), 9.0, (0.5,)).tolist() == [[np.inf]]
    assert mid_probabilities(2).tolist() == [0.25, 0.75]
