"""Requests of browsers from other origins: preflights reveal nothing, and answers are readable by allowed pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serving.asgi import Message, Receive, Scope, Send, send_json
from serving.doors.origins import Origins

SHOP = "https://shop.example"


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await send_json(send, b"{}", status=401)


def _answer(method: str, path: str = "/v1/loans", **headers: str) -> tuple[int, dict[str, str]]:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": pairs}
    asyncio.run(Origins(_app, [SHOP])(scope, None, send))  # type: ignore[arg-type]
    return messages[0]["status"], {n.decode(): v.decode() for n, v in messages[0]["headers"]}


def test_a_preflight_has_the_same_answer_for_every_path() -> None:
    wish = {"origin": SHOP, "access_control_request_method": "POST"}
    answers = [_answer("OPTIONS", path, **wish) for path in ("/v1/loans/offers", "/metrics", "/nothing")]
    assert answers[0] == answers[1] == answers[2]
    status, headers = answers[0]
    assert status == 204 and headers["access-control-allow-origin"] == SHOP
    assert "authorization" in headers["access-control-allow-headers"] and headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "origin", ["https://other.example", "https://shop.example:8443", "http://shop.example", "null"]
)
def test_another_origin_is_not_allowed(origin: str) -> None:
    for method in ("OPTIONS", "POST"):
        _, headers = _answer(method, origin=origin, access_control_request_method="POST")
        assert not any(name.startswith("access-control-allow") for name in headers)


def test_an_answer_is_readable_by_an_allowed_page_errors_included() -> None:
    status, headers = _answer("POST", origin=SHOP)
    assert status == 401 and headers["access-control-allow-origin"] == SHOP
    assert headers["access-control-expose-headers"] == "x-request-id, retry-after"
    assert "access-control-allow-origin" not in _answer("POST")[1]


def test_options_that_are_no_preflight_go_on_to_the_doors() -> None:
    assert _answer("OPTIONS")[0] == 401
    assert _answer("OPTIONS", origin=SHOP)[0] == 401
