"""Quantiles of mixtures of gamma distributions, vectorised over cells.

Halley's method on the log scale, where the distribution functions of all cells have similar shapes, inside a bracket;
a step that leaves the bracket is replaced by bisection. Only cells that have not converged are evaluated again.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammainc, gammaln, ndtri

from ml.domain.arrays import FloatArray

MIN_LOG, MAX_LOG = -700.0, 300.0
MAX_STEP = 2.0
# The error after a Halley step is about the cube of the step: below this size only rounding errors remain.
MIN_STEP = 1e-5
MIN_BRACKET = 1e-13
MAX_HALLEY_STEPS, MAX_STEPS = 25, 100


def mixture_quantiles(weight: FloatArray, shape: FloatArray, rate: FloatArray, probability: float) -> FloatArray:
    """Return a quantile of each cell's mixture of gamma distributions.

    Parameters
    ----------
    weight, shape, rate : array of shape (n_components, n_cells)
        Weights that sum to 1 over components, shapes and rates (1 / scale).
    probability : float
        Between 0 and 1.

    Returns
    -------
    array of shape (n_cells,)
        Accurate to about 12 digits; 0 for quantiles below 1e-304.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> round(float(mixture_quantiles(one, one, 2 * one, 0.5)[0]), 12)  # ln(2) / 2
    0.34657359028
    """
    log_rate, log_gamma = np.log(rate), gammaln(shape)
    u = _start(weight, shape, log_rate, log_gamma, probability)
    low, high = np.full_like(u, MIN_LOG), np.full_like(u, MAX_LOG)
    active = np.arange(u.size)
    for iteration in range(MAX_STEPS):
        here, w, a = u[active], weight[:, active], shape[:, active]
        log_x = here + log_rate[:, active]
        x = np.exp(log_x)
        error = (w * gammainc(a, x)).sum(axis=0) - probability
        low[active] = np.where(error < 0, here, low[active])
        high[active] = np.where(error < 0, high[active], here)
        density = w * np.exp(a * log_x - x - log_gamma[:, active])
        step = _halley(error, density.sum(axis=0), (density * (a - x)).sum(axis=0))
        there = here + np.clip(step, -MAX_STEP, MAX_STEP)
        settled = np.abs(step) < MIN_STEP
        outside = ~((low[active] < there) & (there < high[active]))
        bisect = ~settled & (outside | (iteration >= MAX_HALLEY_STEPS))
        u[active] = np.where(bisect, (low[active] + high[active]) / 2, there)
        active = active[~(settled | (high[active] - low[active] < MIN_BRACKET))]
        if not active.size:
            break
    return np.where(u <= MIN_LOG + MAX_STEP, 0.0, np.exp(u))


def _start(
    weight: FloatArray, shape: FloatArray, log_rate: FloatArray, log_gamma: FloatArray, probability: float
) -> FloatArray:
    """Return starting values: Wilson-Hilferty's cube root, or the leading term of the CDF where it fails."""
    cube_root = 1 - 1 / (9 * shape) + ndtri(probability) / (3 * np.sqrt(shape))
    by_cube = np.log(shape) + 3 * np.log(np.maximum(cube_root, 1e-3))
    by_lead = (np.log(probability) + log_gamma + np.log(shape)) / shape
    guess = np.where(cube_root > 0.2, by_cube, by_lead) - log_rate
    return np.asarray(np.clip((weight * guess).sum(axis=0), MIN_LOG + 1, MAX_LOG - 1))


def _halley(error: FloatArray, slope: FloatArray, curvature: FloatArray) -> FloatArray:
    """Return Halley's step, or the longest step towards the root where the slope is numerically 0."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        newton = error / slope
        step = -newton / np.clip(1 - newton * curvature / (2 * slope), 0.5, 2.0)
    return np.where(np.isfinite(step), step, -np.sign(error) * MAX_STEP)
