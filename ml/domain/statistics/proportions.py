"""Interval of a proportion."""

from __future__ import annotations

from scipy.special import betaincinv

from ml.domain.statistics.resampling import Interval


def proportion(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Return an observed proportion with its Jeffreys interval, which always contains it.

    The limits are quantiles of the posterior under Jeffreys' prior, beta(1/2, 1/2); the lower limit is 0 without a
    success, and the upper limit is 1 without a failure.

    Parameters
    ----------
    successes, trials : int
        0 to `trials` successes in 1 or more trials.
    level : float
        Probability of the interval, above 0 and below 1.

    Raises
    ------
    ValueError
        A number is out of range.

    References
    ----------
    L. D. Brown, T. T. Cai, A. DasGupta (2001), Interval estimation for a binomial proportion, Statistical Science 16,
    101-133.

    Examples
    --------
    >>> interval = proportion(5, 20)
    >>> interval.value, round(interval.low, 3), round(interval.high, 3)
    (0.25, 0.102, 0.464)
    """
    if not 0 <= successes <= trials or trials < 1 or not 0 < level < 1:
        raise ValueError(
            f"successes must be from 0 to trials, trials above 0 and level between 0 and 1, got {successes}, {trials} "
            f"and {level}"
        )
    a, b, tail = successes + 0.5, trials - successes + 0.5, (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if successes == trials else float(betaincinv(a, b, 1 - tail))
    return Interval(successes / trials, low, high, level)
