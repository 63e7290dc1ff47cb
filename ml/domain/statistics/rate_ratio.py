"""Ratio of the lowest to the highest rate of several groups, with its interval: the four-fifths rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ml.domain.statistics.proportions import proportion
from ml.domain.statistics.resampling import Interval

FOUR_FIFTHS = 0.8  # the lowest rate over the highest must not be below this


@dataclass(frozen=True)
class RateRatio:
    """Ratio of two rates, as returned by `rate_ratio`.

    Attributes
    ----------
    lowest, highest : str
        Names of the groups with the lowest and the highest rate.
    interval : Interval
        The ratio, from 0 to 1, and the limits of its interval; the upper limit is infinite if the rate of `highest` may
        be 0.
    """

    lowest: str
    highest: str
    interval: Interval

    @property
    def passes(self) -> bool:
        """Return whether the ratio is at least four fifths."""
        return self.interval.value >= FOUR_FIFTHS

    @property
    def is_certain(self) -> bool:
        """Return whether the interval lies on one side of four fifths."""
        return self.interval.low >= FOUR_FIFTHS or self.interval.high < FOUR_FIFTHS


def rate_ratio(groups: Mapping[str, tuple[int, int]], *, min_trials: int = 1, level: float = 0.95) -> RateRatio | None:
    """Return the ratio of the lowest to the highest rate, or None if fewer than two groups count or no rate is above 0.

    The interval is that of two groups fixed in advance. Among many small groups, the lowest and the highest rate differ
    by chance alone, so that the ratio is a cause to look closer, not a proof.

    Parameters
    ----------
    groups : mapping of str to (int, int)
        Successes and trials of each group.
    min_trials : int
        Groups with fewer trials do not count.
    level : float
        Probability of the interval, above 0 and below 1.

    References
    ----------
    A. Donner, G. Y. Zou (2012), Closed-form confidence intervals for functions of the normal mean and standard
    deviation, Statistical Methods in Medical Research 21, 347-359: the limits of a ratio from those of its parts, here
    the Jeffreys intervals of the rates.

    U.S. Equal Employment Opportunity Commission (1978), Uniform guidelines on employee selection procedures, 29 CFR
    1607.4 D: the four-fifths rule.

    Examples
    --------
    >>> ratio = rate_ratio({"female": (60, 100), "male": (160, 200), "unknown": (1, 2)}, min_trials=30)
    >>> ratio.lowest, ratio.highest, round(ratio.interval.value, 2), ratio.passes, ratio.is_certain
    ('female', 'male', 0.75, False, False)
    >>> round(ratio.interval.low, 2), round(ratio.interval.high, 2)
    (0.62, 0.88)
    """
    rates = {name: proportion(*counts, level=level) for name, counts in groups.items() if counts[1] >= min_trials}
    if len(rates) < 2 or max(rate.value for rate in rates.values()) == 0:
        return None
    lowest = min(rates, key=lambda name: rates[name].value)
    highest = max(rates, key=lambda name: rates[name].value)
    return RateRatio(lowest, highest, _ratio(rates[lowest], rates[highest]))


def _ratio(over: Interval, under: Interval) -> Interval:
    """Return the ratio of two independent estimates, with limits from theirs."""
    low = _limit(over.value, over.low, under.value, under.high, sign=-1)
    high = _limit(over.value, over.high, under.value, under.low, sign=1)
    return Interval(over.value / under.value, max(0.0, low), high, over.level)


def _limit(over: float, over_limit: float, under: float, under_limit: float, *, sign: int) -> float:
    """Return the solution r of ``(over - r under)² = (over - over_limit)² + r² (under - under_limit)²`` on one side."""
    divisor = under_limit * (2 * under - under_limit)
    if divisor <= 0:
        return math.inf if sign > 0 else 0.0
    product = over * under
    root = math.sqrt(max(0.0, product**2 - over_limit * (2 * over - over_limit) * divisor))
    return (product + sign * root) / divisor
