"""Prometheus metrics of the service; `docs/watching.md` says what each means and what to do about it.

Every label value comes from a bounded set: routes, tasks and registered models, features of champions, codes of this
program. Texts of requests are never labels.
"""

from __future__ import annotations

from serving.metrics.families import Counter, Gauge, Histogram, Registry

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_PROBABILITY_BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_YUAN_BOUNDS = (10_000, 20_000, 30_000, 50_000, 70_000, 100_000, 150_000, 200_000, 300_000, 500_000, 1_000_000)

REGISTRY = Registry()

# Requests, counted by `serving.watching.requests`.
REQUESTS = Counter(REGISTRY, "chehang_requests", "Number of answered requests", ["route", "task", "status"])
LATENCY = Histogram(
    REGISTRY, "chehang_request_seconds", "Seconds from request to answer", ["route", "task"], bounds=SECONDS
)
ERRORS = Counter(REGISTRY, "chehang_request_errors", "Number of requests answered with an error", ["route", "code"])
REFUSALS = Counter(REGISTRY, "chehang_requests_refused", "Number of requests that the doors refused", ["reason"])
IN_FLIGHT = Gauge(REGISTRY, "chehang_requests_in_flight", "Number of requests without an answer yet", across="sum")
QUEUED = Gauge(REGISTRY, "chehang_computations_queued", "Number of computations that wait for a thread", across="sum")
PENDING = Gauge(REGISTRY, "chehang_computations_pending", "Number of computations that wait or run", across="sum")

# Champions, counted by `serving.model_store`.
VERSION = Gauge(REGISTRY, "chehang_model_version", "Version of the champion that answers", ["task"], across="worker")
CHAMPION = Gauge(REGISTRY, "chehang_champion_version", "Version that the alias champion names", ["task"], across="max")
TRAINED = Gauge(
    REGISTRY, "chehang_model_trained_timestamp_seconds", "Time of the champion's training", ["task"], across="min"
)
DATA_TIME = Gauge(
    REGISTRY, "chehang_data_timestamp_seconds", "Time of the data that answers use", ["task", "data"], across="min"
)
EVENTS = Counter(REGISTRY, "chehang_events", "Number of events received", ["result"])
SWAPS = Counter(REGISTRY, "chehang_model_swaps", "Number of champions loaded", ["task"])
REFUSED = Counter(REGISTRY, "chehang_models_refused", "Number of failed attempts to load a champion", ["task"])
STORE_ERRORS = Counter(REGISTRY, "chehang_store_errors", "Number of failed reads of the model store or of live data")

# Decision log and feedback, counted by `serving.watching.records`.
RECORDS = Counter(REGISTRY, "chehang_records_written", "Number of records written durably", ["store", "kind"])
RECORD_COMMITS = Histogram(REGISTRY, "chehang_record_commit_seconds", "Seconds of a commit", ["store"], bounds=SECONDS)
RECORD_FAILURES = Counter(REGISTRY, "chehang_record_failures", "Number of commits that failed", ["store"])
RECORD_TIME = Gauge(
    REGISTRY, "chehang_record_written_timestamp_seconds", "Time of the last commit", ["store"], across="max"
)

# Logging, counted by `serving.watching.logs`.
LOST_LINES = Counter(REGISTRY, "chehang_log_lines_lost", "Number of log lines that could not be written")

# Answers, counted by `serving.watching.answers`.
MISSING = Counter(REGISTRY, "chehang_feature_missing", "Number of rows without the feature", ["task", "feature"])
UNSEEN = Counter(
    REGISTRY, "chehang_feature_unseen", "Number of rows with a category that training lacked", ["task", "feature"]
)
IMPLAUSIBLE = Counter(
    REGISTRY, "chehang_feature_implausible", "Number of rows with a number far outside training", ["task", "feature"]
)
PROBABILITIES = Histogram(
    REGISTRY, "chehang_probability", "Probabilities in answers", ["task"], bounds=_PROBABILITY_BOUNDS
)
PRICES = Histogram(REGISTRY, "chehang_price_yuan", "Prices in answers, in yuan", ["task"], bounds=_YUAN_BOUNDS)
