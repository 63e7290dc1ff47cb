"""The outermost layer: every request passes here, and nothing raises beyond it.

Order: request id, body cap, content type, then the application. Keys and scopes, rate limits and the decision log
belong here too, in that order before the application: each is one more step of `Guard.__call__`.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from typing import Any

from pydantic_core import to_json

from serving.metrics import LATENCY, REQUESTS

log = logging.getLogger("chehang.serving")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")


def problem(code: str, message: str, details: Sequence[dict[str, Any]] = ()) -> bytes:
    """The one shape of an error.

    >>> problem("not_found", "no such path")
    b'{"error":{"code":"not_found","message":"no such path","details":[]}}'
    """
    return to_json({"error": {"code": code, "message": message, "details": list(details)}})


class Guard:
    """Wraps the application.

    Parameters
    ----------
    app : ASGI application
        What answers.
    max_body_bytes : int
        Longer bodies get 413.
    paths : collection of str
        Paths that exist: metrics are labelled by these, all others together as `unmatched`.
    """

    def __init__(self, app: App, *, max_body_bytes: int, paths: Collection[str]) -> None:
        self.app = app
        self.paths = frozenset(paths)
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex.encode()
        status = 500
        begun = False

        async def sent(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            refusal = await self._refused(scope, headers, receive)
            if isinstance(refusal, bytes):
                await self.app(scope, _replay(refusal, receive), sent)
            else:
                await _answer(sent, *refusal)
        except Exception as e:  # nothing may pass: the type is logged, never the content
            log.exception("request failed: %s", type(e).__name__, exc_info=_without_values(e))
            if not begun:
                await _answer(sent, 500, "internal", "the request could not be answered; the fault is on our side")
        finally:
            route = scope["path"] if scope["path"] in self.paths else "unmatched"
            REQUESTS.labels(route, str(status)).inc()
            LATENCY.labels(route).observe(time.perf_counter() - started)

    async def _refused(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> bytes | tuple[int, str, str]:
        """The whole body, or why the request goes no further."""
        too_large = (413, "too_large", f"the body must be at most {self.max_body_bytes} bytes; send fewer rows")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.max_body_bytes:
            return too_large
        body: bytes = b""
        while True:
            message = await receive()
            body += bytes(message.get("body", b""))
            if len(body) > self.max_body_bytes:
                return too_large
            if not message.get("more_body"):
                break
        if scope["method"] == "POST":
            kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
            if kind != b"application/json":
                return 415, "not_json", "the content type must be application/json"
        return body


def _without_values(error: Exception) -> tuple[type[Exception], Exception, Any]:
    """The traceback without the error's text, which may quote what was sent."""
    return (
        type(error),
        type(error)("(text left out)") if _plain(error) else RuntimeError("(text left out)"),
        error.__traceback__,
    )


def _plain(error: Exception) -> bool:
    try:
        type(error)("")
    except TypeError:
        return False
    return True


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": problem(code, message)})
