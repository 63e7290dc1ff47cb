"""The guard alone, without a server: refused requests, and errors that do not quote the request."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
from collections.abc import Sequence
from typing import Any

import pytest

from serving.asgi import App, Message, Problem, Receive, Scope, Send, send_json
from serving.doors.caller import Caller
from serving.guard import Guard
from serving.limits.computations import Computations, compute
from serving.metrics import ERRORS, REQUESTS

JSON = (b"content-type", b"application/json")
PHONE = "".join(["138", "12345678"])  # in pieces, because a traceback shows lines of code
Headers = Sequence[tuple[bytes, bytes]]


def _messages(
    guard: Guard, *, chunks: Sequence[bytes] = (b"{}",), headers: Headers = (JSON,), ends: str = "whole"
) -> list[Message]:
    """Return all messages sent for one request; its body arrives in pieces and is complete, cut off or stalls."""
    whole = ends == "whole"
    parts = [{"type": "http.request", "body": c, "more_body": not whole or c is not chunks[-1]} for c in chunks]
    sent: list[Message] = []

    async def receive() -> Message:
        if not parts and ends == "stalls":
            await asyncio.sleep(60)
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/known", "headers": list(headers), "query_string": b""}
    asyncio.run(guard(scope, receive, send))
    return sent


def _ask(guard: Guard, **request: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    sent = _messages(guard, **request)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    await send_json(send, (await receive())["body"])


async def _broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError(f"cannot use {(await receive())['body'].decode()}")


async def _half(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError(PHONE)


async def _slow(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(60)


async def _own_timeout(scope: Scope, receive: Receive, send: Send) -> None:
    raise TimeoutError(PHONE)


def _guard(app: App, *, max_body_bytes: int = 1_000, max_bulk_bytes: int = 8_000) -> Guard:
    limits = {"max_body_bytes": max_body_bytes, "max_bulk_bytes": max_bulk_bytes, "timeout_seconds": 0.05}
    return Guard(app, paths=["/known"], post_apps={"/known": app}, **limits)


def _counted(status: int) -> float:
    return REQUESTS.value("/known", "", str(status))


def test_a_body_in_pieces_reaches_the_application_whole() -> None:
    status, headers, body = _ask(_guard(_echo), chunks=[b'{"a"', b": 1", b"}"])
    assert (status, body, headers[b"content-length"]) == (200, b'{"a": 1}', b"8")


def test_the_limit_counts_received_bytes_and_not_the_content_length() -> None:
    pieces = [b"x" * 600, b"x" * 601]
    assert _ask(_guard(_echo), chunks=pieces)[0] == 413
    assert _ask(_guard(_echo), chunks=pieces, headers=[JSON, (b"content-length", b"5")])[0] == 413
    assert _ask(_guard(_echo), chunks=[b"x"], headers=[JSON, (b"content-length", b"1001")])[0] == 413
    assert _ask(_guard(_echo, max_body_bytes=1_201), chunks=pieces)[0] == 200
    assert _ask(_guard(_echo, max_body_bytes=1_200), chunks=pieces)[0] == 413


@pytest.mark.parametrize("length", [b"-1", b"many", b"9" * 5_000, b""])
def test_a_senseless_content_length_does_not_raise(length: bytes) -> None:
    assert _ask(_guard(_echo), headers=[JSON, (b"content-length", length)])[0] in (200, 413)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([JSON], 200),
        ([(b"content-type", b"Application/JSON; charset=utf-8")], 200),
        ([(b"content-type", b"text/json")], 415),
        ([(b"content-type", b"application/jsonp")], 415),
        ([], 415),
    ],
)
def test_only_json_is_read(headers: Headers, status: int) -> None:
    assert _ask(_guard(_echo), headers=headers)[0] == status


@pytest.mark.parametrize(
    "request_id", [b"", b"a b", b"x" * 65, b"line\nbreak", "编号".encode(), b"chk_" + b"a" * 43, b"x.chk_a"]
)
def test_a_request_id_that_is_a_key_or_could_forge_a_log_line_is_replaced(request_id: bytes) -> None:
    _, headers, _ = _ask(_guard(_echo), headers=[JSON, (b"x-request-id", request_id)])
    assert headers[b"x-request-id"] != request_id and len(headers[b"x-request-id"]) == 32


@pytest.mark.parametrize("app", [_broken, _own_timeout])
def test_an_unexpected_error_is_500_and_repeats_nothing_the_caller_sent(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        status, headers, body = _ask(_guard(app), chunks=[PHONE.encode()])
    assert status == 500 and headers[b"x-request-id"]
    assert set(json.loads(body)["error"]) == {"code", "message", "details"}
    assert "Error" in caplog.text and "in _" in caplog.text, "the log has the type of the error and its place"
    assert PHONE not in caplog.text + body.decode()


def test_an_error_after_the_answer_began_sends_no_second_answer(caplog: pytest.LogCaptureFixture) -> None:
    assert [m["type"] for m in _messages(_guard(_half))] == ["http.response.start"]
    assert PHONE not in caplog.text


def test_an_answer_that_takes_too_long_is_504() -> None:
    status, _, body = _ask(_guard(_slow))
    assert status == 504 and json.loads(body)["error"]["code"] == "timeout"


def test_a_body_that_does_not_arrive_is_408_and_a_caller_who_hangs_up_is_not_answered() -> None:
    status, _, body = _ask(_guard(_echo), chunks=[b"{"], ends="stalls")
    assert status == 408 and json.loads(body)["error"]["code"] == "body_too_slow"
    before, errors = _counted(499), ERRORS.value("/known", "disconnected")
    assert _messages(_guard(_echo), chunks=[b"{"], ends="cut off") == []
    assert (_counted(499), ERRORS.value("/known", "disconnected")) == (before + 1, errors + 1)


def test_the_application_reads_the_caller_and_the_request_id_from_the_scope() -> None:
    desk = Caller("k_1", "desk", "sales", frozenset(), None)

    class Doors:
        def admit(self, scope: Scope, headers: Any) -> Caller:
            if b"authorization" not in headers:
                raise Problem(401, "no_key", "send a key", headers=[(b"www-authenticate", b"Bearer")])
            return desk

    async def whoami(scope: Scope, receive: Receive, send: Send) -> None:
        await send_json(send, f"{scope['caller'].key_id} {scope['request_id']}".encode())

    guard = Guard(
        whoami,
        max_body_bytes=9,
        max_bulk_bytes=9,
        timeout_seconds=1,
        doors=Doors(),
        paths=[],
        post_apps={"/known": whoami},
    )
    own = [JSON, (b"x-request-id", b"r-7"), (b"authorization", b"Bearer x")]
    assert _ask(guard, headers=own)[2] == b"k_1 r-7"
    status, headers, _ = _ask(guard, headers=[])
    assert (status, headers[b"www-authenticate"]) == (401, b"Bearer"), "before the content type is looked at"


def test_an_unexpected_error_names_the_key_that_met_it(caplog: pytest.LogCaptureFixture) -> None:
    class Doors:
        def admit(self, scope: Scope, headers: Any) -> Caller:
            return Caller("k_1", "desk", "sales", frozenset(), None)

    _ask(
        Guard(
            _broken,
            max_body_bytes=9,
            max_bulk_bytes=9,
            timeout_seconds=1,
            doors=Doors(),
            paths=[],
            post_apps={"/known": _broken},
        )
    )
    assert "request failed for key k_1: ValueError" in caplog.text


def test_a_compressed_body_is_decompressed_within_the_limit_and_other_encodings_are_refused() -> None:
    def ask(content: bytes, encoding: bytes = b"gzip") -> tuple[int, bytes]:
        status, _, body = _ask(_guard(_echo), chunks=[content], headers=[JSON, (b"content-encoding", encoding)])
        return status, body

    assert ask(gzip.compress(b'{"a": 1}')) == (200, b'{"a": 1}')
    assert ask(gzip.compress(b" " * 1_000))[0] == 200
    status, body = ask(gzip.compress(b" " * 1_001))
    assert status == 413 and "1,000 bytes" in json.loads(body)["error"]["message"]
    assert ask(b"{}", b"identity") == (200, b"{}")
    assert ask(b"{}", b"br")[0] == 415
    assert ask(b"{}")[0] == 400


def test_a_client_that_leaves_while_its_answer_is_computed_is_not_answered() -> None:
    async def computing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await compute(scope, time.sleep, 0.5)
        await send_json(send, b"{}")

    before = _counted(499)
    guard = Guard(
        computing,
        max_body_bytes=9,
        max_bulk_bytes=9,
        timeout_seconds=5,
        paths=["/known"],
        post_apps={"/known": computing},
        computations=Computations(max_computations=1, max_queue=0),
    )
    assert _messages(guard) == []
    assert _counted(499) == before + 1
