"""Traces by OpenTelemetry; this module is imported only if the setting `otlp_endpoint` names a collector.

Spans are made when a request has been answered, from the times of its stages, so that nothing of OpenTelemetry runs
before its answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serving.asgi import Scope

_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Sends spans of requests to a collector, in a thread.

    A request with the header `traceparent` belongs to that trace and is traced if the header says so; of the others, a
    share is. Spans name route, method, status, error code and key, and nothing of the request.

    Parameters
    ----------
    endpoint : str
        URL of the collector for traces, such as `http://127.0.0.1:4318/v1/traces`.
    share : float
        Share of the requests without `traceparent` that are traced, 0 to 1.
    worker : int
        Number of the worker.
    """

    def __init__(self, endpoint: str, *, share: float, worker: int) -> None:
        attributes = {
            "service.name": "chehang",
            "service.version": version("chehang"),
            "service.instance.id": str(worker),
        }
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)), resource=Resource(attributes), shutdown_on_exit=True
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=10)))
        self._tracer = self._provider.get_tracer("chehang.serving")

    def begin(self, scope: Scope) -> None:
        """Begin to note the times of a request's stages, the first of which is its admission."""
        scope["stages"] = [("admission", time.time_ns())]

    def end(self, scope: Scope, headers: Mapping[bytes, bytes], route: str, status: int) -> None:
        """Send the spans of a request that has been answered, if it is one of the share."""
        now, stages = time.time_ns(), scope["stages"]
        carrier = {n: v.decode("latin-1") for n in ("traceparent", "tracestate") if (v := headers.get(n.encode()))}
        span = self._tracer.start_span(
            f"{scope['method']} {route}",
            _PROPAGATOR.extract(carrier),
            SpanKind.SERVER,
            start_time=stages[0][1],
        )
        if span.is_recording():
            caller, code = scope.get("caller"), scope.get("error_code")
            span.set_attributes(
                {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
            )
            span.set_attribute("chehang.request_id", scope["request_id"])
            if caller is not None:
                span.set_attribute("chehang.key_id", caller.key_id)
            if code is not None:
                span.set_attribute("error.type", code)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            context = trace.set_span_in_context(span)
            for (name, begin), end in zip(stages, [*(t for _, t in stages[1:]), now], strict=True):
                self._tracer.start_span(name, context, start_time=begin).end(end)
        span.end(now)

    def close(self) -> None:
        """Send what has not been sent yet."""
        self._provider.shutdown()
