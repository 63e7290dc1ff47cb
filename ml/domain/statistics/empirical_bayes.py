"""Empirical Bayes: groups with few rows borrow from all groups, by as much as the groups turn out to be alike.

Rates follow the beta-binomial model, means the normal-normal model. How alike groups are (the prior) is estimated from
the groups themselves by maximum marginal likelihood.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from ml.domain.arrays import FloatArray

MIN_STRENGTH, MAX_STRENGTH = 1.0, 1e6  # prior rows; at the upper end groups are as good as one


def prior_strength(successes: npt.ArrayLike, trials: npt.ArrayLike) -> float:
    """How many rows of the average group the prior of each group's rate is worth.

    Parameters
    ----------
    successes, trials : array of shape (n_groups,)
        Counts, or sums of weights; 0 <= successes <= trials.

    Returns
    -------
    float
        a + b of the beta prior whose mean is the overall rate; the largest value where groups do not differ.

    Raises
    ------
    ValueError
        Counts out of range, or no trial at all.

    References
    ----------
    J. G. Skellam (1948), Journal of the Royal Statistical Society B 10, 257-261 (the beta-binomial likelihood).

    Examples
    --------
    >>> alike = prior_strength([10, 11, 9], [100, 100, 100])
    >>> unlike = prior_strength([2, 11, 40], [100, 100, 100])
    >>> alike > 1000 > 30 > unlike
    True
    """
    from scipy.optimize import minimize_scalar

    k, n = _counts(successes, trials)
    mean = float(k.sum() / n.sum())
    if mean in (0.0, 1.0) or np.count_nonzero(n) < 2:
        return MAX_STRENGTH

    def loss(log_strength: float) -> float:
        a, b = np.exp(log_strength) * mean, np.exp(log_strength) * (1 - mean)
        return -float(np.sum(betaln(k + a, n - k + b) - betaln(a, b)))

    found = minimize_scalar(loss, bounds=(np.log(MIN_STRENGTH), np.log(MAX_STRENGTH)), method="bounded")
    return float(np.exp(found.x))


def shrunken_rates(successes: npt.ArrayLike, trials: npt.ArrayLike, *, strength: float | None = None) -> FloatArray:
    """Posterior mean of each group's rate.

    Parameters
    ----------
    successes, trials : array of shape (n_groups,)
        As for `prior_strength`.
    strength : float, optional
        Of the prior, in rows; estimated when None.

    Examples
    --------
    >>> shrunken_rates([0, 30], [1, 99], strength=100.0).round(3).tolist()
    [0.297, 0.302]
    """
    k, n = _counts(successes, trials)
    prior = prior_strength(k, n) if strength is None else strength
    return np.asarray((k + prior * k.sum() / n.sum()) / (n + prior))


def shrunken_means(
    total: npt.ArrayLike, squares: npt.ArrayLike, count: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, float]:
    """Posterior mean and standard deviation of each group's mean, and the overall mean.

    Within groups the values are taken to have one variance. The variance between groups is the moment estimate of
    DerSimonian and Laird, not below zero.

    Parameters
    ----------
    total, squares, count : array of shape (n_groups,)
        Sum, sum of squares and number (or weight) of the values of each group; a group may have none.

    Raises
    ------
    ValueError
        No group has a value.

    References
    ----------
    R. DerSimonian, N. Laird (1986), Controlled Clinical Trials 7, 177-188.

    Examples
    --------
    >>> mean, deviation, overall = shrunken_means([10.0, 0.0], [30.0, 0.0], [5.0, 0.0])
    >>> mean.tolist(), overall
    ([2.0, 2.0], 2.0)
    """
    s, q, n = (np.asarray(v, dtype=np.float64) for v in (total, squares, count))
    if not n.sum() > 0:
        raise ValueError("shrunken_means: no group has a value")
    overall = float(s.sum() / n.sum())
    there = n > 0
    group = np.divide(s, n, out=np.full(len(n), overall), where=there)
    spread = float((q - n * group**2).sum())
    within = max(spread, 0.0) / max(float(n.sum()) - np.count_nonzero(there), 1.0)
    if within == 0:
        return group, np.zeros(len(n)), overall
    weight = n / within
    heterogeneity = float(weight @ (group - overall) ** 2) - (np.count_nonzero(there) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(heterogeneity / scale, 0.0) if scale > 0 else 0.0
    if between == 0:
        return np.full(len(n), overall), np.full(len(n), np.sqrt(within / n.sum())), overall
    kept = between / (between + np.divide(within, n, out=np.full(len(n), np.inf), where=there))
    return overall + kept * (group - overall), np.sqrt(between * (1 - kept)), overall


def _counts(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if k.shape != n.shape or not n.sum() > 0 or (k < 0).any() or (k > n * (1 + 1e-12)).any():
        raise ValueError(
            f"successes {k.shape} and trials {n.shape} must have one shape, some trials, and 0 <= successes <= trials"
        )
    return k, n
