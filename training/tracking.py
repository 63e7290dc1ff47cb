"""Runs and their logging in MLflow, and the registration of a version as the last step.

A version exists from the moment of one single call (`create_model_version`), made last: a process killed before
it leaves a run without a version, which nothing reads. Locks make concurrent trainings take turns at that call.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

# First, because it sets what MLflow reads when it is imported.
from ml.champions.store import artifacts_folder, embedded_database, store_client  # isort: split

import mlflow
import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from ml.champions import Version
from ml.champions.model_versions import SHA256, read_version
from ml.home import home, locked
from ml.model import Model

REQUIREMENTS = ("numpy", "scipy", "pandas", "polars", "narwhals", "pydantic", "lightgbm", "scikit-learn")


def register(
    model: Model,
    *,
    metrics: Mapping[str, float],
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    attachments: Path | None = None,
) -> Version:
    """Log one run with its model and make it a version, as the last step and in one call.

    Parameters
    ----------
    model : Model
        What was trained.
    metrics, params, tags : mapping
        For MLflow's pages; metrics must be finite.
    attachments : Path, optional
        Folder of plots and tables to keep beside the model.

    Raises
    ------
    ConfigError
        The store cannot be reached or written; no version was made.
    """
    task = model.task.name
    with store_client("registering the model", create=True) as client:
        assert client is not None, "the store was made"
        _use(client.tracking_uri)
        run = client.create_run(_experiment(client, task), tags={"mlflow.runName": f"train {task}", **tags})
        run_id = run.info.run_id
        try:
            version = _logged(client, run_id, model, metrics=metrics, params=params, attachments=attachments)
        except BaseException:
            _close(client, run_id, "FAILED")
            raise
        _close(client, run_id, "FINISHED")
    return version


def _use(uri: str) -> None:
    """Name the store to MLflow's fluent calls, and keep it from writing it into the environment: a person sets that."""
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if chosen is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = chosen


def _experiment(client: MlflowClient, task: str) -> str:
    """Return the id of the task's experiment, whose place for files is the home of an embedded store."""
    place, embedded = str(artifacts_folder(task)), embedded_database() is not None
    with locked("registry"):
        name = task
        experiment = client.get_experiment_by_name(name)
        if experiment is not None and embedded and experiment.artifact_location != place:
            # The home was moved or copied. MLflow keeps the place of an experiment for good, so this home has its own.
            name = f"{task} in {home()}"
            experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        # A server knows its place for files; a bare database would scatter them over the folders this is run in.
        served = client.tracking_uri.startswith("http")
        return str(client.create_experiment(name, artifact_location=None if served else place))


def _close(client: MlflowClient, run_id: str, status: str) -> None:
    try:
        client.set_terminated(run_id, status)
    except (MlflowException, SQLAlchemyError, OSError):
        if status == "FINISHED":
            raise


def _logged(
    client: MlflowClient,
    run_id: str,
    model: Model,
    *,
    metrics: Mapping[str, float],
    params: Mapping[str, Any],
    attachments: Path | None,
) -> Version:
    now = int(datetime.now(UTC).timestamp() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(k, float(v), now, 0) for k, v in metrics.items()],
        params=[Param(k, str(v)[:6000]) for k, v in params.items()],
        tags=[RunTag("chehang.task", model.task.name)],
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "model"
        sha256 = model.save(data)
        with mlflow.start_run(run_id=run_id, log_system_metrics=False):
            info = mlflow.pyfunc.log_model(
                name="model",
                loader_module="ml.pyfunc",
                data_path=str(data),
                pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
            )
            if attachments is not None:
                mlflow.log_artifacts(str(attachments), "report")
    with locked("registry"):
        if not client.search_registered_models(f"name='{model.task.name}'"):
            client.create_registered_model(model.task.name, description=model.task.summary["en"])
        row = client.create_model_version(
            model.task.name, source=info.model_uri, run_id=run_id, tags={SHA256: sha256}, model_id=info.model_id
        )
    return read_version(client, row)


def git_commit() -> str:
    """Commit of the code that runs, with `+` if it was changed since; `unknown` outside a checkout."""
    import subprocess

    def ask(*command: str) -> str:
        here = Path(__file__).resolve().parent
        done = subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    if not ask("ls-files", Path(__file__).name):  # installed inside a checkout of something else
        return "unknown"
    commit = ask("rev-parse", "--short=12", "HEAD")
    return (commit + ("+" if ask("status", "--porcelain", "-uno") else "")) if commit else "unknown"
