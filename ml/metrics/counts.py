"""How far expected counts are off: deviance of Poisson counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from features.errors import DataError
from ml.metrics.demand import same_rows

LEAST = 1e-12  # in place of an expectation of nothing, whose deviance would be infinite


def poisson_deviance(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Poisson deviance of all rows, an event.

    Source: P. McCullagh and J. Nelder (1989), Generalized Linear Models, section 2.3.

    Parameters
    ----------
    y, p : array of shape (n_rows,)
        Counts, and what was expected; not below 0.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        Shapes differ, a number is below 0, or nothing happened at all.

    Examples
    --------
    >>> round(poisson_deviance([3.0, 0.0], [2.0, 1.0]), 3)
    0.811
    """
    count, expected, weight = same_rows(y, p, sample_weight)
    expected = expected.reshape(len(count))
    if (count < 0).any() or (expected < 0).any():
        raise DataError("counts and expectations must not be below 0")
    total = float((weight * count).sum())
    if total <= 0:
        raise DataError("nothing happened in any of the rows: give more data")
    mu = np.maximum(expected, LEAST)
    return float(2 * (weight * (xlogy(count, np.maximum(count, LEAST) / mu) - count + expected)).sum() / total)
