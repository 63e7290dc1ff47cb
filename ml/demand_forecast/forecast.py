"""What a forecaster says: a calibrated negative binomial for each series and period ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.count_distribution import quantile

GRID = np.r_[0.005, 0.01, np.arange(1, 40) * 0.025, 0.99, 0.995]


@dataclass(frozen=True)
class Forecast:
    """What a forecaster says at one origin.

    Attributes
    ----------
    mean : ndarray of shape (n_series, horizon)
        Expected demand; 0 where nothing can be sold any more.
    dispersion : ndarray of the same shape
        Of the negative binomial.
    level : ndarray of shape (n_series, horizon, n_grid)
        Level that the distribution is asked for where `GRID` is promised.
    parts : mapping of str to ndarray
        Forecasts that were combined.
    """

    mean: FloatArray
    dispersion: FloatArray
    level: FloatArray
    kind: IntArray
    whole: bool
    parts: dict[str, FloatArray]

    def quantiles(self, levels: FloatArray) -> FloatArray:
        """Demand at each of the promised levels, shape (n_series, horizon, n_levels); never below 0, never crossing."""
        order = np.argsort(levels, kind="stable")
        place = np.interp(np.asarray(levels)[order], GRID, np.arange(len(GRID)))
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, len(GRID) - 1)
        asked = self.level[..., low] * (1 - (place - low)) + self.level[..., high] * (place - low)
        found = quantile(asked, self.mean[..., None], self.dispersion[..., None], smooth=not self.whole)
        rising = np.maximum.accumulate(found, axis=-1)[..., np.argsort(order)]
        return np.where(self.mean[..., None] > 0, rising, 0.0)

    def while_stocked(self, available: FloatArray) -> Forecast:
        """Forecasts of what is sold in the part of each period that has stock, shape (n_series, horizon).

        Sales until stock runs out are, on average, the rate of demand times the time that there was stock, whatever
        made it run out (the optional stopping of a counting process less its compensator).
        """
        return replace(self, mean=self.mean * available)

    def take(self, rows: Any) -> Forecast:
        """Some of the series."""
        parts = {n: v[rows] for n, v in self.parts.items()}
        return Forecast(self.mean[rows], self.dispersion[rows], self.level[rows], self.kind[rows], self.whole, parts)


@dataclass(frozen=True)
class ForecastTable:
    """Forecasts of one set of series from one origin.

    Attributes
    ----------
    mean : ndarray of shape (n, horizon)
        Expected demand.
    quantiles : ndarray of float32, shape (n, horizon, n_grid)
        At the levels of `GRID`.
    """

    mean: FloatArray
    quantiles: NDArray[np.float32]

    def at(self, row: int, levels: Sequence[float], *, whole: bool) -> FloatArray:
        """Quantiles of one row, shape (horizon, n_levels); between the levels of the grid counts are rounded up."""
        found = np.array([np.interp(levels, GRID, q) for q in self.quantiles[row]])
        return np.asarray(np.ceil(found - 1e-6) if whole else found)
