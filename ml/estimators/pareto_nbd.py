"""Pareto/NBD model of repeat purchases: a customer may become inactive at any moment."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.bg_nbd import check_histories, maximise_likelihood
from ml.estimators.contract import SklearnEstimator, check_is_fitted

LOG_PARAMETER_BOUND = 10.0
TAIL_LOG_RATIO = 60.0  # the integral stops where the integrand has fallen by this many units of the logarithm
_LEGENDRE = np.polynomial.legendre.leggauss(32)
NODES, AREAS = (_LEGENDRE[0] + 1) / 2, _LEGENDRE[1] / 2


class ParetoNbd(SklearnEstimator):
    """Pareto/NBD model fitted by maximum likelihood.

    The same model as `lifetimes.ParetoNBDFitter`, with the same three columns (frequency, recency, age `T`).

    Attributes
    ----------
    parameters_ : ndarray of shape (4,)
        r, alpha, s, beta; alpha and beta are in the time unit of `recency` and `age`.

    Notes
    -----
    While active, a customer buys as a Poisson process whose rate is gamma distributed with shape r and rate alpha. The
    unobserved lifetime is exponential; its rate is gamma distributed with shape s and rate beta [1]_. Likelihood and
    conditional expectation follow [2]_; the integral of the likelihood is evaluated by Gauss-Legendre quadrature
    instead of hypergeometric functions, which overflow for long histories.

    References
    ----------
    .. [1] D. C. Schmittlein, D. G. Morrison, R. Colombo (1987), Counting your customers, Management Science 33, 1-24.
    .. [2] P. S. Fader, B. G. S. Hardie (2005), A note on deriving the Pareto/NBD model and related expressions.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.pareto_nbd import ParetoNbd
    >>> model = ParetoNbd()
    >>> model.parameters_ = np.array([0.553, 10.578, 0.606, 11.669])
    >>> [model.probability_active([x], [t], [39.0]).round(2).item() for x, t in ((0, 0.0), (4, 38.0), (4, 10.0))]
    [0.29, 0.99, 0.09]
    """

    def fit(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Self:
        """Fit the four parameters.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Number of repeat purchases: purchases after the first; a whole number, at least 0.
        recency : array of shape (n_customers,)
            Time from the first to the last purchase, 0 where `frequency` is 0.
        age : array of shape (n_customers,)
            Time from the first purchase to the end of observation, at least `recency`, in the same unit.

        Returns
        -------
        ParetoNbd
            The fitted model.

        Raises
        ------
        DataError
            A value breaks a rule, or no customer has a repeat purchase.
        """
        history, start = check_histories(frequency, recency, age), (0.5, 0.4, 0.6, 0.5)
        self.parameters_ = maximise_likelihood(
            _log_likelihood, history, start=start, times=[1, 3], bound=LOG_PARAMETER_BOUND, ftol=1e-13, gtol=1e-8
        )
        return self

    def expected_purchases(
        self, horizon: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike
    ) -> FloatArray:
        """Return the expected number of purchases of each customer in the next `horizon`.

        Parameters
        ----------
        horizon : float
            Length of the forecast period, in the time unit of `fit`, at least 0.
        frequency : array of shape (n_customers,)
            Number of repeat purchases, a whole number.
        recency : array of shape (n_customers,)
            Time from the first to the last purchase, 0 where `frequency` is 0.
        age : array of shape (n_customers,)
            Time from the first purchase to the end of observation, at least `recency`.

        Returns
        -------
        ndarray of shape (n_customers,)
            Expected purchases, a count.

        Raises
        ------
        DataError
            `horizon` is negative, or a value breaks one of these rules.
        NotFittedError
            The model is not fitted.
        """
        if not horizon >= 0:
            raise DataError(f"horizon: must be at least 0, in the time unit of fit, got {horizon}")
        x, t, T = check_histories(frequency, recency, age)
        alive = self.probability_active(x, t, T)
        r, alpha, s, beta = self.parameters_
        # (1 - u^(s-1)) / (s - 1) with u below 1, and its limit -log u where s is 1
        growth = np.log(beta + T) - np.log(beta + T + horizon)
        active_time = (beta + T) * (-growth if abs(s - 1) < 1e-9 else -np.expm1((s - 1) * growth) / (s - 1))
        return np.asarray((r + x) / (alpha + T) * active_time * alive)

    def probability_active(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> FloatArray:
        """Return the probability that each customer is still active.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Number of repeat purchases, a whole number.
        recency : array of shape (n_customers,)
            Time from the first to the last purchase, 0 where `frequency` is 0.
        age : array of shape (n_customers,)
            Time from the first purchase to the end of observation, at least `recency`.

        Returns
        -------
        ndarray of shape (n_customers,)
            Probabilities.

        Raises
        ------
        DataError
            A value breaks one of these rules.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self, "parameters_")
        x, t, T = check_histories(frequency, recency, age)
        r, alpha, s, beta = self.parameters_
        log_odds = (r + x) * np.log(alpha + T) + s * np.log(beta + T) + _log_inactive(self.parameters_, x, t, T)
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(log_odds)))


def _log_inactive(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    """Return log(s * integral from t to T of (alpha + u)^-(r + x) * (beta + u)^-(s + 1) du).

    This is s / (r + s + x) * A0 of Fader and Hardie, by quadrature in log(alpha + u); minus infinity where t = T.
    """
    r, alpha, s, beta = parameters
    begin = np.log(alpha + t)
    power = r + x
    width = np.minimum(np.log(alpha + T) - begin, TAIL_LOG_RATIO / np.maximum(power - 1, 1e-3))
    v = begin[:, None] + width[:, None] * NODES[None, :]
    beta_plus_u = np.exp(v) + (beta - alpha)
    exponent = (1 - power)[:, None] * v - (s + 1) * np.log(np.maximum(beta_plus_u, 1e-300))
    top = exponent.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        area = np.log(np.exp(exponent - top) @ AREAS) + np.log(width)
    return np.asarray(np.log(s) + top[:, 0] + area)


def _log_likelihood(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    r, alpha, s, beta = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    active = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    inactive = _log_inactive(parameters, x, t, T)
    return np.asarray(common + np.logaddexp(active, inactive))
