"""Runs and model versions in MLflow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ml import champions
from tests.conftest import Trained
from training import tracking


def _files(home: Path) -> set[Path]:
    return {p.relative_to(home) for p in (home / "artifacts").rglob("*")}


def test_a_copied_home_registers_in_its_own_files_and_reads_the_copied_versions(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = tmp_path / "copy", _files(credit_risk.home)
    shutil.copytree(credit_risk.home, home)
    monkeypatch.setenv("CHEHANG_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    model = champions.load(champions.version("credit_risk", 1))
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text("{}")
    for number in (2, 3):
        version = tracking.register(
            model, metrics={"roc_auc": 0.5}, params={"a": 1}, tags={"split": "time"}, attachments=tmp_path / "report"
        )
        assert (version.number, version.metrics, version.tags["split"]) == (number, {"roc_auc": 0.5}, "time")
        assert version.gate is None
        with champions.report_files(version) as folder:
            assert (folder / "report.json").read_text() == "{}"
        assert champions.load(version).card == model.card
    assert _files(credit_risk.home) == before and _files(home) > before
    assert "MLFLOW_TRACKING_URI" not in os.environ, "the variable belongs to the user"


def test_the_commit_is_that_of_the_checkout() -> None:
    commit = tracking.git_commit()
    assert commit == "unknown" or len(commit.rstrip("+")) == 12
