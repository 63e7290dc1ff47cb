"""Entries of answers: who decided what by which model, for every row, and nothing for previews and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.champions import Move
from serving.asgi import Problem
from serving.decisions.recording import check_reference, check_right, models_json, new_id
from serving.doors.caller import Caller
from tests.serving.decisions.deciding import PATH, REASON, desk, endpoint
from tests.serving.in_process import ask, champion, problem

WHEN = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
MOVE = Move(version=3, previous=2, action="promote", who="wang", when=WHEN, why="", forced=False, metrics={})
OFFICER = Caller("k_1", "desk", "finance_officer", frozenset({"credit_risk", "decisions:make"}), None)


@pytest.mark.parametrize("query", ["", "?explain=false"])
def test_a_decision_is_in_the_log_when_its_answer_leaves(tmp_path: Path, query: str) -> None:
    loaded = {"credit_risk": replace(champion(), promotion=MOVE)}
    with desk(tmp_path, caller=OFFICER, champions=loaded) as service:
        answer = service.post({"amount": 7, "store_id": "S1"}, PATH + query, **{"x-request-id": "r-1"})
        assert answer.status_code == 200, answer.text
        (entry,) = service.entries()
        assert (entry.kind, entry.decision_id) == ("decision", answer.json()["decision_id"])
        assert json.loads(entry.content) == {
            "request_id": "r-1",
            "key_id": "k_1",
            "endpoint": PATH,
            "row": None,
            "propensity": 1,
            "outcome": "approve",
            "store_id": "S1",
            "reasons": None if query else [REASON],
            "models": {
                "credit_risk": {
                    "version": 3,
                    "promotion": {"action": "promote", "who": "wang", "when": "2026-03-01T08:30:00Z", "forced": False},
                }
            },
        }
        assert service.personal(1) == {"inputs": {"amount": 7, "store_id": "S1"}}
        assert answer.json()["model_version"] == 3


@pytest.mark.parametrize("path", [PATH, f"{PATH}/batch"])
def test_each_row_of_a_batch_is_a_decision(tmp_path: Path, path: str) -> None:
    items = [{"amount": 7, "application_id": "A-1"}, {"amount": 700}]
    with desk(tmp_path) as service:
        answer = service.post({"items": items}, path, **{"x-reference": "LIST 4"}).json()
        entries, contents = service.entries(), service.contents()
        assert [e.decision_id for e in entries] == [item["decision_id"] for item in answer["items"]]
        assert [(c["row"], c["outcome"], c["key_id"]) for c in contents] == [(0, "approve", None), (1, "decline", None)]
        assert len({c["request_id"] for c in contents}) == 1
        assert len({e.at for e in entries}) == 1  # one transaction
        assert service.personal(1) == {"inputs": items[0], "reference": "LIST 4"}
        assert service.personal(2) == {"inputs": items[1], "reference": "LIST 4"}
        assert answer["model_version"] == 3 and "decision_id" not in answer


def test_a_preview_is_the_same_answer_not_binding_and_not_logged(tmp_path: Path) -> None:
    items = [{"amount": 7}, {"amount": 700}]
    with desk(tmp_path) as service:
        binding = service.post(items[0]).json()
        preview = service.post(items[0], f"{PATH}?preview=true").json()
        assert preview.pop("binding") is False and binding.pop("decision_id")
        assert binding["offers"][0].pop("offer_id") == "o7"
        assert preview == binding
        both = service.post({"items": items}, f"{PATH}/batch?preview=1").json()
        assert both["binding"] is False and both["model_version"] == 3
        assert both["items"][0] == {k: v for k, v in preview.items() if k != "model_version"}
        assert "offer_id" not in json.dumps(both) and "decision_id" not in json.dumps(both)
        assert len(service.entries()) == 1


def test_a_refused_request_is_no_decision(tmp_path: Path) -> None:
    with desk(tmp_path) as service:
        assert service.post({"amount": -1}).status_code == 422
        assert service.post({"items": [{"amount": 1}, {"amount": -1}]}).status_code == 422
        assert service.entries() == []


def test_the_callers_reference_is_personal_and_checked(tmp_path: Path) -> None:
    with desk(tmp_path) as service:
        assert service.post({"amount": 7}, **{"x-reference": "APP 17/2026"}).status_code == 200
        assert service.post({"amount": 7, "application_id": "A-9"}).status_code == 200
        assert [service.personal(n)["reference"] for n in (1, 2)] == ["APP 17/2026", "A-9"]
        assert "APP" not in "".join(e.content for e in service.entries())
        for bad in ("x" * 65, "tab\there"):
            error = problem(service.post({"amount": 7}, **{"x-reference": bad}), 422)
            assert error["details"][0]["field"] == "X-Reference" and bad not in error["message"]
        assert len(service.entries()) == 2
    for edge in (b"", b" a", b"a ", "号".encode()):
        with pytest.raises(Problem):
            check_reference(edge)
    assert check_reference(b"x" * 64) == "x" * 64


def test_without_keys_the_entry_says_that_its_inputs_are_not_stored(tmp_path: Path) -> None:
    with desk(tmp_path, keys=None) as service:
        service.post({"amount": 7})
        (entry,) = service.entries()
        assert entry.personal_digest is None and json.loads(entry.content)["personal"] == "not stored"


def test_a_long_body_is_stored_without_its_blanks(tmp_path: Path) -> None:
    with desk(tmp_path) as service:
        assert ask(service.app, PATH, b'{"amount": 7' + b" " * 10_000 + b"}").status_code == 200
        assert service.personal(1) == {"inputs": {"amount": 7}}


def test_a_store_that_the_index_cannot_have_is_refused(tmp_path: Path) -> None:
    with desk(tmp_path) as service:
        error = problem(service.post({"amount": 7, "store_id": "S" * 201}), 422)
        assert error["details"][0] == {
            "field": "store_id",
            "rule": "store",
            "message": "must have at most 200 printable characters",
        }
        assert problem(service.post({"amount": 7, "store_id": "S\x00"}), 422)["details"][0]["field"] == "store_id"
        assert service.entries() == []


def test_an_endpoint_that_answers_in_a_thread_is_logged_alike(tmp_path: Path) -> None:
    with desk(tmp_path, endpoint(runs_in_thread=None)) as service:
        answer = service.post({"amount": 7}).json()
        assert [e.decision_id for e in service.entries()] == [answer["decision_id"]]
        assert service.personal(1) == {"inputs": {"amount": 7}}


def test_a_data_scientist_may_preview_only(tmp_path: Path) -> None:
    scientist = Caller("k_2", "lab", "data_scientist", frozenset({"credit_risk"}), None)
    with desk(tmp_path, caller=scientist) as service:
        for path, body in ((PATH, {"amount": 7}), (f"{PATH}/batch", {"items": [{"amount": 7}]})):
            error = problem(service.post(body, path), 403)
            assert error["code"] == "preview_only" and "?preview=true" in error["message"]
            assert service.post(body, f"{path}?preview=true").status_code == 200
        assert service.entries() == []
    check_right({"caller": OFFICER}, preview=False)


def test_a_decision_that_cannot_be_written_is_not_given_and_all_else_is(tmp_path: Path) -> None:
    with desk(tmp_path) as service:
        service.writer._retry_at = float("inf")
        answer = service.post({"amount": 7})
        assert problem(answer, 503)["code"] == "log_unavailable" and answer.headers["retry-after"] == "1"
        assert service.post({"items": [{"amount": 7}]}).status_code == 503
        assert service.post({"amount": 7}, f"{PATH}?preview=true").status_code == 200
        service.writer._retry_at = 0.0
        assert service.post({"amount": 7}).status_code == 200


def test_ids_are_in_the_order_of_time_and_never_alike() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert [i[:12] for i in ids] == sorted(i[:12] for i in ids)


def test_a_champion_that_another_tool_moved_has_no_promotion() -> None:
    assert json.loads(models_json({"credit_risk.north": champion(version=4)})) == {
        "credit_risk.north": {"version": 4, "promotion": None}
    }
