"""A model registry with versions that have no model files, for fast tests of promotions."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from ml.champions import GateCheck, GateResult, record_gate, version
from ml.champions.model_versions import SHA256
from ml.champions.store import artifacts_folder, store_client

TASK = "lead_scoring"


def make_store(home: Path, *, versions: int = 3) -> None:
    """Create the embedded store in the home folder, with versions that have one text file each."""
    with store_client("making a registry for a test", create=True) as client:
        assert client is not None
        experiment = client.create_experiment(TASK, artifact_location=str(artifacts_folder(TASK)))
        client.create_registered_model(TASK)
        for number in range(1, versions + 1):
            run = client.create_run(experiment, tags={"estimator": "none"})
            client.log_metric(run.info.run_id, "roc_auc", number / 10)
            folder = artifacts_folder(TASK) / run.info.run_id / "artifacts"
            (folder / "report").mkdir(parents=True)
            (folder / "report" / "report.json").write_text(str(number))
            client.create_model_version(TASK, source=str(folder), run_id=run.info.run_id, tags={SHA256: "0"})
    assert home.joinpath("mlflow.db").exists()


def store_gate_result(number: int, champion: int | None, *, passed: bool = True) -> None:
    """Store a gate result with a version."""
    check = GateCheck("roc_auc beats the champion", passed, "gain: +0.1 [0.05, 0.15]")
    record_gate(version(TASK, number), GateResult(champion, (check,), datetime(2026, 3, 1, tzinfo=UTC), "90d490"))


def copy_home(source: Path, to: Path) -> Path:
    """Copy a home folder and return the copy."""
    shutil.copytree(source, to)
    return to
