"""Endpoints: paths, required tasks, and answers with and without rules."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from ml.endpoint import never_in_thread, no_rules, respond_each, respond_each_by_rules, task_endpoint
from ml.registry import ENTRIES, GROUPS, TASKS, endpoints


def test_every_endpoint_has_a_unique_path_and_requires_existing_tasks() -> None:
    places = list(endpoints())
    paths = [(owner, endpoint.path) for owner, endpoint in places]
    assert len(paths) == len(set(paths)) and {owner for owner, _ in paths} == {*TASKS, *GROUPS}
    assert {owner for owner, path in paths if not path} == set(TASKS), "only tasks have an endpoint without a path"
    for owner, endpoint in places:
        assert {*endpoint.required_tasks, *endpoint.optional_tasks} <= set(TASKS) - {owner}, endpoint.path
        assert set(endpoint.summary) == {"zh", "en"}, endpoint.path
        assert endpoint.path not in ("batch", "example"), "these routes exist below every task"


def test_an_endpoint_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        TASKS["credit_risk"].endpoint.path = "elsewhere"  # type: ignore[misc]


class Number(BaseModel):
    """Request and answer."""

    value: int


def test_a_task_s_own_endpoint_reads_its_champion() -> None:
    def respond(estimator: Any, requests: Any, *, explain: bool) -> list[Number]:
        return [Number(value=estimator.factor * r.value + explain) for r in requests]

    endpoint = task_endpoint(
        ENTRIES["credit_risk"], request=lambda signature: signature, response=Number, respond=respond, explains=True
    )
    champion: Any = SimpleNamespace(estimator=SimpleNamespace(factor=10, signature=Number), card={"example": {"a": 1}})
    champions = {"credit_risk": champion}
    assert endpoint.request(champions) is Number and endpoint.example(champions) == {"a": 1}
    answers = endpoint.respond(None, champions, [Number(value=1), Number(value=2)], True)
    assert [a.value for a in answers] == [11, 21]
    assert (endpoint.path, endpoint.summary, endpoint.max_rows) == ("", ENTRIES["credit_risk"].summary, None)
    assert not endpoint.public_errors, "errors of a model may quote personal data"
    assert endpoint.runs_in_thread is never_in_thread and not never_in_thread(Number(value=1))


def test_requests_are_answered_one_by_one_with_or_without_rules(tmp_path: Path) -> None:
    requests = [Number(value=1), Number(value=2)]
    plain = respond_each(lambda champions, request: Number(value=request.value * len(champions)))
    champions: Any = {"a": None, "b": None}
    assert no_rules(tmp_path) is None  # type: ignore[func-returns-value]
    assert [a.value for a in plain(None, champions, requests, False)] == [2, 4]
    with_rules = respond_each_by_rules(lambda rules, champions, request: Number(value=rules + request.value))
    assert [a.value for a in with_rules(10, {}, requests, False)] == [11, 12]
