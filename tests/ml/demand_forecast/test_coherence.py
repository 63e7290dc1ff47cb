"""Coherent totals: means add up exactly, paths add up one by one, and correlation widens the intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from features.errors import DataError
from ml.demand_forecast.coherence import (
    Dependence,
    aggregation_levels,
    cumulative_quantiles,
    demand_paths,
    node_quantiles,
    normal_scores,
    score_information,
)
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.metrics import calibrated_integral
from ml.demand_forecast.panel import Panel

STORES, MODELS, HORIZON = 20, 15, 2
N = STORES * MODELS


def panel_of(sold: np.ndarray) -> Panel:
    store, model = np.arange(N) // MODELS, np.arange(N) % MODELS
    series = pl.DataFrame(
        {
            "store_id": [f"S{i:02d}" for i in store],
            "model": [f"M{i:02d}" for i in model],
            "region": [None if i > 15 else f"R{i % 3}" for i in store],
        },
        schema_overrides={"region": pl.String},
    )
    return Panel(series, ("store_id", "model"), "month", 600, sold, np.ones_like(sold))


def poisson(mean: np.ndarray) -> Forecast:
    """Poisson forecasts with these means, without recalibration."""
    shape = mean.shape
    level = np.broadcast_to(GRID, (*shape, len(GRID)))
    return Forecast(mean, np.zeros(shape), level, np.zeros(len(mean), dtype=np.int64), True, {})


@pytest.fixture(scope="module")
def forecast() -> Forecast:
    rng = np.random.default_rng(0)
    return poisson(rng.gamma(2, 2, N)[:, None] * np.array([1.0, 1.3])[None, :])


GROUPS = [np.zeros(N, dtype=np.int64), np.arange(N) // MODELS, np.arange(N) % MODELS]
INDEPENDENT = Dependence((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0))


def test_means_add_up_at_every_level_and_as_hierarchicalforecast_adds_them(forecast: Forecast) -> None:
    panel = panel_of(np.ones((N, 12)))
    levels = aggregation_levels(panel, [("region", "store_id"), ("region",), ("store_id",), ("model",), ()])
    tables = node_quantiles(forecast, INDEPENDENT, GROUPS, levels, n=50)
    for node in tables:
        np.testing.assert_allclose(node.mean.sum(axis=0), forecast.mean.sum(axis=0), rtol=1e-12)
        assert (node.quantiles >= 0).all() and (np.diff(node.quantiles, axis=-1) >= 0).all()
    assert levels[1].names[0] == ("",) and len(levels[4].names) == 1
    from hierarchicalforecast.methods import BottomUp
    from hierarchicalforecast.utils import aggregate

    frame = panel.series.to_pandas().fillna("none").assign(ds=1, y=forecast.mean[:, 0])
    totals, summing, _ = aggregate(frame, [["region"], ["region", "store_id"], ["region", "store_id", "model"]])
    S = summing.drop(columns="unique_id", errors="ignore").to_numpy(dtype=float)
    bottom = totals["y"].to_numpy()[-N:, None]
    theirs = BottomUp().fit_predict(S=S, y_hat=S @ bottom)["mean"][:, 0]
    assert isinstance(totals, pd.DataFrame)
    np.testing.assert_allclose(np.sort(theirs[: len(levels[1].names)]), np.sort(tables[1].mean[:, 0]), rtol=1e-9)


def test_paths_are_whole_numbers_add_up_and_have_each_series_distribution(forecast: Forecast) -> None:
    dependence = Dependence((0.2, 0.1, 0.1), (0.5, 0.5, 0.5, 0.3))
    blocks = list(demand_paths(forecast, dependence, GROUPS, n=2_000))
    paths = np.concatenate([y for _, y in blocks])
    assert (paths >= 0).all() and np.array_equal(paths, np.rint(paths))
    np.testing.assert_allclose(paths.mean(axis=2), forecast.mean, rtol=0.12, atol=0.08)
    store = np.array([paths[i * MODELS : (i + 1) * MODELS].sum(axis=0) for i in range(STORES)])
    np.testing.assert_array_equal(store.sum(axis=0), paths.sum(axis=0))
    again = np.concatenate([y for _, y in demand_paths(forecast, dependence, GROUPS, n=2_000)])
    np.testing.assert_array_equal(paths, again)


def test_the_interval_of_the_total_is_calibrated_for_correlated_series() -> None:
    """A market factor of 20 %: under independence the interval of the total is far too narrow."""
    rng = np.random.default_rng(1)
    level = rng.gamma(2, 3, N)
    market = rng.normal(0, 0.2, (400, 1, HORIZON))
    y = rng.poisson(level[None, :, None] * np.exp(market - 0.02)).astype(float)
    spread = 0.04  # dispersion of a lognormal market of 20 %
    mean = np.repeat(level[:, None], HORIZON, axis=1)
    forecast = replace(poisson(mean), dispersion=np.full(mean.shape, spread))
    scores = np.stack([normal_scores(*calibrated_integral(y[i], forecast)) for i in range(200)])
    information = score_information(scores.ravel(), np.broadcast_to(mean, scores.shape).ravel())
    fitted = Dependence.fit(scores, GROUPS, information=information.reshape(scores.shape))
    assert fitted.shares[0] > 0.1 and max(fitted.shares[1:]) < 0.03
    panel = panel_of(np.ones((N, 12)))
    everything = aggregation_levels(panel, [()])
    coverage = {}
    for name, dependence in (("fitted", fitted), ("independent", INDEPENDENT)):
        q = node_quantiles(forecast, dependence, GROUPS, everything, n=1_000)[0].quantiles[0]
        low, high = (q[:, np.abs(GRID - p).argmin()] for p in (0.1, 0.9))
        total = y[200:].sum(axis=1)
        coverage[name] = float(((total >= low) & (total <= high)).mean())
    assert 0.74 <= coverage["fitted"] <= 0.86
    assert coverage["independent"] < 0.45


def test_total_demand_of_several_periods(forecast: Forecast) -> None:
    one = cumulative_quantiles(forecast, INDEPENDENT, GROUPS, 1, GRID, n=2_000)
    own = forecast.quantiles(GRID)[:, 0]
    inner = slice(4, -4)
    assert np.abs(one[:, inner] - own[:, inner]).max() <= 1
    two = cumulative_quantiles(forecast, INDEPENDENT, GROUPS, 2, GRID, n=2_000)
    half = cumulative_quantiles(forecast, INDEPENDENT, GROUPS, 1.5, GRID, n=2_000)
    middle = np.abs(GRID - 0.5).argmin()
    assert (one[:, middle].mean() < half[:, middle].mean() < two[:, middle].mean()) and (half >= one - 1).all()
    persistent = Dependence((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.9))
    wide = cumulative_quantiles(forecast, persistent, GROUPS, 2, GRID, n=2_000)
    high = np.abs(GRID - 0.95).argmin()
    assert wide[:, high].mean() > two[:, high].mean()


def test_dependence_is_restored_from_its_dictionary_and_a_missing_column_is_named() -> None:
    dependence = Dependence((0.1, 0.2), (0.3, 0.4, 0.5))
    assert Dependence.from_dict(dependence.to_dict()) == dependence
    with pytest.raises(DataError, match="no column 'colour'"):
        aggregation_levels(panel_of(np.ones((N, 3))), [("colour",)])
