"""`/v1/decisions` over HTTP: explanations, lists, overrides, and what each caller may see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.decisions import routes
from serving.decisions.reading import read_parts
from serving.decisions.routes import decision_routes
from serving.doors.caller import Caller
from serving.model_store import ModelStore
from serving.stores import writing
from tests.serving.decisions.deciding import PATH, Desk, desk
from tests.serving.decisions.logs import log_in
from tests.serving.in_process import application, ask, problem

ALL = frozenset({"credit_risk", "decisions:make", "decisions:read", "decisions:override", "personal:read"})
OFFICER = Caller("k_1", "desk", "finance_officer", ALL, None)
ONE_STORE = OFFICER._replace(key_id="k_2", stores=frozenset({"S2"}))


def decide(service: Desk, amount: int = 7, store: str = "S1", query: str = "", **headers: str) -> str:
    """Return the id of a new decision."""
    answer = service.post({"amount": amount, "store_id": store}, PATH + query, **headers)
    return str(answer.json()["decision_id"])


def override(service: Desk, decision_id: str, **body: Any) -> httpx.Response:
    return service.post(
        {"outcome": "approve", "reason_code": "GUARANTOR", **body}, f"/v1/decisions/{decision_id}/override"
    )


def test_a_decision_is_explained_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "reasons_of", lambda content, inputs, store: [{"zh": str(inputs), "en": str(inputs)}])
    with desk(tmp_path, caller=OFFICER) as service:
        decision_id = decide(service, 700, query="?explain=false")
        answer = ask(service.app, f"/v1/decisions/{decision_id}").json()
        assert (answer["decision_id"], answer["outcome"], answer["inputs_state"]) == (decision_id, "decline", "stored")
        assert answer["decision"]["key_id"] == "k_1" and answer["overrides"] == []
        assert (
            "Result: declined." in answer["explanation"]["en"][0] and "结果：拒绝。" in answer["explanation"]["zh"][0]
        )
        assert "inputs" not in answer and answer["reasons_from"] == "computed again"
        assert "· {'amount': 700, 'store_id': 'S1'}" in answer["explanation"]["en"]
        assert [e.kind for e in service.entries()] == ["decision"]  # nothing personal was read


def test_reading_the_inputs_needs_a_right_and_is_an_entry(tmp_path: Path) -> None:
    with desk(tmp_path, caller=OFFICER) as service:
        decision_id = decide(service, **{"x-reference": "APP-1"})
        answer = ask(service.app, f"/v1/decisions/{decision_id}?inputs=true", **{"x-request-id": "r-9"}).json()
        assert answer["inputs"] == {"amount": 7, "store_id": "S1"} and answer["reference"] == "APP-1"
        access = service.entries()[-1]
        assert (access.kind, access.decision_id) == ("access", decision_id)
        assert json.loads(access.content) == {
            "request_id": "r-9",
            "key_id": "k_1",
            "store_id": "S1",
            "fields": ["amount", "reference", "store_id"],
        }
        service.writer._retry_at = float("inf")  # a read that cannot be written does not take place
        assert ask(service.app, f"/v1/decisions/{decision_id}?inputs=true").status_code == 503
        assert ask(service.app, f"/v1/decisions/{decision_id}").status_code == 200
    with desk(tmp_path, caller=OFFICER._replace(scopes=ALL - {"personal:read"})) as service:
        error = problem(ask(service.app, f"/v1/decisions/{decision_id}?inputs=true"), 403)
        assert "personal:read" in error["message"]


def test_an_override_is_a_new_entry_and_a_second_one_says_so(tmp_path: Path) -> None:
    with desk(tmp_path, caller=OFFICER) as service:
        decision_id = decide(service, 700)
        text = {"zh": "有房产。", "en": "You own a flat."}
        first = override(service, decision_id, reason=text, note="talked to the Wangs").json()
        assert first == {
            "decision_id": decision_id,
            "outcome": "approve",
            "previous_outcome": "decline",
            "number": 1,
            "reason_code": "GUARANTOR",
        }
        second = override(service, decision_id, outcome="decline", reason_code="LENDER_RULE").json()
        assert (second["number"], second["previous_outcome"]) == (2, "approve")
        decision, one, two = service.entries()
        assert [e.kind for e in (decision, one, two)] == ["decision", "override", "override"]
        assert json.loads(one.content)["replaces"] == 1 and json.loads(two.content)["replaces"] == 2
        assert "flat" not in one.content and "Wangs" not in one.content
        assert service.personal(2) == {"reason": text, "note": "talked to the Wangs"}
        answer = ask(service.app, f"/v1/decisions/{decision_id}").json()
        assert answer["outcome"] == "decline" and answer["decision"]["outcome"] == "decline"
        assert [o["number"] for o in answer["overrides"]] == [1, 2]
        assert answer["overrides"][0]["reason"]["en"].endswith("secures the loan. You own a flat.")
        english = " ".join(answer["explanation"]["en"])
        assert "an officer reviewed it and decided: approved" in english
        assert "reviewed it again and decided: declined. Reason: A rule of the lender" in english
        assert "Wangs" not in json.dumps(answer)  # a note is internal


def test_an_officers_own_words_are_personal(tmp_path: Path) -> None:
    with desk(tmp_path, caller=OFFICER) as service:
        decision_id = decide(service, 700)
        override(service, decision_id, reason={"zh": "有房产。", "en": "You own a flat."}, note="talked to the Wangs")
        assert "flat" in ask(service.app, f"/v1/decisions/{decision_id}").text
        assert json.loads(service.entries()[-1].content)["fields"] == ["reason"]
        count = len(service.entries())
    with desk(tmp_path, caller=OFFICER._replace(scopes=ALL - {"personal:read"})) as service:
        answer = ask(service.app, f"/v1/decisions/{decision_id}")
        assert answer.status_code == 200 and "flat" not in answer.text and "personal:read" in answer.text
        assert len(service.entries()) == count


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason_code": None}, "body"),
        ({"outcome": "decline"}, "body"),  # a guarantor is no reason to decline
        ({"reason_code": "BECAUSE"}, "reason_code"),
        ({"outcome": "maybe"}, "outcome"),
        ({"officer": "Li"}, "officer"),
        ({"reason": {"zh": "", "en": "x"}}, "reason.zh"),
        ({"note": "x" * 2_001}, "note"),
    ],
)
def test_an_override_that_breaks_a_rule_is_refused(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    with desk(tmp_path, caller=OFFICER) as service:
        decision_id = decide(service)
        assert problem(override(service, decision_id, **body), 422)["details"][0]["field"] == field
        assert len(service.entries()) == 1


def test_unknown_other_stores_and_purged_decisions_are_not_overridden(tmp_path: Path) -> None:
    with desk(tmp_path, caller=OFFICER) as service:
        decision_id = decide(service)
    with desk(tmp_path, caller=ONE_STORE) as service:
        for other in (decision_id, "0" * 32):
            assert problem(override(service, other), 404)["code"] == "no_decision"
            assert problem(ask(service.app, f"/v1/decisions/{other}"), 404)["code"] == "no_decision"
        own = decide(service, store="S2")
        assert override(service, own).status_code == 200
    with writing(log_in(tmp_path)) as connection:
        connection.exec_driver_sql("DELETE FROM personal_parts")
    with desk(tmp_path, caller=OFFICER) as service:
        assert problem(override(service, decision_id), 409)["code"] == "purged"
        answer = ask(service.app, f"/v1/decisions/{decision_id}").json()
        assert answer["inputs_state"] == "purged" and answer["decision"]["outcome"] == "approve"
        assert problem(ask(service.app, f"/v1/decisions/{own}/override"), 405)


def test_without_keys_free_text_is_refused_and_a_code_is_not(tmp_path: Path) -> None:
    with desk(tmp_path, keys=None) as service:
        decision_id = decide(service)
        assert problem(override(service, decision_id, note="x"), 422)["code"] == "no_log_keys"
        assert override(service, decision_id).status_code == 200
        assert ask(service.app, f"/v1/decisions/{decision_id}").json()["inputs_state"] == "not stored"
        error = problem(ask(service.app, "/v1/decisions", **{"x-reference": "A"}), 422)
        assert error["code"] == "no_log_keys"
    with desk(tmp_path, keys=None) as service, log_in(tmp_path).connect() as connection:
        assert read_parts(connection, [1, 2]) == {}


def test_decisions_are_listed_by_filters_and_in_pages(tmp_path: Path) -> None:
    with desk(tmp_path, caller=OFFICER) as service:
        ids = [
            decide(service, 7, "S1", **{"x-reference": "APP-1"}),
            decide(service, 700, "S1"),
            decide(service, 8, "S2", **{"x-reference": "APP-1"}),
        ]

        def listing(query: str = "", **headers: str) -> list[int]:
            answer = ask(service.app, f"/v1/decisions{query}", **headers)
            assert answer.status_code == 200, answer.text
            return [ids.index(item["decision_id"]) for item in answer.json()["items"]]

        assert listing() == [2, 1, 0]
        assert listing("?outcome=approve&store_id=S1") == [0]
        assert listing("?model=credit_risk&version=3&key_id=k_1") == [2, 1, 0]
        assert listing("?model=credit_risk") == [2, 1, 0]
        assert (
            listing("?model=credit_risk&version=4") == listing("?model=residual_value") == listing("?key_id=k_9") == []
        )
        assert listing("?until=2020-01-01T00:00:00Z") == [] and len(listing("?from=2020-01-01T00:00:00%2B08:00")) == 3
        assert listing(**{"x-reference": "APP-1"}) == [2, 0] and listing(**{"x-reference": "APP-2"}) == []
        page = ask(service.app, "/v1/decisions?limit=2").json()
        assert len(page["items"]) == 2
        assert listing(f"?limit=2&before={page['next_before']}") == [0]
        assert ask(service.app, "/v1/decisions?limit=3").json()["next_before"] is None
        first = page["items"][0]
        assert (first["outcome"], first["store_id"], first["model_versions"]) == ("approve", "S2", {"credit_risk": 3})
    with desk(tmp_path, caller=ONE_STORE) as service:
        for query, count in (("", 1), ("?store_id=S2", 1), ("?store_id=S1", 0)):
            assert len(ask(service.app, f"/v1/decisions{query}").json()["items"]) == count


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("until=2026-01-01T00:00:00", "until"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("before=-1", "before"),
        ("version=3", "version"),
        ("model=a'b", "model"),
        ("stores=S1", "stores"),
    ],
)
def test_a_filter_that_breaks_a_rule_is_named(tmp_path: Path, query: str, field: str) -> None:
    with desk(tmp_path) as service:
        assert problem(ask(service.app, f"/v1/decisions?{query}"), 422)["details"][0]["field"] == field


def test_without_a_log_the_routes_answer_503() -> None:
    assert len(decision_routes(None, ModelStore(poll_seconds=1))) == 3
    assert problem(ask(application(), "/v1/decisions"), 503)["code"] == "log_unavailable"
