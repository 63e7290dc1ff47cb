"""Types of the ASGI protocol, a JSON response, the policy of pages, and the error response of all routes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Problem(Exception):
    """An error response; all errors of the service have this format.

    Endpoints raise it, and the exception handlers of `serving.api.build_app` and `serving.guard.Guard` send it.

    Attributes
    ----------
    status : int
        HTTP status.
    code : str
        Error code for programs, such as `invalid`.
    message : str
        Error message for people. It never contains a value of the request, which may be personal.
    details : sequence of dict
        One for each invalid field: texts `field` (its name), `rule` (code of the rule) and `message`.
    headers : sequence of (bytes, bytes)
        Names (lower-case) and values of further headers of the response, such as `retry-after`.
    content_type : bytes
        JSON; a subclass may have another one.
    """

    content_type = b"application/json"

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[dict[str, str]] = (),
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers

    def content(self) -> bytes:
        """Return the body of the response: JSON in UTF-8.

        >>> from serving.asgi import Problem
        >>> Problem(404, "not_found", "no such path").content()
        b'{"error":{"code":"not_found","message":"no such path","details":[]}}'
        """
        return to_json({"error": {"code": self.code, "message": self.message, "details": list(self.details)}})


def content_policy(*pages: str) -> str:
    """Return the header `Content-Security-Policy` of a page: its own style and script may run, and nothing else.

    Parameters
    ----------
    *pages : str
        HTML with at most one `<style>` and one `<script>`, without attributes. Later ones, such as those that a text
        of the request would smuggle in, are not allowed by the header. Several pages, if the first loads the others.

    Examples
    --------
    >>> content_policy("<style>p { color: red }</style><p style='color: blue'>text</p>")
    "default-src 'none'; style-src 'sha256-ngewhhP73WDIbgwseeu52VAAJgKdGUsu1IUQQsAm8m4='"
    >>> content_policy("<script>fetch('/v1')</script>").partition(";")[2]
    " script-src 'sha256-qoqUrWXkHW7KrKzKAmKj1c/V+UTqk8feplVHdPdKNnQ='; connect-src 'self'"
    """
    policy = ["default-src 'none'"]
    for name in ("style", "script"):
        parts = (page.partition(f"<{name}>") for page in pages)
        texts = [rest.partition(f"</{name}>")[0] for _, start, rest in parts if start]
        if texts:
            digests = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
            policy.append(" ".join([f"{name}-src", *(f"'sha256-{digest}'" for digest in digests)]))
            policy += ["connect-src 'self'"] if name == "script" else []
    return "; ".join(policy)


class Disconnected(Exception):
    """The client closed the connection before it had an answer; there is nobody to send one to."""


async def send_json(
    send: Send,
    content: bytes,
    *,
    status: int = 200,
    headers: Sequence[tuple[bytes, bytes]] = (),
    content_type: bytes = b"application/json",
) -> None:
    """Send a whole response with a JSON body.

    Parameters
    ----------
    send : callable
        The third argument that an ASGI server passes to an application, ``app(scope, receive, send)``: an async
        function of one ASGI message.
    content : bytes
        The body in JSON.
    status : int
        HTTP status.
    headers : sequence of (bytes, bytes)
        Names and values of further headers; `content-type` and `content-length` are added.
    content_type : bytes
        Another type, for an error that is shown as a page.

    Examples
    --------
    >>> import asyncio
    >>> messages = []
    >>> async def send(message):
    ...     messages.append(message)
    >>> asyncio.run(send_json(send, b"{}", status=404))
    >>> messages[0]["status"], messages[1]["body"]
    (404, b'{}')
    """
    all_headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(content)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": content})


async def send_html(send: Send, page: str) -> None:
    """Send an HTML page with the `content_policy` of its own styles and scripts.

    Parameters
    ----------
    send : callable
        As in `send_json`.
    page : str
        The page.
    """
    body = page.encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", content_policy(page).encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
