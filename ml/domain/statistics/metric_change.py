"""Change of a metric between two independent samples, each with a standard error."""

from __future__ import annotations

import math
from typing import Literal

from scipy.special import ndtr

from ml.domain.statistics.resampling import Interval

Z = 1.959963984540054  # half the width of a 95 % interval in standard errors


def worsening_p_value(before: Interval, after: Interval, *, better: Literal["higher", "lower", "zero"]) -> float | None:
    """Return the one-sided p-value of a metric that became worse, by a normal test of two independent estimates.

    Parameters
    ----------
    before, after : Interval
        Metric with its 95 % interval, on two disjoint samples.
    better : {'higher', 'lower', 'zero'}
        Direction of better values; 'zero': the closer to 0, the better.

    Returns
    -------
    float or None
        Probability that an equal metric appears at least as much worse; None if an interval has no limits.

    Examples
    --------
    >>> before, after = Interval(0.75, 0.72, 0.78), Interval(0.68, 0.65, 0.71)
    >>> round(worsening_p_value(before, after, better="higher"), 4)
    0.0006
    >>> round(worsening_p_value(before, after, better="lower"), 4)
    0.9994
    """
    if not (before.has_limits and after.has_limits):
        return None
    error = math.hypot(before.high - before.low, after.high - after.low) / (2 * Z)
    difference = abs(after.value) - abs(before.value) if better == "zero" else after.value - before.value
    loss = -difference if better == "higher" else difference
    if error == 0:
        return 0.0 if loss > 0 else 1.0
    return float(ndtr(-loss / error))
