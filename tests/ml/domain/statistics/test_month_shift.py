"""A new month against months that differ, or not, by more than chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.statistics.month_shift import MonthMeans, between_months, month_means, month_shift, share_means


def test_means_and_variance_by_hand() -> None:
    reference = month_means([1.0, 3.0, 5.0, 7.0, 9.0], [3, 3, 8, 8, 8])
    assert reference.means.tolist() == [2.0, 7.0]
    assert reference.counts.tolist() == [2.0, 3.0]
    assert reference.variance == (1 + 1 + 4 + 0 + 4) / 3
    assert reference.mean == 5.0
    with pytest.raises(ValueError, match="no value"):
        month_means([], [])


def test_variance_between_months_by_hand() -> None:
    means = MonthMeans(np.array([0.0, 1.0] * 4), np.full(8, 100.0), variance=1.0)
    # Q = 100 * 8 * 0.25 = 200; (Q - 7) / (800 - 80000 / 800) = 193 / 700; alternating months are not correlated
    assert between_months(means)[0] == pytest.approx(193 / 700)
    assert between_months(means)[1] == 8


def test_few_months_show_no_variance_between_them() -> None:
    shift = month_shift(MonthMeans(np.array([0.0, 9.0]), np.full(2, 100.0), 1.0), 4.5, 100)
    assert (shift.between, shift.degrees_of_freedom, shift.p_value) == (0.0, math.inf, 1.0)


def test_standard_error_without_variance_between_months_is_that_of_the_rows() -> None:
    reference = MonthMeans(np.full(12, 5.0), np.full(12, 100.0), variance=4.0)
    shift = month_shift(reference, 5.5, 400)
    assert shift.standard_error == pytest.approx(math.sqrt(4 / 400 + 4 / 1_200))
    assert shift.effect == pytest.approx(0.25)
    assert shift.degrees_of_freedom == pytest.approx(11)
    low, high = shift.interval()
    assert low < 0.5 < high


def test_constant_values() -> None:
    reference = MonthMeans(np.full(12, 5.0), np.full(12, 100.0), variance=0.0)
    assert month_shift(reference, 5.0, 10).p_value == 1
    assert month_shift(reference, 5.1, 10).p_value == 0
    assert month_shift(reference, 5.1, 10).effect == math.inf


def test_serial_correlation_makes_months_worth_fewer() -> None:
    season = np.sin(2 * np.pi * np.arange(24) / 12)
    counts = np.full(24, 1_000.0)
    shuffled = np.random.default_rng(1).permutation(season)
    ordered_months = between_months(MonthMeans(season, counts, 1.0))[1]
    assert ordered_months < 4 < between_months(MonthMeans(shuffled, counts, 1.0))[1]


def test_several_new_months_have_a_smaller_error_but_not_where_months_are_correlated() -> None:
    counts = np.full(24, 1_000.0)
    independent = MonthMeans(np.array([-1.0, 1.0] * 12), counts, 1.0)
    season = MonthMeans(np.sin(2 * np.pi * np.arange(24) / 12), counts, 1.0)
    for reference, ratio in ((independent, 0.5), (season, 1.0)):
        one, six = (month_shift(reference, 0.5, 6_000, months=months).standard_error for months in (1, 6))
        assert six <= ratio * one
    assert month_shift(season, 0.5, 6_000, months=6).standard_error == month_shift(season, 0.5, 6_000).standard_error


@pytest.mark.parametrize("between", [0.0, 0.3])
def test_small_p_values_are_not_more_frequent_than_they_say(between: float) -> None:
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(800):
        means = rng.normal(0, between, 25) + rng.normal(0, 0.1, 25)
        p_values.append(month_shift(MonthMeans(means[:-1], np.full(24, 100.0), 1.0), means[-1], 100).p_value)
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.075
    assert np.mean(np.array(p_values) < 0.01) < 0.025


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.floats(-1e6, 1e6),
    st.integers(1, 10_000),
    st.floats(0, 1e6),
)
def test_any_means_give_a_p_value(means: list[float], mean: float, count: int, variance: float) -> None:
    shift = month_shift(MonthMeans(np.array(means), np.full(len(means), 50.0), variance), mean, count)
    assert 0 <= shift.p_value <= 1
    assert shift.standard_error >= 0
    assert shift.degrees_of_freedom > 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_shares_are_means_of_hits(hits: list[int]) -> None:
    reference = share_means(hits, [50] * len(hits))
    assert reference.mean == pytest.approx(sum(hits) / (50 * len(hits)))
    assert 0 <= reference.variance <= 0.25
