"""The HTTP/1.1 protocol of the workers: uvicorn's, with limits on headers and waiting, and its own refusals in JSON.

uvicorn has no options for these limits. `install` puts `Protocol` and `Loop` in the place of uvicorn's defaults.
"""

from __future__ import annotations

import os
import ssl
from asyncio import TimerHandle, Transport
from typing import Any

import uvicorn.config
import uvloop
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.asgi import Problem
from serving.metrics import ERRORS, REQUESTS
from serving.settings import Settings

UNMATCHED = "unmatched"  # label of requests without a path that exists
MAX_FRAMING_BYTES = 65_536  # of chunk sizes, extensions and trailers, beside 15 bytes for each byte of the body
_MALFORMED = Problem(400, "malformed", "this is not a valid HTTP/1.1 request; correct its request line and headers")


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 with the limits of the settings; uvicorn makes one instance for each connection.

    Attributes
    ----------
    max_header_bytes : int
        A longer request line with headers is answered with status 431.
    header_seconds : float
        Time from the connection, or from the first bytes of a further request, until its headers are complete. Then the
        connection is closed, with status 408 if a part of them has arrived.
    idle_seconds : float
        Time after an answer in which the next request must begin; then the connection is closed.
    """

    max_header_bytes = 32_768
    header_seconds = 10.0
    idle_seconds = 75.0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ws_protocol_class = None  # no path is a WebSocket: a request for an upgrade is answered like any other
        self.timeout_keep_alive = self.idle_seconds  # type: ignore[assignment]
        self._timer: TimerHandle | None = None
        self._refusal: Problem | None = None
        self._in_headers = False
        self._piece = 0  # bytes: length of the present piece of data
        self._header_bytes = 0  # of incomplete headers, without the piece in which they begin
        self._later_bytes = 0  # since the headers were complete, without the piece in which they end
        self._body_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request. Called by the event loop."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting. Called by the event loop."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read bytes of a request. Called by the event loop."""
        self._piece = len(data)
        if self._in_headers:
            self._header_bytes += self._piece
        else:
            self._later_bytes += self._piece
        super().data_received(data)
        if self._in_headers:
            if self._header_bytes > self.max_header_bytes:
                return self._refuse(_headers_too_large(self.max_header_bytes))
        elif self._later_bytes > MAX_FRAMING_BYTES and self._later_bytes > MAX_FRAMING_BYTES + 16 * self._body_bytes:
            return self._refuse(_MALFORMED)  # chunk extensions or trailers without end, which no other limit counts
        if self._timer is None and not self._is_busy() and self.timeout_keep_alive_task is None:
            self._await_headers()  # these are headers, blank lines, or the body of a request that has been refused

    def on_message_begin(self) -> None:
        """Begin to count headers. Called by the parser."""
        self._in_headers, self._header_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the answer to a request. Called by the parser, which ends the connection if this raises an error."""
        if self._header_bytes + self._piece > self.max_header_bytes and self._header_size() > self.max_header_bytes:
            self._refusal = _headers_too_large(self.max_header_bytes)
            raise ValueError("headers too large")
        self._stop_timer()
        self._in_headers, self._later_bytes, self._body_bytes = False, 0, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body. Called by the parser."""
        self._body_bytes += len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot read. Called by uvicorn."""
        self._refuse(self._refusal or _MALFORMED)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: anyone could fill the log, and uvicorn advises to install WebSockets, which no path has."""

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _header_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _await_headers(self) -> None:
        if not self.transport.is_closing():
            self._timer = self.loop.call_later(self.header_seconds, self._on_slow_headers)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_slow_headers(self) -> None:
        self._timer = None
        if self._in_headers:
            text = f"the headers did not arrive within {self.header_seconds:g} s; send the request again"
            self._refuse(Problem(408, "headers_too_slow", text))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem and close the connection; without an answer if it would precede an earlier one."""
        self._stop_timer()
        is_own_body = self._is_busy() and self.cycle.more_body and not self.cycle.response_started
        if is_own_body:
            self.cycle.disconnected = True  # the application answers nothing more
        if not self.transport.is_closing() and (is_own_body or not self._is_busy()):
            content = problem.content()
            headers = [
                b"content-type: application/json",
                b"content-length: %d" % len(content),
                b"x-request-id: %b" % os.urandom(16).hex().encode(),
                b"connection: close",
            ]
            self.transport.write(STATUS_LINE[problem.status] + b"\r\n".join([*headers, b"", content]))
        self.transport.close()
        REQUESTS.add(1, UNMATCHED, "", str(problem.status))
        ERRORS.add(1, UNMATCHED, problem.code)


def _headers_too_large(limit: int) -> Problem:
    text = f"the request line and the headers must have at most {limit:,} bytes; send fewer or shorter ones"
    return Problem(431, "headers_too_large", text)


class Loop(uvloop.Loop):  # type: ignore[misc]
    """uvloop's event loop, with a time limit for TLS handshakes, which uvicorn cannot set."""

    async def create_server(  # type: ignore[override]
        self, *args: Any, ssl: ssl.SSLContext | None = None, **options: Any
    ) -> Any:
        """Listen as uvloop does; a client that does not complete the TLS handshake in time is disconnected."""
        if ssl is not None:
            options.setdefault("ssl_handshake_timeout", Protocol.header_seconds)
        return await super().create_server(*args, ssl=ssl, **options)


def loop_factory(use_subprocess: bool = False) -> type[Loop]:
    """Return the class of the event loop. Called by uvicorn; not for direct use."""
    return Loop


def install(settings: Settings) -> None:
    """Make uvicorn use `Protocol` and `Loop` in this process, with the limits of the settings.

    Call it before uvicorn starts: `serving.service` calls it when BentoML loads the application of a worker.

    Parameters
    ----------
    settings : Settings
        `max_header_bytes`, `first_byte_seconds` and `idle_seconds` are used.
    """
    Protocol.max_header_bytes = settings.max_header_bytes
    Protocol.header_seconds = settings.first_byte_seconds
    Protocol.idle_seconds = settings.idle_seconds
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{Protocol.__name__}"
    uvicorn.config.LOOP_FACTORIES["auto"] = f"{__name__}:{loop_factory.__name__}"
