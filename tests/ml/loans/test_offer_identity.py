"""Ids that follow every input, and offers that end before rates or rules change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ml.domain.loans.loan import Loan
from ml.domain.loans.product import LoanProduct
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.endpoints import FILES
from ml.loans.offer_identity import offer_id, valid_until
from tests.conftest import ROOT

LOAN = Loan(LoanProduct(form="balloon"), amount=10_000_000, annual_rate=0.035, term_months=36, balloon=3_000_000)
INPUTS = {"on": "2026-09-01", "applicant": {"age": 35.0}}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def test_an_id_follows_every_input(lending: Lending) -> None:
    validity = lending.rules.policy[0].model_copy(update={"offer_validity_days": 3})
    other_rules = replace(lending, rules=lending.rules.model_copy(update={"policy": (validity,)}))
    ids = [
        offer_id(lending, INPUTS, "maker_balloon", LOAN),
        offer_id(other_rules, INPUTS, "maker_balloon", LOAN),
        offer_id(lending, {**INPUTS, "applicant": {"age": 36.0}}, "maker_balloon", LOAN),
        offer_id(lending, INPUTS, "bank_standard", LOAN),
        *(
            offer_id(lending, INPUTS, "maker_balloon", replace(LOAN, **change))
            for change in ({"amount": 10_000_001}, {"annual_rate": 0.036}, {"term_months": 48}, {"balloon": 4_000_000})
        ),
    ]
    assert len(set(ids)) == len(ids) == 8
    reordered = {"applicant": {"age": 35.0}, "on": "2026-09-01"}
    assert offer_id(lending, reordered, "maker_balloon", LOAN) == ids[0]


@pytest.mark.parametrize(
    ("name", "on", "last_day"),
    [
        ("bank_standard", date(2026, 9, 1), date(2026, 9, 8)),
        ("bank_standard", date(2025, 12, 28), date(2025, 12, 31)),  # new rates from 2026-01-01
        ("flat_easy", date(2024, 3, 30), date(2024, 4, 2)),  # new loan-to-value from 2024-04-03
        ("flat_easy", date(2025, 8, 27), date(2025, 8, 31)),  # the state's subsidy begins on 2025-09-01
        ("flat_easy", date(2026, 12, 31), date(2026, 12, 31)),  # and ends
        ("flat_easy", date(2027, 2, 1), date(2027, 2, 8)),
    ],
)
def test_an_offer_ends_before_rates_or_rules_change(lending: Lending, name: str, on: date, last_day: date) -> None:
    assert valid_until(lending, name, on) == last_day


def test_an_offer_ends_with_the_cash_discount_that_it_is_compared_with(lending: Lending) -> None:
    products = lending.catalogue.products
    discount = products["maker_zero"].forgone_discount
    assert discount is not None
    shorter = discount.model_copy(update={"valid_until": date(2026, 9, 3)})
    zero = products["maker_zero"].model_copy(update={"forgone_discount": shorter})
    catalogue = lending.catalogue.model_copy(update={"products": {**products, "maker_zero": zero}})
    other = replace(lending, catalogue=catalogue)
    assert valid_until(other, "maker_zero", date(2026, 9, 1)) == date(2026, 9, 3)
    assert valid_until(other, "maker_zero", date(2026, 9, 4)) == date(2026, 9, 11)
