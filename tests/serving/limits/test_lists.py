"""Requests with long lists: every element is checked as a single request, and errors name it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.asgi import Problem
from serving.limits.lists import parse_batch, parse_list


class Loan(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    term_months: int = Field(ge=1)
    purpose: str | None = None
    events: list[int] = []


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    loans: tuple[Loan, ...] = Field((), max_length=3, strict=False)
    store_id: str | None = None


def _refusal(model: type[BaseModel], body: bytes, **options: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_batch(model, body, max_rows=3, **options)
    return caught.value


def test_a_list_is_that_of_a_parser() -> None:
    body = json.dumps({"store_id": "S,1", "loans": [{"term_months": 12, "purpose": "a, [b]"}, {"term_months": 24}]})
    plan = parse_list(Plan, body.encode(), field="loans")
    assert isinstance(plan, Plan) and plan.model_dump() == Plan.model_validate_json(body).model_dump()
    assert parse_list(Plan, b'{"store_id": "S1"}', field="loans").model_dump()["loans"] == ()
    assert parse_list(Plan, b'{"loans": []}', field="loans").model_fields_set == {"loans"}


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b'{"items": [{"term_months": 1}, {"term_months": 0}]}', "items.1.term_months", "greater_than_equal"),
        (b'{"items": [{"term_months": 1, "colour": 1}]}', "items.0.colour", "extra_forbidden"),
        (b'{"items": [{"term_months": 1}], "more": 1}', "more", "extra_forbidden"),
        (b'{"items": [{"term_months": 1, "term_months": 2}]}', "term_months", "repeated"),
        (b'{"items": [{"term_months": 1}], "items": [{"term_months": 1}]}', "items", "repeated"),
        (b'{"items": []}', "items", "too_short"),
        (b'{"items": [1, 2, 3, 4]}', "items", "too_long"),
        (b'{"items": {}}', "items", "list_type"),
        (b'{"items": [null]}', "items.0", "model_type"),
        (b'{"items": [{"term_months": 1},]}', "items.1", "json_invalid"),
        (b"{}", "items", "missing"),
        (b'{"items": [{"term_months": 1}]', "body", "json_invalid"),
    ],
)
def test_errors_name_the_element_and_the_rule(body: bytes, field: str, rule: str) -> None:
    problem = _refusal(Loan, body)
    assert (problem.status, problem.details[0]["field"], problem.details[0]["rule"]) == (422, field, rule)


def test_a_name_that_is_written_with_escapes_is_parsed_whole() -> None:
    parsed = parse_batch(Loan, b'{"it\\u0065ms": [{"term_months": 12}]}', max_rows=3)
    assert [loan.model_dump()["term_months"] for loan in parsed] == [12]


def test_an_element_and_a_body_with_too_many_values_are_refused() -> None:
    long = b'{"items": [{"term_months": 1}, {"term_months": 1, "events": [%b]}]}' % b",".join([b"1"] * 10_001)
    problem = _refusal(Loan, long)
    assert (problem.status, problem.code) == (413, "too_complex") and problem.message.startswith("items.1 has")
    rest = b'{"items": [], "more": [%b]}' % b",".join([b"1"] * 10_001)
    assert _refusal(Loan, rest).code == "too_complex"
    assert _refusal(Loan, b'{"items": [%b]}' % b",".join([b"1"] * 500_001)).code == "too_complex"


def test_an_element_and_the_rest_have_the_size_of_a_single_request() -> None:
    long = b'"%b"' % (b"x" * 1_000_000)
    for body, place in (
        (b'{"items": [{"term_months": 1}, {"purpose": %b}]}' % long, "items.1 must"),
        (b'{"items": [], "more": %b}' % long, "the body without items must"),
        (b'{"more": %b}' % long, "the body without a list"),
        (b" " * 1_000_001, "the body without a list"),
    ):
        problem = _refusal(Loan, body)
        assert (problem.status, problem.code) == (413, "too_large") and problem.message.startswith(place)


def test_many_invalid_fields_are_counted_and_not_listed() -> None:
    keys = b",".join(b'"a%d": 1' % i for i in range(2_000))
    problem = _refusal(Loan, b'{"items": [{%b}]}' % keys)
    assert problem.details == [
        {
            "field": "items.0",
            "rule": "too_many_errors",
            "message": "2,001 fields or elements are unknown or invalid; /docs describes valid requests",
        }
    ]


def test_limits_of_the_length_are_those_of_the_model() -> None:
    with pytest.raises(Problem, match="invalid") as caught:
        parse_list(Plan, b'{"loans": [1, 2, 3, 4]}', field="loans")
    assert caught.value.message == "loans: must have at most 3 items, not 4"
    with pytest.raises(ValidationError):
        Plan.model_validate_json('{"loans": [1, 2, 3, 4]}')
