"""A single request, a batch and an example, with a champion that doubles the amount."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from ml.registry import TASKS
from serving.api import build_app
from serving.endpoints import BATCH_BODY, MountedEndpoint, SingleApp
from serving.settings import Settings
from tests.serving.in_process import Champions, Doubled, application, ask, champion, double, doubling, problem

PATH = "/v1/credit_risk"


def test_an_answer_has_the_version_of_the_champion() -> None:
    assert ask(application(), PATH, b'{"amount": 4}').json() == {"amount": 8, "explained": True, "model_version": 3}
    plain = ask(application(), f"{PATH}?explain=false", b'{"amount": 4}')
    assert plain.json() == {"amount": 8, "explained": False, "model_version": 3}
    assert plain.headers["content-type"] == "application/json"
    assert int(plain.headers["content-length"]) == len(plain.content)


def test_recommendations_have_no_reasons_by_default() -> None:
    app = application({"recommendation": champion("recommendation")})
    assert not TASKS["recommendation"].endpoint.explains
    assert ask(app, "/v1/recommendation", b'{"amount": 4}').json()["explained"] is False
    assert ask(app, "/v1/recommendation?explain=true", b'{"amount": 4}').json()["explained"] is True


def test_several_are_answered_in_their_order_on_either_path() -> None:
    body = b'{"items": [{"amount": 1}, {"amount": 5}]}'
    for path in (PATH, f"{PATH}/batch"):
        answer = ask(application(), f"{path}?explain=0", body).json()
        assert [i["amount"] for i in answer["items"]] == [2, 10] and answer["model_version"] == 3


@pytest.mark.parametrize(("body", "several"), [(b' {\n"items" :[]}', True), (b'{"item": 1}', False), (b"[]", False)])
def test_a_body_of_several_is_known_by_its_begin(body: bytes, several: bool) -> None:
    assert bool(BATCH_BODY.match(body)) is several


def test_an_example_is_that_of_the_card() -> None:
    assert ask(application(), f"{PATH}/example").json() == {"amount": 21}


def test_the_text_of_a_model_error_is_not_sent() -> None:
    for path, body in ((PATH, b'{"amount": 13}'), (f"{PATH}/batch", b'{"items": [{"amount": 13}]}')):
        error = problem(ask(application(), path, body), 422)
        assert error["code"] == "invalid" and "cannot compute" in error["message"] and "Li Lei" not in error["message"]


def test_wrong_bodies_name_the_field() -> None:
    assert problem(ask(application(), PATH, b'{"amount": -1}'), 422)["details"][0]["field"] == "amount"
    error = problem(ask(application(), f"{PATH}/batch", b'{"items": [{"amount": 1}, {"amount": -1}]}'), 422)
    assert error["details"][0]["field"] == "items.1.amount"
    assert (
        problem(ask(application(), f"{PATH}?explain=maybe", b'{"amount": 1}'), 422)["details"][0]["field"] == "explain"
    )
    capped = application(max_batch_rows=1)
    assert (
        "at most 1 item"
        in problem(ask(capped, f"{PATH}/batch", b'{"items": [{"amount": 1}, {"amount": 2}]}'), 422)["message"]
    )


def test_without_a_champion_all_three_say_how_to_make_one() -> None:
    empty = application({})
    for path, body in ((PATH, b"{}"), (f"{PATH}/batch", b"{}"), (f"{PATH}/example", None)):
        error = problem(ask(empty, path, body), 503)
        assert error["code"] == "no_champion" and "chehang promote credit_risk" in error["message"]


def test_a_slow_request_is_answered_in_a_thread_and_a_quick_one_at_once() -> None:
    threads: list[bool] = []

    def respond(rules: Any, champions: Any, requests: Any, explain: bool) -> list[Doubled]:
        threads.append(threading.current_thread() is not threading.main_thread())
        return double(rules, champions, requests, explain)

    own = doubling("credit_risk")
    quick = replace(own.endpoint, respond=respond, runs_in_thread=lambda request: request.amount > 5)
    app = build_app(Champions({"credit_risk": champion()}), Settings(), [MountedEndpoint("credit_risk", quick)])
    for query, amount in (("?explain=false", 4), ("?explain=false", 6), ("?explain=true", 4)):
        assert ask(app, f"{PATH}{query}", b'{"amount": %d}' % amount).status_code == 200
    always = replace(quick, runs_in_thread=None)
    app = build_app(Champions({"credit_risk": champion()}), Settings(), [MountedEndpoint("credit_risk", always)])
    assert ask(app, f"{PATH}?explain=false", b'{"amount": 4}').status_code == 200
    assert threads == [False, True, True, True]


def test_the_smaller_limit_of_a_batch_holds() -> None:
    store, mounted = Champions({}), doubling("credit_risk")
    few = MountedEndpoint("credit_risk", replace(mounted.endpoint, max_rows=5))
    assert SingleApp(mounted, store, None, max_rows=9).max_rows == 9
    assert [SingleApp(few, store, None, max_rows=n).max_rows for n in (3, 9)] == [3, 5]
