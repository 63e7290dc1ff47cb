"""Gate conditions of ranked lists: a version has no gain over itself and answers requests."""

from __future__ import annotations

import pytest

from ml import champions
from ml.problem import RankingProblem
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from training.studies.ranking_gate import ranking_gate_checks


def test_a_version_has_no_gain_over_itself(recommendation: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    model = champion(recommendation, "recommendation", monkeypatch)
    problem, version = model.task.problem, champions.champion("recommendation")
    assert isinstance(problem, RankingProblem) and version is not None
    with champions.report_files(version) as holdout:
        first, *_, last = ranking_gate_checks(problem.metrics, model, model, holdout)
    assert not first.passed and first.detail.startswith("gain over version 1: +0.0000, above 0 is better, on ")
    assert "no interval" in first.detail and "there is no gain" in first.detail
    assert (last.passed, last.detail) == (True, "the answers agree")
