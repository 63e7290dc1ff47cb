"""Priors of the ratio of events to expected events, and what they make of counts.

The count of a cell is Poisson with mean `ratio * expected`; the ratio is drawn from a gamma distribution, or from a
mixture of two. The posterior is of the same kind: shapes grow by the count, rates by the expected count, and weights
by how well each component foretold the count. A cell with little exposure stays near the prior; one with much goes
where its own count is.

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
    """A gamma distribution of ratios, or a mixture of several.

    Parameters
    ----------
    alpha, beta, share : tuple of float
        Shape, rate and weight of each component; all above 0, and shares sum to 1.

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
                f"a prior needs finite numbers above 0, as many of each kind, got {self}: fit it again"
            )
        if abs(sum(self.share) - 1) > 1e-9:
            raise ShrinkageError(f"share must sum to 1 over components, got {self.share}: fit the prior again")

    @property
    def mean(self) -> float:
        """Mean ratio before any count is seen."""
        return sum(p * a / b for a, b, p in zip(self.alpha, self.beta, self.share, strict=True))

    @property
    def theta(self) -> tuple[float, ...]:
        """The parameters as DuMouchel lists them: (alpha, beta), or (alpha1, beta1, alpha2, beta2, P)."""
        pairs = [x for pair in zip(self.alpha, self.beta, strict=True) for x in pair]
        return (*pairs, *self.share[:-1])


def one_gamma(alpha: float, beta: float) -> Prior:
    """A single gamma prior with shape `alpha` and rate `beta`."""
    return Prior((float(alpha),), (float(beta),))


def two_gammas(alpha1: float, beta1: float, alpha2: float, beta2: float, share1: float) -> Prior:
    """DuMouchel's prior; `share1` is his P, the weight of the first component."""
    share1 = checked_probability(share1, "share1")
    return Prior((float(alpha1), float(alpha2)), (float(beta1), float(beta2)), (share1, 1 - share1))


@dataclass(frozen=True)
class Posterior:
    """What is known of the ratio of each cell: a mixture of gamma distributions.

    Attributes
    ----------
    weight, shape, rate : array of shape (n_components, n_cells)
        Weights that sum to 1 over components (the first is DuMouchel's Q_n), shapes, and rates.
    """

    weight: FloatArray
    shape: FloatArray
    rate: FloatArray

    def mean(self) -> FloatArray:
        """Expected ratio, shape (n_cells,)."""
        return np.asarray((self.weight * self.shape / self.rate).sum(axis=0))

    def geometric_mean(self) -> FloatArray:
        """EBGM: exponential of the expected logarithm of the ratio, shape (n_cells,)."""
        return np.asarray(np.exp((self.weight * (digamma(self.shape) - np.log(self.rate))).sum(axis=0)))

    def quantile(self, probability: float) -> FloatArray:
        """Ratio that the true one is below with the given probability, shape (n_cells,)."""
        return mixture_quantiles(self.weight, self.shape, self.rate, probability)

    def probability_above(self, ratio: float) -> FloatArray:
        """Probability that the true ratio exceeds a given one, shape (n_cells,)."""
        return np.asarray((self.weight * gammaincc(self.shape, self.rate * ratio)).sum(axis=0))


def posterior(prior: Prior, count: FloatArray, expected: FloatArray) -> Posterior:
    """Posterior of some cells, all at once and unchecked; `scores` checks and goes in chunks.

    Parameters
    ----------
    prior : Prior
    count, expected : array of shape (n_cells,)
        Events and expected events.

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
