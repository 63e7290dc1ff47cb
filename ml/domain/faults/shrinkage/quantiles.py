"""Quantiles of mixtures of gamma distributions, for many cells at once.

Halley's method on the logarithm of the value, where the distribution functions of all cells look alike, kept inside a
bracket and replaced by bisection where it leaves it. Only cells that have not converged are evaluated again.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammainc, gammaln, ndtri

from ml.domain.arrays import FloatArray

LOWEST, HIGHEST = -700.0, 300.0
LONGEST_STEP = 2.0
# Halley's error after a step is about the cube of the step, so a step this small leaves rounding errors only.
SMALLEST_STEP = 1e-5
NARROWEST = 1e-13
HALLEY_ROUNDS, ALL_ROUNDS = 25, 100


def mixture_quantiles(weight: FloatArray, shape: FloatArray, rate: FloatArray, probability: float) -> FloatArray:
    """Quantile of a mixture of gamma distributions for each cell.

    Parameters
    ----------
    weight, shape, rate : array of shape (n_components, n_cells)
        Weights that sum to 1 over components, shapes, and rates (1 / scale).
    probability : float
        Between 0 and 1.

    Returns
    -------
    array of shape (n_cells,)
        To about 12 digits; 0 below 1e-304.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> round(float(mixture_quantiles(one, one, 2 * one, 0.5)[0]), 12)  # ln(2) / 2
    0.34657359028
    """
    log_rate, log_gamma = np.log(rate), gammaln(shape)
    u = _start(weight, shape, log_rate, log_gamma, probability)
    low, high = np.full_like(u, LOWEST), np.full_like(u, HIGHEST)
    active = np.arange(u.size)
    for round_ in range(ALL_ROUNDS):
        here, w, a = u[active], weight[:, active], shape[:, active]
        log_x = here + log_rate[:, active]
        x = np.exp(log_x)
        error = (w * gammainc(a, x)).sum(axis=0) - probability
        low[active] = np.where(error < 0, here, low[active])
        high[active] = np.where(error < 0, high[active], here)
        density = w * np.exp(a * log_x - x - log_gamma[:, active])
        step = _halley(error, density.sum(axis=0), (density * (a - x)).sum(axis=0))
        there = here + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        settled = np.abs(step) < SMALLEST_STEP
        outside = ~((low[active] < there) & (there < high[active]))
        bisect = ~settled & (outside | (round_ >= HALLEY_ROUNDS))
        u[active] = np.where(bisect, (low[active] + high[active]) / 2, there)
        active = active[~(settled | (high[active] - low[active] < NARROWEST))]
        if not active.size:
            break
    return np.where(u <= LOWEST + LONGEST_STEP, 0.0, np.exp(u))


def _start(
    weight: FloatArray, shape: FloatArray, log_rate: FloatArray, log_gamma: FloatArray, probability: float
) -> FloatArray:
    """Wilson and Hilferty's cube root, or the leading term of the distribution function where that fails."""
    cube_root = 1 - 1 / (9 * shape) + ndtri(probability) / (3 * np.sqrt(shape))
    by_cube = np.log(shape) + 3 * np.log(np.maximum(cube_root, 1e-3))
    by_lead = (np.log(probability) + log_gamma + np.log(shape)) / shape
    guess = np.where(cube_root > 0.2, by_cube, by_lead) - log_rate
    return np.asarray(np.clip((weight * guess).sum(axis=0), LOWEST + 1, HIGHEST - 1))


def _halley(error: FloatArray, slope: FloatArray, curvature: FloatArray) -> FloatArray:
    """Halley's step; as long as allowed towards the root where the slope has vanished."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        newton = error / slope
        step = -newton / np.clip(1 - newton * curvature / (2 * slope), 0.5, 2.0)
    return np.where(np.isfinite(step), step, -np.sign(error) * LONGEST_STEP)
