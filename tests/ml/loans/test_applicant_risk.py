"""Predictions for one applicant and several loans, by a model that can be computed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from ml.loans.applicant_risk import Borrower, borrower_model
from ml.loans.request import Car, LoanRequest
from ml.signature import Field, Signature

SIGNATURE = Signature(
    fields=(
        Field(name="vehicle_price", kind="integer", unit="fen", feature=True),
        Field(name="loan_amount", kind="integer", unit="fen", feature=True),
        Field(name="condition", kind="category", values=("new", "used"), feature=True),
        Field(name="existing_debt", kind="integer", unit="fen", feature=True),
        Field(name="housing", kind="text", feature=True),
    )
)
TERM = Field(name="term_months", kind="integer", feature=True)


class Encoder:
    """Encodes an application as its loan-to-value."""

    def transform(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        return np.array(columns["loan_amount"]) / np.array(columns["vehicle_price"])


def estimator(*, signature: Signature = SIGNATURE) -> Any:
    return SimpleNamespace(signature=signature, encoder_=Encoder(), probability_of_default=lambda share: share / 10)


def car(name: str, price: float, condition: str) -> Car:
    return Car.model_validate({"vehicle_id": name, "price": price, "condition": condition, "energy_type": "combustion"})


def loan(**changes: Any) -> LoanRequest:
    return LoanRequest.model_validate(
        {
            "on": "2026-09-01",
            "applicant": {"age": 35, "monthly_income": 15_000},
            "vehicle": car("V1", 100_000, "new").model_dump(),
            "down_payment": 20_000,
            **changes,
        }
    )


def borrower(**changes: Any) -> Borrower:
    details = borrower_model(SIGNATURE).model_validate({"existing_debt": 12.5, "housing": "own"})
    return Borrower(estimator(**changes), loan(), details, {"V2": car("V2", 50_000, "used")})


def test_fields_of_the_loan_are_not_in_the_borrower_model() -> None:
    assert set(borrower_model(SIGNATURE).model_fields) == {"existing_debt", "housing"}


def test_columns_combine_applicant_and_loan() -> None:
    other = loan(vehicle=car("V2", 50_000, "used").model_dump(), down_payment=10_000)
    columns = borrower().columns([loan().application(None), other.application(None)])
    assert columns == {
        "vehicle_price": [10_000_000, 5_000_000],
        "loan_amount": [8_000_000, 4_000_000],
        "condition": ["new", "used"],
        "existing_debt": [1_250, 1_250],
        "housing": ["own", "own"],
    }


def test_each_loan_has_the_model_s_probability() -> None:
    half = loan(down_payment=50_000).application(None)
    assert borrower().probabilities([loan().application(None), half]) == pytest.approx([0.08, 0.05])
    assert borrower().probability_of_default(half) == pytest.approx(0.05)


def test_a_model_that_reads_the_term_needs_one() -> None:
    timed = Signature(fields=(*SIGNATURE.fields, TERM))
    with pytest.raises(
        DataError, match="term_months: the credit model needs the term of the loan; give the requested term"
    ):
        borrower(signature=timed)
    details = borrower_model(timed).model_validate({})
    made = Borrower(estimator(signature=timed), loan(term_months=24), details, {})
    assert made.columns([loan().application(36)])["term_months"] == [36]
