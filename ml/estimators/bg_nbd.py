"""BG/NBD model of repeat purchases: a customer may become inactive after any purchase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

OVERFLOW_LOSS = 1e10  # loss where the arithmetic overflows, far from any maximum
MAX_HISTORIES = 20_000  # a larger sample changes four parameters too little to be worth the time
LOG_PARAMETER_BOUND = 12.0


class BgNbd(SklearnEstimator):
    """BG/NBD model fitted by maximum likelihood.

    The same model as `lifetimes.BetaGeoFitter`, with the same three columns (frequency, recency, age `T`).

    Attributes
    ----------
    parameters_ : ndarray of shape (4,)
        r, alpha, a, b; alpha is in the time unit of `recency` and `age`.

    Notes
    -----
    While active, a customer buys as a Poisson process whose rate is gamma distributed with shape r and rate alpha.
    After each purchase the customer becomes inactive with a probability that is beta(a, b) distributed. A customer
    without a repeat purchase is therefore active with probability 1. Conditional expectation: equation 10 of [1]_,
    after Euler's transformation of the hypergeometric function, which as published overflows for frequent buyers.

    References
    ----------
    .. [1] P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), "Counting your customers" the easy way, Marketing Science
       24, 275-284.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.bg_nbd import BgNbd
    >>> fitted = BgNbd().fit(frequency=[0, 1, 3, 0], recency=[0, 40, 30, 0], age=[50, 60, 55, 20])  # weeks
    >>> fitted.parameters_.shape
    (4,)
    >>> model = BgNbd()
    >>> model.parameters_ = np.array([0.243, 4.414, 0.793, 2.426])
    >>> model.expected_purchases(39.0, [2], [30.43], [38.86]).round(3).tolist()  # first customer of [1]
    [1.226]
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
        BgNbd
            The fitted model.

        Raises
        ------
        DataError
            A value breaks one of these rules, the lengths differ, or no customer has a repeat purchase.
        """
        history, start = check_histories(frequency, recency, age), (1.0, 1.0, 1.0, 2.0)
        self.parameters_ = maximise_likelihood(
            _log_likelihood, history, start=start, times=[1], bound=LOG_PARAMETER_BOUND
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
        check_is_fitted(self, "parameters_")
        if not horizon >= 0:
            raise DataError(f"horizon: must be at least 0, in the time unit of fit, got {horizon}")
        x, t, T = check_histories(frequency, recency, age)
        r, alpha, a, b = self.parameters_
        series = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, horizon / (alpha + T + horizon))
        shrink = np.exp((a - 1) * (np.log(alpha + T) - np.log(alpha + T + horizon)))
        if abs(a - 1) < 1e-9:  # removable singularity at a = 1: evaluate next to it
            neighbour = BgNbd()
            neighbour.parameters_ = np.array([r, alpha, a + 1e-6, b])
            return neighbour.expected_purchases(horizon, x, t, T)
        return np.asarray((a + b + x - 1) / (a - 1) * (1 - shrink * series) * self.probability_active(x, t, T))

    def probability_active(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> FloatArray:
        """Return the probability that each customer is still active; 1 for customers without a repeat purchase.

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
        r, alpha, a, b = self.parameters_
        safe = np.maximum(b + x - 1, 1e-12)
        with np.errstate(over="ignore"):
            inactive_odds = np.where(x > 0, a / safe * np.exp((r + x) * (np.log(alpha + T) - np.log(alpha + t))), 0.0)
        return np.asarray(1 / (1 + inactive_odds))


def _log_likelihood(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    r, alpha, a, b = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    active = betaln(a, b + x) - (r + x) * np.log(alpha + T)
    with np.errstate(divide="ignore", invalid="ignore"):
        inactive = np.where(x > 0, betaln(a + 1, np.maximum(b + x - 1, 1e-12)) - (r + x) * np.log(alpha + t), -np.inf)
    return np.asarray(common + np.logaddexp(active, inactive))


def maximise_likelihood(
    log_likelihood: Callable[..., FloatArray],
    history: tuple[FloatArray, FloatArray, FloatArray],
    *,
    start: Sequence[float],
    times: Sequence[int],
    bound: float,
    **options: Any,
) -> FloatArray:
    """Return maximum-likelihood parameters of a model of purchase histories. Called by `BgNbd.fit` and `ParetoNbd.fit`.

    Parameters
    ----------
    log_likelihood : callable
        `log_likelihood(parameters, frequency, recency, age)`, the log-likelihood of each customer.
    history : tuple of three ndarrays of shape (n_customers,)
        Frequency, recency and age, as returned by `check_histories`.
    start : sequence of float
        Initial parameters, all positive, for histories scaled to a mean age of 1.
    times : sequence of int
        Positions of the parameters that are times; they are scaled back to the unit of `history`.
    bound : float
        Largest absolute logarithm of a parameter.
    **options
        Further options of SciPy's L-BFGS-B, such as `ftol`.

    Returns
    -------
    ndarray of shape (len(start),)
        The parameters.

    Raises
    ------
    DataError
        No customer has a repeat purchase.
    """
    x, t, T = history
    if not x.sum() > 0:
        raise DataError(
            "frequency: no customer has a repeat purchase, so the model cannot be fitted; give a longer history"
        )
    scale = float(T.mean())
    columns, weight = _unique_histories(x, t / scale, T / scale)

    def loss(theta: FloatArray) -> float:
        value = -float(weight @ log_likelihood(np.exp(theta), *columns)) / weight.sum()
        return value if np.isfinite(value) else OVERFLOW_LOSS

    bounds = [(-bound, bound)] * len(start)
    optimum = minimize(loss, np.log(start), method="L-BFGS-B", bounds=bounds, options={"maxiter": 500} | options)
    parameters = np.exp(optimum.x)
    parameters[list(times)] *= scale
    return np.asarray(parameters)


def _unique_histories(
    x: FloatArray, t: FloatArray, T: FloatArray
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], FloatArray]:
    """Return the distinct histories and the number of customers with each.

    Parameters
    ----------
    x, t, T : ndarray of shape (n_customers,)
        Frequency, recency and age, as returned by `check_histories`.

    Returns
    -------
    histories : tuple of three ndarrays of shape (n_histories,)
        Distinct frequencies, recencies and ages; of more than `MAX_HISTORIES` a random sample with a fixed seed.
    weight : ndarray of shape (n_histories,)
        Number of customers.
    """
    keys, weight = np.unique(np.column_stack([x, t, T]), axis=0, return_counts=True)
    step = -(-len(keys) // MAX_HISTORIES)
    if step > 1:
        order = np.random.default_rng(0).permutation(len(keys))[::step]
        keys, weight = keys[order], weight[order]
    return (keys[:, 0], keys[:, 1], keys[:, 2]), weight.astype(np.float64)


def check_histories(
    frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return frequency, recency and age as float64 arrays.

    Parameters
    ----------
    frequency : array of shape (n_customers,)
        Number of repeat purchases, a whole number of at least 0.
    recency : array of shape (n_customers,)
        Time from the first to the last purchase, 0 where `frequency` is 0.
    age : array of shape (n_customers,)
        Time from the first purchase to the end of observation, at least `recency`, in the same unit.

    Returns
    -------
    frequency, recency, age : ndarray of float64, shape (n_customers,)

    Raises
    ------
    DataError
        The lengths differ, or a value breaks one of these rules; names the column, the rule, the value and the row.

    Examples
    --------
    >>> from ml.estimators.bg_nbd import check_histories
    >>> [column.tolist() for column in check_histories([0, 1], [0, 3], [5, 6])]
    [[0.0, 1.0], [0.0, 3.0], [5.0, 6.0]]
    """
    x, t, T = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (frequency, recency, age))
    if not x.shape == t.shape == T.shape or x.ndim != 1 or len(x) == 0:
        raise DataError(
            f"frequency {x.shape}, recency {t.shape} and age {T.shape} must have the same length, at least 1"
        )
    for name, wrong, value, rule in (
        ("frequency", ~((x >= 0) & (x == np.floor(x)) & np.isfinite(x)), x, "must be a whole number, at least 0"),
        ("age", ~((T >= 0) & np.isfinite(T)), T, "must be finite and at least 0"),
        ("recency", ~((t >= 0) & (t <= T)), t, "must lie between 0 and age"),
        ("recency", (x == 0) & (t != 0), t, "must be 0 for a customer without a repeat purchase"),
    ):
        if wrong.any():
            raise DataError(f"{name}: {rule}, got {value[wrong][0]:g} in row {int(np.flatnonzero(wrong)[0])}")
    return x, t, T
