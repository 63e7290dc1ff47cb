"""Usual values of a number in the training rows, and limits beyond which a value is implausible."""

from __future__ import annotations

from typing import Self

import polars as pl
from pydantic import BaseModel, ConfigDict

MIN_VALUES = 30  # a range of fewer values says little
TAIL = 0.001  # share of the training values below and above the usual range
MIN_FACTOR, MAX_FACTOR = 2.0, 10.0


class UsualRange(BaseModel):
    """The usual values of a number, in the unit of the raw table; `UsualRange.of` infers one from training rows.

    Attributes
    ----------
    low, high : float
        0.1 % and 99.9 % quantiles of the training values; of the values above 0, if none but the lowest 0.1 % is below
        0. With fewer than 500 values, the smallest and the largest.
    has_zero : bool
        Whether 0 is usual beside that range, such as the debts of people without debts.

    Examples
    --------
    >>> UsualRange(low=1_800, high=96_000, has_zero=False).limits
    (180.0, 960000.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float
    has_zero: bool = False

    @classmethod
    def of(cls, values: pl.Series) -> Self | None:
        """Return the usual range of training values.

        Parameters
        ----------
        values : polars.Series
            Numbers; null and NaN are ignored.

        Returns
        -------
        UsualRange or None
            None if there are fewer than 30 values, or fewer than 30 above 0 where none is usually below 0, or if all
            values are equal.

        Examples
        --------
        >>> import polars as pl
        >>> UsualRange.of(pl.Series([0.0] * 40 + [200.0, 500.0] * 20))
        UsualRange(low=200.0, high=500.0, has_zero=True)
        """
        numbers = values.cast(pl.Float64).drop_nulls()
        numbers = numbers.filter(numbers.is_finite())
        if len(numbers) < MIN_VALUES or numbers.min() == numbers.max():
            return None
        lowest = _quantile(numbers, TAIL)
        if lowest < 0:
            return cls(low=lowest, high=_quantile(numbers, 1 - TAIL))
        positive = numbers.filter(numbers > 0)
        if len(positive) < MIN_VALUES:
            return None
        has_zero = bool((numbers == 0).any())
        return cls(low=_quantile(positive, TAIL), high=_quantile(positive, 1 - TAIL), has_zero=has_zero)

    @property
    def limits(self) -> tuple[float, float]:
        """Return the smallest and the largest plausible value other than 0, in the unit of the raw table.

        A range of positive values is extended by a factor: the square of high / low, at least 2 and at most 10 (10 if 0
        is usual), so that a year of manufacture of 20 is as implausible as an income of 0.9. A range with negative
        values is extended by twice its width.

        >>> UsualRange(low=2005, high=2025).limits
        (1002.5, 4050.0)
        >>> UsualRange(low=-3, high=5).limits
        (-19.0, 21.0)
        """
        if self.low < 0:
            width = self.high - self.low
            return self.low - 2 * width, self.high + 2 * width
        factor = MAX_FACTOR if self.has_zero else min(MAX_FACTOR, max(MIN_FACTOR, (self.high / self.low) ** 2))
        return self.low / factor, self.high * factor

    @property
    def near_limits(self) -> tuple[float, float]:
        """Return the limits beyond which a value is implausible if an error of unit explains it.

        They are half the lowest and twice the highest usual value: a term of 3 lies within ten times a range of 12 to
        60 months, but is rather a number of years. Where 0 is usual, low values are as plausible as by `limits`.

        >>> UsualRange(low=12, high=60).near_limits, UsualRange(low=12, high=60).limits
        ((6.0, 120.0), (1.2, 600.0))
        """
        low, high = self.limits
        if self.low < 0:
            return low, high
        return low if self.has_zero else self.low / MIN_FACTOR, self.high * MIN_FACTOR


def _quantile(values: pl.Series, share: float) -> float:
    quantile = values.quantile(share, "nearest")
    assert quantile is not None, "callers pass values"
    return float(quantile)
