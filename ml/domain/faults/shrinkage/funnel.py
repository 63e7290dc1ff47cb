"""The Poisson funnel: how many events chance alone explains, exactly.

Source: D. Spiegelhalter, "Funnel plots for comparing institutional performance", *Statistics in Medicine* 24 (2005).
Limits are whole counts, not interpolated, so the promised probability is kept at every expected count. They take
events as independent; where events cluster, more cells than promised fall outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import checked_expected, checked_probability


@dataclass(frozen=True)
class Funnel:
    """Smallest and largest count of each cell that chance explains.

    Attributes
    ----------
    lower, upper : array
        Counts; a count below `lower` is outside, and so is one above `upper`. Divide by the expected count to plot.
    """

    lower: FloatArray
    upper: FloatArray


def funnel_limits(expected: npt.ArrayLike, *, level: float = 0.95) -> Funnel:
    """Limits within which a Poisson count falls with at least the given probability.

    Parameters
    ----------
    expected : array
        Expected events.
    level : float
        Probability; each side is missed with at most half of the rest.

    Raises
    ------
    ShrinkageError
        An expected count is not above 0, or the level not between 0 and 1.

    Examples
    --------
    >>> limits = funnel_limits([0.5, 10.0])
    >>> limits.lower.tolist(), limits.upper.tolist()
    ([0.0, 4.0], [2.0, 17.0])
    """
    from scipy.stats import poisson

    expectations = checked_expected(expected).astype(np.float64)
    tail = (1 - checked_probability(level, "level")) / 2
    return Funnel(np.asarray(poisson.ppf(tail, expectations)), np.asarray(poisson.isf(tail, expectations)))
