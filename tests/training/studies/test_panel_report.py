"""Figures of a demand report on series for which they can be computed by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.demand_forecast.panel import Panel
from ml.labels import Labels
from ml.registry import TASKS
from ml.report.report import Report
from tests.reports import keyed
from tests.training.studies.steady_demand import MONTHS, SteadyForecaster, steady_forecasts, steady_panel
from training.studies.panel_forecasts import ForecastOutcomes, naive_forecasts
from training.studies.panel_report import MIN_SEGMENT_ROWS, evaluate_demand

ORIGINS = range(MONTHS - 4, MONTHS - 1)


def report(panel: Panel, origins: range = ORIGINS, **changes: Any) -> Report:
    forecasts = steady_forecasts(panel)
    params = SimpleNamespace(horizon=2, frequency="month", level_columns=(("store_id",), ()))
    config = SimpleNamespace(
        task="demand_forecast", definition=TASKS["demand_forecast"], bootstraps=20, segments=("store_id",),
        labels=Labels(),
    )  # fmt: skip
    study: Any = SimpleNamespace(
        panel=panel, origins=origins, params=params, config=config, notes=("two stores",), flagged=[],
        problem=TASKS["demand_forecast"].problem,
        origin_forecasts=lambda estimator: forecasts,
    )  # fmt: skip
    estimator: Any = SimpleNamespace(
        forecaster=forecasts.forecaster,
        trained_until=0,
        importance=lambda: {"month": 1.0},
        panel=panel,
        features=SimpleNamespace(groups=((),)),
    )
    vars(estimator).update(changes)
    return evaluate_demand(study, estimator)


@pytest.fixture(autouse=True)
def _no_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_panel_order_costs.py` tests the order costs."""
    monkeypatch.setattr("training.studies.panel_report.order_sections", lambda study, forecasts: [])


def test_errors_of_the_forecasts_and_of_the_naive_ones() -> None:
    result = report(steady_panel())
    # Three origins, two months, two series: 4 and 2 each time, but 6 in the last month, forecast from one origin.
    assert keyed(result, "rows")["test"] == {"rows": 12, "series": 2, "origins": 3}
    total, off = 6 * (4 + 2) + 2, 2
    assert result.metrics["weighted_absolute_error"].value == pytest.approx(off / total)
    assert result.metrics["weighted_absolute_error"].baseline == pytest.approx(off / total)
    assert result.metrics["root_mean_squared_error"].value == pytest.approx(np.sqrt(2**2 / 12))
    assert result.metrics["bias"].value == pytest.approx(-off / total), "too low"
    # The single forecast is one too high everywhere, but one too low in the last month.
    assert keyed(result, "single_forecasts")["own"]["weighted_absolute_error"] == pytest.approx(12 / total)
    (gain,) = result.rows("gain_over_best_forecast")
    assert gain["baseline"] != "own" and gain["gain"] == pytest.approx(0.0)
    assert result.protocol.startswith("rolling origins: fitted before 2022-03, 3 forecasts (2022-03 to 2022-05)")


def test_months_and_totals() -> None:
    result = report(steady_panel())
    assert list(keyed(result, "by_month")) == ["2022-03", "2022-04", "2022-05", "2022-06"]
    assert list(keyed(result, "loss_by_month")) == list(keyed(result, "by_month"))
    last = result.rows("by_month")[-1]
    assert (last["observed"], last["predicted"]) == (4.0, 3.0)
    total_row = keyed(result, "by_level")["everything"]
    assert total_row["rows"] == 6 and total_row["observed"] == pytest.approx((6 * 6 + 2) / 6)
    assert total_row["weighted_absolute_error"] == pytest.approx(2 / 38, abs=0.02), "means of simulated paths"
    assert result.rows("by_store_id") == [], f"six outcomes of a store are fewer than {MIN_SEGMENT_ROWS}"
    assert [c["predicted"] for c in result.rows("calibration")] == pytest.approx([i / 10 for i in range(1, 10)])
    observed = [c["observed"] for c in result.rows("calibration")]
    assert observed == sorted(observed)


def test_notes_name_training_overlap_and_stock_outs() -> None:
    panel = steady_panel()
    assert report(panel).notes[0] == "two stores" and not any("optimistic" in note for note in report(panel).notes)
    assert "optimistic" in report(panel, trained_until=panel.first + MONTHS).notes[-1]
    available = panel.available.copy()
    available[0, -1] = 0.5
    short = Panel(panel.series, panel.keys, panel.frequency, panel.first, panel.sold, available)
    assert any("8.3% of the outcomes had stock-outs" in note for note in report(short).notes)


def test_test_periods_without_an_outcome_are_refused() -> None:
    panel = steady_panel()
    sold = panel.sold.copy()
    sold[:, ORIGINS[0] :] = np.nan
    empty = Panel(panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available)
    with pytest.raises(DataError, match="no outcome is observed in the test periods; provide a longer history"):
        report(empty)


def test_the_naive_forecast_is_the_last_season_and_the_overall_mean_for_a_new_series() -> None:
    panel = steady_panel()
    sold = panel.sold.copy()
    sold[1, :24] = np.nan
    younger = Panel(panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available)
    features = SteadyForecaster().features(younger.until(24))
    naive = naive_forecasts(features, 24, np.array([0, 1, 1]))
    assert naive["mean"].to_list() == [4.0, 4.0, 4.0]
    assert naive.select("p10", "p50", "p90").rows() == [(4.0, 4.0, 4.0)] * 3
    later = SteadyForecaster().features(younger.until(29))
    assert naive_forecasts(later, 29, np.array([1]))["mean"].to_list() == [2.0]


def test_filtered_rows() -> None:
    rows = pl.DataFrame({"series": [0, 1, 2]})
    everything = ForecastOutcomes(rows, np.arange(3.0), np.eye(3), np.arange(3), rows, {"own": np.arange(3.0)})
    some = everything.filter(np.array([True, False, True]))
    assert some.rows["series"].to_list() == some.baseline["series"].to_list() == [0, 2]
    assert some.coverage.tolist() == some.components["own"].tolist() == some.demand_class.tolist() == [0, 2]
    assert some.below.tolist() == [[1, 0, 0], [0, 0, 1]]
