"""Two series whose demand never changes but once, and a forecaster that knows it: every figure can be computed by hand.

Store S1 sells 4 cars a month and store S2 sells 2; in the last month S1 sells 6. The forecaster expects 4 and 2 with
the spread of chance alone (Poisson), whose medians are 4 and 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ml.demand_forecast.coherence import Dependence
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.past import Past
from training.studies.panel_forecasts import OriginForecasts

MONTHS = 30
FIRST = 600  # January 2020
MEAN = np.array([4.0, 2.0])


def steady_panel(*, price: float | None = None) -> Panel:
    sold = np.repeat(MEAN[:, None], MONTHS, axis=1)
    sold[0, -1] = 6.0
    series = pl.DataFrame({"store_id": ["S1", "S2"], "model": ["A", "A"]})
    drivers = {} if price is None else {"price": np.full(sold.shape, price)}
    return Panel(series, ("store_id", "model"), "month", FIRST, sold, np.ones_like(sold), drivers)


def poisson(mean: np.ndarray) -> Forecast:
    """Forecasts with the spread of chance alone."""
    level = np.broadcast_to(GRID, (*mean.shape, len(GRID)))
    parts = {"own": mean + 1.0}
    return Forecast(mean, np.zeros_like(mean), level, np.zeros(len(mean), dtype=np.int64), True, parts)


class SteadyForecaster:
    """Expects what always was wanted; notes the periods that each of its forecasts knew."""

    def __init__(self, *, horizon: int = 2) -> None:
        self.horizon = horizon
        self.dependence_ = Dependence((0.0,), (0.0, 0.0))
        self.periods_known: list[int] = []

    def past(self, panel: Panel) -> Past:
        return Past(panel, ((),))

    def codes(self, panel: Panel) -> list[Any]:
        return [np.zeros(len(panel.sold), dtype=np.int64)]

    def forecast(self, panel: Panel, *, past: Past) -> Forecast:
        self.periods_known.append(past.panel.periods)
        return poisson(np.repeat(MEAN[:, None], self.horizon, axis=1))


def steady_forecasts(panel: Panel) -> OriginForecasts:
    forecaster: Any = SteadyForecaster()
    return OriginForecasts(panel, forecaster)
