"""Prometheus metrics of the service, labelled by route: unknown paths share one label."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

REGISTRY = CollectorRegistry()
REQUESTS = Counter("chehang_requests", "Number of answered requests", ["route", "status"], registry=REGISTRY)
LATENCY = Histogram(
    "chehang_request_seconds", "Seconds from request to answer", ["route"], buckets=BUCKETS, registry=REGISTRY
)
# The most recent value of all workers, not the highest: after a rollback the lower version answers.
VERSION = Gauge(
    "chehang_model_version",
    "Version of the champion that answers",
    ["task"],
    registry=REGISTRY,
    multiprocess_mode="mostrecent",
)
SWAPS = Counter("chehang_model_swaps", "Number of champions loaded", ["task"], registry=REGISTRY)
REFUSED = Counter("chehang_models_refused", "Number of failed attempts to load a champion", ["task"], registry=REGISTRY)
STORE_ERRORS = Counter("chehang_store_errors", "Number of failed reads of the model store", registry=REGISTRY)


def exposition() -> bytes:
    """Return the metrics in the Prometheus text format 0.0.4, in UTF-8.

    Metrics of all workers if BentoML has started this process, which sets `PROMETHEUS_MULTIPROC_DIR`; otherwise of this
    process. Durations are in seconds.

    >>> b"chehang_requests_total" in exposition()
    True
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return bytes(generate_latest(REGISTRY))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return bytes(generate_latest(registry))
