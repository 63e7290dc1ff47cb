"""Configuration that cannot be meant: each row changes the shipped files, and the error names place and value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import pyxirr

from features.errors import ConfigError
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan
from ml.domain.loans.schedule import schedule
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.plausibility import IRREGULAR, age_problems, lowest_costs, product_problems

USED = "used_guaranteed"
LIEN = {"zh": "抵押", "en": "Lien"}
FEE = {"name": {"zh": "服务费", "en": "Service"}, "service": LIEN, "charged": "up_front"}
DISCOUNT = {"valid_until": "2026-12-31", "conditions": {"zh": "现金", "en": "Cash"}}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {f"{USED}.rates.0.by_band.{band}.48": "0.1" for band in "ABCD"},
            r"used_guaranteed.rates\[0\].by_band.A.48: the law allows at most 36 months for the vehicles of the "
            r"product \(used\) by the rule of term valid from 2018-01-01, got 48: remove the term",
        ),
        (
            {f"flat_easy.rates.0.by_band.{band}.72": "0.07" for band in "ABCD"},
            r"flat_easy.rates\[0\].by_band.A.72: the law allows at most 60 months for the vehicles of the product",
        ),
        (
            {"bank_standard.rates.1.by_band.A.36": "0.0580"},
            r"bank_standard.rates\[1\].by_band.A.36: the rate 0.058 of band A is above 0.043 of band B, whose risk is",
        ),
        (
            {"flat_easy.rates.0.by_band.D.12": "0.0300"},
            r"flat_easy.rates\[0\].by_band.C.12: the rate 0.048 of band C is above 0.03 of band D",
        ),
        (
            {f"{USED}.fees.registration.amount": "10000"},
            "used_guaranteed.fees: up-front fees of 10000.00 yuan and 0.00% of the loan leave nothing of the "
            "minimum_amount of 10000.00 yuan: lower the fees, or raise minimum_amount above 10000.00 yuan",
        ),
        (
            {"maker_balloon.fees.service.share": "0.60", "maker_balloon.fees.more": {**FEE, "share": "0.40"}},
            "maker_balloon.fees: the up-front shares add up to 1 of the loan, which must be below 1",
        ),
        ({"maker_balloon.fees.service.share": "1"}, "maker_balloon.fees.service.share: must be below 1"),
        (
            {f"{USED}.fees.credit_enhancement.yearly_share_of_balance": "1"},
            "used_guaranteed.fees.credit_enhancement.yearly_share_of_balance: must be below 1",
        ),
        (
            {"commercial_lease.lease.purchase_option": "30000"},
            "commercial_lease.lease.purchase_option must be below the minimum_amount of 30000.00 yuan, got 30000.00",
        ),
        ({"bank_standard.minimum_down_payment": "1"}, "bank_standard.minimum_down_payment: must be below 1"),
        ({"bank_standard.maximum_loan_to_value": "0"}, "bank_standard.maximum_loan_to_value: must be above 0"),
        ({"maker_balloon.balloon_shares": ["0", "0.3"]}, "maker_balloon: balloon_shares must be above 0 and below 1"),
        ({"maker_balloon.balloon_shares": ["0.3", "0.3"]}, "maker_balloon.balloon_shares has 0.3 twice: remove one"),
        ({"maker_zero.subsidies.0.total": "0"}, "maker_zero.subsidies.0.total: must be above 0, .*; enter"),
        ({"maker_zero.subsidies.0.rate": "0"}, "maker_zero.subsidies.0.rate: must be above 0"),
        ({"maker_zero.subsidies.0.principal": "0"}, "maker_zero.subsidies.0.principal: must be above 0"),
        (
            {"maker_zero.rates.0.by_band": {"A": {"12": "0"}, "B": {"12": "0"}}},
            "maker_zero.subsidies: every contract rate is 0, so there is no interest to subsidise",
        ),
        (
            {"maker_zero.forgone_discount.amount": "200000"},
            "maker_zero.forgone_discount.amount must be below the maximum_amount of 200000.00 yuan, got 200000.00 yuan",
        ),
        ({"maker_zero.forgone_discount.amount": "0"}, "maker_zero.forgone_discount.amount: must be above 0"),
        (
            {"bank_standard.eligibility.minimum_age": "60", "bank_standard.eligibility.maximum_age_at_maturity": "30"},
            "bank_standard.eligibility: maximum_age_at_maturity 30 must be above minimum_age 60: correct one of them",
        ),
        (
            {"bank_standard.eligibility.minimum_age": "65"},
            "bank_standard.eligibility: an applicant must be 65 or older and at most 65 at maturity, which the "
            "shortest term of 12 months rules out",
        ),
        ({"bank_standard.eligibility.brands": []}, "bank_standard.eligibility.brands"),
        (
            {"bank_standard.eligibility.vehicle_classes": ["used", "used"]},
            "bank_standard.eligibility.vehicle_classes has used twice: remove one",
        ),
        (
            {"short_interest_only.fees.service.share": "0.2"},
            r"short_interest_only.rates\[0\].by_band.A.6: a loan at 0.06 costs at least 0\.\d+ a year with all fees, "
            r"which is above the ceiling of 0.24 from 2018-01-01 \(Supreme .*\): lower the rate, or lower the fees",
        ),
        (
            {
                "commercial_lease.lease.deposit_share": "0.5",  # the lessee has the use of half and pays for the whole
                "commercial_lease.lease.deposit_return": "at_maturity",
            },
            # of 100: 50 received; 24 rents of 3.67; 20 residual less 50 deposit at maturity: 2.2 % a month
            r"commercial_lease.rates\[0\].by_band.A.24: a loan at 0.064 costs at least 0\.26\d+ a year with all fees",
        ),
        (
            {f"flat_easy.rates.0.by_band.D.{term}": "0.15" for term in (12, 24, 36)},
            r"flat_easy.rates\[0\].by_band.D.12: a loan at 0.15 costs at least 0\.2\d+ a year with all fees",
        ),
    ],
)
def test_a_product_that_cannot_be_meant(changed: Callable[..., Lending], changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match="products.yaml: products." + text):
        changed(products={f"products.{place}": value for place, value in changes.items()})


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("riverside_bank.funding_rate", "0.9", "funding_rate must be at most the ceiling of 0.24 .*, got 0.9"),
        ("riverside_bank.early_settlement.share_of_outstanding", "1", ".*share_of_outstanding: must be below 1"),
        ("riverside_bank.early_settlement.free_after_months", "0", "early_settlement.free_after_months"),
    ],
)
def test_a_lender_that_cannot_be_meant(changed: Callable[..., Lending], place: str, value: str, text: str) -> None:
    with pytest.raises(ConfigError, match="products.yaml: lenders.riverside_bank." + text):
        changed(products={f"lenders.{place}": value})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"state_subsidy.1.subsidy_until": "2025-12-31"},
            "state_subsidy.1: subsidy_until 2025-12-31 is before valid_from 2026-01-01: correct one of them",
        ),
        (
            {"state_subsidy.1.valid_until": None},
            r"state_subsidy: \[1\] has no end, after its subsidy_until 2026-12-31: set valid_until to 2026-12-31",
        ),
        (
            {"state_subsidy.1.valid_until": "2027-03-31"},
            r"state_subsidy: \[1\] is in force until 2027-03-31, after its subsidy_until 2026-12-31",
        ),
        (
            {"state_subsidy.0.valid_until": None, "state_subsidy.0.subsidy_until": "2025-11-30"},
            r"state_subsidy: \[0\] is in force until 2025-12-31, after its subsidy_until 2025-11-30",
        ),
        ({"state_subsidy.0.rate": "0"}, "state_subsidy.0.rate: must be above 0"),
        ({"state_subsidy.0.share_of_rate": "0"}, "state_subsidy.0.share_of_rate: must be above 0"),
        ({"state_subsidy.0.principal": "0"}, "state_subsidy.0.principal: must be above 0, .* leave the key out"),
        ({"state_subsidy.0.per_year": "0"}, "state_subsidy.0.per_year: must be above 0"),
        ({"loan_to_value.1.maximum.used": "0"}, "loan_to_value.1.maximum: used must be above 0: no loan"),
        (
            {"late_interest.0.minimum": "1.6"},
            "late_interest.0: minimum 1.6 is above maximum 1.5: correct one of them",
        ),
        ({"risk.0.bands.A": "0"}, "risk.0.bands: limits must be above 0, got 0: nobody would be in the first band"),
        ({"policy.0.payment_to_income": "0"}, "policy.0.payment_to_income: must be above 0"),
        (
            {"policy.0.maximum_age_at_maturity": "18"},
            "policy.0: maximum_age_at_maturity 18 must be above minimum_age 18: correct one of them",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant(changed: Callable[..., Lending], changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match="rules.yaml: " + text):
        changed(rules=changes)


def test_terms_that_one_eligible_vehicle_may_have_are_kept(changed: Callable[..., Lending]) -> None:
    changes = {f"products.flat_easy.rates.0.by_band.{band}.60": "0.065" for band in "ABCD"}
    assert 60 in changed(products=changes).catalogue.products["flat_easy"].rates[0].by_band["A"]


def test_a_product_is_held_against_the_term_rule_of_its_own_dates(changed: Callable[..., Lending]) -> None:
    rules = {"term.0.valid_until": "2025-12-31", "term.1": {"valid_from": "2026-01-01", "new": "84", "used": "60"}}
    longer = {f"products.bank_standard.rates.1.by_band.{band}.84": "0.0620" for band in "ABC"}
    assert changed(rules=rules, products=longer).catalogue.products["bank_standard"].rates[1].by_band["A"][84] == 0.062
    earlier = {f"products.bank_standard.rates.0.by_band.{band}.84": "0.0690" for band in "ABC"}
    with pytest.raises(ConfigError, match=r"bank_standard.rates\[0\].by_band.A.84: the law allows at most 60 months"):
        changed(rules=rules, products=earlier)


def test_the_lowest_cost_is_below_the_cost_of_every_loan(lending: Lending) -> None:
    for product in lending.catalogue.products.values():
        assert list(product_problems(product)) == []
        lender, grid = lending.catalogue.lenders[product.lender], product.rates[-1]
        costs = lowest_costs(product, lender, grid, lending.rules.state_subsidy)
        on = date(2026, 9, 1)
        state = lending.rules.state_subsidy_on(on) if lender.state_subsidy and product.state_subsidy else None
        for band, by_term in grid.by_band.items():
            for term, rate in by_term.items():
                for amount in (product.minimum_amount, product.maximum_amount):
                    balloon = round(amount * max(product.balloon_shares, default=0.0))
                    loan = Loan(product.loan_product(lender, state=state), amount, rate, term, balloon)
                    assert costs[band, term] <= cost(schedule(loan, on)).nominal + IRREGULAR


def test_the_lowest_cost_of_a_flat_rate_is_its_internal_rate(lending: Lending) -> None:
    product = lending.catalogue.products["flat_easy"]
    lender = lending.catalogue.lenders[product.lender]
    costs = lowest_costs(product, lender, product.rates[0], ())
    flows = [-200_000.0, *[200_000 / 12 + 200_000 * 0.062 / 12] * 12]  # the largest loan, 6.2 % flat over 12 months
    assert costs["D", 12] == pytest.approx(12 * pyxirr.irr(flows), abs=1e-6)


def test_ages_that_leave_an_applicant(lending: Lending) -> None:
    eligibility = lending.catalogue.products["bank_standard"].eligibility
    assert list(age_problems(eligibility, policy_ages=(18, 65), shortest_term=12)) == []
    assert list(age_problems(eligibility, policy_ages=(18, 19), shortest_term=12)) == []
    assert len(list(age_problems(eligibility, policy_ages=(18, 19), shortest_term=13))) == 1
