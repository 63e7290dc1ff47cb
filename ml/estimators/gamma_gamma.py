"""What a purchase of each customer is worth: the gamma-gamma model, which draws few purchases towards everybody's mean.

Source: P. S. Fader, B. G. S. Hardie (2013), The gamma-gamma model of monetary value, equations 1a and 5.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

BOUND = 10.0


class GammaGamma(SklearnEstimator):
    """Gamma-gamma by maximum likelihood.

    Attributes
    ----------
    parameters_ : ndarray of shape (3,)
        p, q, and v in the unit of money given.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> own = 15 / rng.gamma(4, 1, 4000)
    >>> count = rng.integers(1, 6, 4000)
    >>> mean = rng.gamma(6 * count, own / count)
    >>> model = GammaGamma().fit(count, mean)
    >>> bool(np.abs(model.expected_spend(count, mean) - 6 * own).mean() < np.abs(mean - 6 * own).mean())
    True
    """

    def fit(self, count: npt.ArrayLike, mean_spend: npt.ArrayLike) -> Self:
        """Fit to customers with at least one purchase of known worth.

        Parameters
        ----------
        count : array of shape (n_customers,)
            Purchases that the mean is of.
        mean_spend : array of shape (n_customers,)
            Their mean, above 0, any unit of money.

        Raises
        ------
        DataError
            A number is out of order, or there is nobody.
        """
        x, m = _checked(count, mean_spend)
        used = (x > 0) & (m > 0)
        if not used.any():
            raise DataError("mean_spend: no customer has a purchase worth more than 0; check the amounts")
        x, m = x[used], m[used]
        scale = float(np.median(m))
        z = m / scale

        def loss(theta: FloatArray) -> float:
            p, q, v = np.exp(theta)
            value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            value += (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(x * z + v)
            return -float(value.mean())

        found = minimize(loss, np.log([2.0, 3.0, 1.0]), method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 3)
        self.parameters_ = np.exp(found.x) * np.array([1.0, 1.0, scale])
        self.overall_ = float(x @ m / x.sum())
        return self

    def expected_spend(self, count: npt.ArrayLike, mean_spend: npt.ArrayLike) -> FloatArray:
        """Mean worth of a purchase of each customer; everybody's where nothing is known of their own (count 0).

        Raises
        ------
        DataError
            A number is out of order.
        """
        check_is_fitted(self, "parameters_")
        x, m = _checked(count, mean_spend)
        p, q, v = self.parameters_
        if q <= 1:  # heavy tails: the population has no mean to draw to
            return np.where(x > 0, m, self.overall_)
        return np.asarray(p * (v + x * np.where(x > 0, m, 0.0)) / (p * x + q - 1))


def _checked(count: npt.ArrayLike, mean_spend: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, m = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (count, mean_spend))
    if x.shape != m.shape or x.ndim != 1:
        raise DataError(f"count {x.shape} and mean_spend {m.shape} must be as many")
    for name, wrong, value in (
        ("count", ~((x >= 0) & np.isfinite(x)), x),
        ("mean_spend", (x > 0) & ~((m >= 0) & np.isfinite(m)), m),
    ):
        if wrong.any():
            raise DataError(f"{name}: must be finite and not below 0, got {value[wrong][0]:g}")
    return x, m
