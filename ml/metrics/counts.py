"""Poisson deviance of expected counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from features.errors import DataError
from ml.metrics.demand import aligned_arrays

MIN_EXPECTED = 1e-12  # replaces an expected count of 0, whose deviance is infinite


def poisson_deviance(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the total Poisson deviance divided by the number of events.

    ``2 * sum(y * log(y / p) - y + p) / sum(y)``: P. McCullagh and J. Nelder (1989), Generalized Linear Models,
    section 2.3.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Counts and expected counts, not negative.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows; 1 if omitted.

    Returns
    -------
    float
        Per event, without unit; at least 0, 0 for perfect predictions.

    Raises
    ------
    DataError
        Shapes differ, a number is negative, or all counts are 0.

    Examples
    --------
    >>> from ml.metrics.counts import poisson_deviance
    >>> round(poisson_deviance([3.0, 0.0], [2.0, 1.0]), 3)
    0.811
    """
    count, expected, weight = aligned_arrays(y, p, sample_weight)
    expected = expected.reshape(len(count))
    if (count < 0).any() or (expected < 0).any():
        raise DataError("y and p must not be negative: they are counts and expected counts")
    total = float((weight * count).sum())
    if total <= 0:
        raise DataError("all counts are 0, so that the deviance per event is undefined: evaluate on rows with events")
    mu = np.maximum(expected, MIN_EXPECTED)
    return float(2 * (weight * (xlogy(count, np.maximum(count, MIN_EXPECTED) / mu) - count + expected)).sum() / total)
