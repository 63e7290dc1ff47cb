"""Counts of a batch equal those of its rows, and only endpoints with a distribution are counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ml.registry import TASKS, endpoints
from serving.metrics import IMPLAUSIBLE, MISSING, PRICES, PROBABILITIES, UNSEEN
from serving.watching.answers import AnswerCounter


def _row(number: float, missing: str = "", unseen: str = "", warnings: str = "") -> Any:
    return SimpleNamespace(
        probability_of_default=number,
        value=number,
        missing=missing.split(),
        unseen=unseen.split(),
        warnings=[SimpleNamespace(field=name) for name in warnings.split()],
    )


ROWS = [_row(0.015, "income age"), _row(0.4, "income", "housing"), _row(0.4, "", "", "age"), _row(0.95)]


def test_a_batch_is_counted_as_its_rows_are() -> None:
    endpoint = TASKS["credit_risk"].endpoint
    for row in ROWS:
        AnswerCounter("one_by_one", endpoint).add([row])
    AnswerCounter("batch", endpoint).add(ROWS)
    for task in ("one_by_one", "batch"):
        assert (MISSING.value(task, "income"), MISSING.value(task, "age")) == (2, 1)
        assert (UNSEEN.value(task, "housing"), IMPLAUSIBLE.value(task, "age")) == (1, 1)
        counts = PROBABILITIES.values(task)
        buckets = [(bound, n) for bound, n in zip(PROBABILITIES.bounds, counts, strict=False) if n]
        assert buckets == [(0.02, 1), (0.4, 2)]
        assert counts[-2:] == [1, pytest.approx(1.765)], "0.95 is above the last bound"


def test_prices_have_a_histogram_of_their_own() -> None:
    AnswerCounter("cars", TASKS["residual_value"].endpoint).add([_row(100_000.0), _row(100_000.01)])
    counts = dict(zip(PRICES.bounds, PRICES.values("cars"), strict=False))
    assert (counts[100_000], counts[150_000]) == (1, 1)


def test_an_endpoint_without_a_distribution_is_not_counted() -> None:
    AnswerCounter("pages", TASKS["recommendation"].endpoint).add([_row(1)])
    assert not any(PROBABILITIES.values("pages") + PRICES.values("pages"))


def test_every_distribution_names_a_field_of_the_answer_beside_the_lists_of_fields() -> None:
    counted = [(owner, e) for owner, e in endpoints() if e.distribution is not None]
    assert {owner for owner, _ in counted} == {"credit_risk", "lead_scoring", "residual_value"}
    for _, endpoint in counted:
        assert endpoint.distribution is not None
        assert {endpoint.distribution[1], "missing", "unseen", "warnings"} <= set(endpoint.response.model_fields)
