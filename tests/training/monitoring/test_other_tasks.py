"""The monitor on forecasts, fault rates, recommendations, leads and used cars of the small tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.commands import chehang
from tests.conftest import Trained
from training.monitoring import panel_monitor, ranking_monitor, surveillance_monitor

MODULES = (panel_monitor, ranking_monitor, surveillance_monitor)  # what these tests run


def run(trained: Trained, task: str, *options: str) -> tuple[int, dict[str, Any]]:
    done = chehang(
        "monitor", task, "-c", str(trained.config), "--no-history", "--json", *options, home=trained.home, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("task", ["lead_scoring", "residual_value"])
def test_other_row_tasks_compare_their_own_population(task: str, request: pytest.FixtureRequest) -> None:
    code, result = run(request.getfixturevalue(task), task)
    assert code in (0, 3) and result["series_tested"] > 3
    assert result["series"][0]["name"] == "score"


def test_fault_rates_are_compared_by_component(fault_rate: Trained) -> None:
    code, result = run(fault_rate, "fault_rate")
    tested = {s["name"] for s in result["series"] if s["is_tested"]}
    assert "calibration" in tested and any(name.startswith("calibration.component=") for name in tested)
    assert code in (0, 4) and "drift of features" in result["not_computed"][0]["en"]


def test_events_drift_and_missing_exposures_are_said(recommendation: Trained) -> None:
    _, result = run(recommendation, "recommendation")
    assert {"feature.event_type"} <= {s["name"] for s in result["series"] if s["is_tested"]}
    assert "no exposures" in result["not_computed"][0]["en"]


def test_forecasts_say_that_no_month_has_closed_since_the_training(demand_forecast: Trained) -> None:
    code, result = run(demand_forecast, "demand_forecast")
    texts = [text["en"] for text in result["not_computed"]]
    assert any("drift of features" in text for text in texts)
    if not result["series"]:
        assert code == 0 and any("no month has closed since the training" in text for text in texts)
    else:
        assert {s["name"] for s in result["series"]} == {"forecast.bias", "forecast.error", "forecast.coverage"}
