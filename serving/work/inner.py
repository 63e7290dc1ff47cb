"""Ask another endpoint of the same process, as the same caller: nothing is computed twice."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

from serving.asgi import App, Message, Problem, Scope
from serving.doors.caller import Caller
from serving.doors.roles import required_scope


class InnerRequests:
    """Sends requests to the application without a connection.

    The application is assigned after it was built, because its own routes ask it.

    Attributes
    ----------
    app : ASGI application or None
        The application without its guard, as returned by `serving.api.build_app`.
    """

    def __init__(self) -> None:
        self.app: App | None = None

    async def ask(
        self,
        scope: Scope,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Any:
        """Return the JSON of an answer; await it.

        Parameters
        ----------
        scope : mapping
            ASGI scope of the outer request, whose caller, request id and computations hold here too.
        method, path : str
            Such as `POST`, `/v1/lead_scoring/queue`; the path may have encoded parts.
        body : object, optional
            Content of the JSON body.
        query : str
            Query string without the question mark, such as `preview=true`.
        headers : tuple of (bytes, bytes)
            Further headers, such as `x-reference`.

        Raises
        ------
        Problem
            The endpoint refuses the request, or the caller lacks its scope (403).
        """
        answer = await self._answer(scope, method, path, body, query, headers)
        return json.loads(answer) if answer else None

    async def ask_page(self, scope: Scope, method: str, path: str, body: Any = None, *, query: str = "") -> str:
        """Return the HTML of an endpoint that has a page beside its JSON; await it.

        Parameters and errors are those of `ask`.
        """
        answer = await self._answer(scope, method, path, body, query, ((b"accept", b"text/html"),))
        return answer.decode()

    async def _answer(
        self, scope: Scope, method: str, path: str, body: Any, query: str, headers: tuple[tuple[bytes, bytes], ...]
    ) -> bytes:
        caller: Caller | None = scope.get("caller")
        required = required_scope(method, path)
        if caller is not None and required is not None and required not in caller.scopes:
            text = f"this key (role {caller.role}) lacks the scope {required}; ask the administrator for it"
            raise Problem(403, "missing_scope", text)
        content = b"" if body is None else to_json(body)
        status, answer = await self._call(_inner_scope(scope, method, path, query, headers), content)
        if status >= 400:
            raise _problem(status, answer)
        return answer

    async def _call(self, inner: Scope, content: bytes) -> tuple[int, bytes]:
        if self.app is None:
            raise RuntimeError("the application was not assigned")
        status, parts = 500, []
        messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self.app(inner, receive, send)
        return status, b"".join(parts)


def _inner_scope(scope: Scope, method: str, path: str, query: str, headers: tuple[tuple[bytes, bytes], ...]) -> Scope:
    names = ("asgi", "http_version", "scheme", "server", "client", "caller", "request_id", "computations", "receive")
    return {
        **{name: scope[name] for name in names if name in scope},
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"content-type", b"application/json"), (b"host", b"desk"), *headers],
    }


def _problem(status: int, answer: bytes) -> Problem:
    try:
        error = json.loads(answer)["error"]
        return Problem(status, error["code"], error["message"], error["details"])
    except (ValueError, KeyError, TypeError):
        return Problem(status, "refused", "the endpoint refused the request")
