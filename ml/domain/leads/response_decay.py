"""How the chance of a sale falls with the hours until the first call, learnt from calls that were made.

    P(sale | called after h hours) = p * scale * (floor + (1 - floor) * exp(-decay[group] * h))

`p` is a chance that knows nothing of the call. Decays of groups (channels) are drawn towards their common level. Calls
were not made at random: what made the desk quick or slow and also sells (the store, the season) must stand in `p`.
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
SIGNIFICANCE = 0.01  # of the likelihood-ratio test against no decay at all
SPREAD = 0.7  # prior standard deviation of a group's log decay around the common one
REFERENCE_HOURS = 24.0
QUANTILES = 41


@dataclass(frozen=True)
class ResponseDecay:
    """A fitted curve for each group.

    Attributes
    ----------
    groups : tuple of str
        Names; an unknown group has the common decay.
    scale, floor : float
        What a call at once multiplies the chance by, and the share of that which never goes away.
    decay : tuple of float
        Per hour, by group.
    common : float
        The common decay per hour.
    left : mapping
        Share of the chance left after a day, by group (and "all"): value, low, high (95 %).
    waits : mapping of str to tuple
        Quantiles of the hours until the first call, by group; `inf` stands for never.
    calls, sales : int
        What it was learnt from.
    """

    groups: tuple[str, ...]
    scale: float
    floor: float
    decay: tuple[float, ...]
    common: float
    left: Mapping[str, tuple[float, float, float]]
    waits: Mapping[str, tuple[float, ...]]
    calls: int
    sales: int

    def factor(self, group: str | None, hours: npt.ArrayLike) -> FloatArray:
        """What a call after so many hours multiplies the chance by."""
        decay = self.decay[self.groups.index(group)] if group in self.groups else self.common
        with np.errstate(under="ignore"):
            return np.asarray(
                self.scale * (self.floor + (1 - self.floor) * np.exp(-decay * np.asarray(hours, dtype=np.float64)))
            )

    def usual(self, group: str | None, waited: float) -> float:
        """The mean factor of leads that had waited so many hours and were called as usual."""
        quantiles = np.array(self.waits.get(group or "", self.waits["all"]), dtype=np.float64)
        later = quantiles[quantiles > waited]
        return float(self.factor(group, later if later.size else np.array([np.inf])).mean())

    def as_dict(self) -> dict[str, Any]:
        """Plain content, for JSON; never is -1."""
        waits = {g: [-1.0 if np.isinf(v) else v for v in w] for g, w in self.waits.items()}
        return {**self.__dict__, "waits": waits, "left": {g: list(v) for g, v in self.left.items()}}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Restore what `as_dict` gave."""
        waits = {g: tuple(np.inf if v < 0 else float(v) for v in w) for g, w in content["waits"].items()}
        return cls(
            groups=tuple(content["groups"]),
            scale=float(content["scale"]),
            floor=float(content["floor"]),
            decay=tuple(float(v) for v in content["decay"]),
            common=float(content["common"]),
            left={g: (float(v[0]), float(v[1]), float(v[2])) for g, v in content["left"].items()},
            waits=waits,
            calls=int(content["calls"]),
            sales=int(content["sales"]),
        )


def fit_response_decay(
    probability: npt.ArrayLike, hours: npt.ArrayLike, sold: npt.ArrayLike, group: npt.ArrayLike
) -> ResponseDecay | str:
    """Learn the curve, or say why the data cannot support one.

    Parameters
    ----------
    probability : array of shape (n_leads,)
        Chance of a sale from a model that has not seen the lead, and knows nothing of its call; between 0 and 1.
    hours : array of shape (n_leads,)
        From the lead to the first call; infinite where there was none. Such leads only enter the waits: many of them
        had bought, or gone, before anybody could call.
    sold : array of shape (n_leads,)
        0 or 1.
    group : array of str, shape (n_leads,)
        Channel.

    Returns
    -------
    ResponseDecay or str
        The reason in one sentence where there are too few calls or sales, or the decay cannot be told from none.
    """
    p, h, y = (np.asarray(v, dtype=np.float64) for v in (probability, hours, sold))
    names = np.asarray(group, dtype=str)
    called = np.isfinite(h) & (h >= 0) & (p > 0) & (p < 1)
    calls, sales = int(called.sum()), int(y[called].sum())
    if calls < MIN_CALLS or sales < MIN_SALES:
        return (
            f"{calls} first calls and {sales} sales after them are known; "
            f"at least {MIN_CALLS} and {MIN_SALES} are needed"
        )
    groups, member = np.unique(names[called], return_inverse=True)
    problem = _Problem(p[called], h[called], y[called], member.astype(np.intp), len(groups))
    best = problem.solve()
    gain = 2 * (problem.flat() - problem.loss(best, penalised=False)[0])
    if chdtrc(2, max(gain, 0.0)) > SIGNIFICANCE:
        return f"from {calls} calls a decay cannot be told from none (likelihood ratio {gain:.1f})"
    scale, floor, common, decay = problem.read(best)
    return ResponseDecay(
        groups=tuple(groups.tolist()),
        scale=scale,
        floor=floor,
        decay=tuple(decay.tolist()),
        common=common,
        left=_left(problem, best, groups.tolist()),
        waits=_waits(h, names, groups.tolist()),
        calls=calls,
        sales=sales,
    )


@dataclass(frozen=True)
class _Problem:
    """Parameters: log scale, logit floor, common log decay, and each group's difference from it."""

    p: FloatArray
    h: FloatArray
    y: FloatArray
    member: IndexArray
    n_groups: int

    def read(self, theta: FloatArray) -> tuple[float, float, float, FloatArray]:
        scale, floor, common = np.exp(theta[0]), 1 / (1 + np.exp(-theta[1])), np.exp(theta[2])
        return float(scale), float(floor), float(common), np.exp(theta[2] + theta[3:])

    def loss(self, theta: FloatArray, *, penalised: bool = True) -> tuple[float, FloatArray]:
        """Negative log-likelihood with its gradient; the chance stays below one."""
        scale, floor, _, decays = self.read(theta)
        decay = decays[self.member]
        with np.errstate(under="ignore"):
            fading = np.exp(-decay * self.h)
        left = floor + (1 - floor) * fading
        raw = self.p * scale * left
        capped = np.minimum(raw, 1 - 1e-9)
        value = -float(np.sum(self.y * np.log(capped) + (1 - self.y) * np.log1p(-capped)))
        slope = np.where(raw < 1 - 1e-9, (capped - self.y) / (1 - capped), 0.0)  # by the log of the chance
        by_floor = slope / left * (1 - fading) * floor * (1 - floor)
        by_decay = slope / left * (1 - floor) * fading * (-self.h) * decay
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
        found = minimize(self.loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
        return np.asarray(found.x)

    def flat(self) -> float:
        """Loss of the best scale alone, without any decay."""

        from scipy.optimize import minimize

        def loss(log_scale: FloatArray) -> float:
            chance = np.minimum(self.p * np.exp(log_scale[0]), 1 - 1e-9)
            return -float(np.sum(self.y * np.log(chance) + (1 - self.y) * np.log1p(-chance)))

        return float(minimize(loss, np.zeros(1), method="Nelder-Mead").fun)

    def covariance(self, theta: FloatArray) -> FloatArray:
        """Inverse of the Hessian of the penalised loss, by differences of the gradient."""
        step = 1e-4
        rows = [
            (self.loss(theta + step * e)[1] - self.loss(theta - step * e)[1]) / (2 * step) for e in np.eye(len(theta))
        ]
        hessian = np.array(rows)
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        return np.asarray((vectors / np.maximum(values, 1e-6)) @ vectors.T)


def _left(problem: _Problem, theta: FloatArray, groups: list[str]) -> dict[str, tuple[float, float, float]]:
    """Share of the chance left after a day, with an interval from the normal approximation."""
    draws = np.random.default_rng(0).multivariate_normal(theta, problem.covariance(theta), 2_000, method="eigh")
    everything = np.vstack([theta, draws])
    floor = 1 / (1 + np.exp(-everything[:, 1]))
    found = {}
    for k, name in [(-1, "all"), *enumerate(groups)]:
        log_decay = everything[:, 2] + (everything[:, 3 + k] if k >= 0 else 0.0)
        with np.errstate(over="ignore", under="ignore"):
            left = floor + (1 - floor) * np.exp(-np.exp(log_decay) * REFERENCE_HOURS)
        low, high = np.quantile(left[1:], [0.025, 0.975])
        found[str(name)] = (float(left[0]), float(low), float(high))
    return found


def _waits(hours: FloatArray, names: npt.NDArray[np.str_], groups: list[str]) -> dict[str, tuple[float, ...]]:
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    filled = np.where(np.isfinite(hours), hours, np.inf)

    def quantiles(values: FloatArray) -> tuple[float, ...]:
        ordered = np.sort(values)
        return tuple(ordered[np.minimum((at * len(ordered)).astype(np.intp), len(ordered) - 1)].tolist())

    found = {"all": quantiles(filled)}
    return found | {g: quantiles(filled[names == g]) for g in groups if (names == g).sum() >= QUANTILES}
