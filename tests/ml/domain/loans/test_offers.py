"""Offers: limits that are met exactly, deterministic selection of efficient loans, verified changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.candidates import RULES, candidates, down_payments
from ml.domain.loans.changes import smallest_changes
from ml.domain.loans.loan import Loan
from ml.domain.loans.offers import Offers, make_offers
from ml.domain.loans.payment_grid import payment_grid
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import schedule
from ml.loans.offers_endpoint import BEST_AT

START = date(2026, 1, 15)
PRICE = 10_000_000
POLICY = Policy(
    payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65, maximum_cost=0.24
)
APPLICANT = Applicant(age=30, monthly_income=1_000_000, monthly_debt_payment=100_000)
VEHICLE = Vehicle("V1", PRICE, "private_combustion")


def bank(**values: Any) -> OfferedProduct:
    valid: dict[str, Any] = {
        "name": "standard",
        "lender": "bank",
        "product": LoanProduct(),
        "rates": {12: 0.05, 24: 0.05, 36: 0.05},
        "minimum_amount": 1_000_000,
        "maximum_amount": 50_000_000,
        "minimum_down_payment": 0.2,
        "funding_rate": 0.02,
        "loss_given_default": 0.4,
    }
    return OfferedProduct(**{**valid, **values})


def make_application(down: int = 4_000_000, term: int | None = None, applicant: Applicant = APPLICANT) -> Application:
    return Application(applicant, VEHICLE, down, term)


def offers_for(application: Application, *offered: OfferedProduct, policy: Policy = POLICY, **values: Any) -> Offers:
    values = {"probability_of_default": 0.01, "count": 10, **values}
    return make_offers(application, offered, policy=policy, start=START, **values)


def violations(application: Application, offered: OfferedProduct, policy: Policy = POLICY) -> dict[str, list[bool]]:
    batch = candidates(application, [offered], probability_of_default=0.01, policy=policy, start=START)
    assert batch is not None
    return {rule: batch.violations[rule].tolist() for rule in RULES}


def test_every_offer_keeps_every_rule() -> None:
    result = offers_for(make_application(), bank())
    assert result.offers
    for offer in result.offers:
        assert 2_000_000 <= offer.down_payment <= 4_000_000
        assert offer.loan.amount + offer.down_payment == PRICE
        assert offer.payment_to_income <= 0.5
        assert offer.loan_to_value <= 0.8
        assert offer.expected_profit >= 0


def test_the_least_down_payment_is_the_one_that_law_lender_and_amount_leave() -> None:
    assert down_payments(bank(), PRICE, PRICE)[0] == 2_000_000
    assert down_payments(bank(maximum_loan_to_value=0.7), PRICE, PRICE)[0] == 3_000_000
    assert down_payments(bank(maximum_amount=6_500_000), PRICE, PRICE)[0] == 3_500_000
    assert down_payments(bank(), PRICE, 1_999_999) == []
    assert down_payments(bank(), 9_999_999, PRICE)[0] == 2_000_000  # whole yuan, rounded up


def test_a_loan_without_an_annualised_cost_violates_the_ceiling_and_leaves_the_others() -> None:
    fee = Fee(name="service", charged="up_front", amount=1_000_000)
    offered = bank(product=LoanProduct(fees=(fee,)), rates={36: 0.05}, minimum_amount=1)
    lenient = replace(POLICY, maximum_cost=1.0, payment_to_income=1.0)
    result = violations(make_application(9_000_000), offered, lenient)
    downs = down_payments(offered, PRICE, 9_000_000)
    assert result["annualised_cost"] == [down >= 9_000_000 for down in downs]  # 1,000,000 fen less the fee is nothing


def test_a_limit_may_be_met_exactly() -> None:
    tight = Applicant(30, 2 * (100_000 + 513_645))  # the payment of 60,000 at 5 % over 12 months is 5,136.45
    one = bank(rates={12: 0.05}, minimum_down_payment=0.4)
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
    once = bank(product=LoanProduct(form="interest_only"), rates={12: 0.05}, minimum_down_payment=0.4)
    assert violations(make_application(), once)["payment_to_income"] == [True]


def test_a_loan_that_is_expected_to_lose_is_not_offered() -> None:
    assert offers_for(make_application(), bank(), probability_of_default=0.5).offers == ()
    assert offers_for(make_application(), bank(), probability_of_default=0.5).violations["expected_profit"] > 0


def test_no_candidates_means_no_offers() -> None:
    assert offers_for(make_application(1_000_000), bank()) == Offers((), 0, 0, {})
    assert offers_for(make_application(term=48), bank()) == Offers((), 0, 0, {})


def test_a_requested_term_is_respected() -> None:
    assert {o.loan.term_months for o in offers_for(make_application(term=24), bank()).offers} == {24}


def test_labels_agree_with_the_offers() -> None:
    offered = (
        bank(),
        bank(name="balloon", product=LoanProduct(form="balloon"), balloon_shares=(0.3,), rates={36: 0.06}),
        bank(name="zero", product=LoanProduct(subsidies=(Subsidy(payer="maker", rate=1.0),)), rates={24: 0.05}),
    )
    offers = offers_for(make_application(), *offered).offers
    by = {name: offer for offer in offers for name in offer.best_at}
    assert set(by) == set(BEST_AT) - {"as_requested"}
    assert (by["lowest_payment"].name, by["lowest_payment_balloon"].name) == ("standard", "balloon")
    assert (by["lowest_total_cost"].name, by["lowest_total_cost"].total_cost) == ("zero", 0)
    assert by["lowest_down_payment"].down_payment == 2_000_000
    assert by["lowest_payment_balloon"].monthly_payment == min(o.monthly_payment for o in offers)
    assert by["lowest_payment"].monthly_payment == min(o.monthly_payment for o in offers if o.name != "balloon")


def test_a_forgone_discount_counts_as_a_cost() -> None:
    free = LoanProduct(subsidies=(Subsidy(payer="maker", rate=1.0),))
    zero = bank(name="zero", product=free, rates={24: 0.05}, forgone_discount=1_000_000)
    by = {name: o for o in offers_for(make_application(), bank(), zero).offers for name in o.best_at}
    assert by["lowest_total_cost"].name == "standard"
    offers = offers_for(make_application(), zero).offers
    assert offers[0].nominal_rate == pytest.approx(0, abs=1e-9)
    assert offers[0].implied_rate > 0.1


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_never_more_than_count_offers(count: int) -> None:
    assert len(offers_for(make_application(), bank(), count=count).offers) <= count


def test_equal_requests_get_equal_offers() -> None:
    offered = (bank(), bank(name="other"), bank(name="dear", rates={36: 0.09}))
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
    grid = payment_grid(
        make_application(), bank(), [1_000_000, 5_000_000], probability_of_default=0.01, policy=POLICY, start=START
    )
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
        payment_grid(make_application(), bank(), [down], probability_of_default=0.01, policy=POLICY, start=START)


CHEAPER = (Vehicle("V2", 8_000_000, "used"), Vehicle("V3", 6_000_000, "used"), Vehicle("V4", 12_000_000, "used"))


def changes(model: Any, *, limit: float = 0.05, **options: Any) -> Any:
    options = {"down_payments": [2_000_000, 3_000_000], "terms": [24, 36, 48], "vehicles": CHEAPER, **options}
    start = Application(APPLICANT, VEHICLE, 1_000_000, 36)
    return smallest_changes(start, probability_of_default=model, passes=lambda _, pd: pd <= limit, **options)


def test_each_change_alone_is_the_smallest_that_passes() -> None:
    def model(a: Application) -> float:
        return 0.05 if a.down_payment >= 2_000_000 or a.vehicle.price <= 6_000_000 or a.term_months == 24 else 0.06

    result = changes(model)
    assert [c.changed for c in result] == [("down_payment",), ("term_months",), ("vehicle",)]
    assert result[0].application.down_payment == 2_000_000
    assert result[2].application.vehicle.vehicle_id == "V3"
    assert [c.probability_of_default for c in result] == [0.05, 0.05, 0.05]


def test_only_what_the_model_confirms_is_returned() -> None:
    # A model that is not monotone: more down payment alone looks worse, the larger one passes.
    by_down = {2_000_000: 0.09, 3_000_000: 0.01}
    result = changes(lambda a: by_down.get(a.down_payment, 0.06), vehicles=(), terms=())
    assert [c.application.down_payment for c in result] == [3_000_000]


def test_changes_are_combined_only_where_none_passes_alone() -> None:
    result = changes(lambda a: 0.01 if a.down_payment >= 2_000_000 and a.term_months == 48 else 0.06)
    assert [(c.changed, c.application.down_payment) for c in result] == [(("down_payment", "term_months"), 2_000_000)]


def test_no_change_is_returned_if_none_passes() -> None:
    assert changes(lambda _: 0.5) == ()


def test_the_search_stops_after_200_trials() -> None:
    trials: list[Application] = []

    def model(application: Application) -> float:
        trials.append(application)
        return 0.5

    assert changes(model, down_payments=range(1_100_000, 9_900_000, 40_000)) == ()
    assert len(trials) == 200


def test_a_search_needs_a_term() -> None:
    with pytest.raises(LoanError, match="term_months must be set"):
        smallest_changes(
            make_application(),
            probability_of_default=lambda _: 0.1,
            passes=lambda *_: True,
            down_payments=[],
            terms=[],
            vehicles=[],
        )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: make_application(PRICE + 1),
            "down_payment must be at most the price of 100000.00 yuan, got 100000.01 yuan",
        ),
        (lambda: make_application(-1), "down_payment must be whole fen from 0"),
        (lambda: make_application(0, 0), "term_months must be a whole number of at least 1, got 0"),
        (lambda: Applicant(float("nan"), 1), "age must be a finite number"),
        (lambda: Applicant(30, 0), "monthly_income must be whole fen from 1"),
        (lambda: Vehicle("V", 0, "used"), "price must be whole fen from 1"),
        (lambda: bank(balloon_shares=(0.3,)), "balloon_shares must be set if the form is balloon, and only then"),
        (lambda: bank(rates={}), "rates must have at least one term"),
    ],
)
def test_what_breaks_a_rule_is_refused(make: Any, text: str) -> None:
    with pytest.raises(LoanError, match=text):
        make()
