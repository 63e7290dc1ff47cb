"""Inputs of a plan: what follows from price and down payment, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.loans.applications import LoanCase
from serving.work.loans.quote import QuoteRequest, planned_inputs

INPUTS = {
    "vehicle_price": 158_000.0, "down_payment": 47_400.0, "loan_amount": 115_460.0, "term_months": 36,
    "condition": "new", "energy_type": "combustion", "monthly_income": 12_000.0,
}  # fmt: skip


def _planned(plan: QuoteRequest | None = None, **changes: Any) -> dict[str, Any]:
    return planned_inputs(LoanCase("A", 0, None, None, None, {**INPUTS, **changes}), plan or QuoteRequest())


def test_the_own_plan_keeps_extras_that_are_financed_and_another_one_has_the_price_less_the_down_payment() -> None:
    assert _planned()["loan_amount"] == 115_460.0
    assert _planned(QuoteRequest(down_payment=58_000.0, term_months=24))["loan_amount"] == 100_000.0


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"monthly_income": None}, "monthly_income", "missing"),
        ({"term_months": None}, "term_months", "missing"),
        ({"down_payment": 158_000.0}, "down_payment", "range"),
        ({"down_payment": float("nan")}, "down_payment", "range"),
        ({"vehicle_price": "158,000"}, "vehicle_price", "number"),
        ({"term_months": True}, "term_months", "number"),
    ],
)
def test_what_is_missing_or_impossible_is_named(changes: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(Problem) as error:
        _planned(**changes)
    assert (error.value.details[0]["field"], error.value.details[0]["rule"]) == (field, rule)
