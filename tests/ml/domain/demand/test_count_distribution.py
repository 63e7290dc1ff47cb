"""Counts and their quantiles against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from ml.domain.demand.count_distribution import cdf, corrected_levels, fit_dispersion, probability_integral, quantile


def test_without_dispersion_it_is_poisson_and_with_it_the_negative_binomial_of_that_variance() -> None:
    assert cdf([0, 3], 2.0, 0.0) == pytest.approx(poisson.cdf([0, 3], 2.0))
    size = 1 / 0.5
    spread = nbinom(size, size / (size + 2.0))
    assert (spread.mean(), spread.var()) == (pytest.approx(2.0), pytest.approx(2.0 + 0.5 * 2.0**2))
    assert cdf([0, 3], 2.0, 0.5) == pytest.approx(spread.cdf([0, 3]))


def test_a_quantile_is_the_least_count_that_reaches_its_level() -> None:
    levels = np.array([0.05, 0.5, 0.95])
    counts = quantile(levels, 3.0, 0.2, smooth=False)
    assert (cdf(counts, 3.0, 0.2) >= levels).all() and (cdf(counts - 1, 3.0, 0.2) < levels).all()
    smooth = quantile(levels, 3.0, 0.2, smooth=True)
    assert (np.abs(smooth - counts) <= 0.5).all() and (np.diff(smooth) > 0).all()


def test_probability_integrals_are_the_step_of_the_count_or_one_point_in_it() -> None:
    low, high = probability_integral([2], 1.5, 0.0, smooth=False)
    assert (low[0], high[0]) == (pytest.approx(poisson.cdf(1, 1.5)), pytest.approx(poisson.cdf(2, 1.5)))
    point, same = probability_integral([2.0], 1.5, 0.0, smooth=True)
    assert point[0] == same[0] == pytest.approx((low[0] + high[0]) / 2)


def test_counts_that_vary_no_more_than_poisson_have_no_dispersion() -> None:
    counts = np.random.default_rng(1).poisson(4.0, 4_000)
    assert fit_dispersion(counts, np.full(4_000, 4.0)) < 0.01


def test_right_levels_stay_and_old_outcomes_count_as_little_as_they_weigh() -> None:
    even = (np.arange(1_000) + 0.5) / 1_000
    assert corrected_levels(even, even, [0.1, 0.5]) == pytest.approx([0.1, 0.5], abs=0.005)
    late = np.r_[even * 0.5, even]
    weights = np.r_[np.zeros(1_000), np.ones(1_000)]
    assert corrected_levels(late, late, [0.5], weight=weights) == pytest.approx([0.5], abs=0.005)
    assert corrected_levels(late, late, [0.5])[0] < 0.4
