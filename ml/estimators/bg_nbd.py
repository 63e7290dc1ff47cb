"""How often customers come back: the BG/NBD model of purchases that may stop for good after any of them.

While active, a customer buys as a Poisson process with a rate drawn from a gamma(r, alpha); after each purchase they
leave with a probability drawn from a beta(a, b). Everything follows from three numbers of each customer: how often they
came back, when they last did, and how long they have been watched.

Source: P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), "Counting your customers" the easy way, Marketing Science 24,
275-284; conditional expectation as in their equation 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from features.errors import DataError
from ml.artefacts.json_files import damaged, from_json, to_json
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

STATE = "bg_nbd.json"
NAMES = ("r", "alpha", "a", "b")
IMPOSSIBLE = 1e10  # loss where the arithmetic overflows: far from any maximum
MOST_HISTORIES = 20_000
BOUND = 12.0  # of the logarithm of a parameter


class BgNbd(SklearnEstimator):
    """BG/NBD by maximum likelihood.

    Attributes
    ----------
    parameters_ : ndarray of shape (4,)
        r, alpha (in the unit of time given), a, b.
    log_likelihood_ : float
        At the maximum.

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
        x, t, T = checked_histories(frequency, recency, age)
        if not x.sum() > 0:
            raise DataError("frequency: nobody came back, so nothing can be said of who will; give a longer history")
        scale = float(T.mean())
        columns, weight = distinct_histories(x, t / scale, T / scale)
        start = np.log([1.0, 1.0, 1.0, 2.0])

        def loss(theta: FloatArray) -> float:
            value = -float(weight @ _log_likelihood(np.exp(theta), *columns)) / weight.sum()
            return value if np.isfinite(value) else IMPOSSIBLE

        found = minimize(loss, start, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 4, options={"maxiter": 500})
        self.parameters_ = np.exp(found.x) * np.array([1.0, scale, 1.0, 1.0])
        self.log_likelihood_ = float(_log_likelihood(self.parameters_, x, t, T).sum())
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
        x, t, T = checked_histories(frequency, recency, age)
        r, alpha, a, b = self.parameters_
        # Gauss's function after Euler's transformation: as published it overflows for customers with many purchases.
        series = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, horizon / (alpha + T + horizon))
        shrink = np.exp((a - 1) * (np.log(alpha + T) - np.log(alpha + T + horizon)))
        if abs(a - 1) < 1e-9:  # a removable pole: the limit from beside it
            return BgNbd._with([r, alpha, a + 1e-6, b]).expected_purchases(horizon, x, t, T)
        return np.asarray((a + b + x - 1) / (a - 1) * (1 - shrink * series) * self.probability_active(x, t, T))

    def probability_active(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> FloatArray:
        """Chance that each customer has not left; one who never came back cannot have left, in this model."""
        check_is_fitted(self, "parameters_")
        x, t, T = checked_histories(frequency, recency, age)
        r, alpha, a, b = self.parameters_
        safe = np.maximum(b + x - 1, 1e-12)
        with np.errstate(over="ignore"):
            left = np.where(x > 0, a / safe * np.exp((r + x) * (np.log(alpha + T) - np.log(alpha + t))), 0.0)
        return np.asarray(1 / (1 + left))

    @classmethod
    def _with(cls, parameters: npt.ArrayLike) -> Self:
        model = cls()
        model.parameters_ = np.asarray(parameters, dtype=np.float64)
        return model

    def to_files(self) -> dict[str, bytes]:
        """The parameters as JSON."""
        check_is_fitted(self, "parameters_")
        return {STATE: to_json(dict(zip(NAMES, self.parameters_.tolist(), strict=True)))}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote.

        Raises
        ------
        ModelNotFound
            The file is missing.
        DataError
            The file is damaged.
        """
        content = from_json(files, STATE, keys=frozenset(NAMES))
        values = [content[n] for n in NAMES]
        if not all(isinstance(v, float) and v > 0 for v in values):
            raise damaged(STATE, "its parameters must be numbers above 0")
        return cls._with(values)


def _log_likelihood(parameters: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> FloatArray:
    r, alpha, a, b = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    stays = betaln(a, b + x) - (r + x) * np.log(alpha + T)
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = np.where(x > 0, betaln(a + 1, np.maximum(b + x - 1, 1e-12)) - (r + x) * np.log(alpha + t), -np.inf)
    return np.asarray(common + np.logaddexp(stays, leaves))


def distinct_histories(
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


def checked_histories(
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
