"""Two series with constant demand except in the last month, and their forecaster: figures can be computed by hand.

Store S1 sells 4 cars a month and store S2 sells 2; in the last month S1 sells 6. The forecaster expects 4 and 2 with
Poisson distributions, whose medians are 4 and 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ml.demand_forecast.coherence import Dependence
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
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
    """Poisson forecasts without recalibration."""
    levels = np.broadcast_to(GRID, (*mean.shape, len(GRID)))
    components = {"own": mean + 1.0}
    return Forecast(mean, np.zeros_like(mean), levels, np.zeros(len(mean), dtype=np.int64), True, components)


class SteadyForecaster:
    """Forecasts the constant demand; records the length of the history of each forecast."""

    def __init__(self, *, horizon: int = 2) -> None:
        self.horizon = horizon
        self.dependence_ = Dependence((0.0,), (0.0, 0.0))
        self.history_lengths: list[int] = []

    def features(self, panel: Panel) -> PanelFeatures:
        return PanelFeatures(panel, ((),))

    def codes(self, panel: Panel) -> list[Any]:
        return [np.zeros(len(panel.sold), dtype=np.int64)]

    def forecast(self, panel: Panel, *, features: PanelFeatures) -> Forecast:
        self.history_lengths.append(features.panel.periods)
        return poisson(np.repeat(MEAN[:, None], self.horizon, axis=1))


def steady_forecasts(panel: Panel) -> OriginForecasts:
    forecaster: Any = SteadyForecaster()
    return OriginForecasts(panel, forecaster)
