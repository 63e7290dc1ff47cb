"""Loads the champion of every task and named model in a background thread, and replaces it when the alias moves."""

from __future__ import annotations

import gc
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

# Set before `ml.champions` sets its own values for commands. By default MLflow retries for minutes; here the next poll
# is the retry.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


from features.errors import ChehangError
from ml import champions
from ml.champions import Move, StoreError
from ml.entry import split_name
from ml.model import Model
from ml.problem import Estimator
from ml.registry import TASKS
from ml.task import Task
from serving.metrics import CHAMPION, DATA_TIME, REFUSED, STORE_ERRORS, SWAPS, TRAINED, VERSION

log = logging.getLogger("chehang.serving")
STARTUP_WAIT_SECONDS = 5.0
MAX_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class LoadedChampion:
    """A champion in memory; returned by `ModelStore.current`.

    Attributes
    ----------
    version : int
        Version number in the model registry.
    model : Model
        Task, fitted estimator and model card, as loaded by `ml.champions.load`.
    promotion : Move, optional
        The move of the alias that made it champion; None if another tool moved the alias.
    """

    version: int
    model: Model
    promotion: Move | None = None

    @property
    def task(self) -> Task:
        """Task of the model."""
        return self.model.task

    @property
    def estimator(self) -> Estimator:
        """The fitted estimator."""
        return self.model.estimator

    @property
    def card(self) -> Mapping[str, Any]:
        """The model card."""
        return self.model.card


@dataclass(frozen=True)
class _LoadFailure:
    """A champion that could not be loaded.

    Attributes
    ----------
    version : int
        Version number in the model registry.
    wait : float
        Seconds until the next attempt; infinite if the files are invalid, because they never change.
    until : float
        Monotonic time of the next attempt.
    """

    version: int
    wait: float
    until: float


class ModelStore:
    """The loaded champion of every task and of every named model, updated by a background thread.

    Parameters
    ----------
    poll_seconds : float
        Seconds between checks of the alias `champion`.
    configs : Path
        Folder of the files that may change while a model serves: sources of the stock, and the dealership's rules.

    Examples
    --------
    A new store holds no champion; `start` or `load_champions` loads those of the model registry in `CHEHANG_HOME`, or
    at `MLFLOW_TRACKING_URI`:

    >>> from serving.model_store import ModelStore
    >>> store = ModelStore(poll_seconds=1.0)
    >>> store.current("credit_risk") is None
    True
    >>> store.load_champions()  # doctest: +SKIP
    >>> store.current("credit_risk").version  # doctest: +SKIP
    3
    """

    def __init__(self, *, poll_seconds: float, configs: Path = Path("configs")) -> None:
        self.poll_seconds = poll_seconds
        self._configs = configs
        self._live_lock = threading.Lock()  # a request may update the stock while the thread does
        self._live_updates: dict[str, Callable[[Any], bool]] = {}
        self._names: tuple[str, ...] = ()
        self._update_errors: dict[str, str] = {}
        self._loaded: Mapping[str, LoadedChampion] = {}
        self._failures: dict[str, _LoadFailure] = {}
        self._stop = threading.Event()
        self._checked = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_unreadable = False
        self._file_state: tuple[int, ...] | None = None

    def current(self, task: str) -> LoadedChampion | None:
        """Return the loaded champion of a task or named model, a key of `ml.registry.TASKS`; None if it has none."""
        return self._loaded.get(task)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all registered models that have a data set, with or without champion."""
        return self._names

    @property
    def is_unreadable(self) -> bool:
        """Whether the last check of the model store failed; `names` are then those of an earlier check."""
        return self._is_unreadable

    @property
    def has_checked(self) -> bool:
        """Whether the champions of all tasks have been checked once since the start."""
        return self._checked.is_set()

    def missing_champion(self, task: str) -> str:
        """Return a message with the reason why a task has no champion, and the remedy.

        It assumes that `current` has returned None for this task.

        >>> from serving.model_store import ModelStore
        >>> ModelStore(poll_seconds=1.0).missing_champion("credit_risk")
        'the champion of credit_risk is being loaded; try again in a few seconds'
        """
        if not self.has_checked:
            return f"the champion of {task} is being loaded; try again in a few seconds"
        if self._is_unreadable:
            return f"{task} has no champion: the model store cannot be read; check MLFLOW_TRACKING_URI or CHEHANG_HOME"
        if failure := self._failures.get(task):
            remedy = f"run chehang rollback {task}, or promote another version with: chehang promote {task}"
            return f"{task} has no champion: version {failure.version} cannot be loaded; {remedy}"
        return f"{task} has no champion; promote a trained version with: chehang promote {task}"

    def start(self) -> None:
        """Start the thread, and wait up to five seconds until it has loaded the champions.

        The wait keeps a restarted worker from taking requests before it can answer them; the limit lets it start
        without an answer of the model store. No error is raised: errors of the model store are logged. A
        second call does nothing while the thread runs; after `stop`, it starts a new one.
        """
        if self._thread is not None:
            if not self._stop.is_set():
                return
            self._thread.join()
        champions.import_mlflow()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="model-store", daemon=True)
        self._thread.start()
        self._checked.wait(STARTUP_WAIT_SECONDS)

    def stop(self) -> None:
        """Stop the thread after its current check; loaded champions stay available, and `start` goes on checking."""
        self._stop.set()

    def load_champions(self) -> None:
        """Load the champions of all tasks once, without a thread, for example in a command; read them with `current`.

        No error is raised: it is logged, and `missing_champion` returns the reason.
        """
        self.refresh()
        self._checked.set()

    def _run(self) -> None:
        while True:
            present = self._loaded
            self.refresh()
            changed = [self._update(name, loaded) for name, loaded in self._loaded.items()]
            if any(changed) or present is not self._loaded or not self.has_checked:
                # Exempt the models from later garbage collections, which would delay all requests in flight.
                gc.collect()
                gc.freeze()
            self._checked.set()
            if self._stop.wait(self.poll_seconds):
                return

    def refresh(self) -> None:
        """Check the alias of every task once, and load the champions that have changed.

        Called by the thread and by `load_champions`; not for direct use. No error is raised: it is logged, and the
        loaded champions continue to answer.
        """
        retries = any(f.wait < float("inf") for f in self._failures.values())
        try:
            state = _file_state()
            if state is not None and state == self._file_state and not retries:
                return
            database = champions.embedded_database()
            if self._loaded and database is not None and not database.exists():
                raise FileNotFoundError(database)
            for task in TASKS.values():
                self._refresh(task)
            self._names = tuple(champions.named_models())
            for name in self._names:
                self._refresh(TASKS[name])
            self._is_unreadable = False
            self._file_state = state
        except Exception as e:  # no error of the store may end the thread
            STORE_ERRORS.add(1)
            if not self._is_unreadable:
                log.warning("the model store cannot be read (%s); loaded champions still answer", type(e).__name__)
            self._is_unreadable = True

    def update_live_data(self, name: str) -> None:
        """Update the live data of the champion of a task or named model now, from any thread; errors are logged."""
        loaded = self.current(name)
        if loaded is not None:
            self._update(name, loaded)

    def _update(self, name: str, loaded: LoadedChampion) -> bool:
        """Update the live data (stock, rules) of a champion, and return whether they have changed."""
        try:
            with self._live_lock:
                if name not in self._live_updates:
                    data_set = split_name(name).data_set
                    self._live_updates[name] = TASKS[name].refresh(self._configs, data_set=data_set)
                changed = self._live_updates[name](loaded.estimator)
            for data, seconds in TASKS[name].data_times(loaded.estimator).items():
                DATA_TIME.set(seconds, name, data)
            self._update_errors.pop(name, None)
            return changed
        except Exception as e:  # no error of a file or database may end the thread
            STORE_ERRORS.add(1)
            reason = str(e) if isinstance(e, ChehangError) else type(e).__name__
            if self._update_errors.get(name) != reason:
                log.error("%s: live data cannot be read, the data read before stay in use: %s", name, reason)
                self._update_errors[name] = reason
            return True

    def _refresh(self, task: Task) -> None:
        number = champions.champion_number(task.name)
        if number is None:
            return
        CHAMPION.set(number, task.name)
        present, failure = self._loaded.get(task.name), self._failures.get(task.name)
        if present and present.version == number:
            self._failures.pop(task.name, None)
            return
        if failure and failure.version == number and time.monotonic() < failure.until:
            return
        try:
            loaded = _load(task, number)
            self._update(task.name, loaded)
        except Exception as e:  # an error of one task must not affect the others
            self._record_failure(task, number, e)
            return
        self._loaded = {**self._loaded, task.name: loaded}
        self._update(task.name, loaded)  # a push since the first update went to the champion before
        self._failures.pop(task.name, None)
        SWAPS.add(1, task.name)
        VERSION.set(number, task.name)
        if trained_at := loaded.card.get("trained_at"):
            TRAINED.set(datetime.fromisoformat(trained_at).timestamp(), task.name)
        log.info("%s version %d loaded", task.name, number)

    def _record_failure(self, task: Task, number: int, error: Exception) -> None:
        REFUSED.add(1, task.name)
        previous = self._failures.get(task.name)
        is_retry = previous is not None and previous.version == number
        wait = float("inf")
        if isinstance(error, StoreError):
            wait = min(2 * previous.wait, MAX_RETRY_SECONDS) if previous and is_retry else self.poll_seconds
        self._failures[task.name] = _LoadFailure(number, wait, time.monotonic() + wait)
        if not is_retry or wait == float("inf"):
            # The text of other errors may quote the example, which is a real application.
            reason = str(error) if isinstance(error, ChehangError) else type(error).__name__
            retry = "loading is retried" if wait < float("inf") else "loading is not retried"
            state = "the present champion continues to answer" if task.name in self._loaded else "no champion answers"
            log.error("%s version %d cannot be loaded, %s, %s: %s", task.name, number, state, retry, reason)


def _file_state() -> tuple[int, ...] | None:
    """Return sizes and times of the embedded store's files, which saves a query while they are unchanged.

    None for a tracking server, or if there is no file yet.
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


def _load(task: Task, number: int) -> LoadedChampion:
    """Load a version, verify its checksums, and let it answer its example."""
    model = champions.load(champions.version(task.name, number))
    example = model.request().model_validate_json(json.dumps(model.card["example"]))
    model.answers([example], explain=True)
    promotion = next((move for move in reversed(champions.history(task.name)) if move.version == number), None)
    return LoadedChampion(number, model, promotion)
