"""Decisions of one and two persons, two officers at once, results of lenders, and what is written where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.work.loans.writing import is_against
from tests.serving.work.loans.conftest import LoanDesk

Make = Callable[..., LoanDesk]
CASE = "/v1/applications/A1"
NEW: dict[str, Any] = {
    "store_id": "S1", "name": "欧阳明月", "phone": "13900001111", "age": 31.0, "vehicle": "澄舟X5",
    "inputs": {"vehicle_price": 158_000.0, "down_payment": 47_400.0, "term_months": 36, "monthly_income": 12_000.0,
               "housing": "own", "bureau_delinquencies_24m": 0, "condition": "new", "energy_type": "combustion",
               "showroom_visits": 2},
}  # fmt: skip


def band(desk: LoanDesk) -> str:
    return str(desk.post(f"{CASE}/quote/preview")["credit"]["band"])


def outcome_against(desk: LoanDesk) -> str:
    return "decline" if band(desk) == "approve" else "approve"


def reason_for(outcome: str) -> str:
    return "GUARANTOR" if outcome == "approve" else "LENDER_RULE"


def test_a_decision_with_the_model_takes_effect_and_is_in_the_decision_log(desk: LoanDesk) -> None:
    desk.log_in("Zhou")  # the small model has no stores, so that its decisions are those of the group
    assert band(desk) == "approve"
    entry = desk.decide("A1", "approve", note="regular customer")
    assert entry["kind"] == "application.decided" and "note" not in json.dumps(entry)
    assert desk.get(CASE)["item"]["state"] == "approve"
    logged = desk.get(f"/v1/decisions/{entry['content']['decision_id']}")
    assert logged["outcome"] == "approve" and logged["overrides"] == []
    assert [i["application_id"] for i in desk.get("/v1/applications")["items"]] == ["A2", "A3"]
    assert desk.decide("A1", "decline", 409, reason_code="LENDER_RULE")["code"] == "decided"


def test_a_decision_against_the_model_waits_for_a_second_person(desk: LoanDesk) -> None:
    desk.log_in("Wang")
    outcome = outcome_against(desk)
    entry = desk.decide("A1", outcome, reason_code=reason_for(outcome))
    assert entry["kind"] == "application.proposed"
    assert desk.get(CASE)["item"]["state"] == "second_person"
    log = f"/v1/decisions/{entry['content']['decision_id']}"
    assert desk.get(log)["overrides"] == []
    confirmation = {"agrees": True, "last_sequence": desk.last("A1")}
    assert desk.post(f"{CASE}/confirmation", 403, **confirmation)["code"] == "same_person"
    desk.log_in("Li")
    answer = desk.post(f"{CASE}/confirmation", **confirmation)
    assert answer["content"]["first_person"] == "Wang" and answer["person"] == "Li"
    assert desk.get(CASE)["item"]["state"] == outcome
    overrides = desk.get(log)["overrides"]
    assert [(o["outcome"], o["previous_outcome"], o["key_id"]) for o in overrides] == [(outcome, "approve", "k_Li")]
    assert desk.post(f"{CASE}/confirmation", 409, **confirmation)["code"] == "changed"


def test_a_second_person_who_disagrees_sends_it_back_and_overrides_nothing(desk: LoanDesk) -> None:
    desk.log_in("Wang")
    outcome = outcome_against(desk)
    entry = desk.decide("A1", outcome, reason_code=reason_for(outcome))
    desk.log_in("Li")
    desk.post(f"{CASE}/confirmation", agrees=False, last_sequence=desk.last("A1"))
    assert desk.get(CASE)["item"]["state"] == "documents"
    assert desk.get(f"/v1/decisions/{entry['content']['decision_id']}")["overrides"] == []


@pytest.mark.parametrize(
    ("outcome", "code", "rule"),
    [("decline", None, "missing"), ("refer", None, "missing"), ("decline", "INCOME_PROVED", "reason_contradicts")],
)
def test_a_reason_that_is_absent_or_contradicts_is_refused_and_nothing_is_logged(
    desk: LoanDesk, outcome: str, code: str | None, rule: str
) -> None:
    error = desk.decide("A1", outcome, 422, **({"reason_code": code} if code else {}))
    assert error["details"][0]["rule"] == rule
    assert desk.get("/v1/decisions")["items"] == [] and desk.get(CASE)["decision"] is None


def test_an_approval_against_the_model_needs_a_reason_because_the_override_does(desk: LoanDesk) -> None:
    desk.post(f"{CASE}/values", values={"bureau_delinquencies_24m": 3, "down_payment": 16_000.0})
    assert band(desk) != "approve"
    error = desk.decide("A1", "approve", 422)
    assert error["details"][0]["field"] == "reason_code" and desk.get("/v1/decisions")["items"] == []
    assert desk.decide("A1", "approve", reason_code="GUARANTOR")["kind"] == "application.proposed"


def test_of_two_officers_at_once_the_second_learns_who_was_first(desk: LoanDesk) -> None:
    body: dict[str, Any] = {"outcome": "refer", "reason_code": "DOCUMENTS_MISSING", "last_sequence": desk.last("A1")}
    desk.log_in("Li")
    desk.post(f"{CASE}/opened")  # only looking changes nothing
    desk.post(f"{CASE}/decision", **body)
    desk.log_in("Wang")
    error = desk.post(f"{CASE}/decision", 409, **body)
    assert error["code"] == "changed" and error["message"].startswith("Li ")
    assert len(desk.get("/v1/decisions")["items"]) == 1


def test_documents_are_asked_for_and_the_application_can_be_decided_later(desk: LoanDesk) -> None:
    desk.decide("A1", "refer", reason_code="DOCUMENTS_MISSING")
    assert desk.get(CASE)["item"]["state"] == "documents"
    assert desk.decide("A1", "approve")["kind"] == "application.decided"


def test_without_keys_of_the_log_a_note_is_refused_before_anything_is_written(make_desk: Make) -> None:
    desk = make_desk(keys=None)
    assert desk.decide("A1", "approve", 503, note="x")["code"] == "no_log_keys"
    assert desk.get("/v1/decisions")["items"] == []
    assert desk.post("/v1/applications", 503, **NEW)["code"] == "no_log_keys"
    assert desk.decide("A1", "approve")["kind"] == "application.decided"


def test_a_new_application_has_a_number_of_its_day_and_no_name_in_clear(desk: LoanDesk, tmp_path: Path) -> None:
    numbers = [desk.post("/v1/applications", **NEW)["application_id"] for _ in range(2)]
    assert numbers == ["A-20260401-0001", "A-20260401-0002"]
    item = desk.get(f"/v1/applications/{numbers[0]}")["item"]
    assert (item["name"], item["state"], item["is_of_desk"], item["loan_amount"]) == (
        "欧***",
        "waiting",
        True,
        110_600.0,
    )
    content = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
    assert NEW["name"].encode() not in content and b"13900001111" not in content
    assert desk.post(f"/v1/applications/{numbers[0]}/quote/preview")["is_judged"]
    shown = desk.post(f"/v1/applications/{numbers[0]}/identity")
    assert shown == {"name": "欧阳明月", "phone": "13900001111"}
    kinds = [e["kind"] for e in desk.get(f"/v1/applications/{numbers[0]}")["log"]]
    assert kinds == ["application.identity_shown", "application.submitted"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"store_id": "S2"}, 403, "wrong_store"),
        ({"inputs": {**NEW["inputs"], "term_months": -3}}, 422, "invalid"),
        ({"inputs": {"vehicle_price": 158_000.0}}, 422, "invalid"),
        ({"inputs": {**NEW["inputs"], "down_payment": 200_000.0}}, 422, "invalid"),
        ({"name": ""}, 422, "invalid"),
        ({"salary": 1}, 422, "invalid"),
    ],
)
def test_a_new_application_that_is_wrong_is_refused(
    desk: LoanDesk, change: dict[str, Any], status: int, code: str
) -> None:
    assert desk.post("/v1/applications", status, **{**NEW, **change})["code"] == code
    assert desk.get("/v1/applications")["waiting"] == 2


def test_results_of_several_lenders_stand_beside_the_own_judgement(desk: LoanDesk) -> None:
    for lender, stage in (("Riverside Bank", "in_review"), ("Voyage Finance", "approved")):
        last = desk.last("A1")
        desk.post(f"{CASE}/lender_results", lender=lender, stage=stage, amount=110_000.0, last_sequence=last)
    results = desk.get(CASE)["lender_results"]
    assert [r["content"]["lender"] for r in results] == ["Voyage Finance", "Riverside Bank"]
    error = desk.post(f"{CASE}/lender_results", 409, lender="x", stage="approved", last_sequence=0)
    assert error["code"] == "changed"


def test_a_saved_plan_names_the_model_that_judged_it(desk: LoanDesk) -> None:
    desk.post(f"{CASE}/plans", plan={"down_payment": 79_000.0, "term_months": 24})
    plan = desk.get(CASE)["plans"][0]["content"]
    assert plan["plan"] == {"down_payment": 79_000.0, "term_months": 24, "loan_amount": 79_000.0}
    assert plan["model_versions"]["credit_risk"] == 1 and plan["valid_until"] is not None


def test_a_feedback_store_that_cannot_be_opened_is_one_clear_error_and_no_decision(
    make_desk: Make, tmp_path: Path
) -> None:
    (tmp_path / "feedback.db").mkdir()
    desk = make_desk()
    assert desk.get("/v1/applications", 503)["code"] == "feedback_unavailable"
    error = desk.post(f"{CASE}/decision", 503, outcome="approve", last_sequence=0)
    assert error["code"] == "feedback_unavailable" and desk.get("/v1/decisions")["items"] == []


def test_documents_may_be_asked_for_before_an_approval() -> None:
    assert not is_against("approve", "refer") and not is_against("decline", "decline")
    assert is_against("approve", "decline") and is_against("decline", "approve")
