"""What a task answers: one request, a batch, and an example to start from. Plain ASGI: the hot path needs no more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from anyio.to_thread import run_sync
from pydantic import BaseModel
from pydantic_core import to_json

from features.errors import DataError
from ml.task import Task
from serving.asgi import Problem, Receive, Scope, Send, send_json
from serving.bodies import read_batch, read_one, unusable, wants_reasons
from serving.model_store import Loaded, ModelStore

SEVERAL = re.compile(rb'\s*\{\s*"items"\s*:')  # no task has a field of that name


class _Answer:
    """An ASGI application; a class, because Starlette routes call functions in another way."""

    def __init__(self, task: Task, store: ModelStore) -> None:
        self.task = task
        self.store = store

    def champion(self) -> Loaded:
        """The champion that answers now.

        Raises
        ------
        Problem
            503, with what to do about it.
        """
        loaded = self.store.current(self.task.name)
        if loaded is None:
            raise Problem(503, "no_champion", self.store.without_champion(self.task.name))
        return loaded


class One(_Answer):
    """`POST /v1/<task>`: without reasons answered at once, with reasons in a thread; `{"items": [...]}` is a batch."""

    def __init__(self, task: Task, store: ModelStore, *, cap: int) -> None:
        super().__init__(task, store)
        self._batch = Batch(task, store, cap=cap)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loaded = self.champion()
        body = (await receive())["body"]
        if SEVERAL.match(body):
            return await self._batch.answer(loaded, scope, body, send)
        explain = wants_reasons(scope["query_string"], default=self.task.explains)
        asked = [read_one(loaded.request, body)]
        if explain or (self.task.slow is not None and self.task.slow(asked[0])):
            answers = await run_sync(_respond, loaded, asked, explain, abandon_on_cancel=True)
        else:
            answers = _respond(loaded, asked, False)
        content = answers[0].model_dump_json().encode()
        await send_json(send, b'%b,"model_version":%d}' % (content[:-1], loaded.version))


class Batch(_Answer):
    """`POST /v1/<task>/batch`: all of it in a thread."""

    def __init__(self, task: Task, store: ModelStore, *, cap: int) -> None:
        super().__init__(task, store)
        self.cap = cap

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loaded = self.champion()
        await self.answer(loaded, scope, (await receive())["body"], send)

    async def answer(self, loaded: Loaded, scope: Scope, body: bytes, send: Send) -> None:
        """Answer a body that holds several requests."""
        explain = wants_reasons(scope["query_string"], default=self.task.explains)
        await send_json(send, await run_sync(self._content, loaded, body, explain, abandon_on_cancel=True))

    def _content(self, loaded: Loaded, body: bytes, explain: bool) -> bytes:
        asked = read_batch(loaded.request, body, cap=self.cap)
        return to_json({"items": _respond(loaded, asked, explain), "model_version": loaded.version})


class Example(_Answer):
    """`GET /v1/<task>/example`: a request that the champion answers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_json(send, to_json(self.champion().model.card["example"]))


def _respond(loaded: Loaded, asked: Sequence[BaseModel], explain: bool) -> list[Any]:
    try:
        return loaded.task.respond(loaded.model.estimator, asked, explain=explain)
    except DataError as e:
        raise unusable(e) from None
