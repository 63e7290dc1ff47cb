"""Versions, champions and moves of the models, read again only when the model store has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from pydantic import ValidationError

from features.errors import ModelNotFound
from ml import champions
from ml.home import file_state
from ml.registry import TASKS
from ml.report.report import Report
from serving.asgi import Problem

REMOTE_SECONDS = 2.0  # a store on a server is asked again after this time
MAX_REPORTS = 64


@dataclass(frozen=True)
class RegisteredModel:
    """A model as the store has it.

    Attributes
    ----------
    name : str
        Task, or named model such as `credit_risk.north`.
    versions : tuple of Version
        All versions, the oldest first.
    champion : int or None
        Number of the champion.
    moves : tuple of Move
        Promotions and returns, the oldest first.
    """

    name: str
    versions: tuple[champions.Version, ...]
    champion: int | None
    moves: tuple[champions.Move, ...]

    @property
    def champion_version(self) -> champions.Version | None:
        """Return the champion; None without one."""
        return next((v for v in self.versions if v.number == self.champion), None)

    @property
    def challenger(self) -> champions.Version | None:
        """Return the newest version, if it was registered after the champion."""
        newest = self.versions[-1] if self.versions else None
        return newest if newest is not None and newest.number > (self.champion or 0) else None

    @property
    def earlier(self) -> int | None:
        """Return the version to which a rollback returns; None without one."""
        return champions.earlier_champion(self.moves, self.champion)

    def version(self, number: int) -> champions.Version:
        """Return a version by its number; raises `Problem` 404 without it."""
        version = next((v for v in self.versions if v.number == number), None)
        if version is None:
            names = ", ".join(str(v.number) for v in self.versions) or "none"
            raise Problem(404, "no_version", f"{self.name} has no version {number}; its versions are: {names}")
        return version


class RegisteredModels:
    """Reads models, and keeps what it read until the store changes.

    Parameters
    ----------
    seconds : float
        Time after which a store on a server is read again; the embedded store is read again when its file changes.
    """

    def __init__(self, seconds: float = REMOTE_SECONDS) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._state: Hashable = None
        self._values: dict[str, Any] = {}

    def names(self) -> tuple[str, ...]:
        """Return the tasks, and the named models of data sets."""
        names: tuple[str, ...] = self._once("", lambda: (*TASKS, *champions.named_models()))
        return names

    def model(self, name: str) -> RegisteredModel:
        """Return a model by its name.

        Raises
        ------
        Problem
            Status 404: there is no such model. 503: the store cannot be read.
        """
        if name not in self.names():
            raise Problem(404, "no_model", f"there is no such model; the models are: {', '.join(self.names())}")
        model: RegisteredModel = self._once(name, lambda: _read(name))
        return model

    def _once(self, key: str, read: Callable[[], Any]) -> Any:
        state = self._present_state()
        with self._lock:
            if state != self._state:
                self._state, self._values = state, {}
            if key in self._values:
                return self._values[key]
        try:
            value = read()
        except champions.StoreError as e:
            raise Problem(503, "models_unavailable", f"the model store cannot be read: {e}") from None
        with self._lock:
            if state == self._state:
                self._values[key] = value
        return value

    def _present_state(self) -> Hashable:
        database = champions.embedded_database()
        if database is None:
            return champions.store_uri(), int(time.monotonic() / self._seconds)
        wal = database.with_name(f"{database.name}-wal")
        return str(database), file_state(database), file_state(wal)


MODELS = RegisteredModels()


def _read(name: str) -> RegisteredModel:
    return RegisteredModel(
        name,
        tuple(champions.versions(name)),
        champions.champion_number(name),
        tuple(champions.history(name)),
    )


@lru_cache(maxsize=MAX_REPORTS)
def _report(name: str, number: int, run_id: str) -> Report:
    with champions.report_files(MODELS.model(name).version(number)) as folder:
        return Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))


def report_of(version: champions.Version) -> Report | None:
    """Return the report of a version; None if its files cannot be read, as of a version of another tool.

    Parameters
    ----------
    version : Version
        Of a `RegisteredModel` of `MODELS`; its files never change, so that a report is read once.
    """
    try:
        return _report(version.task, version.number, version.run_id)
    except (champions.StoreError, ModelNotFound, OSError, ValidationError):
        return None


@lru_cache(maxsize=MAX_REPORTS)
def _card(name: str, number: int, run_id: str) -> dict[str, Any]:
    return dict(champions.card(MODELS.model(name).version(number)))


def card_of(version: champions.Version) -> dict[str, Any]:
    """Return the model card of a version; empty if its files cannot be read.

    Parameters
    ----------
    version : Version
        Of a `RegisteredModel` of `MODELS`.
    """
    try:
        return _card(version.task, version.number, version.run_id)
    except (champions.StoreError, ModelNotFound):
        return {}
