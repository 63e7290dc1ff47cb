"""Every product at one plan: the same figures as the offers and the grid, or the rule that excludes it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.disclosure_endpoint import answer_disclosure
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.endpoints import FILES
from ml.loans.plan_products import ProductAnswer
from ml.loans.schedule_endpoint import ScheduleRequest, answer_schedule
from serving.desk.areas.loan_prints import loan_terms
from tests.conftest import ROOT
from tests.ml.loans.test_offers_endpoint import lending, respond

__all__ = ["lending"]


def test_every_product_is_listed_with_an_offer_or_a_rule(lending: Lending) -> None:
    result = respond(lending, compare=True)
    assert all(isinstance(p, ProductAnswer) for p in result.products)
    assert {p.product for p in result.products} == set(lending.catalogue.products)
    assert all((p.offer is None) == bool(p.violations) for p in result.products)
    assert respond(lending).products == []


def test_the_offer_of_a_product_is_the_cell_of_its_grid(lending: Lending) -> None:
    for plan in ({"down_payment": 45_000.0, "term_months": 24}, {"down_payment": 60_000.0, "term_months": 36}):
        products = [p for p in respond(lending, compare=True, **plan).products if p.offer is not None]
        assert products
        for p in products:
            grid = {"product": p.product, "down_payments": [plan["down_payment"]], "balloon_share": p.balloon_share}
            cells = respond(lending, grid=grid, **plan).grid
            (cell,) = [c for c in cells if c.term_months == plan["term_months"]]
            assert p.offer is not None
            assert (cell.monthly_payment, cell.nominal_rate) == (p.offer.monthly_payment, p.offer.nominal_rate)
            assert (cell.band, cell.violations) == (p.offer.band, [])


def test_products_are_compared_at_one_term(lending: Lending) -> None:
    with pytest.raises(DataError, match="compare: products are compared at one term, got none; enter term_months"):
        respond(lending, compare=True, term_months=None)


@settings(max_examples=12, deadline=None)
@given(
    down=st.integers(300, 1_200).map(lambda hundreds: hundreds * 100.0),
    term=st.sampled_from([12, 24, 36, 48, 60]),
)
def test_card_schedule_and_statement_agree_to_the_fen(down: float, term: int) -> None:
    lending = load_lending(*(ROOT / "configs" / name for name in FILES))
    for product in respond(lending, compare=True, down_payment=down, term_months=term).products:
        if product.offer is None:
            continue
        offer = product.offer
        case = {"inputs": {"vehicle_price": 150_000, "condition": "new", "energy_type": "combustion"}}
        terms = loan_terms(case, offer.model_dump(mode="json"), "2026-09-01")
        schedule = answer_schedule(lending, ScheduleRequest.model_validate(terms))
        # A payment of the plan counts the fees at disbursement apart, as the offer does.
        assert max(row.payment for row in schedule.rows[:-1]) == offer.monthly_payment
        assert schedule.rows[-1].payment == offer.final_payment
        assert (schedule.total_cost, round(schedule.nominal_rate, 6)) == (offer.total_cost, offer.nominal_rate)
        if offer.lease is None:
            statement = answer_disclosure(lending, DisclosureRequest.model_validate(terms))
            assert statement.total_cost == round(offer.total_cost * 100)
            assert round(statement.annualised_cost, 6) == offer.nominal_rate
