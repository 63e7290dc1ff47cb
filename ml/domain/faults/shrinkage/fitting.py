"""Maximum likelihood of DuMouchel's prior, a mixture of two gammas.

Source: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables", *The American Statistician* 53
(1999), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_cells, refuse_where
from ml.domain.faults.shrinkage.likelihood import Likelihood
from ml.domain.faults.shrinkage.priors import Prior, two_gammas

# Ratios as multiples of the ratio of all cells together, so that neither the unit of exposure nor a general
# excess moves the limits. A shape of 1e5 is a spread of 0.3 %: all ratios alike, as far as data can tell.
MEANS, SHAPES, SHARES = (1e-4, 1e4), (1e-4, 1e5), (1e-6, 1 - 1e-6)
# Of the free parameters (see `Likelihood`).
LIMITS: FloatArray = np.log([MEANS, SHAPES, MEANS, SHAPES, np.array(SHARES) / (1 - np.array(SHARES))])
# (alpha1, beta1, alpha2, beta2, P): DuMouchel's own start and those of openEBGM's documentation.
STARTS = (
    (0.2, 0.1, 2.0, 4.0, 1 / 3),
    (0.1, 0.1, 10.0, 10.0, 0.2),
    (0.3, 0.5, 6.0, 6.0, 0.5),
    (0.5, 0.3, 12.0, 12.0, 0.8),
    (0.2, 0.2, 5.0, 5.0, 0.4),
)
# Of the mean log-likelihood by the logarithm of a parameter: a tenth of it moves no estimate in its fourth digit.
STEEPEST = 1e-5


@dataclass(frozen=True)
class Fit:
    """The prior under which the counts are likeliest.

    Attributes
    ----------
    prior : Prior
        Of two components, the one with the higher mean comes first.
    at_limit : tuple of str
        Parameters that the data push to the end of their range: alpha at 1e5 means that ratios do not differ
        measurably within the component, a share near 0 or 1 that one component suffices. The prior is still the
        likeliest within the ranges and scores are valid; the named parameters have no meaning of their own.
    """

    prior: Prior
    at_limit: tuple[str, ...]


def fit_mixture(
    count: npt.ArrayLike, expected: npt.ArrayLike, *, weight: npt.ArrayLike | None = None, zero_truncated: bool = False
) -> Fit:
    """Maximum likelihood of a mixture of two gamma priors; the best of several starts.

    Squash more than some 20,000 cells first. In a truncated fit the share is taken for that of all cells, as DuMouchel
    and openEBGM do.

    Parameters
    ----------
    count, expected : array of shape (n_cells,)
        Events and expected events. Leave out no cell because it has no event, or say so in `zero_truncated`.
    weight : array of shape (n_cells,), optional
        Cells that each entry stands for, as `squash` returns them.
    zero_truncated : bool
        Only cells with at least one event are listed.

    Raises
    ------
    ShrinkageError
        A cell breaks its rule, there are fewer cells than parameters, no event, or the search did not converge.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ratio = np.where(rng.random(20_000) < 0.1, rng.gamma(16.0, 1 / 4.0, 20_000), rng.gamma(20.0, 1 / 20.0, 20_000))
    >>> count = rng.poisson(ratio * 10.0)
    >>> fit = fit_mixture(count, np.full(20_000, 10.0))
    >>> round(fit.prior.share[0], 2), round(fit.prior.alpha[0] / fit.prior.beta[0], 1), fit.at_limit
    (0.1, 4.0, ())
    """
    counts, expectations, weights = _checked(count, expected, weight, zero_truncated)
    scale = float((weights @ counts) / (weights @ expectations))
    likelihood = Likelihood(counts, expectations * scale, weights, zero_truncated=zero_truncated)
    free, _ = max((_climb(likelihood, _free(start)) for start in STARTS), key=lambda maximum: maximum[1])
    if (steepness := _steepness(likelihood, free)) > STEEPEST:
        met = f"the likelihood still rises by {steepness:.1g} a cell at {_prior(free, scale).theta}"
        raise ShrinkageError(f"the prior must be at a maximum of its likelihood, {met}: check the expected counts")
    return Fit(_prior(free, scale), _at_limit(free))


def _checked(
    count: npt.ArrayLike, expected: npt.ArrayLike, weight: npt.ArrayLike | None, zero_truncated: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    counts, expectations = (x.ravel().astype(np.float64) for x in checked_cells(count, expected))
    weights = np.ones(counts.size) if weight is None else np.asarray(weight, dtype=np.float64).ravel()
    if weights.shape != counts.shape:
        raise ShrinkageError(
            f"weight must have one entry a cell, got {weights.size} for {counts.size}: pair them by cell"
        )
    rule = "weight must be a finite number above 0"
    refuse_where(
        ~(np.isfinite(weights) & (weights > 0)), weights, rule=rule, remedy="drop cells that count for nothing"
    )
    if counts.size < len(LIMITS):
        few = f"got {counts.size} for {len(LIMITS)} parameters"
        raise ShrinkageError(f"count must have at least as many cells as the prior has parameters, {few}: add cells")
    if not counts.any():
        raise ShrinkageError("count must hold at least one event, got zeros only: widen the period or the components")
    if zero_truncated:
        rule = "count must be at least 1 where zero_truncated is set"
        refuse_where(counts < 1, counts, rule=rule, remedy="drop these cells, or list all of them and unset it")
    return counts, expectations, weights


def _free(start: tuple[float, ...]) -> FloatArray:
    alpha1, beta1, alpha2, beta2, share = np.log(start)
    return np.array([alpha1 - beta1, alpha1, alpha2 - beta2, alpha2, share - np.log1p(-start[4])])


def _climb(likelihood: Likelihood, start: FloatArray) -> tuple[FloatArray, float]:
    def loss(free: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = likelihood(free)
        return -value, -gradient

    options = {"maxiter": 2_000, "maxfun": 10_000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20}
    maximum = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=LIMITS, options=options)
    return maximum.x, -float(maximum.fun)


def _steepness(likelihood: Likelihood, free: FloatArray) -> float:
    """Largest slope of the likelihood in a direction that the limits leave open."""
    low, high = LIMITS.T
    slope = likelihood(free)[1]
    return float(np.abs(np.clip(free + slope, low, high) - free).max())


def _prior(free: FloatArray, scale: float) -> Prior:
    pairs = [(float(np.exp(alpha)), float(np.exp(alpha - mean)) / scale) for mean, alpha in free[:4].reshape(-1, 2)]
    share = float(1 / (1 + np.exp(-free[4])))
    if free[0] < free[2]:
        pairs, share = pairs[::-1], 1 - share
    return two_gammas(*pairs[0], *pairs[1], share)


def _at_limit(free: FloatArray) -> tuple[str, ...]:
    low, high = LIMITS.T
    names = ["mean1", "alpha1", "mean2", "alpha2", "share1"]
    if free[0] < free[2]:
        names = ["mean2", "alpha2", "mean1", "alpha1", "share1"]
    near = (free - low < 1e-3) | (high - free < 1e-3)
    return tuple(sorted(name for name, ends in zip(names, near, strict=True) if ends))
