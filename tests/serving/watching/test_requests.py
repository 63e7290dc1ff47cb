"""Requests by route template, task, status and error; unknown paths share one label."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from serving.metrics import ERRORS, IN_FLIGHT, LATENCY, REFUSALS, REQUESTS, SECONDS
from serving.watching.requests import RequestCounter

PATHS = ["/healthz", "/v1/credit_risk", "/v1/loans/offers", "/v1/events", "/v1/decisions/{decision_id}"]


@pytest.mark.parametrize(
    ("path", "route", "task"),
    [
        ("/healthz", "/healthz", ""),
        ("/v1/credit_risk", "/v1/credit_risk", "credit_risk"),
        ("/v1/loans/offers", "/v1/loans/offers", "loans"),
        ("/v1/events", "/v1/events", ""),
        ("/v1/decisions/7f3a", "/v1/decisions/{decision_id}", ""),
        ("/v1/decisions/7f3a/more", "unmatched", ""),
        ("/v1/decisions/", "unmatched", ""),
        ("/v1/credit_risk.north", "/v1/credit_risk.north", "credit_risk.north"),
        ("/v1/credit_risk.south", "unmatched", ""),
        ("/v1/credit_risk/", "unmatched", ""),
    ],
)
def test_only_paths_that_exist_are_labels(path: str, route: str, task: str) -> None:
    counter = RequestCounter(PATHS, SimpleNamespace(paths={"/v1/credit_risk.north"}))
    assert counter.labels(path) == (route, task)


def _count(counter: RequestCounter, status: int, seconds: float = 0.003, **scope: Any) -> None:
    counter.begin()
    counter.end({"path": "/v1/credit_risk", **scope}, status, seconds)


def test_an_answer_is_counted_by_status_and_in_the_bucket_of_its_duration() -> None:
    counter = RequestCounter(PATHS)
    labels = ("/v1/credit_risk", "credit_risk")
    answers, seconds = REQUESTS.value(*labels, "200"), LATENCY.values(*labels)
    _count(counter, 200)
    _count(counter, 200)
    change = [after - before for before, after in zip(seconds, LATENCY.values(*labels), strict=True)]
    assert REQUESTS.value(*labels, "200") == answers + 2
    assert change[SECONDS.index(0.005)] == 2 and sum(change[:-1]) == 2 and change[-1] == pytest.approx(0.006)


def test_an_error_is_counted_by_its_code_and_a_refusal_of_the_doors_by_its_reason() -> None:
    counter = RequestCounter(PATHS)
    errors, refusals = ERRORS.value("/v1/credit_risk", "no_scope"), REFUSALS.value("no_scope")
    invalid, none = ERRORS.value("/v1/credit_risk", "invalid"), REFUSALS.value("invalid")
    _count(counter, 403, error_code="no_scope")
    _count(counter, 422, error_code="invalid")
    assert (ERRORS.value("/v1/credit_risk", "no_scope"), REFUSALS.value("no_scope")) == (errors + 1, refusals + 1)
    assert (ERRORS.value("/v1/credit_risk", "invalid"), REFUSALS.value("invalid")) == (invalid + 1, none)


def test_requests_without_an_answer_are_in_flight() -> None:
    counter = RequestCounter(PATHS)
    counter.begin()
    counter.begin()
    assert IN_FLIGHT.value() == 2
    for _ in range(2):
        counter.end({"path": "/healthz"}, 200, 0.001)
    assert IN_FLIGHT.value() == 0
