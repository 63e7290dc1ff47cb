"""Maximum likelihood fit of DuMouchel's prior, a mixture of two gamma distributions.

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

# Relative to the overall ratio of events to expected events, so that the limits do not depend on the unit of exposure.
# A shape of 1e5 is a standard deviation of 0.3%: data cannot distinguish it from one common ratio.
MEANS, SHAPES, SHARES = (1e-4, 1e4), (1e-4, 1e5), (1e-6, 1 - 1e-6)
# Limits of the free parameters (see `Likelihood`).
LIMITS: FloatArray = np.log([MEANS, SHAPES, MEANS, SHAPES, np.array(SHARES) / (1 - np.array(SHARES))])
# (alpha1, beta1, alpha2, beta2, P): starting values of DuMouchel and of openEBGM's documentation.
STARTS = (
    (0.2, 0.1, 2.0, 4.0, 1 / 3),
    (0.1, 0.1, 10.0, 10.0, 0.2),
    (0.3, 0.5, 6.0, 6.0, 0.5),
    (0.5, 0.3, 12.0, 12.0, 0.8),
    (0.2, 0.2, 5.0, 5.0, 0.4),
)
# Largest derivative of the mean log-likelihood by a log parameter at convergence: a tenth of it changes no estimate in
# its fourth digit.
MAX_SLOPE = 1e-5


@dataclass(frozen=True)
class Fit:
    """Maximum likelihood estimate of the prior, as returned by `fit_mixture`.

    Attributes
    ----------
    prior : Prior
        Two gamma components, the one with the higher mean first.
    at_limit : tuple of str
        Names of parameters at a limit of their range. alpha at 1e5: the ratios of the component do not differ
        measurably; a share near 0 or 1: one component suffices. The scores are valid, but the values of these
        parameters should not be interpreted.
    """

    prior: Prior
    at_limit: tuple[str, ...]


def fit_mixture(
    count: npt.ArrayLike, expected: npt.ArrayLike, *, weight: npt.ArrayLike | None = None, zero_truncated: bool = False
) -> Fit:
    """Fit a mixture of two gamma priors by maximum likelihood, with five starts.

    For more than about 20,000 cells call `squash` first. In a zero-truncated fit the share refers to all cells, as in
    DuMouchel and openEBGM.

    Parameters
    ----------
    count, expected : array of shape (n_cells,)
        Events and expected events. If cells without events are left out, set `zero_truncated`.
    weight : array of shape (n_cells,), optional
        Number of cells that each entry represents, from `ml.domain.faults.shrinkage.squashing.squash`; 1 by default.
    zero_truncated : bool
        Whether only cells with at least one event are listed.

    Returns
    -------
    Fit
        `prior` for `ml.domain.faults.shrinkage.scores.scores`, and the parameters `at_limit` of their range.

    Raises
    ------
    ShrinkageError
        A count or expected count is out of its range, there are fewer than 5 cells or no event, or the optimiser did
        not converge.

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
    if (steepness := _steepness(likelihood, free)) > MAX_SLOPE:
        slope = f"the mean log-likelihood has slope {steepness:.1g} at {_prior(free, scale).theta}"
        raise ShrinkageError(f"the fit of the prior did not converge, {slope}: check the expected counts")
    return Fit(_prior(free, scale), _at_limit(free))


def _checked(
    count: npt.ArrayLike, expected: npt.ArrayLike, weight: npt.ArrayLike | None, zero_truncated: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    counts, expectations = (x.ravel().astype(np.float64) for x in checked_cells(count, expected))
    weights = np.ones(counts.size) if weight is None else np.asarray(weight, dtype=np.float64).ravel()
    if weights.shape != counts.shape:
        raise ShrinkageError(
            f"weight must have one entry per cell, got {weights.size} for {counts.size} cells: give one weight per cell"
        )
    rule = "weight must be a finite number above 0"
    refuse_where(~(np.isfinite(weights) & (weights > 0)), weights, rule=rule, remedy="drop cells of weight 0")
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
    """Return the largest derivative of the likelihood in a direction that the limits allow."""
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
