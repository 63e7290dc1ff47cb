"""Intervals, and changes that chance does not explain."""

from __future__ import annotations

import math

import pytest

from serving.work.overview.estimates import change, counted, mean, share


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    """Values 1, 2, 3: deviation 1, error 1 / sqrt(3)."""
    estimate = mean(6.0, 14.0, 3, digits=6)
    assert estimate is not None
    assert estimate.value == 2.0
    assert estimate.high == pytest.approx(2 + 1.96 / math.sqrt(3), abs=1e-3)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    """Nothing is divided by zero."""
    single = mean(5.0, 25.0, 1)
    assert (single and single.value, single and single.low, mean(0.0, 0.0, 0)) == (5.0, None, None)


def test_no_share_without_cases() -> None:
    """Also of zero successes."""
    assert share(0, 0) is None


@pytest.mark.parametrize(("now", "before", "verdict"), [(100, 50, "up"), (50, 100, "down"), (100, 105, "unclear")])
def test_counts_are_compared_as_poisson_numbers(now: int, before: int, verdict: str) -> None:
    """Five of a hundred more is chance."""
    assert change(counted(now), counted(before)) == verdict
