"""Quotes from the shipped catalogue: available products, offers, changes, grid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.assessment import Assessment, ProposedLoans
from ml.domain.loans.cost import cost
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.eligibility import obstacles, offered_product, offered_products
from ml.loans.pricing_basis import PricingBasis, assumed_risk
from ml.loans.quotes import changes_for, grid_for, offer_at, offers_for
from ml.loans.repayment import schedule_for
from tests.ml.loans.small_loans import loan_for

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
ON = date(2026, 9, 15)
CAR = Vehicle("V1", 18_000_000, "private_new_energy")
APPLICANT = Applicant(32, 1_600_000, 200_000)


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(CONFIGS / "loans" / "products.yaml", CONFIGS / "loans" / "rules.yaml")


def make_application(
    down: int = 8_000_000, term: int | None = 36, vehicle: Vehicle = CAR, applicant: Applicant = APPLICANT
) -> Application:
    return Application(applicant, vehicle, down, term)


def safe(lending: Lending, *, on: date = ON, probability_of_default: float = 0.008, **values: Any) -> PricingBasis:
    risk = assumed_risk(lending, on, probability_of_default=probability_of_default)
    return PricingBasis(on=on, assess=risk, **values)


@pytest.mark.parametrize(
    ("product", "applicant", "vehicle", "on", "obstacle"),
    [
        ("bank_standard", APPLICANT, CAR, ON, None),
        ("bank_standard", APPLICANT, replace(CAR, vehicle_class="used"), ON, "vehicle_class"),
        ("bank_standard", APPLICANT, CAR, date(2024, 4, 2), "date"),
        ("bank_standard", replace(APPLICANT, monthly_income=399_999), CAR, ON, "income"),
        ("bank_standard", replace(APPLICANT, monthly_income=399_999, co_borrower_income=1), CAR, ON, None),
        ("flat_easy", replace(APPLICANT, age=17.9), CAR, ON, "age"),
    ],
)
def test_the_first_rule_that_excludes_a_product(
    lending: Lending, product: str, applicant: Applicant, vehicle: Vehicle, on: date, obstacle: str | None
) -> None:
    assert obstacles(lending, applicant, vehicle, on=on)[product] == obstacle


def test_products_without_a_rate_for_the_risk_are_named(lending: Lending) -> None:
    result = offers_for(lending, make_application(), basis=safe(lending, probability_of_default=0.06))
    assert set(result.without_rate) == {"bank_standard", "bank_equal_principal", "maker_zero", "maker_balloon"} | {
        "maker_deferred",
        "short_interest_only",
    }


def test_riskier_applicants_pay_more_and_only_what_the_grid_says(lending: Lending) -> None:
    def rate(probability: float) -> float:
        loan = loan_for(lending, "bank_standard", make_application(), on=ON, probability_of_default=probability)
        return loan.annual_rate

    assert [rate(p) for p in (0.001, 0.01, 0.02, 0.04)] == [0.035, 0.035, 0.043, 0.056]


def test_the_application_s_own_date_decides(lending: Lending) -> None:
    combustion = Vehicle("V2", 18_000_000, "private_combustion")
    guaranteed = {o.name: o for o in offered_products(lending, APPLICANT, combustion, on=date(2024, 4, 2))}
    assert guaranteed["flat_easy"].maximum_loan_to_value == 0.80
    later = {o.name: o for o in offered_products(lending, APPLICANT, combustion, on=date(2024, 4, 3))}
    assert later["flat_easy"].maximum_loan_to_value == 1.0


def test_the_state_pays_for_private_use_within_its_dates(lending: Lending) -> None:
    def state(on: date, use: str = "private", used: int = 0) -> int:
        loan = loan_for(
            lending,
            "bank_standard",
            make_application(vehicle=replace(CAR, use=use)),
            on=on,
            state_subsidy_used={"riverside_bank": used, "voyage_auto_finance": 300_000},
        )
        return sum(amount for subsidy, amount in schedule_for(loan, on).subsidy_totals if subsidy.payer == "state")

    assert state(date(2025, 8, 31)) == 0
    # Four instalments fall due in 2026, on at most 100,000 yuan at one point a year.
    assert state(date(2026, 8, 15)) == pytest.approx(4 * 8_333, rel=0.05)
    assert state(date(2026, 8, 15), used=290_000) == 10_000
    assert state(date(2026, 8, 15), used=300_000) == 0
    assert state(date(2026, 8, 15), use="commercial") == 0


def test_an_offer_s_loan_makes_its_schedule(lending: Lending) -> None:
    result = offers_for(lending, make_application(term=None), basis=safe(lending), count=6)
    assert 1 <= len(result.offers) <= 6
    for offer in result.offers:
        made = schedule_for(offer.loan, ON)
        assert made.total_cost == offer.total_cost
        assert max(row.payment for row in made.rows[:-1]) == offer.monthly_payment
        assert cost(made).nominal == pytest.approx(offer.nominal_rate, abs=1e-9)
    assert result == offers_for(lending, make_application(term=None), basis=safe(lending), count=6)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"name": "magic"}, "product 'magic' is unknown; the products are: bank_standard, bank_equal_principal"),
        (
            {"name": "used_guaranteed"},
            "product 'used_guaranteed' is not available for this application \\(rule: vehicle_class\\)",
        ),
        ({"on": date(2017, 12, 31)}, r"product 'bank_standard' is not available .*\(rule: date\)"),
        ({"kind": "boat"}, "vehicle_class must be one of private_combustion, .*, got 'boat'"),
        ({"used": {"no_bank": 1}}, "state_subsidy_used: lender 'no_bank' is unknown; the lenders are: riverside_bank"),
    ],
)
def test_a_product_outside_the_rules_is_refused(lending: Lending, values: dict[str, Any], text: str) -> None:
    vehicle = replace(CAR, vehicle_class=values.get("kind", CAR.vehicle_class))
    with pytest.raises(DataError, match=text):
        offered_product(
            lending,
            values.get("name", "bank_standard"),
            APPLICANT,
            vehicle,
            on=values.get("on", ON),
            state_subsidy_used=values.get("used"),
        )


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.1])
def test_a_probability_outside_0_to_1_is_refused(lending: Lending, probability: float) -> None:
    with pytest.raises(DataError, match="probability_of_default must be from 0 to 1"):
        assumed_risk(lending, ON, probability_of_default=probability)


def test_a_cost_above_the_legal_ceiling_is_no_offer(lending: Lending) -> None:
    dear = lending.catalogue.products["flat_easy"]
    grid = dear.rates[0].model_copy(update={"by_band": {"A": {36: 0.23}}})
    products = {"flat_easy": dear.model_copy(update={"rates": (grid,)})}
    changed = replace(lending, catalogue=lending.catalogue.model_copy(update={"products": products}))
    result = offers_for(changed, make_application(), basis=safe(changed))
    assert result.violations["annualised_cost"] > 0 and result.offers == ()


def test_the_grid_of_one_product(lending: Lending) -> None:
    grid = grid_for(lending, "bank_standard", make_application(), [3_600_000, 9_000_000], basis=safe(lending))
    assert grid.terms == (12, 24, 36, 48, 60)
    assert [cell.violations for cell in grid.cells[0]] == [("payment_to_income",), ("payment_to_income",)]
    assert grid.cells[4][1].violations == ()


def test_changes_are_verified_by_the_model_and_by_the_rules(lending: Lending) -> None:
    def assess(loans: ProposedLoans) -> Assessment:
        price = np.array([v.price for v in loans.vehicles])[loans.vehicle]
        probability = 0.03 * (1 - loans.down_payment / price)
        decision = np.where(probability <= 0.02, "approve", "refer")
        return Assessment(probability, lending.rules.risk_bands(ON, probability), decision)

    basis = PricingBasis(on=ON, assess=assess)
    poor = make_application(3_000_000, 36, applicant=Applicant(32, 700_000, 100_000))
    stock = [Vehicle("V2", 15_000_000, "private_new_energy"), Vehicle("V3", 9_000_000, "private_new_energy")]
    changes = changes_for(lending, poor, basis=basis, vehicles=stock)
    assert changes
    for change in changes:
        offer = offer_at(lending, change.application, basis=basis)
        assert offer is not None and offer.decision == "approve" and change.probability_of_default <= 0.02
        assert offer.down_payment == change.application.down_payment
        assert offer.loan.term_months == change.application.term_months
        assert offer.probability_of_default == change.probability_of_default


def test_a_grid_has_the_balloon_of_the_request(lending: Lending) -> None:
    def payment(share: float | None) -> int | None:
        grid = grid_for(
            lending, "maker_balloon", make_application(), [8_000_000], basis=safe(lending), balloon_share=share
        )
        return grid.cells[0][0].monthly_payment

    assert payment(None) == payment(0.3) != payment(0.4)
    with pytest.raises(DataError, match=r"balloon_share: product 'maker_balloon' has 0\.3, 0\.4, got 0\.5; choose one"):
        payment(0.5)


def test_offers_of_chosen_products_only(lending: Lending) -> None:
    result = offers_for(lending, make_application(), basis=safe(lending), count=8, products=["flat_easy"])
    assert {offer.name for offer in result.offers} == {"flat_easy"}
    with pytest.raises(DataError, match="product 'magic' is unknown"):
        offers_for(lending, make_application(), basis=safe(lending), products=["magic"])


def test_the_horizon_of_the_rules_is_that_of_the_credit_model(lending: Lending) -> None:
    def basis(months: int) -> PricingBasis:
        return replace(safe(lending), horizon_months=months)

    assert offers_for(lending, make_application(), basis=basis(12)).offers
    with pytest.raises(
        DataError, match=r"risk\.horizon_months of the lending rules is 12, .* within 18 months: correct"
    ):
        offers_for(lending, make_application(), basis=basis(18))
    risk = lending.rules.risk[0].model_copy(update={"horizon_months": None})
    silent = replace(lending, rules=lending.rules.model_copy(update={"risk": (risk,)}))
    application = replace(make_application(), down_payment=8_000_000)
    profits = [
        offers_for(silent, application, basis=basis(months), products=["bank_standard"]).offers[0].expected_profit
        for months in (12, 24)
    ]
    assert profits[0] < profits[1]  # the same probability over a longer time is a lower risk
    with pytest.raises(DataError, match="neither the lending rules nor the credit model state the horizon"):
        offers_for(silent, make_application(), basis=safe(silent))


def test_the_rules_decide_how_much_of_the_extras_a_loan_finances(lending: Lending) -> None:
    name = "auto_finance_companies"
    rule = lending.rules.financed_extras[name].model_copy(update={"enabled": True})
    strict = replace(lending, rules=lending.rules.model_copy(update={"financed_extras": {name: rule}}))
    deal = replace(make_application(), extras=2_000_000, financed_extras=2_000_000)

    def lenders(deal: Application, rules: Lending) -> set[str]:
        return {offer.lender for offer in offers_for(rules, deal, basis=safe(rules), count=8).offers}

    assert "voyage_auto_finance" in lenders(deal, lending)
    assert lenders(deal, strict) == lenders(deal, lending) - {"voyage_auto_finance"}
    assert "voyage_auto_finance" in lenders(replace(deal, financed_extras=1_600_000), strict)  # 80 % of the extras
    for offer in offers_for(lending, deal, basis=safe(lending), count=8).offers:
        assert offer.loan.amount + offer.down_payment == 18_000_000 + 2_000_000
