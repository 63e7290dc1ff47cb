"""Terms of one loan checked against the shipped catalogue."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import pyxirr

from features.errors import DataError
from ml.bilingual import Text
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.catalogue.products import Fee
from ml.loans.endpoints import EXAMPLE_LOAN, FILES
from ml.loans.loan_terms import LoanTerms, build_loan
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def terms(**changes: Any) -> LoanTerms:
    return LoanTerms.model_validate({**EXAMPLE_LOAN, **changes})


def test_the_loan_is_that_of_the_catalogue_in_fen(lending: Lending) -> None:
    loan = build_loan(lending, terms())
    assert (loan.amount, loan.annual_rate, loan.term_months, loan.balloon) == (10_000_000, 0.035, 36, 0)
    assert [s.payer for s in loan.product.subsidies] == ["state"]
    assert build_loan(lending, terms(private_use=False)).product.subsidies == ()


def test_a_balloon_is_one_of_the_shares_of_its_product(lending: Lending) -> None:
    rates = lending.catalogue.products["maker_balloon"].rates[-1].by_band["A"]
    loan = {"product": "maker_balloon", "annual_rate": rates[36]}
    assert build_loan(lending, terms(**loan, balloon=30_000.0)).balloon == 3_000_000
    with pytest.raises(DataError, match=r"allows 30000\.00 or 40000\.00 yuan, got 35000\.00"):
        build_loan(lending, terms(**loan, balloon=35_000.0))


def test_a_loan_costs_at_most_the_ceiling_of_lender_and_day(lending: Lending) -> None:
    # 10,000 yuan over 12 months with 4,000 yuan at disbursement: 6,000 yuan received
    name = Text(zh="服务费", en="Service fee")
    fee = Fee(name=name, service=Text(zh="办理抵押", en="Lien"), charged="up_front", amount=4_000)
    products = {**lending.catalogue.products}
    products["flat_easy"] = products["flat_easy"].model_copy(update={"fees": {"service": fee}})
    dear = replace(lending, catalogue=lending.catalogue.model_copy(update={"products": products}))
    loan = terms(product="flat_easy", amount=10_000.0, annual_rate=0.03, term_months=12)
    flows = [-6_000.0, *[10_300.0 / 12] * 12]
    message = (
        f"annual_rate: the loan costs {12 * pyxirr.irr(flows):.2%} a year with all fees, above the ceiling of 24.00% "
        "for lender kind 'bank' on 2026-09-01 (Supreme People's Court, Fafa [2017] no. 22, "
        "article 2): choose a product with a lower rate or lower fees"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        build_loan(dear, loan)
    assert build_loan(lending, loan).amount == 1_000_000


def test_late_interest_is_held_against_the_ceiling_too(lending: Lending) -> None:
    rule = lending.rules.rate_ceilings["courts"]
    lower = rule.model_copy(update={"periods": (rule.periods[0].model_copy(update={"maximum": 0.05}),)})
    strict = replace(lending, rules=lending.rules.model_copy(update={"rate_ceilings": {"courts": lower}}))
    with pytest.raises(DataError, match=r"late interest of 5\.25% a year is above the ceiling of 5\.00% for "):
        build_loan(strict, terms())
