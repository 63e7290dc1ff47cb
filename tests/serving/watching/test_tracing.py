"""Spans that a collector receives by OTLP over HTTP, and nothing of OpenTelemetry without a collector."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from serving.doors.caller import Caller
from serving.guard import Guard
from serving.watching.tracing import Tracing
from tests.serving.in_process import application, ask, champion

PATH, SECRET = "/v1/lead_scoring", "ZhangWei13812345678"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


class Collector:
    """A collector on the loopback interface, and the spans that it has received."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[Any] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.bodies.append(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.resources.append(resource.resource)
                    collector.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """URL for traces."""
        return f"http://127.0.0.1:{self.server.server_port}/v1/traces"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Return a collector that runs."""
    own = Collector()
    yield own
    own.server.shutdown()


class Doors:
    """Every request is that of one key."""

    def admit(self, scope: Any, headers: Any) -> Caller:
        return Caller("k_1", SECRET, "sales", frozenset({"lead_scoring"}), None)


def _send(collector: Collector, body: bytes = b'{"amount": 21}', *, share: float = 1, **headers: str) -> int:
    tracing = Tracing(collector.url, share=share, worker=2)
    app = application({"lead_scoring": champion("lead_scoring")})
    limits = {"max_body_bytes": 1_000, "max_bulk_bytes": 1_000, "timeout_seconds": 5}
    posts = {r.path: r.app for r in app.router.routes if "POST" in (getattr(r, "methods", None) or ())}  # type: ignore[attr-defined]
    guard = Guard(app, paths=list(posts), post_apps=posts, doors=Doors(), tracing=tracing, **limits)  # type: ignore[arg-type]
    answer = ask(guard, f"{PATH}?explain=false", body, **{"x-request-id": "r-1", "user-agent": SECRET, **headers})
    tracing.close()
    return answer.status_code


def test_a_request_has_a_span_with_its_stages_inside(collector: Collector) -> None:
    assert _send(collector) == 200
    spans = {span.name: span for span in collector.spans}
    request = spans.pop(f"POST {PATH}")
    assert list(spans) == ["admission", "parsing", "computing"]
    stages = list(spans.values())
    assert {span.parent_span_id for span in stages} == {request.span_id} and request.parent_span_id == b""
    assert {span.trace_id for span in stages} == {request.trace_id}
    times = [request.start_time_unix_nano, *(span.start_time_unix_nano for span in stages[1:])]
    assert times == sorted(times) and stages[-1].end_time_unix_nano == request.end_time_unix_nano
    assert [a.end_time_unix_nano for a in stages[:-1]] == [b.start_time_unix_nano for b in stages[1:]]
    attributes = {a.key: a.value.string_value or a.value.int_value for a in request.attributes}
    assert attributes == {
        "http.request.method": "POST",
        "http.route": PATH,
        "http.response.status_code": 200,
        "chehang.request_id": "r-1",
        "chehang.key_id": "k_1",
    }
    resource = {a.key: a.value.string_value for a in collector.resources[0].attributes}
    assert (resource["service.name"], resource["service.instance.id"]) == ("chehang", "2")


def test_the_trace_of_the_caller_goes_on_and_decides_whether_there_are_spans(collector: Collector) -> None:
    _send(collector, share=0)
    _send(collector, share=1, traceparent=f"{PARENT}00")
    assert collector.spans == []
    _send(collector, share=0, traceparent=f"{PARENT}01")
    request = next(span for span in collector.spans if span.name.startswith("POST"))
    assert request.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert request.parent_span_id.hex() == "b7ad6b7169203331"


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-0-0-0", "x" * 5_000], ids=len)
def test_a_senseless_traceparent_begins_a_trace_of_its_own(collector: Collector, traceparent: str) -> None:
    assert _send(collector, traceparent=traceparent) == 200
    assert len(collector.spans) == 4


def test_nothing_of_a_request_is_sent(collector: Collector) -> None:
    assert _send(collector, f'{{"name": "{SECRET}"}}'.encode()) == 422
    assert collector.spans and not any(SECRET.encode() in body for body in collector.bodies)
    request = next(span for span in collector.spans if span.name.startswith("POST"))
    assert {a.key: a.value.string_value for a in request.attributes}["error.type"] == "invalid"


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    program = "import serving.guard, serving.endpoints, sys; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
