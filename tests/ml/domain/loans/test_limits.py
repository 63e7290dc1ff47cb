"""Limits of loans that need neither risk nor price, at and beside each limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import ProposedLoans
from ml.domain.loans.limits import limit_violations, valid_loans
from ml.domain.loans.product import LoanProduct

VEHICLE = Vehicle("V1", 10_000_000, "used", resale=(9_000_000, *(2_000_000,) * 36))
APPLICATION = Application(Applicant(62, 2_000_000), VEHICLE, 3_000_000, extras=1_000_000, financed_extras=500_000)
BANK = OfferedProduct(
    name="bank",
    lender="bank",
    product=LoanProduct(form="balloon"),
    rates={"A": {36: 0.05}},
    balloon_shares=(0.3,),
    minimum_amount=5_000_000,
    maximum_amount=7_500_000,
    minimum_down_payment=0.25,
    maximum_loan_to_value=0.7,
    maximum_financed_extras=0.5,
    funding_rate=0.02,
    loss_given_default=0.4,
)
POLICY = Policy(payment_to_income=0.5, maximum_term_months=36, minimum_age=18, maximum_age_at_maturity=65)


def violations(down: int, *, price: int = 10_000_000, term: int = 36, balloon: int = 2_000_000) -> set[str]:
    loans = ProposedLoans.build(
        (VEHICLE,), 0, np.array([down]), np.array([term]), extras=500_000, price=np.array([price])
    )
    flags = limit_violations(APPLICATION, [BANK], np.array([0]), loans, np.array([balloon]), POLICY)
    return {rule for rule, values in flags.items() if values[0]}


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({"down": 3_000_000}, set()),  # 75,000 yuan with extras, 70 % of the price without them
        ({"down": 2_999_999}, {"amount", "loan_to_value"}),
        ({"down": 5_500_000}, set()),  # 50,000 yuan
        ({"down": 5_500_001}, {"amount"}),
        ({"down": 3_000_000, "price": 9_000_000}, set()),
        ({"down": 3_000_000, "price": 10_000_001}, {"amount", "loan_to_value"}),
        ({"down": 3_000_000, "term": 37}, {"term", "age_at_maturity"}),  # 65 years and a month
        ({"down": 3_000_000, "balloon": 2_000_001}, {"balloon"}),
    ],
)
def test_each_limit_holds_to_the_fen(options: dict[str, Any], rules: set[str]) -> None:
    assert violations(**options) == rules


def test_a_loan_has_an_amount_above_its_balloon() -> None:
    down = np.array([3_000_000, 9_999_999, 10_000_000])
    loans = ProposedLoans.build((VEHICLE,), 0, down, np.full(3, 36), extras=0)
    shares = np.full(3, 0.3)
    assert valid_loans(loans, np.array([2_100_000, 0, 0]), shares).tolist() == [True, False, False]
    assert valid_loans(loans, np.zeros(3, dtype=np.int64), np.zeros(3)).tolist() == [True, True, False]
