"""What a monitoring system reads at /metrics, labelled by route template: a caller cannot make new labels."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

REGISTRY = CollectorRegistry()
REQUESTS = Counter("chehang_requests", "Requests answered", ["route", "status"], registry=REGISTRY)
LATENCY = Histogram("chehang_request_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=REGISTRY)
# The most recent, not the highest: after a rollback the lower version answers.
VERSION = Gauge(
    "chehang_model_version", "Champion that answers", ["task"], registry=REGISTRY, multiprocess_mode="mostrecent"
)
SWAPS = Counter("chehang_model_swaps", "Champions loaded", ["task"], registry=REGISTRY)
REFUSED = Counter("chehang_models_refused", "Attempts to load a champion that failed", ["task"], registry=REGISTRY)
STORE_ERRORS = Counter("chehang_store_errors", "Looks at the model store that failed", registry=REGISTRY)


def exposition() -> bytes:
    """All metrics as text; of all workers where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return bytes(generate_latest(REGISTRY))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return bytes(generate_latest(registry))
