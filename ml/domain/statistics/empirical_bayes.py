"""Empirical-Bayes shrinkage of group rates (beta-binomial) and group means (normal-normal)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from ml.domain.arrays import FloatArray

MIN_STRENGTH, MAX_STRENGTH = 1.0, 1e6  # in rows; at the maximum all groups get practically the same rate


def prior_strength(successes: npt.ArrayLike, trials: npt.ArrayLike) -> float:
    """Return the strength of the beta prior of group rates, by maximum marginal likelihood.

    Parameters
    ----------
    successes, trials : array of shape (n_groups,)
        Counts, or sums of weights; 0 <= successes <= trials.

    Returns
    -------
    float
        a + b of the beta prior whose mean is the overall rate: the number of prior rows, between 1 and 10^6 (groups do
        not differ).

    Raises
    ------
    ValueError
        Counts are out of range, or there are no trials.

    References
    ----------
    J. G. Skellam (1948), A probability distribution derived from the binomial distribution, Journal of the Royal
    Statistical Society B 10, 257-261 (beta-binomial likelihood).

    Examples
    --------
    >>> from ml.domain.statistics.empirical_bayes import prior_strength
    >>> homogeneous = prior_strength([10, 11, 9], [100, 100, 100])
    >>> heterogeneous = prior_strength([2, 11, 40], [100, 100, 100])
    >>> homogeneous > 1000 > 30 > heterogeneous
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

    optimum = minimize_scalar(loss, bounds=(np.log(MIN_STRENGTH), np.log(MAX_STRENGTH)), method="bounded")
    return float(np.exp(optimum.x))


def shrunken_rates(successes: npt.ArrayLike, trials: npt.ArrayLike, *, strength: float | None = None) -> FloatArray:
    """Return the posterior mean of each group's rate.

    Parameters
    ----------
    successes, trials : array of shape (n_groups,)
        Counts, or sums of weights; 0 <= successes <= trials.
    strength : float, optional
        Prior strength in rows; by default that of `prior_strength`.

    Returns
    -------
    ndarray of shape (n_groups,)
        Rates: `(successes + strength * overall rate) / (trials + strength)`.

    Raises
    ------
    ValueError
        Counts are out of range, or there are no trials.

    Examples
    --------
    >>> from ml.domain.statistics.empirical_bayes import shrunken_rates
    >>> shrunken_rates([0, 30], [1, 99], strength=100.0).round(3).tolist()
    [0.297, 0.302]
    """
    k, n = _counts(successes, trials)
    prior = prior_strength(k, n) if strength is None else strength
    return np.asarray((k + prior * k.sum() / n.sum()) / (n + prior))


def shrunken_means(
    total: npt.ArrayLike, squares: npt.ArrayLike, count: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, float]:
    """Return the posterior mean and standard deviation of each group's mean, and the overall mean.

    The variance within groups is assumed equal; the variance between groups is the moment estimate of [1]_, truncated
    at 0.

    Parameters
    ----------
    total, squares, count : array of shape (n_groups,)
        Sum, sum of squares, and number (or total weight) of the values of each group; a group may be empty.

    Returns
    -------
    mean, standard_deviation : ndarray of shape (n_groups,)
        In the unit of the values.
    overall : float
        Mean of all values.

    Raises
    ------
    ValueError
        All groups are empty.

    References
    ----------
    .. [1] R. DerSimonian, N. Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7, 177-188.

    Examples
    --------
    >>> from ml.domain.statistics.empirical_bayes import shrunken_means
    >>> mean, deviation, overall = shrunken_means([10.0, 0.0], [30.0, 0.0], [5.0, 0.0])
    >>> mean.tolist(), overall
    ([2.0, 2.0], 2.0)
    """
    s, q, n = (np.asarray(v, dtype=np.float64) for v in (total, squares, count))
    if not n.sum() > 0:
        raise ValueError("shrunken_means: all groups are empty")
    overall = float(s.sum() / n.sum())
    nonempty = n > 0
    group = np.divide(s, n, out=np.full(len(n), overall), where=nonempty)
    spread = float((q - n * group**2).sum())
    within = max(spread, 0.0) / max(float(n.sum()) - np.count_nonzero(nonempty), 1.0)
    if within == 0:
        return group, np.zeros(len(n)), overall
    weight = n / within
    heterogeneity = float(weight @ (group - overall) ** 2) - (np.count_nonzero(nonempty) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(heterogeneity / scale, 0.0) if scale > 0 else 0.0
    if between == 0:
        return np.full(len(n), overall), np.full(len(n), np.sqrt(within / n.sum())), overall
    reliability = between / (between + np.divide(within, n, out=np.full(len(n), np.inf), where=nonempty))
    return overall + reliability * (group - overall), np.sqrt(between * (1 - reliability)), overall


def _counts(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if k.shape != n.shape or not n.sum() > 0 or (k < 0).any() or (k > n * (1 + 1e-12)).any():
        raise ValueError(
            f"successes {k.shape} and trials {n.shape} must have the same shape, at least one trial, and "
            "0 <= successes <= trials"
        )
    return k, n
