"""Gamma priors of the ratio of events to expected events, and their posteriors.

The count of a cell is Poisson with mean ``ratio * expected``; the ratio has a gamma prior, or a mixture of two gamma
priors. The posterior is of the same family: the count is added to the shape, the expected count to the rate, and the
weight of a component is multiplied by its marginal likelihood of the count. A cell with little exposure stays near the
prior; one with much exposure is close to its own ratio.

Source: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables, with an Application to the FDA Spontaneous
Reporting System", *The American Statistician* 53 (1999), equations 4 to 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaincc, gammaln

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_probability
from ml.domain.faults.shrinkage.quantiles import mixture_quantiles


@dataclass(frozen=True)
class Prior:
    """Gamma prior of ratios, or a mixture of gamma priors; made by `one_gamma`, `two_gammas` or `fit_mixture`.

    Parameters
    ----------
    alpha, beta, share : tuple of float
        Shape, rate and weight of each component; all above 0, the weights sum to 1.

    Raises
    ------
    ShrinkageError
        A parameter is out of its range, or lengths differ.

    Examples
    --------
    >>> prior = two_gammas(3.0, 0.4, 2.0, 1.9, 0.07)
    >>> prior.theta
    (3.0, 0.4, 2.0, 1.9, 0.07)
    >>> round(prior.mean, 3)
    1.504
    """

    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    share: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        lengths = {len(self.alpha), len(self.beta), len(self.share)}
        numbers = (*self.alpha, *self.beta, *self.share)
        if lengths == {0} or len(lengths) > 1 or not all(math.isfinite(x) and x > 0 for x in numbers):
            raise ShrinkageError(
                f"alpha, beta and share must have equal lengths and finite numbers above 0, got {self}: correct them"
            )
        if abs(sum(self.share) - 1) > 1e-9:
            raise ShrinkageError(f"share must sum to 1 over components, got {self.share}: correct it")

    @property
    def mean(self) -> float:
        """Prior mean of the ratio."""
        return sum(p * a / b for a, b, p in zip(self.alpha, self.beta, self.share, strict=True))

    @property
    def theta(self) -> tuple[float, ...]:
        """Parameters in DuMouchel's order: (alpha, beta), or (alpha1, beta1, alpha2, beta2, P)."""
        pairs = [x for pair in zip(self.alpha, self.beta, strict=True) for x in pair]
        return (*pairs, *self.share[:-1])


def one_gamma(alpha: float, beta: float) -> Prior:
    """Return a gamma prior with shape `alpha` and rate `beta`, both above 0; its mean is ``alpha / beta``.

    >>> one_gamma(alpha=2.0, beta=4.0).mean
    0.5
    """
    return Prior((float(alpha),), (float(beta),))


def two_gammas(alpha1: float, beta1: float, alpha2: float, beta2: float, share1: float) -> Prior:
    """Return DuMouchel's prior, a mixture of two gammas with shapes `alpha1`, `alpha2` and rates `beta1`, `beta2`.

    `share1`, his P, is the weight of the first component, between 0 and 1; the other numbers are above 0.

    >>> two_gammas(alpha1=3.0, beta1=0.5, alpha2=2.0, beta2=2.0, share1=0.1).mean
    1.5
    """
    share1 = checked_probability(share1, "share1")
    return Prior((float(alpha1), float(alpha2)), (float(beta1), float(beta2)), (share1, 1 - share1))


@dataclass(frozen=True)
class Posterior:
    """Posterior of the ratio of each cell: a mixture of gamma distributions, as returned by `posterior`.

    Attributes
    ----------
    weight, shape, rate : array of shape (n_components, n_cells)
        Weights that sum to 1 over components (the first is DuMouchel's Q_n), shapes and rates.
    """

    weight: FloatArray
    shape: FloatArray
    rate: FloatArray

    def mean(self) -> FloatArray:
        """Return the posterior mean of the ratio, shape (n_cells,)."""
        return np.asarray((self.weight * self.shape / self.rate).sum(axis=0))

    def geometric_mean(self) -> FloatArray:
        """Return EBGM, the exponential of the posterior mean of the log ratio, shape (n_cells,)."""
        return np.asarray(np.exp((self.weight * (digamma(self.shape) - np.log(self.rate))).sum(axis=0)))

    def quantile(self, probability: float) -> FloatArray:
        """Return the quantile of the ratio at `probability` (between 0 and 1), shape (n_cells,)."""
        return mixture_quantiles(self.weight, self.shape, self.rate, probability)

    def probability_above(self, ratio: float) -> FloatArray:
        """Return the posterior probability of a ratio above `ratio`, shape (n_cells,)."""
        return np.asarray((self.weight * gammaincc(self.shape, self.rate * ratio)).sum(axis=0))


def posterior(prior: Prior, count: FloatArray, expected: FloatArray) -> Posterior:
    """Return the posterior of cells, in one step and without checks; `scores` checks and works in chunks.

    Parameters
    ----------
    prior : Prior
        As returned by `ml.domain.faults.shrinkage.priors.one_gamma`, `two_gammas` or
        `ml.domain.faults.shrinkage.fitting.fit_mixture(...).prior`.
    count, expected : array of shape (n_cells,)
        Events and expected events.

    Returns
    -------
    Posterior
        With the methods `mean`, `geometric_mean`, `quantile` and `probability_above`.

    Examples
    --------
    >>> after = posterior(one_gamma(2.0, 2.0), np.array([4.0]), np.array([1.0]))
    >>> float(after.shape[0, 0]), float(after.rate[0, 0]), float(after.mean()[0])
    (6.0, 3.0, 2.0)
    """
    alpha, beta, share = (np.array(x)[:, None] for x in (prior.alpha, prior.beta, prior.share))
    shape, rate = alpha + count, beta + expected
    if len(prior.share) == 1:
        return Posterior(np.ones_like(shape), shape, rate)
    evidence = (
        np.log(share) + gammaln(shape) - gammaln(alpha) - alpha * np.log1p(expected / beta) - count * np.log(rate)
    )
    weight = np.exp(evidence - evidence.max(axis=0))
    return Posterior(weight / weight.sum(axis=0), shape, rate)
