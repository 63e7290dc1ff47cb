"""How often customers come back: the Pareto/NBD model of purchases that may stop for good at any moment.

While active, a customer buys as a Poisson process with a rate drawn from a gamma(r, alpha); they leave at a rate drawn
from a gamma(s, beta), unseen.

Source: D. C. Schmittlein, D. G. Morrison, R. Colombo (1987), Counting your customers, Management Science 33, 1-24;
formulas as derived by P. S. Fader, B. G. S. Hardie (2005), A note on deriving the Pareto/NBD model.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.bg_nbd import check_histories, maximise_likelihood
from ml.estimators.contract import SklearnEstimator, check_is_fitted

BOUND = 10.0  # of the logarithm of a parameter
NEGLIGIBLE = 60.0  # log of what is left of the integrand where it is cut
_LEGENDRE = np.polynomial.legendre.leggauss(32)
NODES, AREAS = (_LEGENDRE[0] + 1) / 2, _LEGENDRE[1] / 2


class ParetoNbd(SklearnEstimator):
    """Pareto/NBD by maximum likelihood.

    Attributes
    ----------
    parameters_ : ndarray of shape (4,)
        r, alpha, s, beta; alpha and beta in the unit of time given.

    Examples
    --------
    >>> model = ParetoNbd()
    >>> model.parameters_ = np.array([0.553, 10.578, 0.606, 11.669])
    >>> [model.probability_active([x], [t], [39.0]).round(2).item() for x, t in ((0, 0.0), (4, 38.0), (4, 10.0))]
    [0.29, 0.99, 0.09]
    """

    def fit(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Self:
        """Fit to customers' histories; arguments and errors as for `BgNbd.fit`."""
        history, start = check_histories(frequency, recency, age), (0.5, 0.4, 0.6, 0.5)
        self.parameters_ = maximise_likelihood(
            _log_likelihood, history, start=start, times=[1, 3], bound=BOUND, ftol=1e-13, gtol=1e-8
        )
        return self

    def expected_purchases(
        self, horizon: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike
    ) -> FloatArray:
        """Purchases to be expected of each customer in the time to come; see `BgNbd.expected_purchases`."""
        if not horizon >= 0:
            raise DataError(f"horizon: must not be below 0, got {horizon}")
        x, t, T = check_histories(frequency, recency, age)
        alive = self.probability_active(x, t, T)
        r, alpha, s, beta = self.parameters_
        # (1 - u^(s-1)) / (s - 1) with u below 1, and its limit -log u where s is 1
        growth = np.log(beta + T) - np.log(beta + T + horizon)
        active_time = (beta + T) * (-growth if abs(s - 1) < 1e-9 else -np.expm1((s - 1) * growth) / (s - 1))
        return np.asarray((r + x) / (alpha + T) * active_time * alive)

    def probability_active(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> FloatArray:
        """Chance that each customer has not left."""
        check_is_fitted(self, "parameters_")
        x, t, T = check_histories(frequency, recency, age)
        r, alpha, s, beta = self.parameters_
        log_left = (r + x) * np.log(alpha + T) + s * np.log(beta + T) + _log_leaving(self.parameters_, x, t, T)
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(log_left)))


def _log_leaving(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    """Logarithm of s * integral from t to T of (alpha + u)^-(r + x) * (beta + u)^-(s + 1) du.

    It is the note's s / (r + s + x) * A0, by Gauss-Legendre quadrature in log(alpha + u), which needs no hypergeometric
    function and cannot overflow; the tail is cut where nothing is left. Minus infinity where t is T.
    """
    r, alpha, s, beta = parameters
    begin = np.log(alpha + t)
    power = r + x
    width = np.minimum(np.log(alpha + T) - begin, NEGLIGIBLE / np.maximum(power - 1, 1e-3))
    v = begin[:, None] + width[:, None] * NODES[None, :]
    beyond = np.exp(v) + (beta - alpha)  # beta + u
    exponent = (1 - power)[:, None] * v - (s + 1) * np.log(np.maximum(beyond, 1e-300))
    top = exponent.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        area = np.log(np.exp(exponent - top) @ AREAS) + np.log(width)
    return np.asarray(np.log(s) + top[:, 0] + area)


def _log_likelihood(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    r, alpha, s, beta = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    stays = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    leaves = _log_leaving(parameters, x, t, T)
    return np.asarray(common + np.logaddexp(stays, leaves))
