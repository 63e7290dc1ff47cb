"""Follows the alias `champion` of every task: loads off the event loop, checks, and swaps one reference."""

from __future__ import annotations

import gc
import json
import logging
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from features.errors import ChehangError
from ml.model import Model
from ml.registry import TASKS
from ml.task import Task
from serving.metrics import REFUSED, STORE_ERRORS, SWAPS, VERSION

log = logging.getLogger("chehang.serving")
CHAMPION = "champion"
SERVER = os.environ.get("MLFLOW_TRACKING_URI")  # read once: MLflow writes the store it last used into it
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Loaded:
    """A champion ready to answer.

    Attributes
    ----------
    version : int
        Version in the registry.
    model : Model
        Task, estimator and card.
    request : type
        Pydantic model of a request to this version.
    """

    version: int
    model: Model
    request: type[BaseModel]

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.model.task


class ModelStore:
    """Champions by task, kept up to date by a background thread.

    Parameters
    ----------
    poll_seconds : float
        How often to look at the alias.
    """

    def __init__(self, *, poll_seconds: float) -> None:
        self.poll_seconds = poll_seconds
        self._loaded: Mapping[str, Loaded] = {}
        self._refused: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False
        self._seen: tuple[int, ...] | None = None

    def current(self, task: str) -> Loaded | None:
        """The champion that answers now, or None."""
        return self._loaded.get(task)

    @property
    def ready(self) -> bool:
        """Whether every task that was ever promoted has its champion loaded, and there is at least one."""
        return bool(self._loaded)

    def start(self) -> None:
        """Load what is promoted, then follow it from a thread."""
        if self._thread is None:
            self.refresh()
            gc.collect()
            gc.freeze()
            self._thread = threading.Thread(target=self._follow, name="model-store", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()

    def _follow(self) -> None:
        while not self._stop.wait(self.poll_seconds):
            self.refresh()

    def refresh(self) -> None:
        """Look at the alias of every task once; whatever goes wrong, the loaded champions go on answering."""
        before = _file_state()
        if before is not None and before == self._seen:
            return
        try:
            client = _client()
            for task in TASKS.values():
                self._refresh(client, task)
            self._failing = False
            self._seen = before
        except Exception as e:  # the thread must outlive any failure of the store
            STORE_ERRORS.inc()
            if not self._failing:
                log.warning("the model store cannot be read (%s); loaded champions go on answering", type(e).__name__)
            self._failing = True

    def _refresh(self, client: MlflowClient, task: Task) -> None:
        found = _champion(client, task.name)
        if found is None:
            return
        number = int(found.version)
        present = self._loaded.get(task.name)
        if (present and present.version == number) or self._refused.get(task.name) == number:
            return
        try:
            loaded = _load(task, number, found.tags.get("sha256"), client.tracking_uri)
        except (ChehangError, ValueError, KeyError) as e:
            self._refused[task.name] = number
            REFUSED.labels(task.name).inc()
            log.error("%s version %d was refused, the present champion goes on answering: %s", task.name, number, e)
            return
        self._loaded = {**self._loaded, task.name: loaded}
        self._refused.pop(task.name, None)
        SWAPS.labels(task.name).inc()
        VERSION.labels(task.name).set(number)
        log.info("%s version %d answers from now on", task.name, number)


def _database() -> Path:
    return Path(os.environ.get("CHEHANG_HOME") or "var").absolute() / "mlflow.db"


def _file_state() -> tuple[int, ...] | None:
    """Sizes and times of the embedded store's files: unchanged means no alias has moved, and spares the query.

    None where there is a server, or no file yet: then only asking tells.
    """
    if SERVER:
        return None
    state: list[int] = []
    for path in (_database(), _database().with_name("mlflow.db-wal")):
        try:
            found = path.stat()
        except OSError:
            continue
        state += [found.st_size, found.st_mtime_ns, found.st_ino]
    return tuple(state) or None


def _client() -> MlflowClient:
    uri = SERVER
    if not uri:
        if not _database().exists():
            raise FileNotFoundError(f"{_database()} does not exist yet")
        uri = f"sqlite:///{_database()}"
    mlflow.set_tracking_uri(uri)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _champion(client: MlflowClient, task: str) -> Any:
    try:
        return client.get_model_version_by_alias(task, CHAMPION)
    except MlflowException as e:
        if e.error_code in ABSENT:
            return None
        raise


def _load(task: Task, number: int, sha256: str | None, uri: str) -> Loaded:
    if not sha256:
        raise ValueError("it has no registered checksum")
    with tempfile.TemporaryDirectory() as folder:
        try:
            mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{task.name}/{number}", dst_path=folder, tracking_uri=uri
            )
        except (MlflowException, SQLAlchemyError, OSError) as e:
            raise ValueError(f"its files cannot be fetched ({type(e).__name__})") from None
        model = Model.load(Path(folder) / "data" / "model", sha256=sha256)
    request = task.request(model.estimator.signature)
    example = request.model_validate_json(json.dumps(model.card["example"]))
    task.respond(model.estimator, [example], explain=True)
    return Loaded(number, model, request)
