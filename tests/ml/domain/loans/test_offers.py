"""Offers: limits that are met exactly, loans that are assessed as themselves, deterministic selection."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import Assess, Assessment, ProposedLoans, fixed_assessment
from ml.domain.loans.candidates import RULES, candidates
from ml.domain.loans.down_payments import down_payment_steps, down_payments
from ml.domain.loans.loan import Loan
from ml.domain.loans.offers import Offers, make_offers
from ml.domain.loans.payment_grid import payment_grid
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import schedule
from ml.loans.offer_answer import BEST_AT

START = date(2026, 1, 15)
PRICE = 10_000_000
POLICY = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
LENIENT = replace(POLICY, payment_to_income=1.0)
APPLICANT = Applicant(age=30, monthly_income=1_000_000, monthly_debt_payment=100_000)
VEHICLE = Vehicle("V1", PRICE, "private_combustion")


def bank(**values: Any) -> OfferedProduct:
    valid: dict[str, Any] = {
        "name": "standard",
        "lender": "bank",
        "product": LoanProduct(),
        "rates": {"A": {12: 0.05, 24: 0.05, 36: 0.05}},
        "minimum_amount": 1_000_000,
        "maximum_amount": 50_000_000,
        "minimum_down_payment": 0.2,
        "funding_rate": 0.02,
        "loss_given_default": 0.4,
        "maximum_cost": 0.24,
    }
    return OfferedProduct(**{**valid, **values})


def make_application(down: int = 4_000_000, term: int | None = None, applicant: Applicant = APPLICANT) -> Application:
    return Application(applicant, VEHICLE, down, term)


def offers_for(application: Application, *offered: OfferedProduct, policy: Policy = POLICY, **values: Any) -> Offers:
    values = {"assess": risk(), "count": 10, **values}
    return make_offers(application, offered, policy=policy, start=START, **values)


def risk(probability: float = 0.01, band: str = "A") -> Assess:
    return lambda loans: fixed_assessment(probability, risk_band=band, count=len(loans))


def violations(application: Application, offered: OfferedProduct, policy: Policy = POLICY) -> dict[str, list[bool]]:
    compared = candidates(application, [offered], assess=risk(), policy=policy, start=START)
    assert compared is not None
    return {rule: compared.violations[rule].tolist() for rule in RULES}


def test_every_offer_keeps_every_rule() -> None:
    result = offers_for(make_application(), bank())
    assert result.offers
    for offer in result.offers:
        assert 2_000_000 <= offer.down_payment <= 4_000_000
        assert offer.loan.amount + offer.down_payment == PRICE
        assert offer.payment_to_income <= 0.5
        assert offer.loan_to_value <= 0.8
        assert offer.expected_profit >= 0


def downs(offered: OfferedProduct, application: Application) -> list[int]:
    return down_payments(offered, application, POLICY, down_payment_steps(application.vehicle.price, 0.1))


def test_the_least_down_payment_is_the_one_that_law_lender_and_amount_leave() -> None:
    assert downs(bank(), make_application(PRICE))[0] == 2_000_000
    assert downs(bank(maximum_loan_to_value=0.7), make_application(PRICE))[0] == 3_000_000
    assert downs(bank(maximum_amount=6_500_000), make_application(PRICE))[0] == 3_500_000
    assert downs(bank(), make_application(1_999_999)) == [1_999_999]  # violates the rule by itself
    cheaper = replace(make_application(), vehicle=Vehicle("V1", 9_999_999, "used"))
    assert downs(bank(), cheaper)[0] == 2_000_000  # whole yuan, rounded up
    assert downs(bank(), replace(make_application(PRICE), trade_in=2_500_000))[0] == 2_500_000


def test_a_loan_without_an_annualised_cost_violates_the_ceiling_and_leaves_the_others() -> None:
    fee = Fee(name="service", charged="up_front", amount=1_000_000)
    offered = bank(product=LoanProduct(fees=(fee,)), rates={"A": {36: 0.05}}, minimum_amount=1, maximum_cost=1.0)
    lenient = replace(POLICY, payment_to_income=1.0)
    result = violations(make_application(9_000_000), offered, lenient)
    compared = downs(offered, make_application(9_000_000))
    assert result["annualised_cost"] == [down >= 9_000_000 for down in compared]  # the fee takes it all


def test_a_limit_may_be_met_exactly() -> None:
    tight = Applicant(30, 2 * (100_000 + 513_645))  # the payment of 60,000 at 5 % over 12 months is 5,136.45
    one = bank(rates={"A": {12: 0.05}}, minimum_down_payment=0.4)
    for income, is_feasible in ((tight.monthly_income, True), (tight.monthly_income - 1, False)):
        application = make_application(4_000_000, applicant=replace(APPLICANT, monthly_income=income))
        assert violations(application, one)["payment_to_income"] == [not is_feasible]


def test_age_counts_to_maturity() -> None:
    def at(age: float) -> list[bool]:
        return violations(make_application(applicant=replace(APPLICANT, age=age)), bank(minimum_down_payment=0.4))[
            "age_at_maturity"
        ]

    assert at(62) == [False, False, False]
    assert at(62.5) == [False, False, True]
    assert at(17.9) == [True, True, True]


def test_the_longest_term_and_the_cost_ceiling() -> None:
    one = bank(minimum_down_payment=0.4)
    assert violations(make_application(), one, replace(POLICY, maximum_term_months=24))["term"] == [False, False, True]
    fee = LoanProduct(fees=(Fee(name="service", charged="up_front", share=0.1),))
    assert violations(make_application(), replace(one, product=fee))["annualised_cost"] == [True, False, False]


def test_principal_due_in_one_sum_is_carried_by_income_too() -> None:
    once = bank(product=LoanProduct(form="interest_only"), rates={"A": {12: 0.05}}, minimum_down_payment=0.4)
    assert violations(make_application(), once)["payment_to_income"] == [True]


def test_a_loan_that_is_expected_to_lose_is_not_offered() -> None:
    assert offers_for(make_application(), bank(), assess=risk(0.5)).offers == ()
    assert offers_for(make_application(), bank(), assess=risk(0.5)).violations["expected_profit"] > 0


def test_without_products_there_are_no_offers() -> None:
    assert offers_for(make_application()) == Offers((), 0, 0, 0, {}, ())


def test_a_refusal_counts_the_rule_that_a_low_down_payment_violates() -> None:
    result = offers_for(make_application(1_000_000), bank())
    assert (result.offers, result.n_candidates, result.violations["loan_to_value"]) == ((), 3, 3)
    everything = offers_for(make_application(PRICE), bank(minimum_down_payment=1.0))
    assert (everything.offers, everything.violations["amount"]) == ((), 3)  # nothing is left to finance


def test_the_requested_loan_comes_first() -> None:
    first = offers_for(make_application(3_000_000, term=24), bank()).offers[0]
    assert (first.best_at[0], first.down_payment, first.loan.term_months) == ("as_requested", 3_000_000, 24)


def by_down_payment(loans: ProposedLoans) -> Assessment:
    """A lower down payment means more risk: 30 % is band A, 20 % is band B and referred, less is declined."""
    share = loans.down_payment / PRICE
    return Assessment(
        0.05 * (1 - share),
        np.select([share >= 0.3, share >= 0.1], ["A", "B"], ""),
        np.select([share >= 0.3, share >= 0.2], ["approve", "refer"], "decline"),
    )


def test_every_loan_is_assessed_priced_and_judged_as_itself() -> None:
    dear = bank(rates={"A": {24: 0.05}, "B": {24: 0.08}}, minimum_down_payment=0.0)
    result = offers_for(make_application(4_000_000), dear, assess=by_down_payment, policy=LENIENT)
    terms = {o.down_payment: (o.loan.annual_rate, o.risk_band, o.decision) for o in result.offers}
    assert terms == {
        2_000_000: (0.08, "B", "refer"),
        3_000_000: (0.05, "A", "approve"),
        4_000_000: (0.05, "A", "approve"),
    }
    assert {o.down_payment: o.probability_of_default for o in result.offers} == {
        down: pytest.approx(0.05 * (1 - down / PRICE)) for down in terms
    }
    assert (result.n_feasible, result.n_approved) == (3, 2)
    # Down payments of 0 and 10 % are declined; with 0 % there is no rate either.
    assert (result.violations["credit_decision"], result.violations["risk_band"]) == (2, 1)


def test_the_profit_of_a_loan_follows_its_own_risk() -> None:
    for offer in offers_for(make_application(), bank(), assess=by_down_payment, policy=LENIENT).offers:
        alone = Application(APPLICANT, VEHICLE, offer.down_payment, offer.loan.term_months)
        (again,) = offers_for(alone, bank(), assess=by_down_payment, policy=LENIENT, count=1).offers
        assert replace(again, best_at=offer.best_at) == offer


def test_every_distinct_loan_is_scored_once() -> None:
    batches: list[int] = []

    def assess(loans: ProposedLoans) -> Assessment:
        batches.append(len(loans))
        return fixed_assessment(0.01, risk_band="A", count=len(loans))

    result = offers_for(make_application(), bank(), bank(name="other"), assess=assess)
    assert (result.n_candidates, batches) == (18, [9])


def test_a_product_without_a_rate_for_its_risk_is_named() -> None:
    result = offers_for(make_application(), bank(), bank(name="prime", rates={"AA": {36: 0.01}}))
    assert result.without_rate == ("prime",)


def test_financed_extras_are_part_of_the_loan_and_count_by_the_base_of_the_rules() -> None:
    deal = replace(make_application(2_000_000, term=36), extras=1_500_000, financed_extras=1_000_000)
    (first, *_) = offers_for(deal, bank(), policy=LENIENT).offers
    assert (first.loan.amount, first.loan_to_value) == (9_000_000, 0.8)
    whole = replace(LENIENT, extras_in_loan_to_value=True)
    (second, *_) = offers_for(replace(deal, down_payment=3_000_000), bank(), policy=whole).offers
    assert (second.loan.amount, second.loan_to_value) == (8_000_000, pytest.approx(8 / 11))
    limited = bank(maximum_financed_extras=0.5)
    assert offers_for(deal, limited, policy=LENIENT).violations["extras"] > 0


def test_a_co_borrower_s_income_carries_the_payment() -> None:
    alone = Applicant(30, 500_000)
    joint = replace(alone, co_borrower_income=500_000, co_borrower_debt_payment=100_000)
    one = bank(rates={"A": {36: 0.05}}, minimum_down_payment=0.4)
    (offer,) = offers_for(make_application(applicant=joint), one).offers
    assert offer.payment_to_income == pytest.approx((offer.monthly_payment + 100_000) / 1_000_000, abs=1e-5)
    assert violations(make_application(applicant=replace(alone, monthly_debt_payment=100_000)), one)[
        "payment_to_income"
    ] == [True]


def test_labels_agree_with_the_offers() -> None:
    offered = (
        bank(),
        bank(name="balloon", product=LoanProduct(form="balloon"), balloon_shares=(0.3,), rates={"A": {36: 0.06}}),
        bank(name="zero", product=LoanProduct(subsidies=(Subsidy(payer="maker", rate=1.0),)), rates={"A": {24: 0.05}}),
    )
    offers = offers_for(make_application(), *offered).offers
    by = {name: offer for offer in offers for name in offer.best_at}
    assert set(by) == set(BEST_AT) - {"as_requested"}  # no term is requested
    assert (by["lowest_payment"].name, by["lowest_payment_balloon"].name) == ("standard", "balloon")
    assert (by["lowest_total_cost"].name, by["lowest_total_cost"].total_cost) == ("zero", 0)
    assert by["lowest_down_payment"].down_payment == 2_000_000
    assert by["lowest_payment_balloon"].monthly_payment == min(o.monthly_payment for o in offers)
    assert by["lowest_payment"].monthly_payment == min(o.monthly_payment for o in offers if o.name != "balloon")


def test_a_forgone_discount_counts_as_a_cost() -> None:
    free = LoanProduct(subsidies=(Subsidy(payer="maker", rate=1.0),))
    zero = bank(name="zero", product=free, rates={"A": {24: 0.05}}, forgone_discount=1_000_000)
    by = {name: o for o in offers_for(make_application(), bank(), zero).offers for name in o.best_at}
    assert by["lowest_total_cost"].name == "standard"
    offers = offers_for(make_application(), zero).offers
    assert offers[0].nominal_rate == pytest.approx(0, abs=1e-9)
    assert offers[0].implied_rate > 0.1


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_never_more_than_count_offers(count: int) -> None:
    assert len(offers_for(make_application(), bank(), count=count).offers) <= count


def test_equal_requests_get_equal_offers() -> None:
    offered = (bank(), bank(name="other"), bank(name="dear", rates={"A": {36: 0.09}}))
    assert offers_for(make_application(), *offered) == offers_for(make_application(), *offered)


def test_price_does_not_depend_on_the_person() -> None:
    older = replace(APPLICANT, age=41, monthly_income=1_500_000)
    one, other = (offers_for(make_application(4_000_000, 24, who), bank()).offers for who in (APPLICANT, older))
    prices = [{(o.down_payment, o.loan.annual_rate, o.monthly_payment) for o in offers} for offers in (one, other)]
    assert prices[0] <= prices[1]


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_a_count_below_one_is_refused(count: Any) -> None:
    with pytest.raises(LoanError, match="count must be a whole number of at least 1"):
        offers_for(make_application(), bank(), count=count)


def test_the_grid_names_violations() -> None:
    grid = payment_grid(make_application(), bank(), [1_000_000, 5_000_000], assess=risk(), policy=POLICY, start=START)
    assert grid.terms == (12, 24, 36)
    assert [cell.violations for cell in grid.cells[0]] == [
        ("loan_to_value", "payment_to_income"),
        ("payment_to_income",),
    ]
    assert [cell.violations for cell in grid.cells[1]] == [("loan_to_value",), ()]
    assert grid.cells[2][1].monthly_payment == schedule(Loan(LoanProduct(), 5_000_000, 0.05, 36), START).rows[0].payment


@pytest.mark.parametrize("down", [-1, PRICE, PRICE + 1])
def test_grid_down_payments_lie_below_the_price(down: int) -> None:
    with pytest.raises(LoanError, match=r"must be from 0 to below the price of 100000\.00 yuan"):
        payment_grid(make_application(), bank(), [down], assess=risk(), policy=POLICY, start=START)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: make_application(PRICE + 1),
            "down_payment must be at most the price of 100000.00 yuan, got 100000.01 yuan",
        ),
        (lambda: make_application(-1), "down_payment must be from 0.00 to 100000000.00 yuan, got -0.01 yuan"),
        (lambda: make_application(0, 0), "term_months must be a whole number of at least 1, got 0"),
        (lambda: Applicant(float("nan"), 1), "age must be a finite number"),
        (lambda: Applicant(30, 0), "monthly_income must be from 0.01 to 100000000.00 yuan, got 0.00 yuan"),
        (lambda: Vehicle("V", 0, "used"), "price must be from 0.01 to 100000000.00 yuan, got 0.00 yuan"),
        (lambda: bank(balloon_shares=(0.3,)), "balloon_shares must be set if the form is balloon, and only then"),
        (lambda: bank(rates={}), "rates must have at least one term"),
        (
            lambda: replace(make_application(), trade_in=4_000_001),
            "trade_in must be at most the down payment",
        ),
        (
            lambda: replace(make_application(), financed_extras=1),
            "financed_extras must be at most all extras",
        ),
        (lambda: fixed_assessment(1.5, risk_band="A"), "probability_of_default must be from 0 to 1, got 1.5"),
        (
            lambda: fixed_assessment(0.5, risk_band="A", decision="maybe"),
            "decision must be one of approve",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(make: Any, text: str) -> None:
    with pytest.raises(LoanError, match=text):
        make()
