"""The ratio of the lowest to the highest rate, against a formula by hand, simulations and the limits of its domain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.domain.statistics.proportions import proportion
from ml.domain.statistics.rate_ratio import rate_ratio


def test_the_groups_with_the_lowest_and_the_highest_rate_are_compared() -> None:
    ratio = rate_ratio({"a": (50, 100), "b": (90, 100), "c": (72, 100)})
    assert ratio is not None
    assert (ratio.lowest, ratio.highest) == ("a", "b")
    assert ratio.interval.value == pytest.approx(5 / 9)
    assert not ratio.passes and ratio.is_certain


def test_four_fifths_exactly_pass_and_are_not_certain() -> None:
    ratio = rate_ratio({"a": (80, 200), "b": (100, 200)})
    assert ratio is not None and ratio.passes and not ratio.is_certain
    assert ratio.interval.low < 0.8 < ratio.interval.high


def test_the_limits_solve_the_equation_of_the_interval() -> None:
    ratio = rate_ratio({"a": (30, 100), "b": (60, 100)})
    assert ratio is not None
    a, b = proportion(30, 100), proportion(60, 100)
    for limit, over, under in ((ratio.interval.low, a.low, b.high), (ratio.interval.high, a.high, b.low)):
        left = (a.value - limit * b.value) ** 2
        assert left == pytest.approx((a.value - over) ** 2 + limit**2 * (b.value - under) ** 2)


def test_the_interval_covers_the_ratio_of_two_fixed_groups() -> None:
    random = np.random.default_rng(7)
    covered = 0
    for low, high in zip(random.binomial(150, 0.42, 2_000), random.binomial(250, 0.6, 2_000), strict=True):
        ratio = rate_ratio({"a": (int(low), 150), "b": (int(high), 250)})
        assert ratio is not None
        covered += ratio.interval.low <= 0.7 <= ratio.interval.high
    assert 0.935 < covered / 2_000 < 0.965


def test_small_groups_do_not_count_and_one_group_has_no_ratio() -> None:
    assert rate_ratio({"a": (10, 100), "b": (1, 2)}, min_trials=30) is None
    assert rate_ratio({"a": (10, 100)}) is None
    assert rate_ratio({}) is None


def test_without_a_success_there_is_no_ratio_and_the_lowest_rate_may_be_0() -> None:
    assert rate_ratio({"a": (0, 100), "b": (0, 50)}) is None
    ratio = rate_ratio({"a": (0, 100), "b": (50, 100)})
    assert ratio is not None and ratio.interval.value == ratio.interval.low == 0
    assert 0 < ratio.interval.high < 0.2


def test_a_highest_rate_that_may_be_almost_0_has_no_upper_limit() -> None:
    ratio = rate_ratio({"a": (0, 3), "b": (1, 3)})
    assert ratio is not None
    assert ratio.interval.low == 0 and (ratio.interval.high > 1 or math.isinf(ratio.interval.high))
