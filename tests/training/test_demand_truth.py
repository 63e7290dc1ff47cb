"""Forecasts against the true demand of the simulated dealership, unmet demand included."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.metrics import interval_coverage
from tests.conftest import ROOT
from training.config import load_config
from training.simulator import Size, generate
from training.studies.panel import PanelStudyData

pytestmark = pytest.mark.slow

SETTINGS = (
    "params.candidates=[croston]",
    "params.trees={n_estimators: 150, learning_rate: 0.06, bags: 1, num_threads: 1}",
    "params.validation_origins=4",
)


@pytest.fixture(scope="module")
def dealership(tmp_path_factory: pytest.TempPathFactory) -> tuple[PanelStudyData, np.ndarray, np.ndarray]:
    """A study, and the true demand and its expectation by series and month of the panel."""
    home = tmp_path_factory.mktemp("truth")
    generate(Size(stores=12, customers=36_000, months=30, seed=3), home / "sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", str(home))
        study = PanelStudyData.read(
            load_config("demand_forecast", ROOT / "configs" / "demand_forecast.yaml", settings=SETTINGS)
        )
    panel = study.panel
    truth = pl.read_parquet(home / "sample" / "truth" / "demand.parquet")
    row = {name: i for i, name in enumerate(panel.series.select("store_id", "model").rows())}
    column = {panel.name(t): t for t in range(panel.periods)}
    demand, expected = (np.full(panel.sold.shape, np.nan) for _ in range(2))
    months = truth.with_columns(month=pl.col("month_at").dt.strftime("%Y-%m"))
    for store, model, month, units, mean in months.select(
        "store_id", "model", "month", "demand", "expected_demand"
    ).rows():
        if (store, model) in row and month in column:
            demand[row[store, model], column[month]] = units
            expected[row[store, model], column[month]] = mean
    return study, demand, expected


def bias(study: PanelStudyData, expected: np.ndarray, *, uncensor: bool) -> tuple[float, Forecaster]:
    params = study.params.model_copy(update={"uncensor": uncensor})
    model = Forecaster(params).fit(study.panel, until=study.origins[0])
    forecast_sum = total = 0.0
    for origin in study.origins:
        mean = model.forecast(study.panel.until(origin)).mean
        truth = expected[:, origin : origin + params.horizon]
        rows = np.isfinite(truth) & (study.panel.begin < origin)[:, None]
        forecast_sum, total = forecast_sum + mean[rows].sum(), total + truth[rows].sum()
    return forecast_sum / total - 1, model


def test_correcting_for_stock_outs_halves_the_bias(
    dealership: tuple[PanelStudyData, np.ndarray, np.ndarray],
) -> None:
    study, demand, expected = dealership
    ignoring, _ = bias(study, expected, uncensor=False)
    treating, model = bias(study, expected, uncensor=True)
    rows = np.isfinite(expected)
    total = expected[rows].sum()
    sold = np.nansum(study.panel.sold[rows]) / total - 1
    corrected = model.features(study.panel).demand[rows].sum() / total - 1
    print(f"bias of past sales {sold:+.1%}, of the corrected demand {corrected:+.1%}")
    print(f"bias of forecasts: {ignoring:+.1%} ignoring stock-outs, {treating:+.1%} correcting for them")
    assert sold < -0.08 and abs(corrected) < abs(sold) / 2
    assert treating - ignoring > 0.08  # the market's development in the test periods affects both
    inside = []
    for origin in study.origins:
        forecast = model.forecast(study.panel.until(origin))
        outcome = demand[:, origin : origin + study.params.horizon]
        inside.append(
            interval_coverage(outcome, forecast)[np.isfinite(outcome) & (study.panel.begin < origin)[:, None]]
        )
    coverage = np.concatenate(inside).mean()
    print(f"the 80 % interval covers {coverage:.1%} of the true demand")
    assert 0.76 <= coverage <= 0.84


def test_a_new_model_is_forecast_better_from_similar_series_than_by_the_mean(
    dealership: tuple[PanelStudyData, np.ndarray, np.ndarray],
) -> None:
    """One model after another is removed from the history, as if launched at the first test origin."""
    study, _, expected = dealership
    panel, origin = study.panel, study.origins[0]
    models = panel.series["model"].unique().sort().to_list()
    own, flat = [], []
    for hidden in models[::5]:
        rows = np.flatnonzero((panel.series["model"] == hidden).to_numpy())
        truth = expected[rows, origin]
        sold = panel.sold.copy()
        sold[rows, :origin] = np.nan
        history = type(panel)(
            panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available, panel.drivers
        )
        params = study.params.model_copy(update={"candidates": (), "validation_origins": 2})
        fitted = Forecaster(params).fit(history, until=origin)
        forecast = fitted.forecast(history.until(origin)).mean[rows, 0]
        others = np.setdiff1d(np.arange(len(sold)), rows)
        mean = np.nanmean(sold[others][:, origin - 4 : origin])
        valid = np.isfinite(truth)
        own.append((np.abs(forecast - truth)[valid].sum(), truth[valid].sum()))
        flat.append((np.abs(mean - truth)[valid].sum(), truth[valid].sum()))
    errors = [np.sum(e, axis=0)[0] / np.sum(e, axis=0)[1] for e in (own, flat)]
    print(f"relative error of new models {errors[0]:.2f}, of the mean of all {errors[1]:.2f}")
    assert errors[0] < 0.9 * errors[1]
