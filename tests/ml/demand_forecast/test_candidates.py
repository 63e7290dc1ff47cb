"""Univariate forecasts computed by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ml.demand_forecast.candidates import NAIVE, candidate_forecasts, naive, statistical
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures


def features(*series: list[float]) -> PanelFeatures:
    """Monthly series of stores; always in stock."""
    sold = np.array(series, dtype=np.float64)
    stores = pl.DataFrame({"store_id": [f"S{i}" for i in range(len(series))]})
    panel = Panel(stores, ("store_id",), "month", 600, sold, np.ones(sold.shape))
    return PanelFeatures(panel, ((),), country=None)


YEAR = [float(m) for m in range(1, 13)]


def test_the_same_season_is_scaled_by_growth() -> None:
    # The second year sells twice as much as the first: so will the third.
    twice = features(YEAR + [2 * m for m in YEAR])
    forecasts = naive(twice, 24, 3)
    assert set(forecasts) == set(NAIVE)
    np.testing.assert_allclose(forecasts["same_season"], [[4.0, 8.0, 12.0]])
    np.testing.assert_allclose(forecasts["moving_average"], np.full((1, 3), np.mean([18, 20, 22, 24])))


def test_a_series_with_half_of_the_total_gets_half_of_its_season() -> None:
    half = features(YEAR + YEAR, YEAR + YEAR)
    forecasts = naive(half, 24, 2)
    middle = np.mean(YEAR[-8:])
    np.testing.assert_allclose(forecasts["pooled_season"], np.outer([1, 1], [2.0, 4.0]) * middle / (2 * middle))


def test_without_a_previous_season_the_baseline_replaces_the_seasonal_forecast() -> None:
    young = features([5.0] * 6)
    assert np.isnan(naive(young, 6, 2)["same_season"]).all()
    forecasts = candidate_forecasts(young, 6, 2, ["same_season", "moving_average"])
    assert set(forecasts) == {"same_season", "moving_average"}
    np.testing.assert_allclose(forecasts["moving_average"], 5.0)
    np.testing.assert_allclose(
        forecasts["same_season"], young.baseline[:, 6][:, None].repeat(2, axis=1) - young.pseudocount
    )


def test_a_forecast_uses_no_period_from_the_origin_on() -> None:
    changed = features(YEAR + [2 * m for m in YEAR[:6]] + [99.0] * 6)
    cut = features(YEAR + [2 * m for m in YEAR[:6]] + [1.0] * 6)
    for name, values in naive(changed, 18, 3).items():
        np.testing.assert_allclose(values, naive(cut, 18, 3)[name], err_msg=name)


def test_a_constant_series_is_forecast_by_its_value_and_a_short_series_not_at_all() -> None:
    panel = features([3.0] * 8, [np.nan] * 5 + [7.0] * 3)
    forecasts = statistical(panel, 8, 2, ["exponential_smoothing", "croston"])
    np.testing.assert_allclose(forecasts["exponential_smoothing"][0], 3.0)
    assert forecasts["croston"][0] == pytest.approx([2.85, 2.85], rel=0.06)  # Syntetos-Boylan: 5 % less
    assert np.isnan(forecasts["exponential_smoothing"][1]).all(), "three months are fewer than four"
    only = statistical(panel, 8, 2, ["exponential_smoothing"], rows=np.array([1]))
    assert np.isnan(only["exponential_smoothing"]).all()
    assert statistical(panel, 8, 2, []) == {}


def test_no_forecast_is_below_zero() -> None:
    falling = features([9.0, 7.0, 5.0, 3.0, 1.0, 0.0])
    assert (statistical(falling, 6, 6, ["theta"])["theta"] >= 0).all()
