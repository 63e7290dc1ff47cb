"""Gamma-gamma model of the mean value of a customer's purchases."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

LOG_PARAMETER_BOUND = 10.0


class GammaGamma(SklearnEstimator):
    """Gamma-gamma model fitted by maximum likelihood.

    The same model as `lifetimes.GammaGammaFitter`. The mean of few purchases is shrunk towards the population mean.

    Attributes
    ----------
    parameters_ : ndarray of shape (3,)
        p, q, v; v is in the currency unit of `mean_spend`.
    overall_ : float
        Mean value of a purchase over all customers, weighted by their counts.

    Notes
    -----
    The values of one customer's purchases are gamma distributed with shape p and rate nu; nu is gamma distributed with
    shape q and rate v across customers. Likelihood and conditional expectation are equations 1a and 5 of [1]_. With
    q <= 1 the population mean is infinite: `expected_spend` then returns the customers' own means.

    References
    ----------
    .. [1] P. S. Fader, B. G. S. Hardie (2013), The gamma-gamma model of monetary value.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.gamma_gamma import GammaGamma
    >>> rng = np.random.default_rng(0)
    >>> own = 15 / rng.gamma(4, 1, 4000)
    >>> count = rng.integers(1, 6, 4000)
    >>> mean = rng.gamma(6 * count, own / count)
    >>> model = GammaGamma().fit(count, mean)
    >>> bool(np.abs(model.expected_spend(count, mean) - 6 * own).mean() < np.abs(mean - 6 * own).mean())
    True
    """

    def fit(self, count: npt.ArrayLike, mean_spend: npt.ArrayLike) -> Self:
        """Fit the three parameters to the customers with a count and a mean above 0; other rows are ignored.

        Parameters
        ----------
        count : array of shape (n_customers,)
            Number of purchases that `mean_spend` averages, at least 0.
        mean_spend : array of shape (n_customers,)
            Mean value of a purchase, at least 0, in any one currency unit; not read where `count` is 0.

        Returns
        -------
        GammaGamma
            The fitted model.

        Raises
        ------
        DataError
            A value is negative or not finite, the lengths differ, or no customer has a count and a mean above 0.
        """
        x, m = _checked(count, mean_spend)
        used = (x > 0) & (m > 0)
        if not used.any():
            raise DataError("mean_spend: no customer has a count and a mean above 0; check the amounts")
        x, m = x[used], m[used]
        scale = float(np.median(m))
        z = m / scale

        def loss(theta: FloatArray) -> float:
            p, q, v = np.exp(theta)
            value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            value += (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(x * z + v)
            return -float(value.mean())

        optimum = minimize(
            loss, np.log([2.0, 3.0, 1.0]), method="L-BFGS-B", bounds=[(-LOG_PARAMETER_BOUND, LOG_PARAMETER_BOUND)] * 3
        )
        self.parameters_ = np.exp(optimum.x) * np.array([1.0, 1.0, scale])
        self.overall_ = float(x @ m / x.sum())
        return self

    def expected_spend(self, count: npt.ArrayLike, mean_spend: npt.ArrayLike) -> FloatArray:
        """Return the expected value of a future purchase of each customer.

        Parameters
        ----------
        count : array of shape (n_customers,)
            Number of purchases that `mean_spend` averages, at least 0.
        mean_spend : array of shape (n_customers,)
            Mean value of a purchase, in the currency unit of `fit`; not read where `count` is 0.

        Returns
        -------
        ndarray of shape (n_customers,)
            In the currency unit of `fit`; the population mean where `count` is 0.

        Raises
        ------
        DataError
            A value is negative or not finite, or the lengths differ.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self, "parameters_")
        x, m = _checked(count, mean_spend)
        p, q, v = self.parameters_
        if q <= 1:  # the population mean is infinite: nothing to shrink towards
            return np.where(x > 0, m, self.overall_)
        return np.asarray(p * (v + x * np.where(x > 0, m, 0.0)) / (p * x + q - 1))


def _checked(count: npt.ArrayLike, mean_spend: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, m = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (count, mean_spend))
    if x.shape != m.shape or x.ndim != 1:
        raise DataError(f"count {x.shape} and mean_spend {m.shape} must be one-dimensional and of the same length")
    for name, wrong, value in (
        ("count", ~((x >= 0) & np.isfinite(x)), x),
        ("mean_spend", (x > 0) & ~((m >= 0) & np.isfinite(m)), m),
    ):
        if wrong.any():
            raise DataError(
                f"{name}: must be finite and at least 0, got {value[wrong][0]:g} in row {int(np.flatnonzero(wrong)[0])}"
            )
    return x, m
