"""The request guard: every request passes through it, and no exception leaves it.

Steps in their order: request id, content type, size of the body, then the application. Keys and scopes, rate limits and
the decision log are further steps of `Guard._answer` before the application; a step refuses by raising a `Problem`.
"""

from __future__ import annotations

import logging
import os
import re
import time
from asyncio import timeout
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from serving.asgi import App, Message, Problem, Receive, Scope, Send, send_json
from serving.metrics import LATENCY, REQUESTS

log = logging.getLogger("chehang.serving")
HUNG_UP = 499  # what the metrics show for a caller who hung up before the body was here; nobody reads an answer
_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
_counted = cache(REQUESTS.labels)  # looking a label up costs more than counting; routes and statuses are few
_timed = cache(LATENCY.labels)


class Guard:
    """Guard an application: ids, limits and metrics of its requests, and errors in one shape.

    Parameters
    ----------
    app : ASGI application
        Answers the requests that no path of `posts` takes.
    max_body_bytes : int
        Longer bodies get 413.
    timeout_seconds : float
        A request that takes longer gets 504, or 408 where its body did not arrive.
    paths : collection of str
        Paths that exist: metrics are labelled by these, all others together as `unmatched`.
    posts : mapping of str to ASGI application
        Paths that take a POST, and what answers it: called directly, without the framework's routing.
    """

    def __init__(
        self, app: App, *, max_body_bytes: int, timeout_seconds: float, paths: Collection[str], posts: Mapping[str, App]
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.timeout_seconds = timeout_seconds
        self.paths = frozenset(paths)
        self.posts = posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        answer = _Answer(send, headers.get(b"x-request-id"))
        try:
            await self._answer(scope, headers, receive, answer)
        except Problem as e:
            await answer.refuse(e)
        except _HungUp:
            answer.status = HUNG_UP
        except Exception as e:  # nothing may pass: the type is logged, never the text, which may quote what was sent
            log.error("request failed: %s", type(e).__name__, exc_info=(Untold, Untold(), e.__traceback__))
            await answer.refuse(Problem(500, "internal", "the request could not be answered; the fault is on our side"))
        finally:
            route = scope["path"] if scope["path"] in self.paths else "unmatched"
            _counted(route, str(answer.status)).inc()
            _timed(route).observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        app = self.posts.get(scope["path"]) if scope["method"] == "POST" else None
        if app is not None:
            _require_json(headers)
        body = None
        limit = timeout(self.timeout_seconds)
        try:
            async with limit:
                body = await self._body(headers, receive)
                await (app or self.app)(scope, _replay(body, receive), send)
        except TimeoutError:
            if not limit.expired():
                raise
            if body is None:
                text = f"the body did not arrive within {self.timeout_seconds:g} s"
                raise Problem(408, "body_too_slow", text) from None
            text = f"no answer within {self.timeout_seconds:g} s; send fewer rows, or ask without reasons"
            raise Problem(504, "timeout", text) from None

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body; the cap counts what arrives, whatever was announced."""
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced[:20]) > self.max_body_bytes:
            raise self._too_large()
        message = await receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body"):
            if len(body) > self.max_body_bytes:
                raise self._too_large()
            message = await receive()
            body += message.get("body", b"")
        if message["type"] == "http.disconnect":
            raise _HungUp
        if len(body) > self.max_body_bytes:
            raise self._too_large()
        return body

    def _too_large(self) -> Problem:
        return Problem(413, "too_large", f"the body must be at most {self.max_body_bytes} bytes; send fewer rows")


class _HungUp(Exception):
    """The caller went away before the body was here."""


class Untold(Exception):
    """Stands in a logged traceback for an error whose text may quote what was sent."""


class _Answer:
    """Sends, adds the request id, and remembers the status."""

    __slots__ = ("begun", "request_id", "send", "status")

    def __init__(self, send: Send, given: bytes | None) -> None:
        self.send = send
        self.status = 500
        self.begun = False
        self.request_id = given if given and _ID.fullmatch(given) else os.urandom(16).hex().encode()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.begun = message["status"], True
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id)]
        await self.send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless the answer has begun: then only closing the connection tells."""
        if not self.begun:
            await send_json(self, problem.content(), status=problem.status)


def _require_json(headers: Mapping[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json" and kind.split(b";")[0].strip().lower() != b"application/json":
        raise Problem(415, "not_json", "the content type must be application/json")


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def routes_of(app: Any) -> tuple[list[str], dict[str, App]]:
    """All paths of a Starlette application, and what answers those that take a POST."""
    routes = [r for r in app.router.routes if hasattr(r, "methods")]
    return [r.path for r in routes], {r.path: r.app for r in routes if "POST" in r.methods}
