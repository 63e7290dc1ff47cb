"""Endpoints beside the tasks, without a server: who must be champion, what is refused, what is off."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from features.errors import DataError
from ml.endpoint import Endpoint
from ml.registry import ENDPOINTS
from serving.endpoints import Endpoints, Question, load_endpoints
from serving.openapi import describe
from serving.settings import Settings
from tests.conftest import ROOT
from tests.serving.in_process import Ask, Champions, application, ask, champion, problem


class Sum(BaseModel):
    """An answer."""

    total: int


def endpoint(**parts: Any) -> Endpoint:
    """Adds the versions of the champions that it is given to the amount; 13 is not possible."""

    def respond(champions: Any, request: Any) -> Sum:
        if request.amount == 13:
            raise DataError("13 is above the limit of product p1")
        return Sum(total=request.amount + sum(c.version for c in champions.values()))

    usual: dict[str, Any] = {
        "path": "sums", "summary": {"en": "Sums", "zh": "和"}, "request": lambda champions: Ask, "response": Sum,
        "respond": respond, "example": lambda champions: {"amount": 1},
    }  # fmt: skip
    return Endpoint(**{**usual, **parts})


CHAMPIONS = {"credit_risk": champion(version=10), "residual_value": champion("residual_value", version=100)}


@pytest.mark.parametrize(
    ("parts", "present", "total"),
    [
        ({}, ("credit_risk", "residual_value"), 5),
        ({"needs": ("credit_risk",)}, ("credit_risk", "residual_value"), 15),
        ({"needs": ("credit_risk",), "uses": ("residual_value",)}, ("credit_risk", "residual_value"), 115),
        ({"needs": ("credit_risk",), "uses": ("residual_value",)}, ("credit_risk",), 15),
    ],
)
def test_an_endpoint_is_given_the_champions_that_it_names(
    parts: dict[str, Any], present: tuple[str, ...], total: int
) -> None:
    app = application({n: CHAMPIONS[n] for n in present}, Endpoints((endpoint(**parts),)))
    assert ask(app, "/v1/sums", b'{"amount": 5}').json() == {"total": total}
    assert ask(app, "/v1/sums/example").json() == {"amount": 1}


def test_one_that_it_needs_and_that_is_not_there_is_named() -> None:
    app = application({}, Endpoints((endpoint(needs=("residual_value",)),)))
    for path, body in (("/v1/sums", b'{"amount": 5}'), ("/v1/sums/example", None)):
        error = problem(ask(app, path, body), 503)
        assert error["code"] == "no_champion" and "chehang promote residual_value" in error["message"]


def test_what_is_not_possible_says_why_and_what_is_wrong_names_the_field() -> None:
    app = application({}, Endpoints((endpoint(),)))
    error = problem(ask(app, "/v1/sums", b'{"amount": 13}'), 422)
    assert (error["code"], error["message"]) == ("not_possible", "13 is above the limit of product p1")
    assert problem(ask(app, "/v1/sums", b'{"amount": 1, "amount": 2}'), 422)["details"][0]["rule"] == "repeated"
    assert problem(ask(app, "/v1/sums", b'{"amount": "x"}'), 422)["details"][0]["field"] == "amount"


def test_a_page_is_for_who_accepts_one() -> None:
    app = application({}, Endpoints((endpoint(page=lambda answer: f"<p>合计 {answer.total}</p>"),)))
    page = ask(app, "/v1/sums", b'{"amount": 5}', accept="text/html")
    assert page.text == "<p>合计 5</p>" and page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert ask(app, "/v1/sums", b'{"amount": 5}', accept="application/json").json() == {"total": 5}
    bare = application({}, Endpoints((endpoint(),)))
    assert ask(bare, "/v1/sums", b'{"amount": 5}', accept="text/html").json() == {"total": 5}


def test_the_request_is_made_anew_when_a_champion_changes_and_only_then() -> None:
    made: list[list[int]] = []

    def request(champions: Any) -> type[BaseModel]:
        made.append([c.version for c in champions.values()])
        return Ask

    question = Question(endpoint(needs=("credit_risk",), request=request), Champions(CHAMPIONS))
    for version in (10, 10, 11):
        question.store = Champions({"credit_risk": champion(version=version)})
        assert question.request(question.champions()) is Ask
    assert made == [[10], [11]]


def test_what_is_off_answers_why_on_all_its_paths_and_the_rest_goes_on() -> None:
    app = application(None, Endpoints((endpoint(),), {"loans": "loans is off: rules.yaml: rate: wrong"}))
    for path in ("/v1/loans", "/v1/loans/schedule/more"):
        error = problem(ask(app, path, b"{}"), 503)
        assert (error["code"], error["message"]) == ("off", "loans is off: rules.yaml: rate: wrong")
    assert ask(app, "/v1/sums", b'{"amount": 5}').status_code == 200
    assert ask(app, "/v1/credit_risk", b'{"amount": 5}').status_code == 200


def test_shipped_rules_are_read_and_wrong_ones_turn_off_their_own_paths_alone(tmp_path: Path) -> None:
    shipped = load_endpoints(ROOT / "configs")
    assert not shipped.off and {"loan_offers", "loan_offers/schedule"} <= {e.path for e in shipped.ready}
    configs = tmp_path / "configs"
    shutil.copytree(ROOT / "configs", configs, ignore=shutil.ignore_patterns("examples"))
    rules = configs / "loans" / "rules.yaml"
    rules.write_text(rules.read_text().replace("commercial_combustion: 0.70", "commercial_steam: 0.70", 1))
    wrong = load_endpoints(configs)
    assert list(wrong.off) == ["loan_offers"] and "loan_offers" in ENDPOINTS
    rest = {e.path for e in shipped.ready if not e.path.startswith("loan_offers")}
    assert rest and {e.path for e in wrong.ready} == rest
    app = application(None, wrong)
    for path in ("/v1/loan_offers", "/v1/loan_offers/schedule"):
        message = problem(ask(app, path, b"{}"), 503)["message"]
        assert "loans/rules.yaml" in message and "loan_to_value.0.maximum.commercial_steam" in message
    assert ask(app, "/v1/credit_risk", b'{"amount": 5}').status_code == 200


def test_an_endpoint_is_described_with_its_example_where_its_champions_are_there() -> None:
    needy = endpoint(needs=("credit_risk",))
    here = describe(CHAMPIONS, Settings(), (needy,))["paths"]["/v1/sums"]["post"]
    body = here["requestBody"]["content"]["application/json"]
    assert body == {"schema": {"$ref": "#/components/schemas/Ask"}, "example": {"amount": 1}}
    assert (here["summary"], here["description"]) == ("Sums", "和") and "parameters" not in here
    gone = describe({}, Settings(), (needy,))["paths"]["/v1/sums"]["post"]
    assert gone["requestBody"]["content"]["application/json"] == {"schema": {"type": "object"}}
