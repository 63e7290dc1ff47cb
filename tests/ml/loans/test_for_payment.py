"""Loans within a wished monthly payment, from the shipped catalogue with a credit model computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from features.errors import DataError
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.endpoints import FILES
from ml.loans.for_payment import AffordableLoanAnswer, ForPaymentAnswer
from tests.conftest import ROOT
from tests.ml.loans.test_offers_endpoint import respond

EXTRAS = [{"name": "商业险", "kind": "insurance", "amount": 5_000, "financed": True}]
TRADE_IN = {"down_payment": 30_000, "trade_in_value": 60_000, "trade_in_payoff": 20_000}
UNDERWATER = {"down_payment": 75_000, "trade_in_value": 60_000, "trade_in_payoff": 80_000}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def solved(lending: Lending, solve: str, wish: float, **changes: Any) -> ForPaymentAnswer:
    request = {"monthly_payment": wish, "solve": solve}
    response = respond(lending, for_payment=request, **{"offers": 8, **changes}).for_payment
    assert response is not None
    return response


def same_offer(lending: Lending, loan: AffordableLoanAnswer, **changes: Any) -> None:
    """Check that a request with the price, cash and term of a loan has the same offer."""
    vehicle = {"vehicle_id": "V1", "price": loan.vehicle_price, "condition": "new", "energy_type": "combustion"}
    again = respond(
        lending,
        **{
            **changes,
            "vehicle": vehicle,
            "down_payment": loan.cash,
            "term_months": loan.term_months,
            "products": [loan.offer.product],
            "offers": 8,
        },
    ).offers
    labels = {"best_at", "best_at_text"}
    same = [other for other in again if other.offer_id == loan.offer.offer_id]
    assert [other.model_dump(exclude=labels) for other in same] == [loan.offer.model_dump(exclude=labels)]


@pytest.mark.parametrize("changes", [{}, {"extras": EXTRAS, **TRADE_IN}, UNDERWATER, {"term_months": None}])
@pytest.mark.parametrize(("solve", "wish"), [("down_payment", 2_000), ("term_months", 2_800), ("price", 2_500.55)])
def test_a_request_with_the_solution_has_the_same_offer(
    lending: Lending, solve: str, wish: float, changes: dict[str, Any]
) -> None:
    answer = solved(lending, solve, wish, times=3.0, **changes)
    assert len(answer.loans) >= 2 and answer.nearest is None
    for loan in answer.loans:
        assert loan.offer.monthly_payment <= wish and loan.offer.band in ("approve", "refer")
        assert (loan.down_payment, loan.term_months) == (loan.offer.down_payment, loan.offer.term_months)
        same_offer(lending, loan, times=3.0, **changes)


def test_the_solutions_of_one_product_by_hand(lending: Lending) -> None:
    # 0 % for 36 months: 2,000 yuan a month repay 72,000 yuan.
    by_down = solved(lending, "down_payment", 2_000, products=["maker_zero"])
    assert [(x.down_payment, x.offer.monthly_payment) for x in by_down.loans] == [(78_000, 2_000)]
    by_price = solved(lending, "price", 2_000, products=["maker_zero"])
    assert [(x.vehicle_price, x.down_payment) for x in by_price.loans] == [(147_000, 75_000)]
    by_term = solved(lending, "term_months", 3_125, products=["maker_zero"])
    assert [(x.term_months, x.offer.monthly_payment) for x in by_term.loans] == [(24, 3_125)]
    assert (by_down.step, by_price.step, by_term.step) == (100, 100, None)


def test_without_a_solution_the_rules_and_the_nearest_payment_say_why(lending: Lending) -> None:
    answer = solved(lending, "term_months", 1_000, products=["maker_zero", "bank_standard"])
    assert (answer.loans, answer.violations) == ([], {"wished_payment": 2})
    assert answer.nearest is not None
    assert (answer.nearest.term_months, answer.nearest.offer.product) == (60, "bank_standard")
    same_offer(lending, answer.nearest)
    declined = solved(lending, "down_payment", 2_000, times=99.0)
    assert (declined.loans, declined.nearest) == ([], None)
    assert set(declined.violations) <= {"risk_band", "credit_decision", "term", "wished_payment"}


def test_a_loan_that_would_be_declined_is_never_shown(lending: Lending) -> None:
    # At 11 % of the loan-to-value, loans above 54.5 % of the price are declined: a high payment needs 45.5 % down.
    loans = solved(lending, "down_payment", 8_000, times=11.0).loans
    assert loans and {loan.offer.band for loan in loans} == {"refer"}
    assert min(loan.down_payment for loan in loans) == 68_200


def test_no_wish_has_no_answer(lending: Lending) -> None:
    assert respond(lending).for_payment is None


@pytest.mark.parametrize("wish", [0, -1, 1.001])
def test_a_wish_is_an_amount_above_zero(lending: Lending, wish: float) -> None:
    with pytest.raises(ValueError, match=r"for_payment\.monthly_payment"):
        solved(lending, "price", wish)


def test_an_unknown_product_is_a_data_error(lending: Lending) -> None:
    with pytest.raises(DataError, match="product 'nonsense' is unknown"):
        solved(lending, "price", 2_000, products=["nonsense"])
