"""Forecasts on simulated series: no use of the future, calibrated quantiles, correction for stock-outs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.lags import NAMES, as_rows, lag_table, transforms
from ml.demand_forecast.panel import Panel, build_panel
from ml.demand_forecast.params import DemandParams
from ml.metrics.demand import DECILES

QUICK = {"n_estimators": 60, "learning_rate": 0.1, "bags": 1, "num_threads": 1, "min_data_in_leaf": 20}
PARAMS = DemandParams(horizon=3, validation_origins=3, candidates=("croston",), trees=QUICK, attributes=("body",))


def shop(*, stores: int = 12, models: int = 10, periods: int = 40, seed: int = 1) -> tuple[Panel, np.ndarray]:
    """Poisson demand with a season and a level of each store and model; returns the panel and the true means."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(2, 1, stores)[:, None] * rng.gamma(2, 1.5, models)[None, :] + 0.2
    season = 1 + 0.4 * np.sin(2 * np.pi * np.arange(periods) / 12)
    mean = level.ravel()[:, None] * season[None, :]
    series = pl.DataFrame(
        {
            "store_id": np.repeat([f"S{s:02d}" for s in range(stores)], models),
            "model": np.tile([f"M{m:02d}" for m in range(models)], stores),
            "body": np.tile(["suv" if m % 2 else "sedan" for m in range(models)], stores),
        }
    )
    y = rng.poisson(mean).astype(np.float64)
    return Panel(series, ("store_id", "model"), "month", 600, y, np.ones_like(y)), mean


@pytest.fixture(scope="module")
def fitted() -> tuple[Panel, np.ndarray, Forecaster]:
    panel, mean = shop()
    return panel, mean, Forecaster(PARAMS).fit(panel, until=34)


def test_quantiles_are_calibrated_and_never_cross(fitted: tuple[Panel, np.ndarray, Forecaster]) -> None:
    panel, mean, model = fitted
    for origin in (34, 36):
        forecast = model.forecast(panel, origin=origin)
        q = forecast.quantiles(DECILES)
        assert (q >= 0).all() and (np.diff(q, axis=-1) >= 0).all()
        truth = mean[:, origin : origin + 3]
        assert np.abs(forecast.mean - truth).mean() < 0.25 * truth.mean()
        y = panel.sold[:, origin : origin + 3]
        inside = (y >= q[..., 0]) & (y <= q[..., -1])
        assert 0.78 <= inside.mean() <= 0.93  # counts: the two ends carry probability of their own


def test_it_beats_the_naive_forecasts(fitted: tuple[Panel, np.ndarray, Forecaster]) -> None:
    panel, mean, model = fitted
    forecast, truth = model.forecast(panel, origin=34), mean[:, 34:37]
    naive = panel.sold[:, 30:34].mean(axis=1)[:, None]
    season = panel.sold[:, 22:25]
    error = ((forecast.mean - truth) ** 2).mean()
    assert error < 0.8 * min(((naive - truth) ** 2).mean(), ((season - truth) ** 2).mean())


def test_a_forecast_uses_no_period_from_the_origin_on(fitted: tuple[Panel, np.ndarray, Forecaster]) -> None:
    panel, _, model = fitted
    sold = panel.sold.copy()
    sold[:, 34:] += 7
    altered = replace(panel, sold=sold)
    assert np.array_equal(model.forecast(panel, origin=34).mean, model.forecast(altered, origin=34).mean)
    again = Forecaster(PARAMS).fit(altered, until=34)
    assert np.array_equal(model.weights_, again.weights_) and np.array_equal(
        model.calibrated_levels_, again.calibrated_levels_
    )
    assert np.array_equal(model.forecast(panel, origin=34).mean, again.forecast(panel, origin=34).mean)


def test_features_of_all_origins_equal_those_of_each_origin_s_history(
    fitted: tuple[Panel, np.ndarray, Forecaster],
) -> None:
    """No column of the table uses later periods."""
    panel, _, model = fitted
    s, h = np.arange(len(panel.sold)), np.full(len(panel.sold), 2)
    for origin in (9, 20, 34):
        t = np.full(len(s), origin)
        full, own = model.features(panel), model.features(panel.until(origin))
        np.testing.assert_allclose(full.table(s, t, h), own.table(s, t, h), rtol=1e-4, atol=1e-5)


def test_correcting_for_stock_outs_halves_the_bias() -> None:
    panel, mean = shop(seed=3)
    rng = np.random.default_rng(0)
    available = np.where(rng.random(mean.shape) < 0.4, rng.random(mean.shape), 1.0)
    sold = rng.binomial(panel.sold.astype(np.int64), available).astype(np.float64)
    censored = replace(panel, sold=sold, available=available)
    bias = {}
    for uncensor in (True, False):
        q = PARAMS.model_copy(update={"uncensor": uncensor})
        forecast = Forecaster(q).fit(censored, until=34).forecast(censored, origin=34)
        bias[uncensor] = float((forecast.mean - mean[:, 34:37]).mean() / mean[:, 34:37].mean())
    assert bias[False] < -0.1
    assert abs(bias[True]) < abs(bias[False]) / 2


def test_a_new_model_is_forecast_from_similar_series() -> None:
    panel, mean = shop(seed=5)
    new = np.flatnonzero((panel.series["model"] == "M03").to_numpy())
    sold = panel.sold.copy()
    sold[new, :35] = np.nan
    fitted = Forecaster(PARAMS).fit(replace(panel, sold=sold), until=35)
    forecast = fitted.forecast(replace(panel, sold=sold), origin=35)
    by_store = mean.reshape(12, 10, -1)[:, :, 35].mean(axis=1)
    assert (forecast.mean[new] > 0).all()
    assert np.corrcoef(forecast.mean[new, 0], by_store)[0, 1] > 0.8  # large stores sell more of it


def test_too_short_a_history_is_one_clear_error() -> None:
    panel, _ = shop(periods=8)
    with pytest.raises(DataError, match=r"8 months of history are too few .* provide at least 9"):
        Forecaster(PARAMS).fit(panel)


def sales(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Rows (model, period, quantity) as returned by `features.demand_forecast.sales_by_period`."""
    frame = pl.DataFrame(rows, schema=["model", "period", "quantity"], orient="row")
    frame = frame.group_by("model", "period").agg(pl.len().alias("rows"), pl.col("quantity").sum())
    return frame.with_columns(quantities=pl.lit(1), period=pl.col("period").cast(pl.Int64)).sort("model", "period")


def test_gaps_are_filled_as_configured() -> None:
    gappy = sales(("a", 1, 2.0), ("a", 2, 3.0), ("a", 4, 8.0), ("b", 2, 1.0), ("b", 3, -2.0))
    how = {"keys": ["model"], "frequency": "month", "one_row_each": True}
    panel, notes = build_panel(gappy, None, gaps="zero", **how)
    assert np.nan_to_num(panel.sold, nan=-1).tolist() == [[2, 3, 0, 8], [-1, 1, 0, -1]]
    assert "1 missing period" in notes[0] and "counted as 0" in notes[1]
    assert build_panel(gappy, None, gaps="interpolate", **how)[0].sold[0, 2] == 5.5
    assert np.isnan(build_panel(gappy, None, gaps="unknown", **how)[0].sold[0, 2])
    with pytest.raises(DataError, match="model a has no row for 1970-04"):
        build_panel(gappy, None, gaps="refuse", **how)


def test_duplicates_and_another_frequency_are_named() -> None:
    how = {"keys": ["model"], "one_row_each": True}
    with pytest.raises(DataError, match="2 rows of model a in 1970-02"):
        build_panel(sales(("a", 1, 2.0), ("a", 1, 3.0)), None, frequency="month", **how)
    with pytest.raises(DataError, match="the data is not by day"):
        build_panel(sales(("a", 1, 2.0), ("a", 31, 3.0), ("a", 60, 3.0)), None, frequency="day", **how)
    with pytest.raises(DataError, match="no row has a value in model and sold_at"):
        build_panel(sales(("a", 1, 2.0)).clear(), None, frequency="day", **how)


def test_transactions_are_added_up_and_their_gaps_stay_unknown() -> None:
    rows = sales(("a", 1, 2.0), ("a", 1, 3.0), ("a", 3, 1.0), ("b", 2, 1.0), ("b", 4, 1.0))
    how = {"keys": ["model"], "frequency": "month"}
    zero, notes = build_panel(rows, None, **how)
    assert np.nan_to_num(zero.sold, nan=-1).tolist() == [[5, 0, 1, 0], [-1, 1, 0, 1]] and notes == []
    unknown, notes = build_panel(rows, None, gaps="unknown", **how)
    assert np.nan_to_num(unknown.sold, nan=-1).tolist() == [[5, -1, 1, -1], [-1, 1, -1, 1]]
    assert notes == ["2 missing periods within series (33.3%) left unknown and not used (params.gaps: unknown)"]
    linear, _ = build_panel(rows, None, gaps="interpolate", **how)
    assert np.nan_to_num(linear.sold, nan=-1).tolist() == [[5, 3, 1, -1], [-1, 1, 1, 1]]
    with pytest.raises(DataError, match="model a has no row for 1970-03"):
        build_panel(rows, None, gaps="refuse", **how)


def test_repeated_periods_may_be_added_up_or_refused_whatever_a_row_is() -> None:
    rows = sales(("a", 1, 2.0), ("a", 1, 3.0), ("a", 2, 1.0))
    how = {"keys": ["model"], "frequency": "month"}
    panel, notes = build_panel(rows, None, one_row_each=True, duplicates="add", **how)
    assert panel.sold.tolist() == [[5, 1]]
    assert notes[0].startswith("1 series and month has several rows, 2 together, which were added up")
    with pytest.raises(DataError, match=r"2 rows of model a in 1970-02; with params.duplicates: refuse one row per"):
        build_panel(rows, None, duplicates="refuse", **how)
    with pytest.raises(DataError, match=r"with params.rows: periods one row .* set params.duplicates: add"):
        build_panel(rows, None, one_row_each=True, **how)


def test_a_rare_repetition_is_noted() -> None:
    rows = sales(*(("a", t, 1.0) for t in range(30)), ("a", 7, 1.0))
    _, notes = build_panel(rows, None, keys=["model"], frequency="month")
    assert notes == [
        "1 series and month has several rows, 2 together, which were added up (params.duplicates: refuse names the "
        "first of them)"
    ]


def test_series_of_another_frequency_are_named() -> None:
    often = [("a", t, 1.0) for t in range(24)]
    rarely = [("b", t, 5.0) for t in range(0, 24, 3)]
    with pytest.raises(DataError, match="model b has a row every 3 weeks, other series every week"):
        build_panel(sales(*often, *rarely), None, keys=["model"], frequency="week", one_row_each=True)


def test_months_without_a_transaction_have_no_sales() -> None:
    panel, _ = build_panel(sales(("a", 1, 2.0), ("a", 3, 1.0), ("b", 2, 1.0)), None, keys=["model"], frequency="month")
    assert np.nan_to_num(panel.sold, nan=-1).tolist() == [[2, 0, 1], [-1, 1, 0]]


def test_available_is_the_share_of_days_in_stock() -> None:
    stock = pl.DataFrame({"model": ["a", "b"], "period": [1, 2], "days_in_stock": [7.0, 31.0], "price": [5.0, None]})
    panel, _ = build_panel(sales(("a", 1, 2.0), ("b", 1, 1.0)), stock, keys=["model"], frequency="month")
    assert panel.available.tolist() == [[0.25, 1.0], [1.0, 1.0]]
    assert panel.drivers["price"][0, 0] == 5.0


def test_dask_computes_the_same_lags() -> None:
    """mlforecast's distributed class on a local Dask cluster gives what `lag_table` gives."""
    import dask.dataframe as dd
    from distributed import Client, LocalCluster
    from mlforecast.distributed import DistributedMLForecast

    panel, _ = shop(stores=3, models=4, periods=20)
    begin = np.arange(12) % 3
    expected = lag_table(panel.sold, begin, "month")
    table = as_rows(panel.sold, begin)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        frame = dd.from_pandas(table.set_index(table["unique_id"].rename("part")), npartitions=2).reset_index(drop=True)
        lags = DistributedMLForecast(models=[], **transforms("month")).preprocess(
            frame, dropna=False, static_features=[]
        )
        result = lags.compute()
    assert len(result) == len(table)
    local = expected[result["unique_id"].to_numpy(), result["ds"].to_numpy()]
    np.testing.assert_allclose(result.iloc[:, -len(NAMES) :].to_numpy(dtype=np.float32), local, rtol=1e-5)
