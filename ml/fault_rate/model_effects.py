"""Own rate ratios of models: how much cells differ, which are credibly raised, and how a rate compares with the normal.

A cell is one component of one model. Its own rate ratio p, its rate over the component's baseline rate, has a gamma
prior of mean 1 and variance v; the reference weeks, n faults with e expected, give the posterior ``gamma(1 / v + n, 1 /
v + e)`` (empirical Bayes: D. Clayton and J. Kaldor (1987), Empirical Bayes estimates of age-standardized relative risks
for use in disease mapping, Biometrics 43).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import gammaln

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.priors import Posterior, one_gamma, posterior

OUTLIER_ERRORS = 4.0  # cells this many standard errors above the mean do not inform about the between-model variance
VARIANCES = np.geomspace(1e-4, 2.0, 60)
LOG_LIKELIHOOD_DROP = 1.353  # half the 90% quantile of chi-squared with 1 degree of freedom: a one-sided 95% limit
INTERVAL = (0.05, 0.95)
RAISED = {
    "model": pl.String, "component": pl.String, "count": pl.Int64, "expected": pl.Float64, "rate_ratio": pl.Float64,
    "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Population:
    """Distribution of the own rate ratios of the cells that are no outliers, as returned by `fit_population`.

    Attributes
    ----------
    mean : float
        Mean rate ratio; it multiplies the baseline rates.
    variance, upper : float
        Variance of the rate ratios around the mean: most likely value, and upper 95% limit. The evidence uses the upper
        limit: few cells determine the variance badly, and with too low a variance an ordinary model with a somewhat
        higher rate would raise an alarm. A cell with reference weeks of its own loses little by it.
    """

    mean: float
    variance: float
    upper: float


def fit_population(count: FloatArray, expected: FloatArray) -> Population:
    """Return mean and variance of the rate ratios of the cells that are no outliers.

    Parameters
    ----------
    count, expected : ndarray of shape (n_cells,)
        Faults of the reference weeks, and faults expected at the baseline rate; cells without exposure do not count.

    Returns
    -------
    Population
        Outliers, cells more than four standard errors above the mean, inform neither about the mean nor the variance.

    Examples
    --------
    Ten cells at their baseline, one with four times as many faults:

    >>> population = fit_population(np.array([50.0] * 10 + [200.0]), np.array([50.0] * 11))
    >>> round(population.mean, 2), population.variance < 0.01, population.upper < 0.05
    (0.99, True, True)
    """
    exposed = expected > 0
    n, e = count[exposed], expected[exposed]
    ordinary = np.ones(len(n), dtype=np.bool_)
    population = Population(1.0, float(VARIANCES[-1]), float(VARIANCES[-1]))
    for _ in range(4):
        if n[ordinary].sum() == 0:
            return Population(1.0, float(VARIANCES[-1]), float(VARIANCES[-1]))
        population = _fit_gamma(n[ordinary], e[ordinary])
        error = np.sqrt(population.mean * e + population.variance * (population.mean * e) ** 2)
        within = n - population.mean * e <= OUTLIER_ERRORS * np.maximum(error, 1.0)
        if (within == ordinary).all():
            break
        ordinary = within
    return population


def _fit_gamma(count: FloatArray, expected: FloatArray) -> Population:
    """Return mean, variance and upper limit of the variance of gamma rate ratios, by likelihood on a grid."""
    n, e = count[None, None, :], expected[None, None, :]
    means = count.sum() / expected.sum() * np.linspace(0.8, 1.25, 31)[:, None, None]
    size = 1 / VARIANCES[None, :, None]
    log_likelihood = (
        gammaln(n + size)
        - gammaln(size)
        + size * np.log(size)
        + n * np.log(means)
        - (n + size) * np.log(size + means * e)
    ).sum(axis=2)
    profile = log_likelihood.max(axis=0)
    m, v = np.unravel_index(int(log_likelihood.argmax()), log_likelihood.shape)
    plausible = np.flatnonzero(profile >= profile.max() - LOG_LIKELIHOOD_DROP)
    return Population(float(means[m, 0, 0]), float(VARIANCES[v]), float(VARIANCES[plausible[-1]]))


def raised_cells(
    cells: pl.DataFrame, count: FloatArray, expected: FloatArray, *, variance: float, alpha: float
) -> pl.DataFrame:
    """Return the cells whose own rate is credibly higher than that of the other models, in the reference weeks alone.

    A cell is listed if the posterior probability that its rate is not above that of the other models is at most
    ``alpha / n``, with n the number of cells compared. The expected number of cells that are listed wrongly is the sum
    of these probabilities, at most alpha. The cell is compared with the other models of the same component, so that a
    model with most of the vehicles does not become its own standard.

    Parameters
    ----------
    cells : DataFrame
        `model` and `component` of each cell.
    count, expected : ndarray of shape (n_cells,)
        Faults of the reference weeks, and faults expected at the baseline rate.
    variance : float
        Variance of the rate ratios between cells, above 0.
    alpha : float
        Upper limit of the expected number of cells listed wrongly, and so of the probability of one or more.

    Returns
    -------
    DataFrame
        `model`, `component`, `count`, `expected` (at the rate of the other models), `rate_ratio` (posterior mean) with
        its 90% credible limits `low` and `high`; the highest lower limit first.

    Examples
    --------
    The brakes of D fail twice as often as those of three other models:

    >>> cells = pl.DataFrame({"model": ["A", "B", "C", "D"], "component": ["brakes"] * 4})
    >>> raised = raised_cells(cells, np.array([80.0, 85.0, 75.0, 160.0]), np.full(4, 100.0), variance=0.04, alpha=0.05)
    >>> raised.select("model", "count", "expected").row(0), round(raised["rate_ratio"][0], 2)
    (('D', 160, 80.0), 1.76)
    """
    names = cells["component"].to_numpy()
    _, component = np.unique(names, return_inverse=True)
    faults, normal = (np.bincount(component, weights=v)[component] - v for v in (count, expected))
    squares = np.bincount(component, weights=expected**2)[component] - expected**2
    rows = np.flatnonzero((expected > 0) & (faults > 0) & (normal > 0))
    e = np.zeros(len(count))
    e[rows] = expected[rows] * faults[rows] / normal[rows]
    # Relative variance of the rate of the other models: their faults are few, and their own ratios differ.
    others = np.zeros(len(count))
    others[rows] = 1 / faults[rows] + variance * squares[rows] / normal[rows] ** 2
    ratio = rate_ratio_posterior(count, e, prior_shape=1 / variance, normal_variance=others)
    listed = [int(row) for row in rows if 1 - ratio.probability_above(1.0)[row] <= alpha / len(rows)]
    low, high = (ratio.quantile(p) for p in INTERVAL)
    table = cells[listed].with_columns(
        count=pl.Series(count[listed]).cast(pl.Int64), expected=pl.Series(e[listed]),
        rate_ratio=pl.Series(ratio.mean()[listed]), low=pl.Series(low[listed]), high=pl.Series(high[listed]),
    )  # fmt: skip
    return table.select(pl.col(n).cast(t) for n, t in RAISED.items()).sort("low", descending=True)


def rate_ratio_posterior(
    count: npt.ArrayLike, expected: npt.ArrayLike, *, prior_shape: float, normal_variance: npt.ArrayLike
) -> Posterior:
    """Return the gamma posterior of rates over normal rates that are themselves estimated.

    With the normal rate known, the prior ``gamma(k, k)`` of mean 1 becomes ``gamma(k + n, k + e)``. The normal rate is
    not known exactly: its relative variance is added to that of the ratio (first-order error propagation), the mean
    stays.

    Parameters
    ----------
    count, expected : array of shape (n_cells,)
        Faults, and faults expected at the normal rate.
    prior_shape : float
        Shape k of the prior, in faults: a cell with k expected faults is shrunk half-way to 1.
    normal_variance : float or array of shape (n_cells,)
        Relative variance of the normal rate, such as the inverse shape of its posterior.

    Returns
    -------
    Posterior
        With the methods `mean`, `quantile` and `probability_above`, and `shape` and `rate`, each of shape (1, n_cells).

    Examples
    --------
    >>> ratio = rate_ratio_posterior([30], [10.0], prior_shape=10.0, normal_variance=0.025)
    >>> ratio.shape[0].tolist(), ratio.rate[0].tolist(), ratio.mean().tolist()
    ([20.0], [10.0], [2.0])
    """
    n, e, v = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (count, expected, normal_variance)))
    exact = posterior(one_gamma(prior_shape, prior_shape), n, e)
    shape = 1 / (1 / exact.shape + v)
    return Posterior(exact.weight, shape, shape / exact.mean())


def raised_note(raised: pl.DataFrame) -> str:
    """Return the models and components above the other models from the start as a sentence; empty where none is.

    Parameters
    ----------
    raised : DataFrame
        As returned by `raised_cells`.

    Examples
    --------
    >>> raised_note(pl.DataFrame([("D", "brakes", 160, 80.0, 1.76, 1.4, 2.1)], schema=RAISED, orient="row"))
    'above the other models from the start, which alone raises no alarm: D brakes 1.8 times (1.4 to 2.1)'
    """
    cells = ", ".join(
        f"{row['model']} {row['component']} {row['rate_ratio']:.1f} times ({row['low']:.1f} to {row['high']:.1f})"
        for row in raised.to_dicts()
    )
    return f"above the other models from the start, which alone raises no alarm: {cells}" if cells else ""
