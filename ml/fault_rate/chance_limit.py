"""Upper limit of the cumulative faults that chance explains, for the charts of the weekly run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


def chance_limit(expected: npt.ArrayLike, *, shape: float, drift: float, level: float) -> FloatArray:
    """Return the largest count that is no surprise at a cell's normal rate.

    The normal rate has a gamma posterior of a given shape and may drift after the reference weeks, so that counts are
    negative binomial with the relative variance ``(1 / shape) * (1 + drift**2) + drift**2`` of their mean.

    Parameters
    ----------
    expected : array of shape (n_weeks,)
        Expected cumulative faults at the normal rate, not below 0.
    shape : float
        Shape of the posterior of the cell's own rate ratio, above 0: `CellReference.shape`.
    drift : float
        Standard deviation of the rate of the test weeks over that of the reference weeks: `CellReference.drift`.
    level : float
        Probability of a larger count in one cell, between 0 and 1: the cell's share of the family-wise false-alarm
        rate, so that the limits of all cells hold together.

    Returns
    -------
    ndarray of shape (n_weeks,)
        Whole numbers.

    Examples
    --------
    A rate that is known exactly: the 97.5% quantile of Poisson counts of mean 9.

    >>> chance_limit([9.0, 0.0], shape=1e9, drift=0.0, level=0.025).tolist()
    [15.0, 0.0]
    """
    from scipy.stats import nbinom

    mean = np.asarray(expected, dtype=np.float64)
    size = 1 / ((1 + drift**2) / shape + drift**2)
    return np.asarray(nbinom.isf(level, size, size / (size + mean)), dtype=np.float64)
