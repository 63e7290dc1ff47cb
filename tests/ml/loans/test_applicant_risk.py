"""Predictions for one applicant and several loans, by a model that can be computed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from ml.domain.loans.assessment import ProposedLoans
from ml.loans.applicant_risk import Borrower, borrower_model
from ml.loans.catalogue.files import load_lending
from ml.loans.endpoints import FILES
from ml.loans.request import Car, LoanRequest
from ml.signature import Field, Signature
from tests.conftest import ROOT

SIGNATURE = Signature(
    fields=(
        Field(name="vehicle_price", kind="integer", unit="fen", feature=True),
        Field(name="loan_amount", kind="integer", unit="fen", feature=True),
        Field(name="condition", kind="category", values=("new", "used"), feature=True),
        Field(name="existing_debt", kind="integer", unit="fen", feature=True),
        Field(name="housing", kind="text", feature=True),
    )
)
LENDING = load_lending(*(ROOT / "configs" / name for name in FILES))
TERM = Field(name="term_months", kind="integer", feature=True)


class Encoder:
    """Encodes an application as its loan-to-value."""

    def transform(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        return np.array(columns["loan_amount"]) / np.array(columns["vehicle_price"])


def estimator(*, signature: Signature = SIGNATURE) -> Any:
    return SimpleNamespace(
        signature=signature,
        encoder_=Encoder(),
        probability_of_default=lambda share: share / 10,
        bands=lambda probability: np.where(probability <= 0.05, "approve", "refer"),
    )


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
    return Borrower(estimator(**changes), LENDING, loan(), details, {"V2": car("V2", 50_000, "used")})


def proposed(*requests: LoanRequest, term: int = 36) -> ProposedLoans:
    applications = [request.application(term) for request in requests]
    return ProposedLoans.build(
        tuple(a.vehicle for a in applications),
        np.arange(len(applications)),
        np.array([a.down_payment for a in applications]),
        np.full(len(applications), term),
        extras=0,
    )


def test_fields_of_the_loan_are_not_in_the_borrower_model() -> None:
    assert set(borrower_model(SIGNATURE).model_fields) == {"existing_debt", "housing"}


def test_columns_combine_applicant_and_loan() -> None:
    other = loan(vehicle=car("V2", 50_000, "used").model_dump(), down_payment=10_000)
    columns = borrower().columns(proposed(loan(), other))
    assert {name: list(values) for name, values in columns.items()} == {
        "vehicle_price": [10_000_000, 5_000_000],
        "loan_amount": [8_000_000, 4_000_000],
        "condition": ["new", "used"],
        "existing_debt": [1_250, 1_250],
        "housing": ["own", "own"],
    }


def test_each_loan_has_its_own_probability_band_and_decision() -> None:
    assessment = borrower().assess(proposed(loan(), loan(down_payment=50_000), loan(down_payment=99_000)))
    assert assessment.probability_of_default == pytest.approx([0.08, 0.05, 0.001])
    assert assessment.risk_band.tolist() == ["D", "C", "A"]
    assert assessment.decision.tolist() == ["refer", "approve", "approve"]


def test_no_loans_have_no_assessment() -> None:
    assert borrower().assess(proposed(loan()).at(slice(0))).decision.tolist() == []


def test_a_model_that_reads_the_term_needs_one() -> None:
    timed = Signature(fields=(*SIGNATURE.fields, TERM))
    with pytest.raises(
        DataError, match="term_months: the credit model needs the term of the loan; give the requested term"
    ):
        borrower(signature=timed)
    details = borrower_model(timed).model_validate({})
    made = Borrower(estimator(signature=timed), LENDING, loan(term_months=24), details, {})
    assert made.columns(proposed(loan()))["term_months"].tolist() == [36]


def test_a_co_borrower_agrees_with_the_fields_of_the_model() -> None:
    flag = Signature(fields=(*SIGNATURE.fields, Field(name="co_borrower", kind="flag", feature=True)))
    joint = loan(co_borrower={"monthly_income": 8_000.0})
    details = borrower_model(flag)
    made = Borrower(estimator(signature=flag), LENDING, joint, details(co_borrower=True), {})
    assert made.applicant.joint_income == 2_300_000
    with pytest.raises(DataError, match=r"borrower\.co_borrower: must be true or left out"):
        Borrower(estimator(signature=flag), LENDING, joint, details(co_borrower=False), {})
