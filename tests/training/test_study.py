"""Study of each kind of problem, and settings that do not apply to a kind of problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from ml.registry import TASKS
from tests.commands import python
from tests.conftest import ROOT
from training.config import load_config
from training.studies.fitted import Evaluation
from training.study import STUDIES, study_of


def test_studies_do_not_import_estimators(tmp_path: Path) -> None:
    heavy = "('sqlalchemy', 'scipy.optimize', 'ml.fault_rate.', 'ml.demand_forecast.')"
    program = f"import sys, training.study; print(*[m for m in sys.modules if m.startswith({heavy})])"
    assert python("-c", program, home=tmp_path).stdout == "\n"


def shipped(task: str) -> Path:
    return ROOT / "configs" / f"{task}.yaml"


@pytest.mark.parametrize("task", list(TASKS))
def test_every_task_has_a_study_with_a_holdout_evaluation(task: str) -> None:
    study = study_of(load_config(task, shipped(task)))
    assert study is STUDIES[type(TASKS[task].problem)] and "holdout" in study.evaluation_methods
    assert Evaluation(study.evaluation_methods[0], dict).method == "holdout"


@pytest.mark.parametrize(
    ("task", "setting", "message"),
    [
        ("demand_forecast", "time=none", "time: must be sold_at, got none"),
        ("fault_rate", "time=none", "time: must be serviced_at, got none"),
        ("credit_risk", "split.column=part", "split.column: does not apply, credit_risk is split by time or at random"),
        ("demand_forecast", "split.column=part", "split.column: does not apply, demand_forecast is split"),
        ("fault_rate", "split.column=part", "split.column: does not apply, fault_rate is split"),
        ("recommendation", "split.column=part", "split.column: applies only to data without time"),
    ],
)
def test_a_setting_that_does_not_apply_is_refused_by_name(task: str, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        study_of(load_config(task, shipped(task), settings=[setting]))
