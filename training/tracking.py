"""Log training runs to MLflow and register model versions.

One call, made last, creates a version (`create_model_version`). A process killed before it leaves a run without a
version, which nothing reads. A lock makes concurrent trainings take turns at that call.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

# First: it sets environment variables that MLflow reads at import.
from ml.champions.store import artifacts_folder, local_path, store_client  # isort: split

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
    """Log a run with its model to MLflow and register the model as a new version.

    Parameters
    ----------
    model : Model
        Fitted estimator with its task and card, such as `ml.model.Model(config.definition, fitted.served, card)`;
        `training.train.train` builds one.
    metrics : mapping of str to float
        Finite values, logged to the run, such as `Report.tracked_figures()`.
    params : mapping of str to value
        Hyperparameters, logged to the run as text of at most 6000 characters each.
    tags : mapping of str to str
        Logged to the run, such as `data_fingerprint` and `git_commit`.
    attachments : Path, optional
        Folder whose files are logged as the artifacts `report`; the promotion gate reads the test data among them.

    Returns
    -------
    Version
        The registered version: `number` (from 1), `metrics`, `tags` and `created` (UTC). It is not the champion yet.

    Raises
    ------
    ConfigError
        The MLflow store cannot be reached or written; no version is registered.

    Examples
    --------
    Needs the tables of the sources.

    >>> from ml.model import Model
    >>> from training.config import load_config
    >>> from training.train import train
    >>> model = train(load_config("credit_risk")).model  # doctest: +SKIP
    >>> version = register(model, metrics={"roc_auc": 0.75}, params={}, tags={})  # doctest: +SKIP
    """
    task = model.task.name
    with store_client("registering the model", create=True) as client:
        assert client is not None, "create=True creates the store"
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


def log_monitoring(
    task: str, *, name: str, metrics: Mapping[str, float], tags: Mapping[str, str], attachments: Path
) -> None:
    """Log a run of the monitor to MLflow, in the experiment of its task.

    Parameters
    ----------
    task : str
        Name of the model.
    name : str
        Name of the run, such as 'monitor 2026-01'.
    metrics : mapping of str to float
        Finite values.
    tags : mapping of str to str
        Such as `chehang.version` and `chehang.status`.
    attachments : Path
        Folder whose files are logged as the artifacts `monitor`.

    Raises
    ------
    ConfigError
        The MLflow store cannot be reached or written.

    Examples
    --------
    >>> from pathlib import Path
    >>> log_monitoring(  # doctest: +SKIP
    ...     "credit_risk", name="monitor 2026-01", metrics={"alarms": 0}, tags={}, attachments=Path("report")
    ... )
    """
    with store_client("logging a run of the monitor", create=True) as client:
        assert client is not None, "create=True creates the store"
        run = client.create_run(_experiment(client, task), tags={"mlflow.runName": name, "chehang.task": task, **tags})
        run_id, now = run.info.run_id, int(datetime.now(UTC).timestamp() * 1000)
        try:
            client.log_batch(run_id, metrics=[Metric(k, float(v), now, 0) for k, v in metrics.items()])
            client.log_artifacts(run_id, str(attachments), "monitor")
        except BaseException:
            _close(client, run_id, "FAILED")
            raise
        _close(client, run_id, "FINISHED")


def _use(uri: str) -> None:
    """Set the store of MLflow's fluent API without the environment variable that MLflow would set: it is the user's."""
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if chosen is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = chosen


def _experiment(client: MlflowClient, task: str) -> str:
    """Return the id of the task's experiment; a local artifact folder lies in the home folder."""
    # A server has its own artifact store; with a bare database, MLflow would use the current folder.
    place = None if client.tracking_uri.startswith("http") else artifacts_folder(task)
    with locked("registry"):
        name = task
        experiment = client.get_experiment_by_name(name)
        if (
            experiment is not None
            and place is not None
            and local_path(experiment.artifact_location) not in (None, place)
        ):
            # The home was moved or copied, or another machine made the experiment. MLflow never changes the artifact
            # folder of an experiment: make another one.
            name = f"{task} in {home()}"
            experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        return str(client.create_experiment(name, artifact_location=None if place is None else str(place)))


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
    """Return the Git commit of the running code, 12 hexadecimal digits; 'unknown' outside a checkout.

    Returns
    -------
    str
        Such as '90d490ab12cd', followed by `+` if tracked files were changed since.
    """
    import subprocess

    def git(*command: str) -> str:
        here = Path(__file__).resolve().parent
        process = subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=False)
        return process.stdout.strip() if process.returncode == 0 else ""

    if not git("ls-files", Path(__file__).name):  # installed inside a checkout of another project
        return "unknown"
    commit = git("rev-parse", "--short=12", "HEAD")
    return (commit + ("+" if git("status", "--porcelain", "-uno") else "")) if commit else "unknown"
