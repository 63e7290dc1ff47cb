"""Endpoints over HTTP: one request, a batch, and an example. Plain ASGI: the hot path needs no more."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from anyio.to_thread import run_sync
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.routing import Route

from features.errors import ConfigError, DataError
from ml.endpoint import Endpoint
from ml.registry import TASKS, endpoints
from serving.asgi import App, Problem, Receive, Scope, Send, send_json
from serving.bodies import read_batch, read_one, unusable, wants_reasons
from serving.model_store import Loaded, ModelStore

log = logging.getLogger("chehang.serving")
SEVERAL = re.compile(rb'\s*\{\s*"items"\s*:')  # no request has a field of that name
PRINTABLE = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
]


@dataclass(frozen=True)
class Mounted:
    """An endpoint at its place.

    Attributes
    ----------
    owner : str
        Its task or group.
    endpoint : Endpoint
        What is asked there.
    """

    owner: str
    endpoint: Endpoint[Any, Any, Any]

    @property
    def name(self) -> str:
        """Owner and path, such as `fault_rate/power`."""
        return f"{self.owner}/{self.endpoint.path}".removesuffix("/")

    @property
    def path(self) -> str:
        """The path of a single request."""
        return f"/v1/{self.name}"

    @property
    def required_tasks(self) -> tuple[str, ...]:
        """Tasks that must have a champion: its own, if it has one, and those that the endpoint names."""
        own = (self.owner,) if self.owner in TASKS else ()
        return (*own, *self.endpoint.required_tasks)

    @property
    def version_field(self) -> str | None:
        """Field of an answer that names the versions of its champions, of which there may be one, several or none."""
        champions = len(self.required_tasks) + len(self.endpoint.optional_tasks)
        return (None, "model_version", "model_versions")[min(champions, 2)]

    @property
    def has_batch(self) -> bool:
        """Whether several requests may be sent at once."""
        return self.endpoint.max_rows != 1


def mounted() -> tuple[Mounted, ...]:
    """Return every endpoint of every task and group."""
    return tuple(Mounted(owner, endpoint) for owner, endpoint in endpoints())


def routes(places: Sequence[Mounted], store: ModelStore, configs: Path, *, max_rows: int) -> list[Route]:
    """Return the routes of endpoints, with the rules of a folder; one whose rules are wrong says so on its own routes.

    Parameters
    ----------
    places : sequence of Mounted
        The endpoints.
    store : ModelStore
        Where champions come from.
    configs : Path
        Folder of the rules.
    max_rows : int
        Most requests of one batch of any endpoint.
    """
    read = cache(lambda rules: rules(configs))  # endpoints that go by the same rules read them once
    result: list[Route] = []
    for place in places:
        try:
            single = Single(place, store, read(place.endpoint.rules), max_rows=max_rows)
            apps: tuple[App, App, App] = (single, Batch(single), Example(single))
        except ConfigError as e:
            message = f"{place.name} is off: {e}"
            log.error("%s", message)
            apps = (Off(message),) * 3
        result.append(Route(place.path, apps[0], methods=["POST"]))
        if place.has_batch:
            result.append(Route(f"{place.path}/batch", apps[1], methods=["POST"]))
        result.append(Route(f"{place.path}/example", apps[2], methods=["GET"]))
    return result


class Off:
    """Answers why an endpoint is off."""

    def __init__(self, message: str) -> None:
        self.message = message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise Problem(503, "off", self.message)


class Prepared(NamedTuple):
    """What follows from the versions that answer: the request model, and the end of the JSON that names them."""

    versions: Mapping[str, int]
    request: type[BaseModel]
    ending: bytes


class Single:
    """`POST <path>`: one request; `{"items": [...]}` is a batch where the endpoint has one.

    A request without reasons that is not slow is answered at once; every other one in a thread.
    """

    def __init__(self, place: Mounted, store: ModelStore, rules: Any, *, max_rows: int) -> None:
        self.endpoint = place.endpoint
        self.required_tasks = place.required_tasks
        self.version_field = place.version_field
        self.has_batch = place.has_batch
        self.max_rows = min(max_rows, self.endpoint.max_rows or max_rows)
        self.store = store
        self.rules = rules
        self._prepared: Prepared | None = None

    def champions(self) -> dict[str, Loaded]:
        """Return the champions that answer now.

        Raises
        ------
        Problem
            503: one that is needed is missing; the message says what to do about it.
        """
        champions = {}
        for name in self.required_tasks:
            loaded = self.store.current(name)
            if loaded is None:
                raise Problem(503, "no_champion", self.store.without_champion(name))
            champions[name] = loaded
        for name in self.endpoint.optional_tasks:
            if (loaded := self.store.current(name)) is not None:
                champions[name] = loaded
        return champions

    async def prepared(self, champions: Mapping[str, Loaded]) -> Prepared:
        """Return what follows from the versions of these champions, made anew when one of them has changed."""
        versions = {name: loaded.version for name, loaded in champions.items()}
        prepared = self._prepared
        if prepared is None or prepared.versions != versions:
            request = await run_sync(self.endpoint.request, champions, abandon_on_cancel=True)
            prepared = self._prepared = Prepared(versions, request, self._ending(versions))
        return prepared

    def _ending(self, versions: Mapping[str, int]) -> bytes:
        """Return the end of an answer, in place of its last brace."""
        if self.version_field is None:
            return b"}"
        content = versions if self.version_field == "model_versions" else next(iter(versions.values()))
        return b',"%b":%b}' % (self.version_field.encode(), to_json(content))

    def explains(self, scope: Scope) -> bool:
        """Whether the answer has reasons."""
        default = self.endpoint.explains
        return default is not None and wants_reasons(scope["query_string"], default=default)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        champions = self.champions()
        prepared = await self.prepared(champions)
        body = (await receive())["body"]
        if self.has_batch and SEVERAL.match(body):
            return await self.send_batch(scope, body, send)
        explain, runs_in_thread = self.explains(scope), self.endpoint.runs_in_thread
        if runs_in_thread is None:
            answer = await run_sync(self._read_and_answer, champions, prepared, body, explain, abandon_on_cancel=True)
        else:
            requests = [read_one(prepared.request, body)]
            if explain or runs_in_thread(requests[0]):
                answers = await run_sync(self.answers, champions, requests, explain, abandon_on_cancel=True)
            else:
                answers = self.answers(champions, requests, False)
            answer = answers[0]
        if self.endpoint.page is not None and b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            return await _send_page(send, self.endpoint.page(answer).encode())
        await send_json(send, answer.model_dump_json().encode()[:-1] + prepared.ending)

    async def send_batch(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer a body that holds several requests, in a thread."""
        champions = self.champions()
        prepared = await self.prepared(champions)
        explain = self.explains(scope)
        content = await run_sync(self._batch, champions, prepared, body, explain, abandon_on_cancel=True)
        await send_json(send, content)

    def _read_and_answer(
        self, champions: Mapping[str, Loaded], prepared: Prepared, body: bytes, explain: bool
    ) -> BaseModel:
        return self.answers(champions, [read_one(prepared.request, body)], explain)[0]

    def _batch(self, champions: Mapping[str, Loaded], prepared: Prepared, body: bytes, explain: bool) -> bytes:
        requests = read_batch(prepared.request, body, cap=self.max_rows)
        return to_json({"items": self.answers(champions, requests, explain)})[:-1] + prepared.ending

    def answers(
        self, champions: Mapping[str, Loaded], requests: Sequence[BaseModel], explain: bool
    ) -> Sequence[BaseModel]:
        """Answer requests in their order.

        Raises
        ------
        Problem
            422: an answer cannot be computed.
        """
        try:
            answers: Sequence[BaseModel] = self.endpoint.respond(self.rules, champions, requests, explain)
        except DataError as e:
            problem = Problem(422, "not_possible", str(e)) if self.endpoint.public_errors else unusable(e)
            raise problem from None
        return answers


class Batch:
    """`POST <path>/batch`: several requests."""

    def __init__(self, single: Single) -> None:
        self.single = single

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.single.send_batch(scope, (await receive())["body"], send)


class Example:
    """`GET <path>/example`: a request that is answered."""

    def __init__(self, single: Single) -> None:
        self.single = single

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_json(send, to_json(self.single.endpoint.example(self.single.champions())))


async def _send_page(send: Send, page: bytes) -> None:
    headers = [*PRINTABLE, (b"content-length", b"%d" % len(page))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": page})
