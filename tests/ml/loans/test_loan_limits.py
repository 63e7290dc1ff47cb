"""Limits of law and lender for one loan: the vehicle's term, loan-to-value, down payment, extras and balloon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from features.errors import DataError
from ml.domain.loans.loan import Loan
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.disclosure_endpoint import answer_disclosure
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.endpoints import EXAMPLE_LOAN, FILES
from ml.loans.loan_limits import check_ceiling, check_vehicle, unchecked_limits
from ml.loans.loan_terms import LoanTerms, build_loan
from ml.loans.schedule_endpoint import ScheduleRequest, answer_schedule
from tests.conftest import ROOT

NEW = {"price": 150_000.0, "condition": "new", "energy_type": "battery_electric"}
USED = {"price": 100_000.0, "condition": "used", "energy_type": "combustion"}
FLAT = {"product": "flat_easy", "annual_rate": 0.03}
GUARANTEED = {"product": "used_guaranteed", "annual_rate": 0.072}
BALLOON = {"product": "maker_balloon", "annual_rate": 0.0499, "balloon": 30_000.0}
INSURANCE = {"name": "商业险", "kind": "insurance", "amount": 10_000.0, "financed": True}
PLATES = {"name": "上牌", "kind": "plates", "amount": 2_000.0}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def terms(**changes: Any) -> LoanTerms:
    return LoanTerms.model_validate({**EXAMPLE_LOAN, **changes})


def unchecked(lending: Lending, request: LoanTerms) -> list[str]:
    texts = unchecked_limits(lending, lending.catalogue.products[request.product], request.stated_loan)
    return [text.en.split(":")[0] + ":" + text.en.split(":")[1].split(",")[0] for text in texts]


@pytest.mark.parametrize(
    "loan",
    [
        {"vehicle": NEW},
        {"vehicle": NEW, "amount": 120_000.0},  # 20 % down: exactly the lender's minimum
        {**FLAT, "vehicle": USED, "amount": 70_000.0, "term_months": 36},  # 70 % of a used car: exactly the law's limit
        {**BALLOON, "vehicle": NEW, "resale_value": 30_000.0},
        {"vehicle": NEW, "extras": [INSURANCE, PLATES], "amount": 130_000.0},  # 120,000 for the car
    ],
)
def test_loans_at_their_limits_pass(lending: Lending, loan: dict[str, Any]) -> None:
    assert build_loan(lending, terms(**loan)).amount == round(terms(**loan).amount * 100)


@pytest.mark.parametrize(
    ("loan", "message"),
    [
        (
            {"vehicle": NEW, "amount": 120_000.01},
            "amount: the lender asks for a down payment of at least 20.00% of 150000.00 yuan, which is 30000.00 yuan; "
            r"got 29999.99: borrow less",
        ),
        (
            {**FLAT, "vehicle": USED, "amount": 70_000.01},
            r"amount: the law for used on 2026-09-01 allows a loan of at most 70.00% of 100000.00 yuan, which is "
            "70000.00 yuan; got 70000.01: borrow less",
        ),
        (
            {"vehicle": NEW, "extras": [INSURANCE, PLATES], "amount": 130_000.01},
            "which is 30000.00 yuan; got 29999.99: borrow less",
        ),
        (
            {**GUARANTEED, "vehicle": NEW},
            "vehicle: the product is for the vehicle classes used, got private_new_energy; choose",
        ),
        ({**BALLOON, "vehicle": {**NEW, "use": "commercial"}}, "vehicle: the product is for the vehicle"),
        (
            {**BALLOON, "resale_value": 29_999.99},
            "balloon: must be at most the vehicle's resale value at maturity of 29999.99 yuan, got 30000.00",
        ),
        ({"extras": [{**INSURANCE, "amount": 100_000.0}]}, "extras: financed extras of 100000.00 yuan must be below"),
    ],
)
def test_loans_above_a_limit_are_refused(lending: Lending, loan: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_loan(lending, terms(**loan))
    with pytest.raises(DataError, match=message):
        check_vehicle(lending, lending.catalogue.products[terms(**loan).product], terms(**loan).stated_loan)


def with_product(lending: Lending, name: str, **changes: Any) -> Lending:
    products = {**lending.catalogue.products}
    products[name] = products[name].model_copy(update=changes)
    return replace(lending, catalogue=lending.catalogue.model_copy(update={"products": products}))


def with_terms(lending: Lending, name: str, *months: int) -> Lending:
    grid = lending.catalogue.products[name].rates[-1]
    rates = {band: {**own, **dict.fromkeys(months, max(own.values()))} for band, own in grid.by_band.items()}
    return with_product(lending, name, rates=(grid.model_copy(update={"by_band": rates}),))


def test_the_term_is_that_of_the_vehicle_or_the_longest_of_the_product(lending: Lending) -> None:
    longer = with_terms(lending, "flat_easy", 48, 72)
    loan = {**FLAT, "amount": 50_000.0}
    assert build_loan(longer, terms(**loan, term_months=48, vehicle=NEW)).term_months == 48
    with pytest.raises(DataError, match="term_months: the law allows at most 36 months for used on 2026-09-01, got 48"):
        build_loan(longer, terms(**loan, term_months=48, vehicle=USED))
    every = "private_combustion and private_new_energy and used"
    with pytest.raises(DataError, match=f"term_months: the law allows at most 60 months for {every}"):
        build_loan(longer, terms(**loan, term_months=72))
    used_only = with_terms(lending, "used_guaranteed", 48)
    dearest = {**GUARANTEED, "annual_rate": 0.126}
    with pytest.raises(DataError, match="term_months: the law allows at most 36 months for used"):
        build_loan(used_only, terms(**dearest, term_months=48))


def test_the_law_of_the_day_counts(lending: Lending) -> None:
    before = {"vehicle": {**NEW, "price": 100_000.0}, "product": "flat_easy", "annual_rate": 0.03, "amount": 86_000.0}
    with pytest.raises(DataError, match=r"the law for private_new_energy on 2024-04-02 .* 85\.00% of 100000\.00"):
        build_loan(lending, terms(**before, on="2024-04-02"))
    assert build_loan(lending, terms(**before, on="2024-04-03")).amount == 8_600_000


def test_the_lender_s_own_loan_to_value_is_named_as_the_lender_s(lending: Lending) -> None:
    strict = with_product(lending, "bank_standard", maximum_loan_to_value=0.5)
    message = r"amount: the lender allows a loan of at most 50\.00% of 150000\.00 yuan, which is 75000\.00 yuan"
    with pytest.raises(DataError, match=message):
        build_loan(strict, terms(vehicle=NEW))


def test_a_product_for_brands_needs_the_brand(lending: Lending) -> None:
    eligibility = lending.catalogue.products["bank_standard"].eligibility.model_copy(update={"brands": ("比亚迪",)})
    own = with_product(lending, "bank_standard", eligibility=eligibility)
    assert build_loan(own, terms(vehicle={**NEW, "brand": "比亚迪"})).amount == 10_000_000
    with pytest.raises(DataError, match=r"vehicle\.brand: the product is for 比亚迪, got None"):
        build_loan(own, terms(vehicle=NEW))


def test_extras_count_for_the_base_that_the_rules_name(lending: Lending) -> None:
    def with_base(base: str) -> Lending:
        rules = lending.rules
        basis = rules.loan_to_value_base[0].model_copy(update={"base": base})
        return replace(lending, rules=rules.model_copy(update={"loan_to_value_base": (basis,)}))

    # a used car of 100,000 with 20,000 of financed extras: 70,000 + 20,000, or 70 % of 120,000
    loan = {**FLAT, "vehicle": USED, "extras": [{**INSURANCE, "amount": 20_000.0}]}
    assert build_loan(with_base("price"), terms(**loan, amount=90_000.0)).amount == 9_000_000
    with pytest.raises(DataError, match=r"of 100000\.00 yuan, which is 70000\.00 yuan; got 70000\.01"):
        build_loan(with_base("price"), terms(**loan, amount=90_000.01))
    assert build_loan(with_base("price_and_extras"), terms(**loan, amount=84_000.0)).amount == 8_400_000
    with pytest.raises(DataError, match=r"of 120000\.00 yuan, which is 84000\.00 yuan; got 84000\.01"):
        build_loan(with_base("price_and_extras"), terms(**loan, amount=84_000.01))


def test_extras_are_financed_up_to_the_share_of_the_lender_s_kind(lending: Lending) -> None:
    rule = lending.rules.financed_extras["auto_finance_companies"].model_copy(update={"enabled": True})
    rules = lending.rules.model_copy(update={"financed_extras": {"auto_finance_companies": rule}})
    loan = {**BALLOON, "vehicle": NEW}
    for limited, name in ((False, lending), (True, replace(lending, rules=rules))):
        assert build_loan(name, terms(**loan, extras=[INSURANCE, {**PLATES, "amount": 2_500.0}])).balloon == 3_000_000
        if limited:  # 10,000 of 12,000 is above 80 %
            with pytest.raises(DataError, match=r"extras: lender kind 'auto_finance_company' may finance at most 80%"):
                build_loan(name, terms(**loan, extras=[INSURANCE, PLATES]))


@pytest.mark.parametrize(
    ("loan", "texts"),
    [
        ({"vehicle": NEW}, []),
        ({}, ["vehicle is missing: loan-to-value"]),
        ({**FLAT}, ["vehicle is missing: loan-to-value"]),
        ({**BALLOON}, ["vehicle is missing: loan-to-value", "resale_value is missing: the balloon is not compared"]),
        ({**BALLOON, "vehicle": NEW}, ["resale_value is missing: the balloon is not compared"]),
        ({**BALLOON, "vehicle": NEW, "resale_value": 40_000.0}, []),
    ],
)
def test_what_is_not_checked_is_named(lending: Lending, loan: dict[str, Any], texts: list[str]) -> None:
    assert [text.split(" with ")[0] for text in unchecked(lending, terms(**loan))] == texts
    request = ScheduleRequest.model_validate({**EXAMPLE_LOAN, **loan})
    assert len(answer_schedule(lending, request).unchecked) == len(texts)
    form = answer_disclosure(lending, DisclosureRequest.model_validate({**EXAMPLE_LOAN, **loan}))
    assert list(form.unchecked) == answer_schedule(lending, request).unchecked


def test_a_term_that_only_some_vehicles_may_have_is_named(lending: Lending) -> None:
    longer = with_terms(lending, "flat_easy", 48)
    texts = unchecked(longer, terms(**FLAT, term_months=48))
    assert [text.split(" with ")[0] for text in texts] == [
        "vehicle is missing: the term is only compared",
        "vehicle is missing: loan-to-value",
    ]


def test_the_use_of_the_vehicle_decides_on_the_state_s_subsidy(lending: Lending) -> None:
    assert [s.payer for s in build_loan(lending, terms(vehicle=NEW)).product.subsidies] == ["state"]
    with pytest.raises(ValidationError, match=r"private_use must agree with vehicle\.use 'private', got false"):
        terms(vehicle=NEW, private_use=False)
    assert not terms(vehicle={**NEW, "use": "commercial"}).is_private


def test_a_cost_equal_to_the_ceiling_passes(lending: Lending) -> None:
    product = lending.catalogue.products["bank_standard"]
    loan = build_loan(lending, terms())
    check_ceiling(lending, product, loan, 0.24, on=date(2026, 9, 1))
    with pytest.raises(DataError, match=r"the loan costs 24\.01% a year"):
        check_ceiling(lending, product, loan, 0.2401, on=date(2026, 9, 1))
    dear = Loan(loan.product, loan.amount, 0.17, loan.term_months)
    with pytest.raises(DataError, match=r"late interest of 25\.50% a year is above the ceiling of 24\.00%"):
        check_ceiling(lending, product, dear, 0.17, on=date(2026, 9, 1))


def test_a_schedule_needs_no_horizon_of_the_probability_of_default(lending: Lending) -> None:
    risk = tuple(rule.model_copy(update={"horizon_months": None}) for rule in lending.rules.risk)
    without = replace(lending, rules=lending.rules.model_copy(update={"risk": risk}))
    assert build_loan(without, terms(vehicle=NEW)) == build_loan(lending, terms(vehicle=NEW))
