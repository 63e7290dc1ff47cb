"""Forecasts from held-out origins: each uses the periods before it, and is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.demand_forecast.panel import Panel
from tests.training.studies.steady_demand import SteadyForecaster, steady_panel
from training.studies.panel_forecasts import OriginForecasts


def test_each_origin_uses_earlier_periods_and_is_computed_once() -> None:
    forecaster: Any = SteadyForecaster()
    forecasts = OriginForecasts(steady_panel(), forecaster)
    first = list(forecasts.each(range(26, 29)))
    assert [origin for origin, _, _ in first] == forecaster.history_lengths == [26, 27, 28]
    assert [features.panel.periods for _, _, features in first] == [26, 27, 28]
    forecast, features = forecasts.at(27)
    assert forecast is first[1][1] and features is first[1][2] and len(forecaster.history_lengths) == 3


def test_the_forecast_of_an_ended_series_is_zero() -> None:
    panel = steady_panel()
    sold = panel.sold.copy()
    sold[1, 20:] = np.nan
    ended = Panel(panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available)
    forecaster: Any = SteadyForecaster()
    forecasts = OriginForecasts(ended, forecaster)
    assert forecasts.at(20)[0].mean.tolist() == [[4.0, 4.0], [2.0, 2.0]]
    assert forecasts.at(28)[0].mean.tolist() == [[4.0, 4.0], [0.0, 0.0]]
