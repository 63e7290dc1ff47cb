"""Decay of the probability of a sale with the hours until the first call, estimated from past calls.

    P(sale | called after h hours) = p * scale * (floor + (1 - floor) * exp(-decay[group] * h))

`p` is the probability from a model that does not use the call. The decays of the groups (channels) are shrunken towards
the common decay. The times of calls are not randomised, so `p` must adjust for confounders: features that affect both
the waiting time and the sale, such as store and season.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from ml.domain.arrays import FloatArray, IndexArray

MIN_CALLS, MIN_SALES = 300, 50
SIGNIFICANCE = 0.01  # of the likelihood-ratio test against a model without decay
SPREAD = 0.7  # prior standard deviation of a group's log decay around the common one
REFERENCE_HOURS = 24.0
QUANTILES = 41


@dataclass(frozen=True)
class ResponseDecay:
    """Fitted decay curves, one for each group, as returned by `fit_response_decay`.

    Attributes
    ----------
    groups : tuple of str
        Names of the groups; other groups have the common decay.
    scale : float
        Factor on the probability for a call without delay.
    floor : float
        Fraction of that factor that remains however late the call is, 0 to 1.
    decay : tuple of float
        Decay per hour of each group.
    common_decay : float
        Decay per hour of other groups.
    remaining_after_day : mapping of str to (float, float, float)
        Fraction of the probability that remains after 24 hours, with its 95% interval (value, low, high), by group;
        "all" for the common decay.
    wait_quantiles : mapping of str to tuple of float
        Quantiles of the hours until the first call, by group and for "all"; `inf` for leads that were never called.
    calls, sales : int
        Number of first calls, and of sales after them, in the training data.

    Examples
    --------
    >>> from ml.domain.leads.response_decay import ResponseDecay
    >>> curve = ResponseDecay(groups=("web",), scale=1.2, floor=0.5, decay=(0.1,), common_decay=0.1,
    ...     remaining_after_day={}, wait_quantiles={"all": (1.0, 5.0)}, calls=0, sales=0)
    >>> ResponseDecay.from_dict(curve.as_dict()) == curve, round(curve.mean_factor("web", 2.0), 3)
    (True, 0.964)
    """

    groups: tuple[str, ...]
    scale: float
    floor: float
    decay: tuple[float, ...]
    common_decay: float
    remaining_after_day: Mapping[str, tuple[float, float, float]]
    wait_quantiles: Mapping[str, tuple[float, ...]]
    calls: int
    sales: int

    def factor(self, group: str | None, hours: npt.ArrayLike) -> FloatArray:
        """Return the factor on the probability of a sale for a call after `hours`.

        Parameters
        ----------
        group : str or None
            Channel; the common decay is used for None and unknown groups.
        hours : array
            Hours from the lead to the call; infinite for no call.

        Returns
        -------
        ndarray of float64
            Factors, in the shape of `hours`.

        Examples
        --------
        >>> from ml.domain.leads.response_decay import ResponseDecay
        >>> curve = ResponseDecay(groups=("web",), scale=1.2, floor=0.5, decay=(0.1,), common_decay=0.1,
        ...     remaining_after_day={}, wait_quantiles={"all": (1.0, 5.0)}, calls=0, sales=0)
        >>> curve.factor("web", [0.0, float("inf")]).tolist()
        [1.2, 0.6]
        """
        decay = self.decay[self.groups.index(group)] if group in self.groups else self.common_decay
        with np.errstate(under="ignore"):
            return np.asarray(
                self.scale * (self.floor + (1 - self.floor) * np.exp(-decay * np.asarray(hours, dtype=np.float64)))
            )

    def mean_factor(self, group: str | None, waited: float) -> float:
        """Return the mean factor over past leads of a group that had not been called after `waited` hours.

        Parameters
        ----------
        group : str or None
            Channel; all leads are used for None and unknown groups.
        waited : float
            Hours since the lead.

        Returns
        -------
        float
            Factor on the probability of a sale.
        """
        quantiles = np.array(self.wait_quantiles.get(group or "", self.wait_quantiles["all"]), dtype=np.float64)
        later = quantiles[quantiles > waited]
        return float(self.factor(group, later if later.size else np.array([np.inf])).mean())

    def as_dict(self) -> dict[str, Any]:
        """Return the content for JSON, which `from_dict` reads; infinite hours become -1."""
        quantiles = {g: [-1.0 if np.isinf(v) else v for v in w] for g, w in self.wait_quantiles.items()}
        remaining = {g: list(v) for g, v in self.remaining_after_day.items()}
        return {**self.__dict__, "wait_quantiles": quantiles, "remaining_after_day": remaining}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the curves of a dict that `as_dict` wrote; KeyError if a field is missing."""
        quantiles = {g: tuple(np.inf if v < 0 else float(v) for v in w) for g, w in content["wait_quantiles"].items()}
        return cls(
            groups=tuple(content["groups"]),
            scale=float(content["scale"]),
            floor=float(content["floor"]),
            decay=tuple(float(v) for v in content["decay"]),
            common_decay=float(content["common_decay"]),
            remaining_after_day={
                g: (float(v[0]), float(v[1]), float(v[2])) for g, v in content["remaining_after_day"].items()
            },
            wait_quantiles=quantiles,
            calls=int(content["calls"]),
            sales=int(content["sales"]),
        )


def fit_response_decay(
    probability: npt.ArrayLike, hours: npt.ArrayLike, sold: npt.ArrayLike, group: npt.ArrayLike
) -> ResponseDecay | str:
    """Fit the decay curves, or return the reason why the data do not support them.

    Parameters
    ----------
    probability : array of shape (n_leads,)
        Out-of-sample probability of a sale from a model that does not use the call; leads with 0 or 1 are left out.
    hours : array of shape (n_leads,)
        Hours from the lead to the first call; infinite without a call. Leads without a call are used for
        `wait_quantiles` only, because many of them bought or left before anybody could call.
    sold : array of shape (n_leads,)
        1 for a lead that was sold to, otherwise 0.
    group : array of str, shape (n_leads,)
        Channel of each lead.

    Returns
    -------
    ResponseDecay or str
        The curves; an English sentence (the reason) if there are too few calls or sales, or the decay is not
        significant at the 1% level.

    Examples
    --------
    >>> from ml.domain.leads.response_decay import fit_response_decay
    >>> fit_response_decay([0.2, 0.3], hours=[1.0, 2.0], sold=[0, 1], group=["web", "web"])
    'the data have 2 first calls and 1 sales after them, at least 300 and 50 are needed'
    """
    p, h, y = (np.asarray(v, dtype=np.float64) for v in (probability, hours, sold))
    names = np.asarray(group, dtype=str)
    called = np.isfinite(h) & (h >= 0) & (p > 0) & (p < 1)
    calls, sales = int(called.sum()), int(y[called].sum())
    if calls < MIN_CALLS or sales < MIN_SALES:
        return (
            f"the data have {calls:,} first calls and {sales:,} sales after them, "
            f"at least {MIN_CALLS} and {MIN_SALES} are needed"
        )
    groups, member = np.unique(names[called], return_inverse=True)
    problem = _Problem(p[called], h[called], y[called], member.astype(np.intp), len(groups))
    best = problem.solve()
    gain = 2 * (problem.loss_without_decay() - problem.loss(best, penalised=False)[0])
    if chdtrc(2, max(gain, 0.0)) > SIGNIFICANCE:
        return f"no significant decay in {calls:,} calls (likelihood-ratio statistic {gain:.1f})"
    scale, floor, common, decay = problem.read(best)
    return ResponseDecay(
        groups=tuple(groups.tolist()),
        scale=scale,
        floor=floor,
        decay=tuple(decay.tolist()),
        common_decay=common,
        remaining_after_day=_remaining_after_day(problem, best, groups.tolist()),
        wait_quantiles=_wait_quantiles(h, names, groups.tolist()),
        calls=calls,
        sales=sales,
    )


@dataclass(frozen=True)
class _Problem:
    """Likelihood of the curves in theta: log scale, logit floor, common log decay, each group's difference from it."""

    p: FloatArray
    h: FloatArray
    y: FloatArray
    member: IndexArray
    n_groups: int

    def read(self, theta: FloatArray) -> tuple[float, float, float, FloatArray]:
        scale, floor, common = np.exp(theta[0]), 1 / (1 + np.exp(-theta[1])), np.exp(theta[2])
        return float(scale), float(floor), float(common), np.exp(theta[2] + theta[3:])

    def loss(self, theta: FloatArray, *, penalised: bool = True) -> tuple[float, FloatArray]:
        """Return the negative log-likelihood and its gradient; probabilities are capped below 1."""
        scale, floor, _, decays = self.read(theta)
        decay = decays[self.member]
        with np.errstate(under="ignore"):
            decayed = np.exp(-decay * self.h)
        remaining = floor + (1 - floor) * decayed
        raw = self.p * scale * remaining
        capped = np.minimum(raw, 1 - 1e-9)
        value = -float(np.sum(self.y * np.log(capped) + (1 - self.y) * np.log1p(-capped)))
        slope = np.where(raw < 1 - 1e-9, (capped - self.y) / (1 - capped), 0.0)  # by the log-probability
        by_floor = slope / remaining * (1 - decayed) * floor * (1 - floor)
        by_decay = slope / remaining * (1 - floor) * decayed * (-self.h) * decay
        each = np.bincount(self.member, weights=by_decay, minlength=self.n_groups)
        gradient = np.concatenate([[slope.sum(), by_floor.sum(), by_decay.sum()], each])
        if penalised:
            prior = np.concatenate([[0.0, (theta[1] + 0.5) / 4, (theta[2] + 2.5) / 4], theta[3:] / SPREAD**2])
            value += float(0.5 * ((theta[1] + 0.5) ** 2 / 4 + (theta[2] + 2.5) ** 2 / 4))
            value += float(0.5 * theta[3:] @ theta[3:] / SPREAD**2)
            gradient = gradient + prior
        return value, gradient

    def solve(self) -> FloatArray:
        from scipy.optimize import minimize

        start = np.zeros(3 + self.n_groups)
        start[1], start[2] = -0.5, -2.5
        bounds = [(-3.0, 3.0), (-6.0, 6.0), (-8.0, 2.0), *[(-3.0, 3.0)] * self.n_groups]
        optimum = minimize(self.loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
        return np.asarray(optimum.x)

    def loss_without_decay(self) -> float:
        """Return the loss of the best model with a scale and no decay."""

        from scipy.optimize import minimize

        def loss(log_scale: FloatArray) -> float:
            p = np.minimum(self.p * np.exp(log_scale[0]), 1 - 1e-9)
            return -float(np.sum(self.y * np.log(p) + (1 - self.y) * np.log1p(-p)))

        return float(minimize(loss, np.zeros(1), method="Nelder-Mead").fun)

    def covariance(self, theta: FloatArray) -> FloatArray:
        """Return the inverse Hessian of the penalised loss, by finite differences of the gradient."""
        step = 1e-4
        rows = [
            (self.loss(theta + step * e)[1] - self.loss(theta - step * e)[1]) / (2 * step) for e in np.eye(len(theta))
        ]
        hessian = np.array(rows)
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        return np.asarray((vectors / np.maximum(values, 1e-6)) @ vectors.T)


def _remaining_after_day(
    problem: _Problem, theta: FloatArray, groups: list[str]
) -> dict[str, tuple[float, float, float]]:
    """Return the share that remains after 24 hours, with a 95 % interval from the normal approximation."""
    draws = np.random.default_rng(0).multivariate_normal(theta, problem.covariance(theta), 2_000, method="eigh")
    thetas = np.vstack([theta, draws])
    floor = 1 / (1 + np.exp(-thetas[:, 1]))
    shares = {}
    for k, name in [(-1, "all"), *enumerate(groups)]:
        log_decay = thetas[:, 2] + (thetas[:, 3 + k] if k >= 0 else 0.0)
        with np.errstate(over="ignore", under="ignore"):
            share = floor + (1 - floor) * np.exp(-np.exp(log_decay) * REFERENCE_HOURS)
        low, high = np.quantile(share[1:], [0.025, 0.975])
        shares[str(name)] = (float(share[0]), float(low), float(high))
    return shares


def _wait_quantiles(hours: FloatArray, names: npt.NDArray[np.str_], groups: list[str]) -> dict[str, tuple[float, ...]]:
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    filled = np.where(np.isfinite(hours), hours, np.inf)

    def quantiles(values: FloatArray) -> tuple[float, ...]:
        ordered = np.sort(values)
        return tuple(ordered[np.minimum((levels * len(ordered)).astype(np.intp), len(ordered) - 1)].tolist())

    overall = {"all": quantiles(filled)}
    return overall | {g: quantiles(filled[names == g]) for g in groups if (names == g).sum() >= QUANTILES}
