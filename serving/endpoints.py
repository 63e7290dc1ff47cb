"""The endpoints beside the tasks' own routes: typed questions to one or more champions, or to the rules alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anyio.to_thread import run_sync
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.routing import Route

from features.errors import ConfigError, DataError
from ml.endpoint import Champions, Endpoint
from ml.registry import ENDPOINTS
from ml.registry import endpoints as made_by
from serving.asgi import Problem, Receive, Scope, Send, send_json
from serving.bodies import read_one
from serving.model_store import ModelStore

log = logging.getLogger("chehang.serving")
PRINTABLE = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
]


@dataclass(frozen=True)
class Endpoints:
    """What is answered beside the tasks.

    Attributes
    ----------
    ready : tuple of Endpoint
        Those whose rules could be read.
    off : mapping of str to str
        Name to why its rules could not: its paths answer 503, everything else goes on.
    """

    ready: tuple[Endpoint, ...] = ()
    off: Mapping[str, str] = field(default_factory=dict)


def load_endpoints(configs: Path) -> Endpoints:
    """Read the rules of every endpoint from a folder."""
    ready: list[Endpoint] = []
    off: dict[str, str] = {}
    for name in ENDPOINTS:
        try:
            ready += made_by(name, configs)
        except ConfigError as e:
            off[name] = f"{name} is off: {e}"
            log.error("%s", off[name])
    return Endpoints(tuple(ready), off)


def routes(endpoints: Endpoints, store: ModelStore) -> list[Route]:
    """`POST /v1/<path>` and `GET /v1/<path>/example` of each endpoint."""
    found = []
    for name, why in endpoints.off.items():
        found += [Route(path, Off(why), methods=["POST"]) for path in (f"/v1/{name}", f"/v1/{name}/{{rest:path}}")]
    for endpoint in endpoints.ready:
        question = Question(endpoint, store)
        found.append(Route(f"/v1/{endpoint.path}", question, methods=["POST"]))
        found.append(Route(f"/v1/{endpoint.path}/example", Example(question), methods=["GET"]))
    return found


class Off:
    """Says why an endpoint is off."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise Problem(503, "off", self.why)


class Question:
    """`POST /v1/<path>`: answered in a thread, as JSON or, where the caller accepts HTML, as a printable page."""

    def __init__(self, endpoint: Endpoint, store: ModelStore) -> None:
        self.endpoint = endpoint
        self.store = store
        self._request: tuple[tuple[tuple[str, int], ...], type[BaseModel]] | None = None

    def champions(self) -> Champions:
        """The champions that answer now.

        Raises
        ------
        Problem
            503, with what to do about it.
        """
        found = {}
        for name in (*self.endpoint.needs, *self.endpoint.uses):
            loaded = self.store.current(name)
            if loaded is not None:
                found[name] = loaded
            elif name in self.endpoint.needs:
                raise Problem(503, "no_champion", self.store.without_champion(name))
        return found

    def request(self, champions: Champions) -> type[BaseModel]:
        """The request model, made anew when a champion has changed."""
        versions = tuple((name, champion.version) for name, champion in champions.items())
        if self._request is None or self._request[0] != versions:
            self._request = (versions, self.endpoint.request(champions))
        return self._request[1]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        champions = self.champions()
        body = (await receive())["body"]
        answer = await run_sync(self._respond, champions, body, abandon_on_cancel=True)
        accepted = dict(scope["headers"]).get(b"accept", b"")
        if self.endpoint.page is None or b"text/html" not in accepted:
            return await send_json(send, answer.model_dump_json().encode())
        page = self.endpoint.page(answer).encode()
        headers = [*PRINTABLE, (b"content-length", b"%d" % len(page))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    def _respond(self, champions: Champions, body: bytes) -> BaseModel:
        asked = read_one(self.request(champions), body)
        try:
            return self.endpoint.respond(champions, asked)
        except DataError as e:  # its text names products, limits and what was asked for; nothing about a person
            raise Problem(422, "not_possible", str(e)) from None


class Example:
    """`GET /v1/<path>/example`: a request that is answered."""

    def __init__(self, question: Question) -> None:
        self.question = question

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        example: Mapping[str, object] = self.question.endpoint.example(self.question.champions())
        await send_json(send, to_json(example))
