"""Quotes from the shipped catalogue: available products, offers, changes, grid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.cost import cost
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.eligibility import PricingBasis, obstacles, offered_product, offered_products
from ml.loans.quotes import changes_for, grid_for, offers_for
from ml.loans.repayment import schedule_for
from tests.ml.loans.small_loans import loan_for

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
ON = date(2026, 9, 15)
SAFE = PricingBasis(on=ON, probability_of_default=0.008)
CAR = Vehicle("V1", 18_000_000, "private_new_energy")
APPLICANT = Applicant(32, 1_600_000, 200_000)


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(CONFIGS / "loans" / "products.yaml", CONFIGS / "loans" / "rules.yaml")


def make_application(
    down: int = 8_000_000, term: int | None = 36, vehicle: Vehicle = CAR, applicant: Applicant = APPLICANT
) -> Application:
    return Application(applicant, vehicle, down, term)


@pytest.mark.parametrize(
    ("product", "applicant", "vehicle", "basis", "obstacle"),
    [
        ("bank_standard", APPLICANT, CAR, SAFE, None),
        ("bank_standard", APPLICANT, replace(CAR, vehicle_class="used"), SAFE, "vehicle_class"),
        ("bank_standard", APPLICANT, CAR, replace(SAFE, on=date(2024, 4, 2)), "date"),
        ("bank_standard", APPLICANT, CAR, replace(SAFE, probability_of_default=0.06), "risk_band"),
        ("bank_standard", APPLICANT, CAR, replace(SAFE, probability_of_default=0.6), "risk_band"),
        ("bank_standard", replace(APPLICANT, monthly_income=399_999), CAR, SAFE, "income"),
        ("flat_easy", replace(APPLICANT, age=17.9), CAR, SAFE, "age"),
    ],
)
def test_the_first_rule_that_excludes_a_product(
    lending: Lending, product: str, applicant: Applicant, vehicle: Vehicle, basis: PricingBasis, obstacle: str | None
) -> None:
    assert obstacles(lending, applicant, vehicle, basis=basis)[product] == obstacle


def test_riskier_applicants_pay_more_and_only_what_the_grid_says(lending: Lending) -> None:
    def rate(probability: float) -> float:
        basis = replace(SAFE, probability_of_default=probability)
        return loan_for(lending, "bank_standard", make_application(), basis=basis).annual_rate

    assert [rate(p) for p in (0.001, 0.01, 0.02, 0.04)] == [0.035, 0.035, 0.043, 0.056]


def test_the_application_s_own_date_decides(lending: Lending) -> None:
    combustion = Vehicle("V2", 18_000_000, "private_combustion")
    guaranteed = {
        o.name: o for o in offered_products(lending, APPLICANT, combustion, basis=replace(SAFE, on=date(2024, 4, 2)))
    }
    assert guaranteed["flat_easy"].maximum_loan_to_value == 0.80
    later = {
        o.name: o for o in offered_products(lending, APPLICANT, combustion, basis=replace(SAFE, on=date(2024, 4, 3)))
    }
    assert later["flat_easy"].maximum_loan_to_value == 1.0


def test_the_state_pays_for_private_use_within_its_dates(lending: Lending) -> None:
    def state(on: date, use: str = "private", used: int = 0) -> int:
        basis = PricingBasis(on=on, probability_of_default=0.008, state_subsidy_used=used)
        loan = loan_for(lending, "bank_standard", make_application(vehicle=replace(CAR, use=use)), basis=basis)
        return sum(amount for subsidy, amount in schedule_for(loan, on).subsidy_totals if subsidy.payer == "state")

    assert state(date(2025, 8, 31)) == 0
    # Four instalments fall due in 2026, on at most 100,000 yuan at one point a year.
    assert state(date(2026, 8, 15)) == pytest.approx(4 * 8_333, rel=0.05)
    assert state(date(2026, 8, 15), used=290_000) == 10_000
    assert state(date(2026, 8, 15), used=300_000) == 0
    assert state(date(2026, 8, 15), use="commercial") == 0


def test_an_offer_s_loan_makes_its_schedule(lending: Lending) -> None:
    result = offers_for(lending, make_application(term=None), basis=SAFE, count=6)
    assert 1 <= len(result.offers) <= 6
    for offer in result.offers:
        made = schedule_for(offer.loan, ON)
        assert made.total_cost == offer.total_cost
        assert max(row.payment for row in made.rows[:-1]) == offer.monthly_payment
        assert cost(made).nominal == pytest.approx(offer.nominal_rate, abs=1e-9)
    assert result == offers_for(lending, make_application(term=None), basis=SAFE, count=6)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"name": "magic"}, "product 'magic' is unknown; the products are: bank_standard, bank_equal_principal"),
        (
            {"name": "used_guaranteed"},
            "product 'used_guaranteed' is not available for this application \\(rule: vehicle_class\\)",
        ),
        ({"on": date(2017, 6, 1)}, "2017-06-01 is before the first rule of risk"),
        ({"kind": "boat"}, "vehicle_class must be one of private_combustion, .*, got 'boat'"),
        ({"probability": float("nan")}, "probability_of_default must be from 0 to 1, got nan"),
    ],
)
def test_a_product_outside_the_rules_is_refused(lending: Lending, values: dict[str, Any], text: str) -> None:
    basis = PricingBasis(on=values.get("on", ON), probability_of_default=values.get("probability", 0.008))
    vehicle = replace(CAR, vehicle_class=values.get("kind", CAR.vehicle_class))
    with pytest.raises(DataError, match=text):
        offered_product(lending, values.get("name", "bank_standard"), APPLICANT, vehicle, basis=basis)


def test_a_cost_above_the_legal_ceiling_is_no_offer(lending: Lending) -> None:
    dear = lending.catalogue.products["flat_easy"]
    grid = dear.rates[0].model_copy(update={"by_band": {"A": {36: 0.23}}})
    products = {"flat_easy": dear.model_copy(update={"rates": (grid,)})}
    changed = replace(lending, catalogue=lending.catalogue.model_copy(update={"products": products}))
    assert offers_for(changed, make_application(), basis=SAFE).violations["annualised_cost"] > 0
    assert offers_for(changed, make_application(), basis=SAFE).offers == ()


def test_the_grid_of_one_product(lending: Lending) -> None:
    grid = grid_for(lending, "bank_standard", make_application(), [3_600_000, 9_000_000], basis=SAFE)
    assert grid.terms == (12, 24, 36, 48, 60)
    assert [cell.violations for cell in grid.cells[0]] == [("payment_to_income",), ("payment_to_income",)]
    assert grid.cells[4][1].violations == ()


def test_changes_are_verified_by_the_model_and_by_the_rules(lending: Lending) -> None:
    poor = Applicant(32, 700_000, 100_000)

    def model(application: Application) -> float:
        return 0.03 * (1 - application.down_payment / application.vehicle.price)

    stock = [Vehicle("V2", 15_000_000, "private_new_energy"), Vehicle("V3", 9_000_000, "private_new_energy")]
    changes = changes_for(
        lending,
        make_application(3_000_000, 36, applicant=poor),
        on=ON,
        probability_of_default=model,
        approve_at_most=0.02,
        vehicles=stock,
    )
    assert changes
    for change in changes:
        assert change.probability_of_default == model(change.application) <= 0.02
        basis = replace(SAFE, probability_of_default=change.probability_of_default)
        assert offers_for(lending, change.application, basis=basis).offers
