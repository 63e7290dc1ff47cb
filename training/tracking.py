"""Runs, versions and the champion, kept in MLflow: the only place of the training side that talks to it.

A version exists from the moment of one single call (`create_model_version`), made last: a process killed before
it leaves a run without a version, which nothing reads. Locks make concurrent trainings take turns at that call.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's own seven take minutes to say "it is down"

import mlflow
import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from features.errors import ConfigError, ModelNotFound
from ml.home import home, locked
from ml.model import Model

CHAMPION = "champion"
_JOURNAL = "promotion."
REQUIREMENTS = ("numpy", "scipy", "pandas", "polars", "narwhals", "pydantic", "lightgbm", "scikit-learn")


@dataclass(frozen=True)
class Version:
    """A registered model version.

    Attributes
    ----------
    number : int
        Version in the registry.
    run_id : str
        The run that made it.
    sha256 : str
        Checksum of its manifest.
    source : str
        Where MLflow keeps its files.
    metrics : mapping of str to float
        As logged by the run.
    """

    task: str
    number: int
    run_id: str
    sha256: str
    source: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    created: datetime


@contextmanager
def _store(what: str) -> Iterator[MlflowClient]:
    uri = _uri()
    try:
        _use(uri)
        if uri == _embedded():
            _make_embedded()
        else:
            _reach(uri)
        yield MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as e:
        raise ConfigError(
            f"the tracking store {_without_password(uri)} failed while {what}: {_one_line(e)}; "
            "check MLFLOW_TRACKING_URI, free space and rights, then run the command again"
        ) from e


def _use(uri: str) -> None:
    """Name the store to MLflow, and keep it from writing it into the environment: what stands there someone chose."""
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if chosen is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = chosen


def _uri() -> str:
    """The store: a server if one is named, else the embedded one.

    `mlflow run` names its own local default to the command it starts; that is not a server someone chose.
    """
    named = os.environ.get("MLFLOW_TRACKING_URI", "")
    started_by_mlflow = "MLFLOW_RUN_ID" in os.environ and named.startswith(("sqlite:", "file:", "/"))
    return named if named and not started_by_mlflow else _embedded()


def _embedded() -> str:
    return f"sqlite:///{home() / 'mlflow.db'}"


def _make_embedded() -> None:
    """Make the embedded store under another name, then rename it: a kill leaves all of it or nothing."""
    path = home() / "mlflow.db"
    if path.exists():
        return
    with locked("store"):
        if path.exists():
            return
        part = path.with_name(".mlflow.db.part")
        part.unlink(missing_ok=True)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        store = SqlAlchemyStore(f"sqlite:///{part}", str(home() / "artifacts"))
        store.engine.dispose()
        part.replace(path)


@cache
def _reach(uri: str) -> None:
    """Ask a database once: MLflow itself would knock at a dead one for two minutes."""
    if uri.startswith(("postgresql", "mysql", "mssql", "sqlite")):
        create_engine(uri, poolclass=NullPool).connect().close()


def _without_password(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _one_line(error: Exception) -> str:
    """What went wrong, without the password that an address in it may carry."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    return re.sub(r"://[^/\s]*@", "://", text)[:300]


def _experiment(client: MlflowClient, task: str) -> str:
    with locked("registry"):
        found = client.get_experiment_by_name(task)
        if found is not None:
            return str(found.experiment_id)
        # A server knows its place for files; a bare database would scatter them over the folders this is run in.
        place = None if _uri().startswith("http") else str(home() / "artifacts" / task)
        return str(client.create_experiment(task, artifact_location=place))


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
    with _store("registering the model") as client:
        run = client.create_run(_experiment(client, task), tags={"mlflow.runName": f"train {task}", **tags})
        run_id = run.info.run_id
        try:
            version = _logged(client, run_id, model, metrics=metrics, params=params, attachments=attachments)
        except BaseException:
            _close(client, run_id, "FAILED")
            raise
        _close(client, run_id, "FINISHED")
    return version


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
        made = client.create_model_version(
            model.task.name, source=info.model_uri, run_id=run_id, tags={"sha256": sha256}, model_id=info.model_id
        )
    return _version(client, made)


def _version(client: MlflowClient, found: Any) -> Version:
    run = client.get_run(found.run_id)
    return Version(
        task=found.name,
        number=int(found.version),
        run_id=found.run_id,
        sha256=found.tags["sha256"],
        source=found.source,
        metrics=dict(run.data.metrics),
        tags={k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")},
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
    )


def versions(task: str) -> list[Version]:
    """All versions of a task, oldest first."""
    with _store("listing versions") as client:
        found = client.search_model_versions(f"name='{task}'", max_results=10_000)
        return sorted((_version(client, v) for v in found), key=lambda v: v.number)


def find(task: str, number: int | None = None) -> Version:
    """Return one version, the latest if no number is given.

    Raises
    ------
    ModelNotFound
        There is none of that number, or none at all.
    """
    known = versions(task)
    chosen = [v for v in known if number is None or v.number == number]
    if not known:
        raise ModelNotFound(f"{task} has no model version yet; make one with: chehang train {task}")
    if not chosen:
        raise ModelNotFound(f"{task} has no version {number}; it has {', '.join(str(v.number) for v in known)}")
    return chosen[-1]


def champion(task: str) -> Version | None:
    """Return the promoted version, or None."""
    with _store("reading the champion") as client:
        try:
            return _version(client, client.get_model_version_by_alias(task, CHAMPION))
        except MlflowException as e:
            if e.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise


def version_to_answer(task: str, number: int | None = None) -> Version:
    """Return one version, the champion if no number is given.

    Raises
    ------
    ModelNotFound
        There is none of that number, or no champion.
    """
    version = champion(task) if number is None else find(task, number)
    if version is None:
        raise ModelNotFound(f"{task} has no champion; make one with: chehang promote {task}")
    return version


def load(version: Version) -> Model:
    """Fetch a version's files, check them, and return the model."""
    with _store("fetching a model") as client, tempfile.TemporaryDirectory() as folder:
        mlflow.artifacts.download_artifacts(
            artifact_uri=f"models:/{version.task}/{version.number}", dst_path=folder, tracking_uri=client.tracking_uri
        )
        return Model.load(Path(folder) / "data" / "model", sha256=version.sha256)


@contextmanager
def attachments(version: Version) -> Iterator[Path]:
    """Fetch what a run kept beside its model into a folder that lives as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        with _store("fetching a report") as client:
            fetched = client.download_artifacts(version.run_id, "report", folder)
        yield Path(fetched)


@dataclass(frozen=True)
class Promotion:
    """One move of the champion alias.

    Attributes
    ----------
    version, previous : int or None
        Where the alias went and where it had been.
    action : {'promote', 'rollback'}
        Which command moved it.
    """

    version: int
    previous: int | None
    action: str
    who: str
    when: datetime
    why: str
    forced: bool
    metrics: Mapping[str, float]


def move_champion(version: Version, *, action: str, why: str, forced: bool = False) -> Promotion:
    """Point the alias `champion` to a version and write down who, when, why.

    The journal is written first: a process killed between the two leaves an entry that `promotions` does not show,
    because an entry counts only when the next one, or the alias, confirms it.
    """
    before = champion(version.task)
    entry = Promotion(
        version=version.number,
        previous=before.number if before else None,
        action=action,
        who=_who(),
        when=datetime.now(UTC),
        why=why,
        forced=forced,
        metrics={k: v for k, v in version.metrics.items() if "/" not in k},
    )
    content = {**entry.__dict__, "when": entry.when.isoformat(), "metrics": dict(entry.metrics)}
    with _store("moving the champion") as client:
        key = f"{_JOURNAL}{entry.when.strftime('%Y%m%dT%H%M%S.%f')}"
        client.set_registered_model_tag(version.task, key, json.dumps(content, ensure_ascii=False))
        client.set_registered_model_alias(version.task, CHAMPION, str(version.number))
    return entry


def _who() -> str:
    return os.environ.get("CHEHANG_USER") or getpass.getuser()


def promotions(task: str) -> list[Promotion]:
    """All moves of the champion alias that took effect, oldest first."""
    with _store("reading the history") as client:
        if not client.search_registered_models(f"name='{task}'"):
            return []
        tags = client.get_registered_model(task).tags
    current = champion(task)
    entries = [_promotion(tags[k]) for k in sorted(tags) if k.startswith(_JOURNAL)]
    if not entries:
        return []
    confirmed = [*(e.previous for e in entries[1:]), current.number if current else None]
    return [e for e, seen in zip(entries, confirmed, strict=True) if e.version == seen]


def _promotion(text: str) -> Promotion:
    content = json.loads(text)
    return Promotion(**{**content, "when": datetime.fromisoformat(content["when"])})


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
