"""The words of the ASGI protocol that the layers share, and the two ways to answer: content, and a problem."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from pydantic_core import to_json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = (b"content-type", b"application/json")


class Problem(Exception):
    """Why a request is not answered: the one shape of an error.

    Attributes
    ----------
    status : int
        HTTP status.
    code, message : str
        For programs and for people. Never a value that was sent: it may be personal.
    details : sequence of {field, rule, message}
        One for each wrong field.
    """

    def __init__(self, status: int, code: str, message: str, details: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def content(self) -> bytes:
        """The body of the answer.

        >>> Problem(404, "not_found", "no such path").content()
        b'{"error":{"code":"not_found","message":"no such path","details":[]}}'
        """
        return to_json({"error": {"code": self.code, "message": self.message, "details": list(self.details)}})


async def send_json(
    send: Send, content: bytes, *, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with JSON."""
    told = [_JSON, (b"content-length", b"%d" % len(content)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": content})
