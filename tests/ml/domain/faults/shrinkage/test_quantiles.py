"""Quantiles of gamma mixtures against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma

from ml.domain.faults.shrinkage.quantiles import mixture_quantiles


@pytest.mark.parametrize("probability", [0.001, 0.05, 0.5, 0.95, 0.999])
def test_one_component_has_the_quantiles_of_the_gamma(probability: float) -> None:
    shape, rate = np.array([[0.05, 1.0, 7.5, 4_000.0]]), np.array([[2.0, 0.1, 3.0, 50.0]])
    quantiles = mixture_quantiles(np.ones((1, 4)), shape, rate, probability)
    np.testing.assert_allclose(quantiles, gamma.ppf(probability, shape[0], scale=1 / rate[0]), rtol=1e-9)


def test_a_mixture_holds_its_probability_below_its_quantile() -> None:
    weight, shape, rate = (np.array(v)[:, None] for v in ([0.3, 0.7], [0.5, 900.0], [4.0, 9.0]))
    for probability in (0.05, 0.299, 0.301, 0.9):
        at = mixture_quantiles(weight, shape, rate, probability)
        below = (weight * gamma.cdf(at, shape, scale=1 / rate)).sum(axis=0)
        assert below[0] == pytest.approx(probability, abs=1e-10)
