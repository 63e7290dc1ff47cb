"""Service interval and punctuality from the gaps between visits."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.maintenance.service_turns import MONTH_DAYS, fit_limits, intervals, lateness, whole_turns


def test_the_interval_is_estimated_from_slow_and_fast_vehicles_despite_missed_visits() -> None:
    days = [9 * MONTH_DAYS] * 10 + [100.0] * 10 + [18 * MONTH_DAYS] * 3
    km = [3_000.0] * 10 + [12_000.0] * 10 + [4_000.0] * 3
    assert fit_limits(days, km, default=(7_500.0, 6)) == (12_000.0, 9)
    with pytest.raises(ValueError, match="at least one gap"):
        fit_limits([], [], default=(7_500.0, 6))
    with pytest.raises(ValueError, match="each above 0"):
        fit_limits([0.0], [1.0], default=(7_500.0, 6))


def test_intervals_count_the_limit_reached_first() -> None:
    assert intervals([100.0, 50.0, 100.0], [500.0, 1_000.0, np.nan], 100.0, 1_000.0).tolist() == [1.0, 1.0, 1.0]


def test_lateness_after_two_intervals_counts_against_the_second() -> None:
    assert lateness([220.0], [2.2], [0.1, 0.5]).tolist() == [20.0, 20.0]
    assert lateness([], [], [0.1, 0.5]).tolist() == [0.0, 0.0]
    assert whole_turns([0.2, 1.5, 2.49]).tolist() == [1.0, 2.0, 2.0]
