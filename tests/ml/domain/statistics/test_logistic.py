"""Bounded logistic regression against scikit-learn, and with active bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ml.domain.statistics.logistic import bounded_logistic_regression


def _rows(n: int = 2_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = (rng.random(n) < expit(X @ [1.0, -0.5, 0.0] - 1)).astype(float)
    return X, y, rng.uniform(0.5, 2, n)


@pytest.mark.parametrize("l2", [0.1, 10.0])
def test_without_bounds_it_is_scikit_learns(l2: float) -> None:
    X, y, weight = _rows()
    coefficients, intercept = bounded_logistic_regression(X, y, bounds=[(None, None)] * 3, sample_weight=weight, l2=l2)
    other = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=1_000).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(coefficients, other.coef_[0], atol=1e-5)
    assert intercept == pytest.approx(other.intercept_[0], abs=1e-5)


def test_an_active_bound_equals_dropping_the_column() -> None:
    X, y, weight = _rows()
    bounded, at_bound = bounded_logistic_regression(
        X, y, bounds=[(0, None), (0, None), (None, None)], sample_weight=weight
    )
    dropped, alone = bounded_logistic_regression(X[:, [0, 2]], y, bounds=[(None, None)] * 2, sample_weight=weight)
    np.testing.assert_allclose(bounded, [dropped[0], 0.0, dropped[1]], atol=1e-5)
    assert at_bound == pytest.approx(alone, abs=1e-5)
