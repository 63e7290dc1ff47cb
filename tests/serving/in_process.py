"""Champions with a computable answer, and requests to the application without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from features.errors import DataError
from ml.registry import TASKS
from serving.api import build_app
from serving.asgi import App
from serving.endpoints import MountedEndpoint
from serving.model_store import LoadedChampion, ModelStore
from serving.settings import Settings


class Amount(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid")

    amount: int = Field(ge=0)


class Doubled(BaseModel):
    """The answer, and whether reasons were requested."""

    amount: int
    explained: bool


def double(rules: Any, champions: Any, requests: Sequence[Any], explain: bool) -> list[Doubled]:
    """Double each amount; 13 cannot be computed."""
    if any(r.amount == 13 for r in requests):
        raise DataError("the amount of Li Lei is 13")
    return [Doubled(amount=2 * r.amount, explained=explain) for r in requests]


def champion(task: str = "credit_risk", *, version: int = 3) -> LoadedChampion:
    """Return a champion with an example."""
    model: Any = SimpleNamespace(task=TASKS[task], estimator=None, card={"example": {"amount": 21}})
    return LoadedChampion(version, model)


def doubling(task: str) -> MountedEndpoint:
    """Return a task's own endpoint, with `double` as its answer."""
    own = replace(
        TASKS[task].endpoint, request=lambda champions: Amount, response=Doubled, respond=double, distribution=None
    )
    return MountedEndpoint(task, own)


class Champions(ModelStore):
    """A model store that has loaded these champions."""

    def __init__(self, champions: Mapping[str, LoadedChampion]) -> None:
        super().__init__(poll_seconds=60)
        self._loaded = champions
        self._names = tuple(name for name in champions if "." in name)
        self._checked.set()


def ask(app: App, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
    """Send a POST request with a body, or a GET request without one."""

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            if body is None:
                return await client.get(path, headers=headers)
            return await client.post(path, content=body, headers={"content-type": "application/json", **headers})

    return asyncio.run(answer())


def application(
    champions: Mapping[str, LoadedChampion] | None = None, endpoints: Sequence[MountedEndpoint] = (), **settings: Any
) -> App:
    """Return the application with some champions, by default one of `credit_risk`; the tasks' own endpoints double."""
    store = Champions({"credit_risk": champion()} if champions is None else champions)
    app: App = build_app(store, Settings(**settings), [*map(doubling, TASKS), *endpoints])
    return app


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error of a response."""
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])
