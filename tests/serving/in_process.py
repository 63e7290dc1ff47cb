"""Champions that answer by a rule one can compute, and the application asked without a server."""

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
from serving.endpoints import Mounted
from serving.model_store import Loaded, ModelStore
from serving.settings import Settings


class Ask(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    amount: int = Field(ge=0)


class Doubled(BaseModel):
    """Its answer; whether reasons were asked for stands beside it."""

    amount: int
    explained: bool


def double(rules: Any, champions: Any, requests: Sequence[Any], explain: bool) -> list[Doubled]:
    """Double each amount; 13 cannot be computed."""
    if any(r.amount == 13 for r in requests):
        raise DataError("the amount of Li Lei is 13")
    return [Doubled(amount=2 * r.amount, explained=explain) for r in requests]


def champion(task: str = "credit_risk", *, version: int = 3) -> Loaded:
    """A champion with an example."""
    model: Any = SimpleNamespace(task=TASKS[task], estimator=None, card={"example": {"amount": 21}})
    return Loaded(version, model)


def doubling(task: str) -> Mounted:
    """A task's own endpoint, where it doubles."""
    own = replace(TASKS[task].endpoint, request=lambda champions: Ask, response=Doubled, respond=double)
    return Mounted(task, own)


class Champions(ModelStore):
    """A store that was looked through, and holds these."""

    def __init__(self, champions: Mapping[str, Loaded]) -> None:
        super().__init__(poll_seconds=60)
        self._loaded = champions
        self._looked.set()


def ask(app: App, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
    """Post a body, or get where there is none."""

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            if body is None:
                return await client.get(path, headers=headers)
            return await client.post(path, content=body, headers={"content-type": "application/json", **headers})

    return asyncio.run(answer())


def application(champions: Mapping[str, Loaded] | None = None, places: Sequence[Mounted] = (), **settings: Any) -> App:
    """The application over some champions, by default one of `credit_risk`; the tasks' own endpoints double."""
    store = Champions({"credit_risk": champion()} if champions is None else champions)
    app: App = build_app(store, Settings(**settings), [*map(doubling, TASKS), *places])
    return app


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer tells of."""
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])
