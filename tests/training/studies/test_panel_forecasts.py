"""Forecasts of a test's origins: each knows its own past alone, and is made once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.demand_forecast.panel import Panel
from tests.training.studies.steady_demand import SteadyForecaster, steady_panel
from training.studies.panel_forecasts import OriginForecasts


def test_each_origin_knows_what_lay_before_it_and_is_asked_once() -> None:
    forecaster: Any = SteadyForecaster()
    forecasts = OriginForecasts(steady_panel(), forecaster)
    first = list(forecasts.each(range(26, 29)))
    assert [origin for origin, _, _ in first] == forecaster.periods_known == [26, 27, 28]
    assert [past.panel.periods for _, _, past in first] == [26, 27, 28]
    forecast, past = forecasts.at(27)
    assert forecast is first[1][1] and past is first[1][2] and len(forecaster.periods_known) == 3


def test_nothing_is_expected_of_a_series_that_has_ended() -> None:
    panel = steady_panel()
    sold = panel.sold.copy()
    sold[1, 20:] = np.nan
    gone = Panel(panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available)
    forecaster: Any = SteadyForecaster()
    forecasts = OriginForecasts(gone, forecaster)
    assert forecasts.at(20)[0].mean.tolist() == [[4.0, 4.0], [2.0, 2.0]]
    assert forecasts.at(28)[0].mean.tolist() == [[4.0, 4.0], [0.0, 0.0]]
