"""Decisions of one customer, side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from serving.feedback.purge import purge_events
from serving.stores import open_store
from serving.work.loans.comparison import MAX_COLUMNS
from tests.serving.work.loans.conftest import LoanDesk

Make = Callable[..., LoanDesk]
PATH = "/v1/applications/A1/comparison"


def test_columns_are_the_present_application_and_the_earlier_ones_of_the_own_stores(desk: LoanDesk) -> None:
    answer = desk.get(PATH)
    assert [(c["application_id"], c["outcome"], c["is_present"]) for c in answer["columns"]] == [
        ("A1", None, True), ("A4", "decline", False)
    ]  # fmt: skip
    values = {f["name"]: f["values"] for f in answer["fields"]}
    assert values == {
        "down_payment": [47_400.0, 23_700.0], "loan_amount": [110_600.0, 134_300.0], "bureau_delinquencies_24m": [0, 3]
    }  # fmt: skip
    assert answer["columns"][0]["score"] > answer["columns"][1]["score"]
    desk.log_in("Zhou")
    assert [c["application_id"] for c in desk.get(PATH)["columns"]] == ["A1", "A4", "A6"]


def test_a_decision_of_the_desk_has_its_plan_and_the_score_of_then(desk: LoanDesk) -> None:
    plan = {"down_payment": 79_000.0, "term_months": 24}
    content = desk.decide("A1", "refer", reason_code="DOCUMENTS_MISSING", plan=plan)["content"]
    present, decided, _ = desk.get(PATH)["columns"]
    assert present["outcome"] == decided["outcome"] == "refer" and decided["person"] == "Wang"
    assert decided["logged_score"] == decided["score"] == content["score"] and decided["model_version"] == 1
    values = {f["name"]: f["values"] for f in desk.get(PATH)["fields"]}
    assert values["term_months"] == [36, 24, 36]


def test_without_a_champion_there_are_inputs_and_no_scores(make_desk: Make) -> None:
    answer = make_desk(has_champion=False).get(PATH)
    assert answer["model_version"] is None and [c["score"] for c in answer["columns"]] == [None, None]
    assert {f["name"] for f in answer["fields"]} >= {"down_payment", "loan_amount"}


def test_a_customer_without_other_applications_has_one_column(desk: LoanDesk) -> None:
    answer = desk.get("/v1/applications/A3/comparison")
    assert len(answer["columns"]) == 1 and answer["fields"] == []


def test_purged_inputs_are_named_and_the_outcome_remains(desk: LoanDesk, tmp_path: Path) -> None:
    desk.post("/v1/applications/A1/values", values={"monthly_income": 12_500.0})
    engine = open_store(f"sqlite:///{tmp_path}/feedback.db", "feedback")
    purge_events(engine, person="A1", dry_run=False)
    engine.dispose()
    answer = desk.get(PATH)
    assert [c["inputs_state"] for c in answer["columns"]] == ["purged", "stored"]
    assert answer["columns"][0]["score"] is None


def test_many_decisions_leave_the_oldest_out_and_say_how_many(desk: LoanDesk) -> None:
    for _ in range(MAX_COLUMNS):
        desk.decide("A1", "refer", reason_code="DOCUMENTS_MISSING")
    answer = desk.get(PATH)
    assert len(answer["columns"]) == MAX_COLUMNS and answer["left_out"] == 2
