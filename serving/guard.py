"""The outermost ASGI layer: request limits, request ids, metrics, and one error format for all failures.

A request passes these steps: request id, doors (who calls), content type, size of the body, application. A step rejects
a request by raising a `Problem`.
"""

from __future__ import annotations

import logging
import os
import re
import time
from asyncio import timeout
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from anyio.to_thread import run_sync

from serving.asgi import App, Disconnected, Message, Problem, Receive, Scope, Send, send_json
from serving.doors.caller import Caller
from serving.limits.computations import Computations
from serving.limits.encodings import decompress, is_compressed
from serving.named_routes import NamedRoutes
from serving.watching.request_log import RequestLog
from serving.watching.requests import RequestCounter
from serving.watching.stages import begin_stage

if TYPE_CHECKING:  # OpenTelemetry is imported only if traces are on
    from serving.watching.tracing import Tracing

log = logging.getLogger("chehang.serving")
CLIENT_DISCONNECTED = 499  # status in the metrics only: a client that disconnects receives no answer
# A key that was sent in the wrong header must reach neither the log nor the entries of decisions.
_REQUEST_ID = re.compile(rb"(?!.*chk_)[A-Za-z0-9_.-]{1,64}")


class Doors(Protocol):
    """Recognises callers."""

    def admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return the caller; None for a path that needs no key. Raises `Problem` with status 401, 403 or 429."""


class Guard:
    """An ASGI application that adds limits, request ids, metrics and error responses to another one.

    It handles HTTP requests only. `serving.application.GUARD` is the one of a worker process.

    Parameters
    ----------
    app : ASGI application
        Answers all requests except those of `post_apps`; as returned by `serving.api.build_app`.
    max_body_bytes, max_bulk_bytes : int
        A longer body is answered with status 413. The second limit holds for `bulk_paths` and for applications with the
        attribute `is_bulk`, which parse long lists with `serving.limits.lists.parse_list` in a thread.
    timeout_seconds : float
        A request without an answer after this time gets status 504, or 408 if its body has not arrived.
    paths : collection of str
        Existing paths, which label the metrics; all other paths share the label `unmatched`. From `routes_of`.
    post_apps : mapping of str to ASGI application
        Path to the application of its POST requests, which is called without the framework's routing. From `routes_of`.
    named : NamedRoutes, optional
        Paths of named models, which are looked up if `paths` and `post_apps` lack a path. From `routes_of`.
    doors : Doors, optional
        Recognises the caller, which the application reads from ``scope["caller"]``; None without it.
    bulk_paths : collection of str
        Paths whose application has `is_bulk`, of any method. From `routes_of`.
    request_log : RequestLog, optional
        Writes a line for a share of the requests.
    computations : Computations, optional
        Threads and queue of `serving.limits.computations.compute`; by default those of the process.
    tracing : Tracing, optional
        Traces a share of the requests.
    """

    def __init__(
        self,
        app: App,
        *,
        max_body_bytes: int,
        max_bulk_bytes: int,
        timeout_seconds: float,
        paths: Collection[str],
        post_apps: Mapping[str, App],
        named: NamedRoutes | None = None,
        doors: Doors | None = None,
        bulk_paths: Collection[str] = (),
        request_log: RequestLog | None = None,
        computations: Computations | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.max_bulk_bytes = max_bulk_bytes
        self.bulk_paths = frozenset(bulk_paths)
        self.timeout_seconds = timeout_seconds
        self.paths = frozenset(paths)
        self.post_apps = post_apps
        self.named = named
        self.doors = doors
        self.counter = RequestCounter(paths, named, request_log)
        self.computations = computations
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        self.counter.begin()
        if self.tracing is not None:
            self.tracing.begin(scope)
        headers = dict(scope["headers"])
        response = _Response(send, headers.get(b"x-request-id"))
        scope["request_id"] = response.request_id.decode()
        scope["computations"], scope["receive"] = self.computations, receive
        try:
            if self.doors is not None:
                scope["caller"] = self.doors.admit(scope, headers)
            await self._respond(scope, headers, receive, response)
        except Problem as e:
            scope["error_code"] = e.code
            await response.send_problem(e)
        except Disconnected:
            scope["error_code"], response.status = "disconnected", CLIENT_DISCONNECTED
        except Exception as e:  # the log shows the type and the lines, but not the text, which may quote the request
            caller: Caller | None = scope.get("caller")
            who = "" if caller is None else f" for key {caller.key_id}"
            extra = {"request_id": scope["request_id"], "route": self.counter.labels(scope["path"])[0]}
            error = (type(e), Redacted(), e.__traceback__)
            log.error("request failed%s: %s", who, type(e).__name__, exc_info=error, extra=extra)
            scope["error_code"] = "internal"
            text = "an internal error prevented an answer; the log of the service has its cause"
            await response.send_problem(Problem(500, "internal", text))
        finally:
            self.counter.end(scope, response.status, time.perf_counter() - started)
            if self.tracing is not None:
                self.tracing.end(scope, headers, self.counter.labels(scope["path"])[0], response.status)

    async def _respond(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        app = None
        if scope["method"] == "POST":
            app = self.post_apps.get(scope["path"])
            if app is None and self.named is not None:
                app = self.named.post_app(scope["path"])
        if app is not None:
            _require_json(headers)
        is_bulk = scope["path"] in self.bulk_paths or getattr(app, "is_bulk", False)
        body = None
        limit = timeout(self.timeout_seconds)
        try:
            async with limit:
                begin_stage(scope, "parsing")
                body = await self._body(headers, receive, is_bulk)
                await (app or self.app)(scope, _replay(body, receive), send)
        except TimeoutError:
            if not limit.expired():
                raise
            if body is None:
                text = f"the body did not arrive within {self.timeout_seconds:g} s; send the request again"
                raise Problem(408, "body_too_slow", text) from None
            text = f"no answer within {self.timeout_seconds:g} s; send fewer rows, or set explain=false"
            raise Problem(504, "timeout", text) from None

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive, is_bulk: bool) -> bytes:
        """Return the whole body. The limit counts the bytes that arrive, whatever `content-length` says."""
        limit = self.max_bulk_bytes if is_bulk else self.max_body_bytes
        content_length = headers.get(b"content-length", b"")
        if content_length.isdigit() and int(content_length[:20]) > limit:
            raise _too_large(limit)
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            parts, length = [body], len(body)
            while message.get("more_body") and length <= limit:
                message = await receive()
                parts.append(message.get("body", b""))
                length += len(parts[-1])
            body = b"".join(parts)
        if message["type"] == "http.disconnect":
            raise Disconnected
        if len(body) > limit:
            raise _too_large(limit)
        if b"content-encoding" in headers and is_compressed(headers[b"content-encoding"]):
            # In a thread: a few kilobytes may become megabytes.
            content = await run_sync(partial(decompress, body, limit=limit), abandon_on_cancel=True)
            if content is None:
                raise _too_large(limit)
            return content
        return body


class Redacted(Exception):
    """Replaces an error in the log whose text may quote the request."""


class _Response:
    """Sends a response with the request id, and records its status."""

    __slots__ = ("has_started", "request_id", "send", "status")

    def __init__(self, send: Send, request_id: bytes | None) -> None:
        self.send = send
        self.status = 500
        self.has_started = False
        self.request_id = os.urandom(16).hex().encode()
        if request_id and _REQUEST_ID.fullmatch(request_id):
            self.request_id = request_id

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.has_started = message["status"], True
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id)]
        await self.send(message)

    async def send_problem(self, problem: Problem) -> None:
        """Send an error response. If a response has started, only closing the connection can signal the error."""
        if not self.has_started:
            content, kind = problem.content(), problem.content_type
            await send_json(self, content, status=problem.status, headers=problem.headers, content_type=kind)


def _require_json(headers: Mapping[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json" and kind.split(b";")[0].strip().lower() != b"application/json":
        raise Problem(415, "not_json", "the header Content-Type must be application/json")


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"the body must be at most {limit:,} bytes here; send fewer rows in one request")


def _replay(body: bytes, receive: Receive) -> Receive:
    is_consumed = False

    async def receive_body() -> Message:
        nonlocal is_consumed
        if is_consumed:
            return await receive()
        is_consumed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body


def routes_of(app: Any) -> dict[str, Any]:
    """Return the arguments `paths`, `post_apps`, `named` and `bulk_paths` of a `Guard`.

    Parameters
    ----------
    app : FastAPI or Starlette
        As returned by `serving.api.build_app`.

    Returns
    -------
    dict
        By name: `paths` (all routes), `post_apps` (path to the application of its POST requests), `named` (paths of
        named models) and `bulk_paths` (paths whose application has `is_bulk`).

    Examples
    --------
    >>> from serving.api import build_app
    >>> from serving.guard import Guard, routes_of
    >>> from serving.model_store import ModelStore
    >>> from serving.settings import load_settings
    >>> app = build_app(ModelStore(poll_seconds=1.0), load_settings())
    >>> arguments = routes_of(app)
    >>> guard = Guard(app, max_body_bytes=1_000_000, max_bulk_bytes=8_000_000, timeout_seconds=5, **arguments)
    >>> arguments["paths"][0], sorted(arguments["bulk_paths"])[0]
    ('/v1/recommendation', '/v1/credit_risk/batch')
    """
    routes = [r for r in app.router.routes if hasattr(r, "methods")]
    return {
        "paths": [r.path for r in routes],
        # Forms of the desk are no JSON, and are checked by its pages.
        "post_apps": {r.path: r.app for r in routes if "POST" in r.methods and not r.path.startswith("/desk")},
        "named": app.router.default,
        "bulk_paths": [r.path for r in routes if getattr(r.app, "is_bulk", False)],
    }
