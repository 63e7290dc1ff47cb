"""How often customers come back: the BG/NBD model of purchases that may stop for good after any of them.

While active, a customer buys as a Poisson process with a rate drawn from a gamma(r, alpha); after each purchase they
leave with a probability drawn from a beta(a, b). Everything follows from three numbers of each customer: how often they
came back, when they last did, and how long they have been watched.

Source: P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), "Counting your customers" the easy way, Marketing Science 24,
275-284; conditional expectation as in their equation 10.
"""

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

IMPOSSIBLE = 1e10  # loss where the arithmetic overflows: far from any maximum
MOST_HISTORIES = 20_000
BOUND = 12.0  # of the logarithm of a parameter


class BgNbd(SklearnEstimator):
    """BG/NBD by maximum likelihood.

    Attributes
    ----------
    parameters_ : ndarray of shape (4,)
        r, alpha (in the unit of time given), a, b.

    Examples
    --------
    >>> model = BgNbd()
    >>> model.parameters_ = np.array([0.243, 4.414, 0.793, 2.426])
    >>> model.expected_purchases(39.0, [2], [30.43], [38.86]).round(3).tolist()  # customer 1 of the paper's data
    [1.226]
    """

    def fit(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Self:
        """Fit to customers' histories.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Purchases after the first.
        recency, age : array of shape (n_customers,)
            Time from the first purchase to the last, and to the end of watching; any unit, the same for both.

        Raises
        ------
        DataError
            A number is out of order, or nobody ever came back.
        """
        history, start = check_histories(frequency, recency, age), (1.0, 1.0, 1.0, 2.0)
        self.parameters_ = maximise_likelihood(_log_likelihood, history, start=start, times=[1], bound=BOUND)
        return self

    def expected_purchases(
        self, horizon: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike
    ) -> FloatArray:
        """Purchases to be expected of each customer in the time to come.

        Parameters
        ----------
        horizon : float
            How far ahead, in the unit of `fit`; not below 0.
        frequency, recency, age
            As for `fit`.

        Raises
        ------
        DataError
            A number is out of order.
        """
        check_is_fitted(self, "parameters_")
        if not horizon >= 0:
            raise DataError(f"horizon: must not be below 0, got {horizon}")
        x, t, T = check_histories(frequency, recency, age)
        r, alpha, a, b = self.parameters_
        # Gauss's function after Euler's transformation: as published it overflows for customers with many purchases.
        series = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, horizon / (alpha + T + horizon))
        shrink = np.exp((a - 1) * (np.log(alpha + T) - np.log(alpha + T + horizon)))
        if abs(a - 1) < 1e-9:  # a removable pole: the limit from beside it
            beside = BgNbd()
            beside.parameters_ = np.array([r, alpha, a + 1e-6, b])
            return beside.expected_purchases(horizon, x, t, T)
        return np.asarray((a + b + x - 1) / (a - 1) * (1 - shrink * series) * self.probability_active(x, t, T))

    def probability_active(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> FloatArray:
        """Chance that each customer has not left; one who never came back cannot have left, in this model."""
        check_is_fitted(self, "parameters_")
        x, t, T = check_histories(frequency, recency, age)
        r, alpha, a, b = self.parameters_
        safe = np.maximum(b + x - 1, 1e-12)
        with np.errstate(over="ignore"):
            left = np.where(x > 0, a / safe * np.exp((r + x) * (np.log(alpha + T) - np.log(alpha + t))), 0.0)
        return np.asarray(1 / (1 + left))


def _log_likelihood(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    r, alpha, a, b = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    stays = betaln(a, b + x) - (r + x) * np.log(alpha + T)
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = np.where(x > 0, betaln(a + 1, np.maximum(b + x - 1, 1e-12)) - (r + x) * np.log(alpha + t), -np.inf)
    return np.asarray(common + np.logaddexp(stays, leaves))


def maximise_likelihood(
    log_likelihood: Callable[..., FloatArray],
    history: tuple[FloatArray, FloatArray, FloatArray],
    *,
    start: Sequence[float],
    times: Sequence[int],
    bound: float,
    **options: Any,
) -> FloatArray:
    """Return the parameters under which the histories are most likely.

    Parameters
    ----------
    log_likelihood
        Of each customer, from the parameters and the three columns of `history`.
    start
        Parameters to begin with, where the mean age is 1.
    times
        Positions of the parameters in the unit of time.
    bound
        Of the logarithm of a parameter.
    options
        Further options of SciPy's L-BFGS-B.

    Raises
    ------
    DataError
        Nobody ever came back.
    """
    x, t, T = history
    if not x.sum() > 0:
        raise DataError("frequency: nobody came back, so nothing can be said of who will; give a longer history")
    scale = float(T.mean())
    columns, weight = unique_histories(x, t / scale, T / scale)

    def loss(theta: FloatArray) -> float:
        value = -float(weight @ log_likelihood(np.exp(theta), *columns)) / weight.sum()
        return value if np.isfinite(value) else IMPOSSIBLE

    bounds = [(-bound, bound)] * len(start)
    optimum = minimize(loss, np.log(start), method="L-BFGS-B", bounds=bounds, options={"maxiter": 500} | options)
    parameters = np.exp(optimum.x)
    parameters[list(times)] *= scale
    return np.asarray(parameters)


def unique_histories(
    x: FloatArray, t: FloatArray, T: FloatArray
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], FloatArray]:
    """Histories that differ, and how many customers have each; of very many, a fixed draw.

    Four numbers are learnt from them: more than some thousand histories change nothing but the time.
    """
    keys, weight = np.unique(np.column_stack([x, t, T]), axis=0, return_counts=True)
    step = -(-len(keys) // MOST_HISTORIES)
    if step > 1:
        order = np.random.default_rng(0).permutation(len(keys))[::step]
        keys, weight = keys[order], weight[order]
    return (keys[:, 0], keys[:, 1], keys[:, 2]), weight.astype(np.float64)


def check_histories(
    frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Histories as arrays.

    Raises
    ------
    DataError
        Names the number, its rule, the value and the customer's position.
    """
    x, t, T = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (frequency, recency, age))
    if not x.shape == t.shape == T.shape or x.ndim != 1 or len(x) == 0:
        raise DataError(f"frequency {x.shape}, recency {t.shape} and age {T.shape} must be as many, at least one")
    for name, wrong, value, rule in (
        ("frequency", ~((x >= 0) & (x == np.floor(x)) & np.isfinite(x)), x, "must be a whole number not below 0"),
        ("age", ~((T >= 0) & np.isfinite(T)), T, "must be finite and not below 0"),
        ("recency", ~((t >= 0) & (t <= T)), t, "must lie between 0 and age"),
        ("recency", (x == 0) & (t != 0), t, "must be 0 of a customer who never came back"),
    ):
        if wrong.any():
            raise DataError(f"{name}: {rule}, got {value[wrong][0]:g} for customer {int(np.flatnonzero(wrong)[0])}")
    return x, t, T
