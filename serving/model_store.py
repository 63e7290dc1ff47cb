"""Follows the alias `champion` of every task: loads off the event loop, checks, and swaps one reference."""

from __future__ import annotations

import gc
import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before `ml.champions` chooses for commands. By default MLflow tries for minutes; this thread looks again anyway.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


from features.errors import ChehangError
from ml import champions
from ml.champions import StoreError
from ml.model import Model
from ml.problem import Estimator
from ml.registry import TASKS
from ml.task import Task
from serving.metrics import REFUSED, STORE_ERRORS, SWAPS, VERSION

log = logging.getLogger("chehang.serving")
FIRST_LOOK_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Loaded:
    """A champion ready to answer.

    Attributes
    ----------
    version : int
        Version in the registry.
    model : Model
        Task, estimator and card.
    """

    version: int
    model: Model

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.model.task

    @property
    def estimator(self) -> Estimator:
        """What was learned."""
        return self.model.estimator

    @property
    def card(self) -> Mapping[str, Any]:
        """The model card."""
        return self.model.card


@dataclass(frozen=True)
class Refusal:
    """A champion that could not be loaded.

    Attributes
    ----------
    version : int
        Version in the registry.
    wait : float
        Seconds until it is tried again; infinite where its files are what is wrong: they never change.
    until : float
        Monotonic time of that.
    """

    version: int
    wait: float
    until: float


class ModelStore:
    """Champions by task, kept up to date by a background thread.

    Parameters
    ----------
    poll_seconds : float
        How often to look at the alias.
    configs : Path
        Folder of what changes while a model serves: where its stock comes from, and the house's rules.
    """

    def __init__(self, *, poll_seconds: float, configs: Path = Path("configs")) -> None:
        self.poll_seconds = poll_seconds
        self._watches = {t.name: t.refresh(configs) for t in TASKS.values()}
        self._told: dict[str, str] = {}
        self._loaded: Mapping[str, Loaded] = {}
        self._refused: dict[str, Refusal] = {}
        self._stop = threading.Event()
        self._looked = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False
        self._seen: tuple[int, ...] | None = None

    def current(self, task: str) -> Loaded | None:
        """The champion that answers now, or None."""
        return self._loaded.get(task)

    @property
    def looked(self) -> bool:
        """Whether the champion of every task has been looked for since the start."""
        return self._looked.is_set()

    def without_champion(self, task: str) -> str:
        """Why a task has no champion, and what to do."""
        if not self.looked:
            return f"the champion of {task} is being loaded; ask again in a moment"
        if self._failing:
            return f"{task} has no champion: the model store cannot be read; check MLFLOW_TRACKING_URI or CHEHANG_HOME"
        if refusal := self._refused.get(task):
            remedy = f"go back with: chehang rollback {task}, or make another with: chehang promote {task}"
            return f"{task} has no champion: version {refusal.version} cannot be loaded; {remedy}"
        return f"{task} has no champion; make one with: chehang promote {task}"

    def start(self) -> None:
        """Follow the alias from a thread, and give it a moment to load what is promoted.

        A worker that is started anew takes no request before it can answer; a store that does not answer does not
        keep it from starting.
        """
        if self._thread is None:
            champions.import_mlflow()
            self._thread = threading.Thread(target=self._follow, name="model-store", daemon=True)
            self._thread.start()
            self._looked.wait(FIRST_LOOK_SECONDS)

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()

    def look_once(self) -> None:
        """Load what is promoted now, without a thread."""
        self.refresh()
        self._looked.set()

    def _follow(self) -> None:
        while True:
            present = self._loaded
            self.refresh()
            moved = [self._look_around(name, loaded) for name, loaded in self._loaded.items()]
            if any(moved) or present is not self._loaded or not self.looked:
                # What stays is taken out of later collections, whose pauses would be felt by every request in flight.
                gc.collect()
                gc.freeze()
            self._looked.set()
            if self._stop.wait(self.poll_seconds):
                return

    def refresh(self) -> None:
        """Look at the alias of every task once; whatever goes wrong, the loaded champions go on answering."""
        waiting = any(r.wait < float("inf") for r in self._refused.values())
        try:
            before = _file_state()
            if before is not None and before == self._seen and not waiting:
                return
            database = champions.embedded_database()
            if self._loaded and database is not None and not database.exists():
                raise FileNotFoundError(database)
            for task in TASKS.values():
                self._refresh(task)
            self._failing = False
            self._seen = before
        except Exception as e:  # the thread must outlive any failure of the store
            STORE_ERRORS.inc()
            if not self._failing:
                log.warning("the model store cannot be read (%s); loaded champions go on answering", type(e).__name__)
            self._failing = True

    def _look_around(self, name: str, loaded: Loaded) -> bool:
        """Bring what changes by the minute into a champion; what cannot be read leaves it as it was."""
        try:
            changed = self._watches[name](loaded.estimator)
            self._told.pop(name, None)
            return changed
        except Exception as e:  # the thread must outlive whatever is wrong with a file or a database
            STORE_ERRORS.inc()
            why = str(e) if isinstance(e, ChehangError) else type(e).__name__
            if self._told.get(name) != why:
                log.error("%s goes on with what it read before: %s", name, why)
                self._told[name] = why
            return True

    def _refresh(self, task: Task) -> None:
        number = champions.champion_number(task.name)
        if number is None:
            return
        present, refusal = self._loaded.get(task.name), self._refused.get(task.name)
        if present and present.version == number:
            self._refused.pop(task.name, None)
            return
        if refusal and refusal.version == number and time.monotonic() < refusal.until:
            return
        try:
            loaded = _load(task, number)
            self._look_around(task.name, loaded)
        except Exception as e:  # one task's trouble must not keep the others from being looked at
            self._refuse(task, number, e)
            return
        self._loaded = {**self._loaded, task.name: loaded}
        self._refused.pop(task.name, None)
        SWAPS.labels(task.name).inc()
        VERSION.labels(task.name).set(number)
        log.info("%s version %d answers from now on", task.name, number)

    def _refuse(self, task: Task, number: int, error: Exception) -> None:
        REFUSED.labels(task.name).inc()
        before = self._refused.get(task.name)
        again = before is not None and before.version == number
        wait = float("inf")
        if isinstance(error, StoreError):
            wait = min(2 * before.wait, LONGEST_WAIT_SECONDS) if before and again else self.poll_seconds
        self._refused[task.name] = Refusal(number, wait, time.monotonic() + wait)
        if not again or wait == float("inf"):
            # Other errors may quote the example, which was somebody's application.
            why = str(error) if isinstance(error, ChehangError) else type(error).__name__
            then = "it is tried again" if wait < float("inf") else "it is not tried again"
            answers = "the present champion goes on answering" if task.name in self._loaded else "nobody answers"
            log.error("%s version %d was refused, %s, %s: %s", task.name, number, answers, then, why)


def _file_state() -> tuple[int, ...] | None:
    """Sizes and times of the embedded store's files: unchanged means no alias has moved, and spares the query.

    None where there is a server, or no file yet: then only asking tells.
    """
    database = champions.embedded_database()
    if database is None:
        return None
    state: list[int] = []
    for path in (database, database.with_name("mlflow.db-wal")):
        try:
            status = path.stat()
        except OSError:
            continue
        state += [status.st_size, status.st_mtime_ns, status.st_ino]
    return tuple(state) or None


def _load(task: Task, number: int) -> Loaded:
    """Fetch a version's files, compare them with what was registered, and try the model on its example."""
    model = champions.load(champions.version(task.name, number))
    example = model.request().model_validate_json(json.dumps(model.card["example"]))
    model.answers([example], explain=True)
    return Loaded(number, model)
