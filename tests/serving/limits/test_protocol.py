"""The protocol of the workers on a real socket: limits on headers and waiting, and refusals in the common format."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from serving.asgi import Receive, Scope, Send, send_json
from serving.limits.protocol import MAX_FRAMING_BYTES, Protocol
from tests.serving.running import free_port, until

GET = b"GET /x HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: x\r\n"


class Quick(Protocol):
    max_header_bytes = 4_000
    header_seconds = 1.5
    idle_seconds = 0.5


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    length = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send_json(send, b'{"length":%d}' % length)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    config = uvicorn.Config(_app, port=port, http=Quick, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield port
    server.should_exit = True
    thread.join()


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)
            time.sleep(0.02)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the next answer."""
        status = int(self.file.readline().split()[1])
        lines = iter(self.file.readline, b"\r\n")
        headers = dict(line.decode().strip().split(": ", 1) for line in lines)
        return status, headers, self.file.read(int(headers["content-length"]))

    def is_closed(self) -> bool:
        """Wait for the end of the connection."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def connection(port: int) -> Iterator[Connection]:
    connection = Connection(port)
    yield connection
    connection.socket.close()


def _check_refusal(connection: Connection, status: int, code: str) -> None:
    received, headers, body = connection.answer()
    assert (received, headers["content-type"], headers["connection"]) == (status, "application/json", "close")
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    error = json.loads(body)["error"]
    assert (set(error), error["code"]) == ({"code", "message", "details"}, code)
    assert connection.is_closed()


def test_requests_in_pieces_and_one_after_another_are_answered(connection: Connection) -> None:
    for _ in range(2):
        connection.send(b"POST /x HT", b"TP/1.1\r\nHost: x\r\nContent-", b"Length: 5\r\n\r", b"\nab", b"cde")
        assert connection.answer()[0::2] == (200, b'{"length":5}')
    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"3\r\ncde\r\n0\r\n\r\n")
    assert connection.answer()[0::2] == (200, b'{"length":5}')
    connection.send(GET + b"\r\n" + GET + b"\r\n")
    assert [connection.answer()[0] for _ in range(2)] == [200, 200], "pipelined requests are answered in order"


MALFORMED = {
    "nonsense": b"nonsense\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "length of two": POST + b"Content-Length: 5, 5\r\n\r\nabcde",
    "signed length": POST + b"Content-Length: +5\r\n\r\nabcde",
    "chunks not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "blank before colon": POST + b"Content-Length : 5\r\n\r\nabcde",
    "folded": POST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\nabcde",
    "bare line feeds": b"POST /x HTTP/1.1\nHost: x\nContent-Length: 5\n\nabcde",
    "chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
    "null in a header": GET + b"a: \x00\r\n\r\n",
    "version": b"GET /x HTTP/3.7\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_or_ambiguous_is_refused_in_the_common_format(connection: Connection, sent: bytes) -> None:
    connection.send(sent)
    _check_refusal(connection, 400, "malformed")


@pytest.mark.parametrize("pieces", [1, 40])
@pytest.mark.parametrize("kind", ["one", "many", "path"])
def test_headers_over_the_limit_are_431_and_those_at_the_limit_are_not(port: int, kind: str, pieces: int) -> None:
    for size, status in ((3_900, 200), (4_100, 431)):
        fixed = len(b"/xHost: x\r\n")
        if kind == "one":
            sent = GET + b"a: " + b"b" * (size - fixed - 5) + b"\r\n\r\n"
        elif kind == "many":
            sent = GET + b"abcd: ef\r\n" * ((size - fixed) // 10) + b"\r\n"
        else:
            sent = b"GET /x" + b"y" * (size - fixed) + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        connection = Connection(port)
        step = -(-len(sent) // pieces)
        for start in range(0, len(sent), step):
            connection.socket.sendall(sent[start : start + step])
            time.sleep(0.001 if pieces > 1 else 0)
        if status == 200:
            assert connection.answer()[0] == 200
        else:
            _check_refusal(connection, 431, "headers_too_large")
        connection.socket.close()


def test_a_header_without_end_is_refused_before_it_ends(connection: Connection) -> None:
    connection.send(GET + b"a: ", *[b"b" * 1_000] * 6)
    _check_refusal(connection, 431, "headers_too_large")


def test_a_large_body_does_not_count_as_headers(connection: Connection) -> None:
    body = b"b" * 300_000
    for _ in range(2):
        connection.send(POST + b"Content-Length: 300000\r\n\r\n" + body)
        assert connection.answer()[2] == b'{"length":300000}'


@pytest.mark.parametrize("framing", [b"1;%b\r\na\r\n" % (b"e" * 2_000), b"0\r\n" + b"trailer: x\r\n" * 200])
def test_chunk_extensions_and_trailers_without_end_are_refused(connection: Connection, framing: bytes) -> None:
    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    rest = framing.removeprefix(b"0\r\n") if framing.startswith(b"0") else framing
    connection.socket.sendall(framing)
    with pytest.raises(OSError):  # the connection is closed
        for _ in range(50 * MAX_FRAMING_BYTES // len(rest)):
            connection.socket.sendall(rest)
            time.sleep(0.001)


def test_a_connection_without_a_request_is_closed(port: int) -> None:
    for sent, seconds in ((b"", 1.5), (b"\r\n", 1.5), (GET + b"\r\n", 0.5)):
        connection = Connection(port)
        connection.socket.sendall(sent)
        started = time.monotonic()
        if sent.startswith(b"GET"):
            assert connection.answer()[0] == 200
        assert connection.is_closed() and time.monotonic() - started > seconds - 0.1
        connection.socket.close()


def test_slow_headers_are_408_although_bytes_keep_coming(connection: Connection) -> None:
    connection.send(GET + b"\r\n")
    assert connection.answer()[0] == 200
    connection.send(GET)
    for _ in range(100):
        try:
            connection.socket.sendall(b"a: b\r\n")
        except OSError:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the connection stays open")
    _check_refusal(connection, 408, "headers_too_slow")


def test_an_upgrade_is_ignored_and_not_logged(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    connection.send(GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
    assert connection.answer()[0] == 200
    assert caplog.records == []
