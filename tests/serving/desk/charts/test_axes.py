"""Ticks enclose the data, are few, and are equally far apart."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from serving.desk.charts.axes import Scale, log_ticks, round_ticks, tick_labels

VALUES = st.floats(-1e6, 1e6).map(lambda v: round(v, 3))


@given(VALUES, VALUES)
def test_round_ticks_enclose_the_data_and_are_few(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = round_ticks(low, high)
    assert ticks[0] <= low + 1e-6 and ticks[-1] >= high - 1e-6
    assert 2 <= len(ticks) <= 7
    steps = {round(y - x, 6) for x, y in pairwise(ticks)}
    assert len(steps) == 1


@given(st.floats(1e-4, 1e6), st.floats(1.0, 1e6))
def test_log_ticks_are_powers_of_ten_that_enclose_the_data(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert ticks[0] <= low * 1.001 and ticks[-1] >= low * ratio * 0.999
    assert all(abs(math.log10(t) - round(math.log10(t))) < 1e-9 for t in ticks)


@given(st.floats(0.01, 1000))
def test_a_scale_places_its_ends_and_keeps_the_order(value: float) -> None:
    scale = Scale(0.01, 1000, log=True)
    assert scale.place(0.01) == 0.0 and scale.place(1000) == 1.0
    assert scale.place(value) <= scale.place(value * 1.5)


def test_labels_have_the_same_decimals() -> None:
    assert tick_labels([0.0, 0.01, 0.02], "percent") == ["0", "1%", "2%"]
    assert tick_labels([0.0, 25000.0], "number") == ["0", "25,000"]
    assert tick_labels([1_000_000.0], "money", "en") == ["1 million yuan"]
