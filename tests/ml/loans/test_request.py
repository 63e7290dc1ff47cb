"""Shared fields of loan requests: strict types, amounts in fen, vehicle classes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from features.errors import DataError
from ml.domain.loans.application import Applicant
from ml.loans.amounts import fen
from ml.loans.request import Car, LoanRequest, Person

CAR = {"vehicle_id": "V1", "price": 150_000.5, "condition": "new", "energy_type": "battery_electric"}
LOAN = {
    "on": "2026-09-01",
    "applicant": {"age": 35, "monthly_income": 15_000.0},
    "vehicle": CAR,
    "down_payment": 50_000.0,
}


def test_money_becomes_fen() -> None:
    assert (fen(0.29), fen(1e9)) == (29, 100_000_000_000)
    assert Person(age=35, monthly_income=0.01, monthly_debt_payment=1_000.1).applicant() == Applicant(35, 1, 100_010)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "private_new_energy"),
        ({"use": "commercial"}, "commercial_new_energy"),
        ({"energy_type": "combustion"}, "private_combustion"),
        ({"condition": "used"}, "used"),
    ],
)
def test_a_car_has_the_class_by_which_rules_are_set(changes: dict[str, Any], kind: str) -> None:
    vehicle = Car.model_validate(CAR | changes).vehicle((3, 2))
    assert (vehicle.price, vehicle.vehicle_class, vehicle.resale) == (15_000_050, kind, (3, 2))


def test_an_application_carries_the_term_it_is_made_for() -> None:
    loan = LoanRequest.model_validate(LOAN)
    assert loan.on == date(2026, 9, 1) and loan.term_months is None and loan.state_subsidy_used == {}
    application = loan.application(24)
    assert (application.down_payment, application.term_months) == (5_000_000, 24)
    assert application.vehicle.vehicle_id == "V1" and application.applicant.monthly_income == 1_500_000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"down_payment": 1.001}, "down_payment"),
        ({"down_payment": float("inf")}, "down_payment"),
        ({"term_months": 36.0}, "term_months"),
        ({"term_months": 121}, "term_months"),
        ({"applicant": {"age": 35, "monthly_income": 0}}, "applicant.monthly_income"),
        ({"applicant": {"age": "35", "monthly_income": 1}}, "applicant.age"),
        ({"vehicle": CAR | {"energy_type": "steam"}}, "vehicle.energy_type"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_breaks_a_rule_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LoanRequest.model_validate(LOAN | changes)
    assert ".".join(map(str, caught.value.errors()[0]["loc"])) == field


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"down_payment": 60_000.0, "trade_in_value": 110_000.0, "trade_in_payoff": 10_000.0},
            "down_payment: 60000.00 yuan in cash and the trade-in's net value of 100000.00 yuan exceed the price of "
            "150000.50 yuan; enter at most 50000.50 yuan in cash",
        ),
        (
            {"down_payment": 0.0, "trade_in_value": 160_000.0},
            "down_payment: 0.00 yuan in cash and the trade-in's net value of 160000.00 yuan exceed the price of "
            "150000.50 yuan; no loan is needed",
        ),
    ],
)
def test_a_trade_in_that_does_not_fit_names_its_own_figures(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as error:
        LoanRequest.model_validate(LOAN | changes).application(36)
    assert str(error.value) == message
