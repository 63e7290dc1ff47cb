"""Candidates are compared with the champion on the test data of the candidate."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ml.champions import NotPromoted
from tests.conftest import Trained
from training.config import load_config
from training.gate import promote
from training.train import train


def test_versions_are_compared_on_the_same_weeks(
    fault_rate: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(fault_rate.home, tmp_path / "home")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    train(load_config("fault_rate", fault_rate.config, settings=["params.distance_bands=2"]))
    moved, result = promote("fault_rate", who="a test", force=True, reason="a test of the gate")
    assert moved.version == 2 and "gain over version 1" in result.checks[0].detail and result.checks[-1].passed


def test_versions_are_compared_from_the_same_origins(
    demand_forecast: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(demand_forecast.home, tmp_path / "home")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    train(load_config("demand_forecast", demand_forecast.config, settings=["params.trees.n_estimators=61"]))
    moved, result = promote("demand_forecast", who="a test", force=True, reason="a test of the gate")
    assert moved.version == 2
    assert (
        result.checks[0].name == "quantile loss as share of total sales beats the champion"
        and "gain over version 1" in result.checks[0].detail
    )
    assert result.checks[-1].passed


def test_a_worse_candidate_is_compared_and_not_promoted(
    recommendation: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(recommendation.home, tmp_path / "home")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    blind = load_config(
        "recommendation",
        recommendation.config,
        settings=["params.lookback_days=1", "params.ranker.n_estimators=1"],
    )
    worse = train(blind)
    with pytest.raises(
        NotPromoted, match=r"beats the champion: gain over version 1: -0\.\d+ \(95% interval -0\.\d+ – -0"
    ):
        promote("recommendation", worse.version.number, who="a test")
