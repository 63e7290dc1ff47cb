"""Payments on cards, with a catalogue in which the manufacturer pays all interest."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml.loans.catalogue.contingent import DECLARED
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import LoanProducts
from ml.loans.catalogue.rules import load_lending_rules
from ml.recommendation.financing import Financing, MonthlyPayment
from ml.recommendation.merchandising import CardPayment
from tests.conftest import ROOT

ON = date(2026, 9, 1)
NEW = {"condition": "new", "energy_type": "combustion", "brand": "x"}
TEXT = {"zh": "名", "en": "name"}


def product(terms: dict[int, float], **changes: Any) -> dict[str, Any]:
    return {
        "lender": "bank",
        "name": TEXT,
        "form": "equal_instalment",
        "rates": [{"valid_from": "2026-01-01", "valid_until": "2026-12-31", "by_band": {"B": terms}}],
        "minimum_amount": 10_000,
        "maximum_amount": 100_000,
        "subsidies": [{"payer": "maker", "rate": 1.0, "valid_until": "2026-12-31", "conditions": TEXT}],
        "eligibility": {"vehicle_classes": ["private_combustion"]},
        **changes,
    }


@pytest.fixture
def financing() -> Financing:
    """An interest-free loan over 12 or 24 months, and one over 36 months for brand y only."""
    own = {"vehicle_classes": ["private_combustion"], "brands": ["y"]}
    bank = {"name": TEXT, "kind": "bank", "funding_rate": 0.02, "late_interest": 1.5}
    catalogue = {
        "lenders": {"bank": {**bank, "contingent_costs": dict.fromkeys(DECLARED)}},
        "products": {"free": product({12: 0.05, 24: 0.05}), "long": product({36: 0.05}, eligibility=own)},
    }
    rules = load_lending_rules(ROOT / "configs" / "loans" / "rules.yaml")
    return Financing(Lending(rules, LoanProducts.model_validate(catalogue)), CardPayment())


def payment(financing: Financing, vehicle: dict[str, Any] = NEW, **changes: Any) -> MonthlyPayment | None:
    arguments: dict[str, Any] = {
        "price": 80_000.0, "on": ON, "down_payment_share": 0.4, "monthly_payment": None, "monthly_income": None,
    }  # fmt: skip
    return financing.payment(vehicle, **arguments | changes)


def test_the_longest_interest_free_term_has_the_lowest_payment(financing: Financing) -> None:
    card = payment(financing)
    assert card is not None and card.product == "free" and card.product_name.en == "name"
    assert (card.down_payment, card.term_months, card.monthly_payment) == (32_000.0, 24, 2_000.0)
    assert card.affordable
    brand = payment(financing, {**NEW, "brand": "y"})
    assert brand is not None and (brand.product, brand.term_months) == ("long", 36)


def test_a_card_needs_no_horizon_of_the_lending_rules(financing: Financing) -> None:
    rules = financing.lending.rules
    risk = tuple(rule.model_copy(update={"horizon_months": None}) for rule in rules.risk)
    without = Lending(rules.model_copy(update={"risk": risk}), financing.lending.catalogue)
    assert payment(Financing(without, CardPayment())) == payment(financing) is not None


@pytest.mark.parametrize(
    ("limits", "affordable"),
    [
        ({"monthly_payment": 2_000.0}, True),
        ({"monthly_payment": 1_999.99}, False),
        ({"monthly_income": 3_637.0}, True),
        ({"monthly_income": 3_636.0}, False),
        ({"monthly_payment": 2_000.0, "monthly_income": 3_636.0}, False),
    ],
)
def test_affordable_means_within_the_preference_and_55_percent_of_the_income(
    financing: Financing, limits: dict[str, float], affordable: bool
) -> None:
    card = payment(financing, **limits)
    assert card is not None and card.affordable is affordable


@pytest.mark.parametrize(
    ("vehicle", "changes"),
    [
        (NEW, {"price": float("nan")}),
        (NEW, {"price": 0.0}),
        ({**NEW, "condition": None}, {}),
        ({"condition": "new"}, {}),
        ({**NEW, "energy_type": "battery_electric"}, {}),  # no product for new-energy vehicles
        (NEW, {"on": date(2025, 1, 1)}),  # no product is valid then
        (NEW, {"price": 1_000_000.0}),  # the loan would exceed 100,000
    ],
)
def test_no_payment_without_an_available_loan(
    financing: Financing, vehicle: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert payment(financing, vehicle, **changes) is None


def test_prices_are_cached(financing: Financing, monkeypatch: pytest.MonkeyPatch) -> None:
    prices: list[int] = []
    monkeypatch.setattr(Financing, "_cheapest", lambda self, price, *others: prices.append(price))
    for price in (80_000.0, 80_000.0, 81_000.0):
        assert payment(financing, price=price) is None
    assert prices == [8_000_000, 8_100_000]


def test_a_lease_has_no_loan_payment() -> None:
    lessor = {"name": TEXT, "kind": "auto_finance_company", "funding_rate": 0.02, "late_interest": 1.5}
    catalogue = {
        "lenders": {"bank": {**lessor, "contingent_costs": dict.fromkeys(DECLARED)}},
        "products": {"lease": product({36: 0.05}, form="finance_lease", lease={"kind": "direct"}, subsidies=[])},
    }
    rules = load_lending_rules(ROOT / "configs" / "loans" / "rules.yaml")
    financing = Financing(Lending(rules, LoanProducts.model_validate(catalogue)), CardPayment())
    assert payment(financing) is None
