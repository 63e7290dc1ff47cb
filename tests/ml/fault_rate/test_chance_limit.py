"""Largest count that chance explains, against quantiles known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from ml.fault_rate.chance_limit import chance_limit


def test_a_rate_that_is_known_exactly_has_poisson_limits() -> None:
    limits = chance_limit(np.array([1.0, 30.0]), shape=1e12, drift=0.0, level=1e-4)
    assert limits.tolist() == poisson.isf(1e-4, [1.0, 30.0]).tolist()


def test_drift_and_a_short_reference_widen_the_limit() -> None:
    """Relative variance .04 (1 + .01) + .01 = .0504."""
    exact = nbinom.isf(1e-3, 1 / 0.0504, 1 / (1 + 0.0504 * 40))
    assert chance_limit([40.0], shape=25.0, drift=0.1, level=1e-3).tolist() == pytest.approx([exact])
    assert exact > chance_limit([40.0], shape=100.0, drift=0.0, level=1e-3)[0]
