"""Implausible and missing values: corrected, confirmed, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from serving.work.loans.values import CheckedValues
from tests.serving.work.loans.conftest import LoanDesk

CASE = "/v1/applications/A2"


@pytest.fixture
def group_desk(desk: LoanDesk) -> LoanDesk:
    """Return the desk, where somebody of all stores has logged in."""
    desk.log_in("Zhou")
    return desk


def test_an_income_of_one_is_not_judged_until_it_is_corrected(group_desk: LoanDesk) -> None:
    quote = group_desk.post(f"{CASE}/quote/preview")
    assert not quote["is_judged"] and quote["unconfirmed"] == ["monthly_income"] and quote["offers"] == []
    warning = next(w for w in quote["credit"]["warnings"] if w["field"] == "monthly_income")
    assert warning["corrected"] == 12_000.0
    last = group_desk.last("A2")
    body: dict[str, Any] = {"outcome": "approve", "last_sequence": last}
    assert group_desk.post(f"{CASE}/decision", 422, **body)["details"][0]["rule"] == "implausible"
    entry = group_desk.post(f"{CASE}/values", values={"monthly_income": warning["corrected"]})
    assert entry["content"] == {"corrected": ["monthly_income"], "confirmed": []}
    assert group_desk.post(f"{CASE}/quote/preview")["is_judged"]
    assert group_desk.get(CASE)["inputs"]["monthly_income"] == 12_000.0


def test_a_confirmed_value_is_judged_as_it_is(group_desk: LoanDesk) -> None:
    group_desk.post(f"{CASE}/values", confirmed=["monthly_income"])
    quote = group_desk.post(f"{CASE}/quote/preview")
    assert quote["is_judged"] and quote["unconfirmed"] == []
    assert group_desk.get(CASE)["inputs"]["monthly_income"] == 1.2


def test_a_correction_can_be_taken_back(group_desk: LoanDesk) -> None:
    entry = group_desk.post(f"{CASE}/values", values={"monthly_income": 12_000.0})
    group_desk.post(f"/v1/work_entries/{entry['sequence']}/undo")
    assert group_desk.get(CASE)["inputs"]["monthly_income"] == 1.2


def test_missing_fields_are_entered_and_then_no_longer_missing(desk: LoanDesk) -> None:
    assert desk.post("/v1/applications/A3/quote/preview", 422)["details"][0]["field"] == "monthly_income"
    desk.post("/v1/applications/A3/values", values={"monthly_income": 9_000.0, "housing": "rent"})
    assert desk.post("/v1/applications/A3/quote/preview")["is_judged"]
    missing = next(i for i in desk.get("/v1/applications")["items"] if i["application_id"] == "A3")["missing"]
    assert not {"monthly_income", "housing"} & set(missing)


def test_a_corrected_price_changes_the_loan(desk: LoanDesk) -> None:
    desk.post("/v1/applications/A1/values", values={"vehicle_price": 150_000.0})
    assert desk.post("/v1/applications/A1/quote/preview")["plan"]["loan_amount"] == 102_600.0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"values": {"salary": 1.0}}, "invalid"),
        ({"values": {"monthly_income": "many"}}, "invalid"),
        ({"values": {"monthly_income": -1.0}}, "invalid"),
        ({"values": {"bureau_delinquencies_24m": "often"}}, "invalid"),
        ({"values": {"term_months": [36]}}, "invalid"),
        ({"values": {"down_payment": 158_000.0}}, "invalid"),
        ({"confirmed": ["salary"]}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_wrong_values_are_refused_and_not_written(desk: LoanDesk, body: dict[str, Any], code: str) -> None:
    assert desk.post("/v1/applications/A1/values", 422, **body)["code"] == code
    assert desk.get("/v1/applications/A1")["log"] == []


def test_values_of_a_decided_application_stay(desk: LoanDesk) -> None:
    error = desk.post("/v1/applications/A4/values", 409, values={"monthly_income": 9_000.0})
    assert error["code"] == "decided"


def test_a_body_has_values_or_confirmations() -> None:
    assert CheckedValues(confirmed=["monthly_income"]).values == {}
