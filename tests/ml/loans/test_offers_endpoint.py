"""Offers from the shipped catalogue, with a credit model that can be computed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from features.errors import DataError
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.endpoints import FILES
from ml.loans.offer_answer import BEST_AT
from ml.loans.offers_endpoint import LoanOffersAnswer, answer, request
from ml.signature import Field, Signature
from tests.conftest import ROOT

APPROVE = 0.02
DECLINE = 0.06


class Encoder:
    """Encodes an application as its loan-to-value."""

    categorical: Sequence[str] = ()

    def transform(self, columns: Mapping[str, Sequence[int]]) -> np.ndarray[Any, Any]:
        return np.array(columns["loan_amount"]) / np.array(columns["vehicle_price"])

    def unseen(self, values: Mapping[str, Any]) -> list[str]:
        return []


class CreditModel:
    """Probability of default = `times` x loan-to-value / 100."""

    signature = Signature(
        fields=tuple(
            Field(name=name, kind="integer", unit="fen", feature=True) for name in ("loan_amount", "vehicle_price")
        )
    )
    encoder_ = Encoder()
    params = SimpleNamespace(outcome_window_months=12)
    policy_: Mapping[str, float] = {"approve": APPROVE, "decline": DECLINE}

    def __init__(self, times: float) -> None:
        self.times = times

    def probability_of_default(self, share: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return self.times * share / 100

    def points(self, probability: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.rint(1_000 * (1 - probability))

    def bands(self, probability: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(probability <= APPROVE, "approve", np.where(probability <= DECLINE, "refer", "decline"))


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def respond(lending: Lending, *, times: float = 1.0, **changes: Any) -> LoanOffersAnswer:
    champions: Any = {"credit_risk": SimpleNamespace(estimator=CreditModel(times))}
    body = {
        "on": "2026-09-01",
        "applicant": {"age": 35, "monthly_income": 20_000.0},
        "vehicle": {"vehicle_id": "V1", "price": 150_000, "condition": "new", "energy_type": "combustion"},
        "down_payment": 75_000,
        "term_months": 36,
        "borrower": {},
        "explain": False,
        **changes,
    }
    return answer(lending, champions, request(champions).model_validate(body))


def test_every_offer_has_the_probability_of_its_own_loan(lending: Lending) -> None:
    response = respond(lending)
    assert response.credit.probability_of_default == 0.005 and response.credit.band == "approve"
    assert response.risk_band == "A" and response.changes == []
    assert 1 <= len(response.offers) <= 4 and 0 < response.n_feasible <= response.n_candidates
    for offer in response.offers:
        assert offer.amount == 150_000 - offer.down_payment
        assert offer.probability_of_default == pytest.approx(offer.amount / 150_000 / 100, abs=1e-6)
        assert offer.best_at_text == [BEST_AT[name] for name in offer.best_at]
        assert (offer.expected_profit, offer.expected_loss) == (None, None)


def test_only_the_lender_sees_what_the_lender_earns(lending: Lending) -> None:
    (offer,) = respond(lending, offers=1, lender_view=True).offers
    assert offer.expected_profit is not None and offer.expected_loss is not None and offer.expected_loss > 0


def test_the_lowest_cost_counts_the_discount_that_a_loan_gives_up(lending: Lending) -> None:
    offers = respond(lending, offers=8, products=["maker_zero", "bank_equal_principal"], term_months=24).offers
    by_product = {
        offer.product: offer for offer in offers if "lowest_total_cost" in offer.best_at or offer.total_cost == 0
    }
    zero, best = by_product["maker_zero"], by_product["bank_equal_principal"]
    assert (zero.total_cost, zero.forgone_discount, zero.cost_over_cash) == (0, 5_000, 5_000)
    assert 0 < best.total_cost == best.cost_over_cash < zero.cost_over_cash
    assert "lowest_total_cost" in best.best_at and "discount" in BEST_AT["lowest_total_cost"].en


def test_who_is_declined_is_offered_nothing(lending: Lending) -> None:
    response = respond(lending, times=14.0)
    assert response.credit.band == "decline" and response.offers == []


def test_a_change_is_one_that_the_model_approves(lending: Lending) -> None:
    # 50 % of the price at six hundredths is 3 %; 2 % takes a third, that is 100,000 yuan down or a cheaper car.
    cheaper = {"vehicle_id": "V2", "price": 90_000, "condition": "new", "energy_type": "combustion"}
    response = respond(lending, times=6.0, stock=[cheaper])
    assert response.credit.band == "refer" and response.credit.probability_of_default == 0.03
    assert response.changes
    for change in response.changes:
        lent = (change.vehicle_price - change.down_payment) / change.vehicle_price
        assert change.probability_of_default == pytest.approx(6 * lent / 100, abs=1e-6)
        assert change.probability_of_default <= APPROVE and change.offer.down_payment <= change.down_payment
        assert change.offer.best_at == [] and change.offer.best_at_text == []  # compared with no other loan
    assert {"V1", "V2"} >= {change.vehicle_id for change in response.changes}


def test_a_grid_has_a_cell_for_each_term_and_down_payment(lending: Lending) -> None:
    grid = respond(lending, grid={"product": "bank_standard", "down_payments": [15_000, 75_000]}).grid
    assert [(cell.term_months, cell.down_payment) for cell in grid[:3]] == [(12, 15_000), (12, 75_000), (24, 15_000)]
    # 10 % down is below the product's 20 %, and 11,446 yuan a month is more than 55 % of an income of 20,000.
    assert len(grid) == 10 and grid[0].violations == ["loan_to_value", "payment_to_income"] and grid[1].violations == []


def test_unavailable_products_name_the_rule(lending: Lending) -> None:
    low_income: dict[str, Any] = {"applicant": {"age": 35, "monthly_income": 4_500.0}}
    unavailable = respond(lending, **low_income).unavailable_products
    named = respond(lending, **low_income, products=["bank_standard", "used_guaranteed"]).unavailable_products
    assert named == {"used_guaranteed": "vehicle_class"}  # the others are not compared
    assert unavailable["used_guaranteed"] == "vehicle_class" and unavailable["bank_equal_principal"] == "income"
    assert "bank_standard" not in unavailable


def test_a_large_down_payment_does_not_buy_the_price_of_a_small_one(lending: Lending) -> None:
    # PD = 2.4 % x loan-to-value: 75,000 of 150,000 yuan is 1.2 %, band B; 15,000 down is 2.16 %, still B and referred.
    # At 5 % x the share the requested loan is 2.5 %, approved or not by itself, and 15,000 down is 4.5 %, band C.
    response = respond(lending, times=5.0, offers=8)
    assert response.risk_band == "B" and response.credit.band == "refer"
    by_down = {offer.down_payment: offer for offer in response.offers}
    low = by_down[min(by_down)]
    assert (low.down_payment, low.probability_of_default, low.risk_band, low.band) == (15_000, 0.045, "C", "refer")
    assert low.annual_rate == 0.048  # flat_easy in band C; band B would be 0.038


def test_a_loan_that_would_be_declined_is_never_offered(lending: Lending) -> None:
    # 50 % of the price is 5.5 %, referred; from 54.5 % on the loan is above 6 % and declined.
    response = respond(lending, times=11.0, offers=8, down_payment=75_000)
    assert response.credit.band == "refer" and response.offers
    assert {offer.band for offer in response.offers} == {"refer"}
    assert min(offer.down_payment for offer in response.offers) == 75_000
    assert response.violations["credit_decision"] > 0


@pytest.mark.parametrize(
    ("price", "down", "condition"), [(20_000, 16_000, "new"), (150_000, 147_000, "new"), (30_000, 29_800, "used")]
)
def test_a_loan_below_its_costs_does_not_fail_the_answer(
    lending: Lending, price: int, down: int, condition: str
) -> None:
    vehicle = {"vehicle_id": "V1", "price": price, "condition": condition, "energy_type": "combustion"}
    response = respond(lending, vehicle=vehicle, down_payment=down, times=0.1)
    assert response.violations["annualised_cost"] > 0 and response.violations["amount"] > 0
    for offer in response.offers:
        assert offer.amount >= 10_000


def test_an_offer_says_who_pays_interest_besides_the_customer(lending: Lending) -> None:
    offers = {offer.product: offer for offer in respond(lending, offers=8).offers}
    assert offers["maker_zero"].total_interest == 0 < offers["maker_zero"].subsidies["maker"]
    assert offers["bank_standard"].subsidies["state"] > 0
    underage = respond(lending, applicant={"age": 17, "monthly_income": 20_000.0})
    assert underage.offers == [] and underage.cash.discount == 5_000  # a cash buyer needs no credit


def test_the_band_of_the_requested_loan_is_that_of_its_unrounded_probability(lending: Lending) -> None:
    response = respond(lending, times=2.00008)  # 1.00004 %, which the answer rounds to the limit of band A
    assert response.credit.probability_of_default == 0.01
    assert response.risk_band == response.offers[0].risk_band == "B"


def test_changes_do_not_depend_on_the_number_of_offers(lending: Lending) -> None:
    # 50 % of the price is 2.5 %, referred; no term changes that, and no lower down payment is better.
    assert respond(lending, times=5.0, offers=1).changes and respond(lending, times=5.0, offers=8).changes
    # The requested 10 % down is 3.6 %, referred; no smaller loan is within the down payment.
    approved = respond(lending, times=3.9, offers=1, down_payment=75_000)
    assert (approved.credit.band, approved.n_approved > 0, approved.changes) == ("approve", True, [])


def test_asking_for_an_offer_returns_the_same_offer(lending: Lending) -> None:
    for offer in respond(lending, times=3.0, offers=8, lender_view=True).offers:
        again = respond(
            lending,
            times=3.0,
            offers=8,
            lender_view=True,
            down_payment=offer.down_payment,
            term_months=offer.term_months,
            products=[offer.product],
        ).offers
        labels = {"best_at", "best_at_text"}
        same = [other for other in again if other.offer_id == offer.offer_id]
        assert [other.model_dump(exclude=labels) for other in same] == [offer.model_dump(exclude=labels)]


def test_the_id_of_an_offer_follows_everything_that_made_it(lending: Lending) -> None:
    def first(**changes: Any) -> str:
        return respond(lending, offers=1, **changes).offers[0].offer_id

    ids = {
        first(),
        first(on="2026-09-02"),
        first(applicant={"age": 36, "monthly_income": 20_000.0}),
        first(term_months=24),
        first(extras=[{"name": "车辆购置税", "kind": "purchase_tax", "amount": 6_000}]),
    }
    assert len(ids) == 5 and first() in ids
    assert first(lender_view=True, stock=[]) == first()


def test_extras_and_trade_in_are_part_of_the_deal(lending: Lending) -> None:
    tax = {"name": "车辆购置税", "kind": "purchase_tax", "amount": 6_000}
    insurance = {"name": "商业险", "kind": "insurance", "amount": 5_000, "financed": True}
    response = respond(
        lending, offers=8, extras=[tax, insurance], down_payment=30_000, trade_in_value=60_000, trade_in_payoff=20_000
    )
    assert response.offers
    for offer in response.offers:
        assert 40_000 <= offer.down_payment <= 70_000  # the net trade-in of 40,000, and up to 30,000 in cash
        assert offer.amount == 155_000 - offer.down_payment
        assert offer.cash_due == pytest.approx(offer.down_payment - 40_000 + 6_000 + offer.up_front)
        assert offer.cost_over_cash == pytest.approx(offer.total_cost + offer.forgone_discount)
    cash = response.cash
    assert (cash.price, cash.extras, cash.trade_in, cash.discount, cash.to_pay) == (
        150_000,
        11_000,
        40_000,
        5_000,
        116_000,
    )


def test_a_loan_on_the_old_car_above_its_price_is_paid_in_cash(lending: Lending) -> None:
    response = respond(lending, offers=8, down_payment=75_000, trade_in_value=60_000, trade_in_payoff=80_000)
    assert max(offer.down_payment for offer in response.offers) == 55_000
    assert all(offer.cash_due == offer.down_payment + 20_000 + offer.up_front for offer in response.offers)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"down_payment": 200_000}, "down_payment must be at most"),
        ({"on": "2010-01-01"}, "2010-01-01"),
        (
            {"down_payment": 10_000, "trade_in_value": 10_000, "trade_in_payoff": 30_000},
            "exceeds its price",
        ),
        ({"trade_in_payoff": 5_000}, r"trade_in_payoff: there is no car that is traded in, got 5000\.00 yuan"),
        (
            {"trade_in_value": 40_000, "grid": {"product": "bank_standard", "down_payments": [50_000, 35_000]}},
            r"down_payments must be from the trade-in's net value of 40000\.00 yuan to below the price",
        ),
        ({"state_subsidy_used": {"no_bank": 1.0}}, "state_subsidy_used: lender 'no_bank' is unknown"),
        ({"products": ["nonsense"]}, "product 'nonsense' is unknown"),
        ({"grid": {"product": "nonsense", "down_payments": [1]}}, "product 'nonsense' is unknown"),
        (
            {"stock": [{"vehicle_id": "V1", "price": 1, "condition": "new", "energy_type": "hybrid"}]},
            r"stock\.0\.vehicle_id: every vehicle_id must be unique .*, got 'V1' again; give each vehicle its own",
        ),
    ],
)
def test_what_cannot_be_answered_is_a_data_error(lending: Lending, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        respond(lending, **changes)


def test_extras_that_breach_the_rules_on_prices_and_fees_are_noticed(lending: Lending) -> None:
    tax = {"name": "车辆购置税", "kind": "purchase_tax", "amount": 6_637.17}
    fee = {"name": "金融服务费", "kind": "dealer_service", "amount": 3_000.0, "optional": False}
    assert respond(lending, extras=[tax]).notices == []
    assert [n.code for n in respond(lending, extras=[tax, fee]).notices] == ["service_missing", "forced_item"]


def test_offers_of_2027_contain_no_state_subsidy_and_say_so(lending: Lending) -> None:
    now, later = respond(lending), respond(lending, on="2027-03-01")
    assert now.notes == [] and later.offers
    assert [note.en for note in later.notes] == [
        "the state's interest subsidy ended on 2026-12-31; these amounts contain none"
    ]
    costs = {(offer.product, offer.term_months, offer.down_payment): offer.total_cost for offer in now.offers}
    dearer = [
        offer.total_cost > costs[key]
        for offer in later.offers
        if offer.product == "bank_standard" and (key := (offer.product, offer.term_months, offer.down_payment)) in costs
    ]
    assert dearer and all(dearer)
    commercial = {"vehicle_id": "V1", "price": 150_000, "condition": "new", "energy_type": "combustion"}
    assert respond(lending, on="2027-03-01", vehicle={**commercial, "use": "commercial"}).notes == []


def test_a_lease_is_offered_to_a_commercial_vehicle_with_its_deposit_due_at_signing(lending: Lending) -> None:
    lorry = {"vehicle_id": "V1", "price": 150_000, "condition": "new", "energy_type": "combustion", "use": "commercial"}
    response = respond(lending, vehicle=lorry, down_payment=30_000, offers=8)
    leases = [offer for offer in response.offers if offer.form == "finance_lease"]
    assert leases and all(offer.lease is None for offer in response.offers if offer.form != "finance_lease")
    for offer in leases:
        assert offer.lease is not None and offer.lease.deposit == offer.amount / 10
        assert offer.cash_due == pytest.approx(offer.down_payment + offer.lease.deposit)
        assert (offer.balloon_share, offer.total_fees, offer.up_front) == (0.2, 100.0, 0.0)
        assert offer.nominal_rate > offer.annual_rate + 0.005  # the deposit bears no interest
        assert "lowest_payment" not in offer.best_at  # its residual is left to maturity
    # 20 % down is less than the 25 % that the loan of the same class asks for.
    assert {offer.product for offer in response.offers} == {"commercial_lease"}
    assert "commercial_lease" in respond(lending).unavailable_products


@pytest.mark.parametrize("step", [0, 0.5, 0.99, 100.001])
def test_a_step_is_at_least_a_yuan_in_whole_fen(lending: Lending, step: float) -> None:
    with pytest.raises(ValidationError, match="change_step"):
        respond(lending, change_step=step)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"term_months": 30}, "no product has this term, or the law allows none so long"),
        ({"down_payment": 150_000}, "amount below or above the products' limits"),
        # 75,000 over 12 months is at least 6,250 a month, and 55 % of 11,000 is 6,050.
        (
            {"term_months": 12, "applicant": {"age": 35, "monthly_income": 11_000.0}, "products": ["bank_standard"]},
            "payment and other debts too high for the income",
        ),
        (
            {"down_payment": 20_000, "products": ["bank_standard"]},  # of at least 30,000
            "down payment below the products' minimum or the limit of loan-to-value",
        ),
    ],
)
def test_a_note_says_why_no_offer_is_as_requested(
    lending: Lending, changes: dict[str, Any], reason: str | None
) -> None:
    response = respond(lending, **changes)
    assert any("as_requested" in offer.best_at for offer in response.offers) == (reason is None)
    down, term = changes.get("down_payment", 75_000), changes.get("term_months", 36)
    expected = [f"no loan with {down:,.2f} yuan down over {term} months: {reason}"] if reason else []
    assert [note.en for note in response.notes] == expected


def test_without_a_requested_term_no_note_misses_it(lending: Lending) -> None:
    assert respond(lending, term_months=None).notes == []


def test_the_fees_of_an_offer_add_up_to_its_total(lending: Lending) -> None:
    used = {"vehicle_id": "V1", "price": 100_000, "condition": "used", "energy_type": "combustion"}
    offers = respond(lending, vehicle=used, down_payment=30_000, products=["used_guaranteed"]).offers
    assert offers
    for offer in offers:
        guarantee, registration = offer.fees
        assert registration.amount == offer.up_front == 300.0
        assert guarantee.amount + registration.amount == pytest.approx(offer.total_fees, abs=0.001)


def test_the_grid_is_by_default_that_of_the_first_offer(lending: Lending) -> None:
    result = respond(lending, grid={"down_payments": [30_000.0, 50_000.0]})
    assert result.grid_product == result.offers[0].product
    assert result.grid == respond(lending, grid={"product": result.grid_product, "down_payments": [3e4, 5e4]}).grid
    assert respond(lending).grid_product is None
