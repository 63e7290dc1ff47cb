"""Demand classes at their thresholds."""

from __future__ import annotations

import numpy as np

from ml.domain.demand.demand_class import CLASSES, demand_class


def class_of(*demand: float) -> str:
    return CLASSES[int(demand_class([demand])[0])]


def test_the_interval_between_periods_with_demand_decides_and_nan_does_not_count() -> None:
    assert class_of(5, 5, 5, 0) == "intermittent"  # 4 periods, 3 with demand: every 1.33
    assert class_of(5, 5, 5, 5, 0) == "smooth"  # every 1.25
    assert class_of(np.nan, 5, 5, 5, 5, 0) == "smooth"


def test_the_variation_of_demand_where_there_is_any_decides() -> None:
    assert class_of(1, 5) == "smooth"  # mean 3, variance 4: 0.44
    assert class_of(1, 7) == "erratic"  # mean 4, variance 9: 0.56
    assert class_of(0, 0, 1, 7) == "lumpy"
