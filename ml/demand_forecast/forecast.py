"""Forecast distributions: a calibrated negative binomial for each series and each period ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.count_distribution import quantile

Paths = NDArray[np.float32]
GRID = np.r_[0.005, 0.01, np.arange(1, 40) * 0.025, 0.99, 0.995]  # quantile levels of every stored forecast


@dataclass(frozen=True)
class Forecast:
    """Forecast distributions of all series from one origin.

    Returned by `ml.demand_forecast.forecaster.Forecaster.forecast`; that of the champion is
    ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator.forecast``.

    Attributes
    ----------
    mean : ndarray of shape (n_series, horizon)
        Expected demand per period, units; 0 for a series that has ended.
    dispersion : ndarray of shape (n_series, horizon)
        Dispersion of the negative binomial: variance is ``mean + dispersion * mean ** 2``.
    calibrated_levels : ndarray of shape (n_series, horizon, n_grid)
        Level at which the negative binomial is evaluated to return the quantile of each level of `GRID`.
    demand_class : ndarray of shape (n_series,)
        Position of each series' class in `ml.domain.demand.demand_class.CLASSES`.
    is_count : bool
        Whether demand is counted in whole units; quantiles are then whole numbers.
    components : mapping of str to ndarray of shape (n_series, horizon)
        Mean forecasts of the combined models by name.
    """

    mean: FloatArray
    dispersion: FloatArray
    calibrated_levels: FloatArray
    demand_class: IntArray
    is_count: bool
    components: dict[str, FloatArray]

    def quantiles(self, levels: FloatArray) -> FloatArray:
        """Return calibrated quantiles of demand, not below 0 and never crossing.

        Parameters
        ----------
        levels : array of shape (n_levels,)
            Quantile levels between 0.005 and 0.995, in any order.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_levels)
            Units per period, in the order of `levels`; whole numbers where demand is counted.

        Examples
        --------
        A Poisson distribution with mean 2, not calibrated.

        >>> import numpy as np
        >>> mean = np.array([[2.0]])
        >>> forecast = Forecast(mean, 0 * mean, GRID[None, None, :], np.zeros(1, dtype=np.int64), True, {})
        >>> forecast.quantiles(np.array([0.9, 0.5])).tolist()
        [[[4.0, 2.0]]]
        """
        order = np.argsort(levels, kind="stable")
        place = np.interp(np.asarray(levels)[order], GRID, np.arange(len(GRID)))
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, len(GRID) - 1)
        calibrated = self.calibrated_levels[..., low] * (1 - (place - low))
        calibrated = calibrated + self.calibrated_levels[..., high] * (place - low)
        values = quantile(calibrated, self.mean[..., None], self.dispersion[..., None], smooth=not self.is_count)
        rising = np.maximum.accumulate(values, axis=-1)[..., np.argsort(order)]
        return np.where(self.mean[..., None] > 0, rising, 0.0)

    def exposure_adjusted(self, available: FloatArray) -> Forecast:
        """Return the forecasts with means multiplied by the share of each period that has stock.

        Expected sales until stock runs out are the demand rate times the time in stock, whatever ends the stock
        (optional stopping of a counting process less its compensator).

        Parameters
        ----------
        available : ndarray of shape (n_series, horizon)
            Share of each period with stock, 0 to 1.

        Examples
        --------
        >>> import numpy as np
        >>> mean = np.array([[2.0]])
        >>> forecast = Forecast(mean, 0 * mean, GRID[None, None, :], np.zeros(1, dtype=np.int64), True, {})
        >>> forecast.exposure_adjusted(np.array([[0.5]])).mean.tolist()
        [[1.0]]
        """
        return replace(self, mean=self.mean * available)

    def take(self, rows: Any) -> Forecast:
        """Return the forecasts of the series at `rows` (positions, slice or mask)."""
        components = {n: v[rows] for n, v in self.components.items()}
        return Forecast(
            self.mean[rows],
            self.dispersion[rows],
            self.calibrated_levels[rows],
            self.demand_class[rows],
            self.is_count,
            components,
        )


@dataclass(frozen=True)
class ForecastTable:
    """Means and quantiles of a set of series or totals, precomputed from one origin.

    Returned by `ml.demand_forecast.coherence.node_quantiles`; attribute `series_forecasts` of `DemandEstimator`.

    Attributes
    ----------
    mean : ndarray of shape (n, horizon)
        Expected demand per period, units.
    quantiles : ndarray of float32, shape (n, horizon, n_grid)
        Quantiles at the levels of `GRID`, units per period.
    """

    mean: FloatArray
    quantiles: NDArray[np.float32]

    def quantiles_at(self, row: int, levels: Sequence[float], *, is_count: bool) -> FloatArray:
        """Return the quantiles of one row, units per period.

        Parameters
        ----------
        row : int
            Row of the table.
        levels : sequence of float
            Quantile levels, 0.005 to 0.995; between those of `GRID`, quantiles are interpolated.
        is_count : bool
            Whether to round up to whole units.

        Returns
        -------
        ndarray of shape (horizon, n_levels)
            One row per period ahead, levels in the order of `levels`.

        Examples
        --------
        >>> import numpy as np
        >>> table = ForecastTable(np.array([[5.0]]), (10 * GRID[None, None, :]).astype(np.float32))
        >>> table.quantiles_at(0, [0.5, 0.91], is_count=True).tolist()
        [[5.0, 10.0]]
        """
        values = np.array([np.interp(levels, GRID, q) for q in self.quantiles[row]])
        return np.asarray(np.ceil(values - 1e-6) if is_count else values)


def draws_at_levels(quantiles: NDArray[np.float32], levels: Paths, *, is_count: bool) -> Paths:
    """Return quantiles at drawn levels by linear interpolation between the levels of `GRID`.

    Parameters
    ----------
    quantiles : ndarray of float32, shape (n_series, horizon, n_grid)
        Quantiles at the levels of `GRID`, units per period.
    levels : ndarray of float32, shape (n_series, horizon, n)
        Draws between 0 and 1.
    is_count : bool
        Whether to round to whole units.

    Returns
    -------
    ndarray of float32, shape (n_series, horizon, n)
        Units per period.

    Examples
    --------
    >>> import numpy as np
    >>> uniforms = np.full((1, 1, 1), 0.42, dtype=np.float32)
    >>> draws_at_levels((10 * GRID[None, None, :]).astype(np.float32), uniforms, is_count=True).ravel().tolist()
    [4.0]
    """
    steps = GRID.astype(np.float32)
    low = np.clip(np.searchsorted(steps, levels, side="right") - 1, 0, len(steps) - 2)
    a, b = (np.take_along_axis(quantiles, i, axis=2) for i in (low, low + 1))
    values = a + np.clip((levels - steps[low]) / (steps[low + 1] - steps[low]), 0, 1) * (b - a)
    return np.asarray(np.rint(values) if is_count else values)
