"""Mean log-likelihood of the prior's parameters on weighted cells, with its gradient.

A count with a gamma prior is negative binomial, ``NB(count; alpha, beta / (beta + expected))``; with a mixture of
priors it is a mixture of negative binomials. Where only cells with at least one event are listed, each negative
binomial is divided by its probability of at least one event. Sources: W. DuMouchel (1999), equation 5; for lists
without zeros W. DuMouchel and D. Pregibon, "Empirical Bayes Screening for Multi-item Associations", KDD 2001, section
4.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, expit, gammaln, log_expit, logsumexp

from ml.domain.arrays import FloatArray


class Likelihood:
    """Mean log-likelihood per cell of a prior with two components; `fit_mixture` maximises it.

    Parameters
    ----------
    count, expected, weight : array of shape (n_points,)
        Events, expected events, and number of cells that each point represents.
    zero_truncated : bool
        Whether only cells with at least one event are listed.

    Notes
    -----
    The five free parameters are (log mean, log alpha) of each component and the logit of the first share: mean and
    shape are nearly uncorrelated, alpha and beta are not.
    """

    def __init__(self, count: FloatArray, expected: FloatArray, weight: FloatArray, *, zero_truncated: bool) -> None:
        self.expected, self.zero_truncated = expected, zero_truncated
        self.weight = weight / weight.sum()
        # Counts repeat: their gamma functions are evaluated once per value.
        self.values, self.which = np.unique(count, return_inverse=True)
        self.count = count
        self.constant = float(self.weight @ (count * np.log(expected) - gammaln(count + 1)))

    def __call__(self, free: FloatArray) -> tuple[float, FloatArray]:
        """Return the mean log-likelihood at the free parameters, and its gradient of shape (5,)."""
        parts = [self._component(mean, alpha) for mean, alpha in free[:4].reshape(-1, 2)]
        densities = np.stack([parts[0][0] + log_expit(free[4]), parts[1][0] + log_expit(-free[4])])
        total = logsumexp(densities, axis=0)
        first, second = self.weight * np.exp(densities - total)
        share = first.sum() - expit(free[4]) * self.weight.sum()
        gradient = np.concatenate([parts[0][1] @ first, parts[1][1] @ second, [share]])
        return float(self.weight @ total) + self.constant, gradient

    def _component(self, log_mean: float, log_alpha: float) -> tuple[FloatArray, FloatArray]:
        """Return the log density of each point up to a constant, and its derivatives by log mean and log alpha."""
        alpha = np.exp(log_alpha)
        beta = alpha / np.exp(log_mean)
        surplus = np.log1p(self.expected / beta)
        gammas = (gammaln(alpha + self.values) - gammaln(alpha))[self.which]
        log_density = gammas - alpha * surplus - self.count * np.log(beta + self.expected)
        by_alpha = (digamma(alpha + self.values) - digamma(alpha))[self.which] - surplus
        zero_by_beta = alpha * self.expected / (beta * (beta + self.expected))
        by_beta = zero_by_beta - self.count / (beta + self.expected)
        if self.zero_truncated:
            nonzero = -np.expm1(-alpha * surplus)
            odds_of_zero = (1 - nonzero) / nonzero
            log_density -= np.log(nonzero)
            by_alpha -= odds_of_zero * surplus
            by_beta += odds_of_zero * zero_by_beta
        return log_density, np.stack([-beta * by_beta, alpha * by_alpha + beta * by_beta])
