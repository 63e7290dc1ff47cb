"""Gate conditions of forecasts: the same version gains nothing over itself, and another horizon is not compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ml import champions
from ml.model import Model
from ml.problem import PanelProblem
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from tests.training.studies.steady_demand import steady_forecasts, steady_panel
from training.studies.panel_forecasts import holdout_forecasts, read_holdout, write_holdout
from training.studies.panel_gate import panel_gate_checks


@pytest.fixture
def model(demand_forecast: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    return champion(demand_forecast, "demand_forecast", monkeypatch)


def test_a_version_gains_nothing_over_itself_and_answers(model: Model) -> None:
    problem = model.task.problem
    assert isinstance(problem, PanelProblem)
    version = champions.champion("demand_forecast")
    assert version is not None
    other = replace(model, card={**model.card, "config": {**model.card["config"], "params": {"horizon": 99}}})
    with champions.report_files(version) as holdout:
        first, *_, last = panel_gate_checks(problem.metrics, model, model, holdout)
        refused = panel_gate_checks(problem.metrics, other, model, holdout)[0]
    assert not first.passed and first.detail.startswith("gain over version 1: ")
    assert (last.name, last.passed, last.detail) == (
        "recomputed and precomputed forecasts agree",
        True,
        "the answers are equal",
    )
    assert not refused.passed and "promote with --force" in refused.detail


def test_a_holdout_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    panel = steady_panel()
    origins = range(panel.periods - 4, panel.periods - 1)
    rows = holdout_forecasts(steady_forecasts(panel), origins)
    write_holdout(tmp_path, panel, origins, rows)
    again, read_origins, read_rows = read_holdout(tmp_path)
    assert read_origins == origins and read_rows.equals(rows) and (again.sold == panel.sold).all()
