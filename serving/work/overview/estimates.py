"""Figures with their intervals, and whether a figure differs from an earlier one by more than chance."""

from __future__ import annotations

from math import sqrt
from typing import Literal

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.domain.statistics.proportions import proportion

Z = 1.959963984540054  # quantile 0.975 of the normal distribution
Unit = Literal["share", "yuan", "vehicles", "sales_months", "days", "leads"]
Change = Literal["up", "down", "unclear"]


class Estimate(BaseModel):
    """A figure with its 95 % interval."""

    value: float
    low: float | None = Field(description="95 % interval; null for a count, which is not estimated")
    high: float | None
    count: int = Field(description="cases from which it is computed")


class Figure(BaseModel):
    """A key figure of a period."""

    name: str
    label: Text
    unit: Unit
    now: Estimate | None = Field(description="null if it cannot be computed; see problem")
    before: Estimate | None = Field(description="the same figure of the period before")
    change: Change | None = Field(description="unclear: no larger than chance explains (95 %)")
    definition: Text
    problem: Text | None = Field(None, description="why there is no figure, and what to do")


def share(successes: int, trials: int) -> Estimate | None:
    """Return a share with its Jeffreys interval; None without cases.

    >>> estimate = share(5, 20)
    >>> estimate.value, round(estimate.low, 3)
    (0.25, 0.102)
    """
    if trials < 1:
        return None
    interval = proportion(min(max(successes, 0), trials), trials)
    return Estimate(value=interval.value, low=interval.low, high=interval.high, count=trials)


def mean(total: float, squares: float, count: int, *, digits: int = 2) -> Estimate | None:
    """Return a mean with the interval of the normal distribution, rounded; None without cases.

    Parameters
    ----------
    total, squares : float
        Sum of the values, and of their squares.
    count : int
        Number of the values.
    digits : int
        Decimals, for example 2 of an amount in yuan.

    Examples
    --------
    >>> mean(10.0, 26.0, 4).value, mean(0.0, 0.0, 0)
    (2.5, None)
    """
    if count < 1:
        return None
    value = total / count
    if count == 1:
        return Estimate(value=round(value, digits), low=None, high=None, count=count)
    error = sqrt(max(squares - count * value * value, 0.0) / (count - 1) / count)
    limits = (round(v, digits) for v in (value, value - Z * error, value + Z * error))
    return Estimate(**dict(zip(("value", "low", "high"), limits, strict=True)), count=count)


def counted(value: float) -> Estimate:
    """Return a count, which has no interval.

    >>> counted(3).low is None
    True
    """
    return Estimate(value=value, low=None, high=None, count=round(value))


def change(now: Estimate | None, before: Estimate | None) -> Change | None:
    """Return whether a figure differs from that of the period before by more than chance explains (95 %).

    A count is compared as a Poisson number.

    >>> change(share(50, 100), share(10, 100)), change(share(10, 100), share(11, 100)), change(counted(9), None)
    ('up', 'unclear', None)
    """
    if now is None or before is None:
        return None
    errors = [_error(estimate) for estimate in (now, before)]
    if None in errors:
        return "unclear"
    limit = Z * sqrt(sum(error * error for error in errors if error is not None))
    if abs(now.value - before.value) <= limit:
        return "unclear"
    return "up" if now.value > before.value else "down"


def _error(estimate: Estimate) -> float | None:
    if estimate.low is not None and estimate.high is not None:
        return (estimate.high - estimate.low) / (2 * Z)
    return sqrt(abs(estimate.value)) if estimate.count == round(estimate.value) else None
