"""Forecasts of a demand panel from the origins of a test, each made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.demand_forecast.estimator import answers, ended, living
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.past import Past
from ml.demand_forecast.trees import OPEN


@dataclass(frozen=True)
class OriginForecasts:
    """Forecasts of one forecaster; each origin knows its own past alone.

    Metrics, totals of levels, costs of orders and the kept test rows ask for the same origins.

    Attributes
    ----------
    panel : Panel
        All periods, those after the origins included.
    forecaster : Forecaster
    """

    panel: Panel
    forecaster: Forecaster
    _cache: dict[int, tuple[Forecast, Past]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, origin: int) -> tuple[Forecast, Past]:
        """Return the forecast from one origin (a column of the panel), and the past that it was made from."""
        if origin not in self._cache:
            history = self.panel.until(origin)
            past = self.forecaster.past(history)
            self._cache[origin] = living(self.forecaster.forecast(history, past=past), history), past
        return self._cache[origin]

    def each(self, origins: Iterable[int]) -> Iterator[tuple[int, Forecast, Past]]:
        """Yield origin, forecast and past in turn."""
        for origin in origins:
            yield origin, *self.at(origin)


def holdout_forecasts(forecasts: OriginForecasts, origins: range) -> pl.DataFrame:
    """What was said from each origin, beside what happened.

    Returns
    -------
    DataFrame
        `series` (row of the panel), `origin` and `target` (columns), `available`, `label`, and the answers: of what
        was to be sold in the part of the period that had stock. Only known outcomes of series that were alive and had
        stock for a tenth of the period.
    """
    return pl.concat(
        [rows_of_origin(forecasts.panel, origin, forecast) for origin, forecast, _ in forecasts.each(origins)]
    )


def known_outcomes(panel: Panel, origin: int, horizon: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return series and steps ahead of the outcomes from an origin that are known and had stock."""
    y = panel.sold[:, origin : origin + horizon]
    there = np.isfinite(y) & (panel.available[:, origin : origin + horizon] >= OPEN)
    s, h = np.nonzero(there & ~ended(panel.until(origin))[:, None])
    return s, h


def rows_of_origin(panel: Panel, origin: int, forecast: Forecast) -> pl.DataFrame:
    """Return the forecasts from one origin beside the outcomes; columns as in `holdout_forecasts`."""
    forecast = forecast.while_stocked(panel.available[:, origin : origin + forecast.mean.shape[1]])
    s, h = known_outcomes(panel, origin, forecast.mean.shape[1])
    where = {"series": s, "origin": np.full(len(s), origin), "target": origin + h}
    told = {"available": panel.available[s, origin + h], "label": panel.sold[s, origin + h]}
    quantiles = forecast.quantiles(GRID)[s, h]
    return pl.concat([pl.DataFrame(where | told), answers(forecast.mean[s, h], quantiles)], how="horizontal")
