"""Empirical-Bayes shrinkage of group rates."""

from __future__ import annotations

import numpy as np

from ml.domain.statistics import empirical_bayes


def test_small_groups_are_drawn_to_the_mean_and_large_ones_stay() -> None:
    # 20 pseudo-rows at the overall rate: (4 + 20 * .5) / (4 + 20) and so on.
    rates = empirical_bayes.shrunken_rates([4, 396, 0], [4, 400, 396], strength=20.0)
    overall = 400 / 800
    np.testing.assert_allclose(rates, [(4 + 20 * overall) / 24, (396 + 20 * overall) / 420, 20 * overall / 416])


def test_groups_that_do_not_differ_share_one_rate() -> None:
    assert empirical_bayes.prior_strength([50, 50, 50], [100, 100, 100]) > 1e3
