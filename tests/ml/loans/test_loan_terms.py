"""Terms of one loan checked against the shipped catalogue."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from features.errors import DataError
from ml.loans.catalogue.files import Lending, load_lending
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
    rates = lending.catalogue.products["maker_balloon"].rates_on(date(2026, 9, 1), "A")
    assert rates is not None
    loan = {"product": "maker_balloon", "annual_rate": rates[36]}
    assert build_loan(lending, terms(**loan, balloon=30_000.0)).balloon == 3_000_000
    with pytest.raises(DataError, match=r"allows 30000\.00 or 40000\.00 yuan, got 35000\.00"):
        build_loan(lending, terms(**loan, balloon=35_000.0))
