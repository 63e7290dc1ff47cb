"""Cross-origin requests of browsers (CORS): which pages may read the answers of the service."""

from __future__ import annotations

from collections.abc import Collection

from serving.asgi import App, Message, Receive, Scope, Send

_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST, PUT"),
    (b"access-control-allow-headers", b"authorization, x-api-key, content-type, x-request-id"),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"x-request-id, retry-after")
_VARY = (b"vary", b"origin")


class Origins:
    """An ASGI application that lets pages of some origins call another one.

    A preflight (OPTIONS with `Origin` and `Access-Control-Request-Method`) needs no key, and has the same answer for
    every path, so that it does not reveal which exist. Cookies are never allowed: the key is a header.

    Parameters
    ----------
    app : ASGI application
        Answers all other requests, with the headers that an allowed origin needs.
    origins : collection of str
        Such as `https://shop.example`.
    """

    def __init__(self, app: App, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        allowed = [(b"access-control-allow-origin", origin), _EXPOSED, _VARY] if origin in self._origins else [_VARY]
        if origin and scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            more = _PREFLIGHT if len(allowed) > 1 else []
            all_headers = [*allowed, *more, (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 204, "headers": all_headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_with_origin)
