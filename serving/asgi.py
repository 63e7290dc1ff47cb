"""Types of the ASGI protocol, a JSON response, and the error response of all routes."""

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
    """An error response; all errors of the service have this format.

    Attributes
    ----------
    status : int
        HTTP status.
    code : str
        Error code for programs, such as `invalid`.
    message : str
        Error message for people. It never contains a value of the request, which may be personal.
    details : sequence of {field, rule, message}
        One for each invalid field.
    """

    def __init__(self, status: int, code: str, message: str, details: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def content(self) -> bytes:
        """Return the JSON body of the response.

        >>> Problem(404, "not_found", "no such path").content()
        b'{"error":{"code":"not_found","message":"no such path","details":[]}}'
        """
        return to_json({"error": {"code": self.code, "message": self.message, "details": list(self.details)}})


async def send_json(
    send: Send, content: bytes, *, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send a response with a JSON body.

    Parameters
    ----------
    send : callable
        The `send` of the ASGI application that answers.
    content : bytes
        The body in JSON.
    status : int
        HTTP status.
    headers : sequence of (bytes, bytes)
        Names and values of further headers; `content-type` and `content-length` are added.
    """
    all_headers = [_JSON, (b"content-length", b"%d" % len(content)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": content})
