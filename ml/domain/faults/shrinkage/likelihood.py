"""Log-likelihood of the prior's parameters given weighted cells, with its gradient.

A count with a gamma prior is negative binomial, `NB(count; alpha, beta / (beta + expected))`; with a mixture of
priors it is the mixture of those. Where only cells with at least one event are listed, each negative binomial is
divided by its probability of at least one. Sources: W. DuMouchel (1999), equation 5; for lists without zeros
W. DuMouchel and D. Pregibon, "Empirical Bayes Screening for Multi-item Associations", KDD 2001, section 4.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, expit, gammaln, log_expit, logsumexp

from ml.domain.arrays import FloatArray


class Likelihood:
    """Mean log-likelihood a cell, of a prior with two components.

    Parameters
    ----------
    count, expected, weight : array of shape (n_points,)
        Events, expected events, and cells that each point stands for.
    zero_truncated : bool
        Only cells with at least one event are listed.

    Notes
    -----
    Free parameters are (log mean, log alpha) of each component and the logit of the first one's share:
    mean and shape are nearly uncorrelated, alpha and beta are not.
    """

    def __init__(self, count: FloatArray, expected: FloatArray, weight: FloatArray, *, zero_truncated: bool) -> None:
        self.expected, self.zero_truncated = expected, zero_truncated
        self.weight = weight / weight.sum()
        # Counts repeat, so their gamma functions are evaluated once each.
        self.values, self.which = np.unique(count, return_inverse=True)
        self.count = count
        self.constant = float(self.weight @ (count * np.log(expected) - gammaln(count + 1)))

    def __call__(self, free: FloatArray) -> tuple[float, FloatArray]:
        """Mean log-likelihood and its gradient."""
        parts = [self._component(mean, alpha) for mean, alpha in free[:4].reshape(-1, 2)]
        densities = np.stack([parts[0][0] + log_expit(free[4]), parts[1][0] + log_expit(-free[4])])
        total = logsumexp(densities, axis=0)
        first, second = self.weight * np.exp(densities - total)
        share = first.sum() - expit(free[4]) * self.weight.sum()
        gradient = np.concatenate([parts[0][1] @ first, parts[1][1] @ second, [share]])
        return float(self.weight @ total) + self.constant, gradient

    def _component(self, log_mean: float, log_alpha: float) -> tuple[FloatArray, FloatArray]:
        """Log density of each point without its constant, and its derivatives by log mean and log alpha."""
        alpha = np.exp(log_alpha)
        beta = alpha / np.exp(log_mean)
        surplus = np.log1p(self.expected / beta)
        gammas = (gammaln(alpha + self.values) - gammaln(alpha))[self.which]
        log_density = gammas - alpha * surplus - self.count * np.log(beta + self.expected)
        by_alpha = (digamma(alpha + self.values) - digamma(alpha))[self.which] - surplus
        zero_by_beta = alpha * self.expected / (beta * (beta + self.expected))
        by_beta = zero_by_beta - self.count / (beta + self.expected)
        if self.zero_truncated:
            some = -np.expm1(-alpha * surplus)
            odds_of_none = (1 - some) / some
            log_density -= np.log(some)
            by_alpha -= odds_of_none * surplus
            by_beta += odds_of_none * zero_by_beta
        return log_density, np.stack([-beta * by_beta, alpha * by_alpha + beta * by_beta])
