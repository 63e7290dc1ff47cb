"""One-sided test of a metric that became worse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml.domain.statistics.metric_change import Z, worsening_p_value
from ml.domain.statistics.resampling import Interval


def test_by_hand() -> None:
    # standard errors 0.03 / 1.96 each: the difference of 0.07 is 0.07 / (0.03 * sqrt(2) / 1.96) = 3.23 of them
    p_value = worsening_p_value(Interval(0.75, 0.72, 0.78), Interval(0.68, 0.65, 0.71), better="higher")
    assert p_value == pytest.approx(stats.norm.sf(0.07 / (0.03 * math.sqrt(2) / Z)))


def test_closer_to_zero_is_better() -> None:
    near, far = Interval(-0.02, -0.03, -0.01), Interval(-0.2, -0.21, -0.19)
    assert worsening_p_value(near, far, better="zero") < 1e-6 < 0.5 < worsening_p_value(far, near, better="zero")


def test_intervals_without_limits_are_not_compared() -> None:
    assert worsening_p_value(Interval(1, math.nan, math.nan), Interval(1, 0, 2), better="lower") is None


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 1))
def test_directions_are_opposite(before: float, after: float, half: float) -> None:
    old, new = (Interval(v, v - half, v + half) for v in (before, after))
    higher, lower = (worsening_p_value(old, new, better=b) for b in ("higher", "lower"))
    assert higher is not None and lower is not None and higher + lower == pytest.approx(1)
