"""The negative binomial by mean and dispersion, and quantile levels recalibrated on past outcomes.

The variance is ``mean + dispersion * mean ** 2``: Poisson at dispersion 0, and for large means a gamma whose
coefficient of variation is the square root of the dispersion. For demand that is not counted, `smooth` interpolates
linearly between the counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

POISSON = 1e-4  # smaller dispersions are treated as Poisson


def cdf(count: npt.ArrayLike, mean: npt.ArrayLike, dispersion: npt.ArrayLike) -> FloatArray:
    """Return the probability of at most `count` units; 0 for a negative count.

    Parameters
    ----------
    count, mean, dispersion : array
        Units, expected units, and dispersion d: the variance is ``mean + d * mean ** 2``; 0 for a Poisson distribution.
        They broadcast against each other.

    Returns
    -------
    ndarray of float64
        Probabilities, of the broadcast shape.

    Examples
    --------
    >>> from ml.domain.demand.count_distribution import cdf
    >>> cdf(count=[0, 1, -1], mean=1.0, dispersion=0.0).round(4).tolist()
    [0.3679, 0.7358, 0.0]
    """
    from scipy.stats import nbinom, poisson

    k, m, d = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (count, mean, dispersion)))
    m = np.maximum(m, 1e-9)
    whole = np.floor(k)
    size = 1 / np.maximum(d, POISSON)
    return np.asarray(
        np.where(d < POISSON, poisson.cdf(whole, m), nbinom.cdf(whole, size, size / (size + m))), dtype=np.float64
    )


def quantile(level: npt.ArrayLike, mean: npt.ArrayLike, dispersion: npt.ArrayLike, *, smooth: bool) -> FloatArray:
    """Return the smallest count whose cumulative probability reaches the level.

    Parameters
    ----------
    level, mean, dispersion : array
        Quantile level strictly between 0 and 1, expected units, and dispersion d: the variance is
        ``mean + d * mean ** 2``; 0 for a Poisson distribution. They broadcast against each other.
    smooth : bool
        Whether to interpolate: each count's probability is spread evenly from half a unit below to half a unit above
        it, and quantiles are not below 0.

    Returns
    -------
    ndarray of float64
        Units, of the broadcast shape.

    Examples
    --------
    >>> from ml.domain.demand.count_distribution import quantile
    >>> quantile([0.1, 0.5, 0.9], mean=2.0, dispersion=0.0, smooth=False).tolist()
    [0.0, 2.0, 4.0]
    >>> quantile([0.1, 0.5, 0.9], mean=2.0, dispersion=0.0, smooth=True).round(2).tolist()
    [0.24, 1.85, 3.98]
    """
    from scipy.stats import nbinom, poisson

    p, m, d = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (level, mean, dispersion)))
    p, m = np.clip(p, 1e-6, 1 - 1e-6), np.maximum(m, 1e-9)
    size = 1 / np.maximum(d, POISSON)
    count = np.where(d < POISSON, poisson.ppf(p, m), nbinom.ppf(p, size, size / (size + m)))
    if not smooth:
        return np.asarray(count, dtype=np.float64)
    low, high = cdf(count - 1, m, d), cdf(count, m, d)
    return np.asarray(np.maximum(count - 0.5 + (p - low) / np.maximum(high - low, 1e-12), 0.0), dtype=np.float64)


def probability_integral(
    y: npt.ArrayLike, mean: npt.ArrayLike, dispersion: npt.ArrayLike, *, smooth: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper end of the probability integral transform of outcomes.

    For counts the ends are the cumulative probabilities below and at the count; a uniform draw between them is uniform
    on (0, 1) under a correct forecast (Czado, Gneiting and Held, Biometrics 2009). They coincide if `smooth`.

    Parameters
    ----------
    y, mean, dispersion : array
        Outcome in units, expected units, and dispersion d: the variance is ``mean + d * mean ** 2``; 0 for a Poisson
        distribution. They broadcast against each other.
    smooth : bool
        Whether demand is not a whole number: each count's probability is then spread evenly from half a unit below to
        half a unit above it.

    Returns
    -------
    low, high : ndarray of float64
        Probabilities, of the broadcast shape.

    Examples
    --------
    >>> from ml.domain.demand.count_distribution import probability_integral
    >>> low, high = probability_integral(y=[0, 1], mean=1.0, dispersion=0.0, smooth=False)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.3679], [0.3679, 0.7358])
    """
    value = np.asarray(y, dtype=np.float64)
    if not smooth:
        whole = np.rint(value)
        return cdf(whole - 1, mean, dispersion), cdf(whole, mean, dispersion)
    whole = np.floor(value + 0.5)
    low, high = cdf(whole - 1, mean, dispersion), cdf(whole, mean, dispersion)
    at = low + (value + 0.5 - whole) * (high - low)
    return at, at


def fit_dispersion(
    y: npt.ArrayLike, mean: npt.ArrayLike, *, weight: npt.ArrayLike | None = None, max_dispersion: float = 25.0
) -> float:
    """Return the maximum-likelihood dispersion of outcomes around their forecasts, on a grid refined twice.

    Parameters
    ----------
    y, mean : array of shape (n,)
        Outcomes and expected units; outcomes are rounded to counts.
    weight : array of shape (n,), optional
        Weights of the outcomes; 1 if omitted.
    max_dispersion : float
        Upper end of the grid, which begins at 0.001.

    Returns
    -------
    float
        Dispersion d of the variance ``mean + d * mean ** 2``; 0.001 without outcomes.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.demand.count_distribution import fit_dispersion
    >>> rng = np.random.default_rng(0)
    >>> abs(fit_dispersion(rng.negative_binomial(2, 2 / 7, 20_000), np.full(20_000, 5.0)) - 0.5) < 0.03
    True
    """
    from scipy.stats import nbinom

    count, m = np.rint(np.asarray(y, dtype=np.float64)), np.maximum(np.asarray(mean, dtype=np.float64), 1e-9)
    w = np.ones(len(m)) if weight is None else np.asarray(weight, dtype=np.float64)
    grid = np.geomspace(1e-3, max_dispersion, 25)
    best = grid[0]
    for _ in range(3):
        size = 1 / grid[:, None]
        likelihood = nbinom.logpmf(count[None, :], size, size / (size + m[None, :])) @ w
        place = int(np.argmax(likelihood))
        best = float(grid[place])
        grid = np.geomspace(grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)], 9)
    return float(best)


def corrected_levels(
    low: npt.ArrayLike, high: npt.ArrayLike, levels: npt.ArrayLike, *, weight: npt.ArrayLike | None = None
) -> FloatArray:
    """Return the levels at which to evaluate a forecast so that its quantiles are calibrated on past outcomes.

    Inverts the empirical distribution of the probability integrals, each spread evenly between its ends (Kuleshov,
    Fenner and Ermon (2018), Accurate uncertainties for deep learning using calibrated regression, ICML).

    Parameters
    ----------
    low, high : array of shape (n,)
        Ends of the probability integrals of at least one past outcome, as returned by `probability_integral`.
    levels : array of shape (n_levels,)
        Nominal quantile levels, increasing, strictly between 0 and 1.
    weight : array of shape (n,), optional
        Weights of the outcomes; recent outcomes may weigh more (R. F. Barber, E. J. Candes, A. Ramdas and R. J.
        Tibshirani (2023), Conformal prediction beyond exchangeability).

    Returns
    -------
    ndarray of shape (n_levels,)
        Calibrated levels, between 0 and 1.

    Examples
    --------
    Forecasts that are too narrow: half of the outcomes fall into the outer tenths, so the outer levels move outward.

    >>> import numpy as np
    >>> from ml.domain.demand.count_distribution import corrected_levels
    >>> ends = np.r_[np.linspace(0, 0.1, 100), np.linspace(0.1, 0.9, 200), np.linspace(0.9, 1, 100)]
    >>> corrected_levels(ends, ends, [0.1, 0.5, 0.9]).round(2).tolist()
    [0.04, 0.5, 0.96]
    """
    a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    w = np.ones(len(a)) if weight is None else np.asarray(weight, dtype=np.float64)
    grid = np.linspace(0, 1, 401)
    width = np.maximum(b - a, 1e-9)
    share = np.zeros(len(grid))
    for begin in range(0, len(a), 20_000):
        rows = slice(begin, begin + 20_000)
        share += np.clip((grid[:, None] - a[rows]) / width[rows], 0, 1) @ w[rows]
    share = np.maximum.accumulate(share / w.sum()) + np.arange(len(grid)) * 1e-12
    return np.asarray(np.interp(np.asarray(levels, dtype=np.float64), share, grid), dtype=np.float64)
