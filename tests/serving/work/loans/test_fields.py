"""Fields of the form, and the body of a credit request."""

from __future__ import annotations

from ml.signature import Field, Signature
from serving.work.loans.fields import credit_request
from tests.serving.work.loans.conftest import LoanDesk


def test_the_form_has_what_the_model_and_every_loan_need(desk: LoanDesk) -> None:
    fields = {f["name"]: f for f in desk.get("/v1/applications/fields")["fields"]}
    assert {"vehicle_price", "down_payment", "term_months", "monthly_income", "housing"} <= fields.keys()
    assert "loan_amount" not in fields and "gender" not in fields
    assert fields["monthly_income"]["unit"] == "yuan" and fields["monthly_income"]["label"]["zh"] == "月收入"
    assert fields["bureau_delinquencies_24m"]["group"] == "bureau"
    assert fields["showroom_visits"]["label"]["en"] == "“showroom_visits”"


def test_whole_numbers_become_decimals_and_texts_stay_for_the_model_to_refuse() -> None:
    signature = Signature(fields=(Field(name="a", kind="number"), Field(name="b", kind="integer")))
    assert credit_request(signature, {"a": 1, "b": 2, "c": 3}) == {"a": 1.0, "b": 2}
    assert credit_request(signature, {"a": "many"}) == {"a": "many"}
