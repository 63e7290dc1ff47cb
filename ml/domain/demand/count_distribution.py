"""The negative binomial by its mean and dispersion, and levels corrected so that quantiles hold what they promise.

Variance is ``mean + dispersion * mean ** 2``: Poisson at dispersion 0, and for large means a gamma whose coefficient
of variation is the root of the dispersion. Where demand is not whole, `smooth` joins the steps by lines.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

POISSON = 1e-4  # dispersions below this are taken for Poisson


def cdf(count: npt.ArrayLike, mean: npt.ArrayLike, dispersion: npt.ArrayLike) -> FloatArray:
    """Chance of at most so many; 0 below 0.

    >>> cdf([0, 1, -1], 1.0, 0.0).round(4).tolist()
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
    """The least count whose chance reaches the level; between counts where `smooth`.

    Smooth quantiles spread each count evenly over the unit that ends half above it, and are never below 0.

    Examples
    --------
    >>> quantile([0.1, 0.5, 0.9], 2.0, 0.0, smooth=False).tolist()
    [0.0, 2.0, 4.0]
    >>> quantile([0.1, 0.5, 0.9], 2.0, 0.0, smooth=True).round(2).tolist()
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
    """Low and high end of the chances that an outcome stands for: the whole step of a count, one point if smooth.

    A value drawn evenly between them is uniform if the forecast is right (Czado, Gneiting and Held, Biometrics 2009).

    Examples
    --------
    >>> low, high = probability_integral([0, 1], 1.0, 0.0, smooth=False)
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
    y: npt.ArrayLike, mean: npt.ArrayLike, *, weight: npt.ArrayLike | None = None, most: float = 25.0
) -> float:
    """Dispersion of outcomes around their forecasts, by maximum likelihood over a grid refined twice.

    >>> rng = np.random.default_rng(0)
    >>> abs(fit_dispersion(rng.negative_binomial(2, 2 / 7, 20_000), np.full(20_000, 5.0)) - 0.5) < 0.03
    True
    """
    from scipy.stats import nbinom

    count, m = np.rint(np.asarray(y, dtype=np.float64)), np.maximum(np.asarray(mean, dtype=np.float64), 1e-9)
    w = np.ones(len(m)) if weight is None else np.asarray(weight, dtype=np.float64)
    grid = np.geomspace(1e-3, most, 25)
    best = grid[0]
    for _ in range(3):
        size = 1 / grid[:, None]
        told = nbinom.logpmf(count[None, :], size, size / (size + m[None, :])) @ w
        place = int(np.argmax(told))
        best = float(grid[place])
        grid = np.geomspace(grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)], 9)
    return float(best)


def corrected_levels(
    low: npt.ArrayLike, high: npt.ArrayLike, levels: npt.ArrayLike, *, weight: npt.ArrayLike | None = None
) -> FloatArray:
    """Levels to ask a forecast for, so that it holds what the given levels promise on the outcomes seen.

    The distribution of the probability integrals, each spread evenly over its step, is turned around: conformal
    calibration of every quantile at once (Kuleshov, Fenner and Ermon, ICML 2018).

    Parameters
    ----------
    low, high : array of shape (n,)
        As from `probability_integral`.
    levels : array
        Increasing, strictly between 0 and 1.
    weight : array of shape (n,), optional
        How much each outcome counts: less the older, where what comes is more like what came last (R. F. Barber,
        E. J. Candes, A. Ramdas and R. J. Tibshirani (2023), Conformal prediction beyond exchangeability).

    Examples
    --------
    Forecasts too narrow: half of the outcomes fall into the outer tenths, so the outer levels move outward.

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
