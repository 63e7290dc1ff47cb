"""The product catalogue: checks, rates by day, and conversion to the domain's product."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from ml.domain.loans.product import Subsidy as LoanSubsidy
from ml.loans.catalogue.contingent import DECLARED
from ml.loans.catalogue.products import Fee, Lender, LoanProducts, Product

TEXT = {"zh": "名", "en": "name"}
SERVICE = {"zh": "车辆估值", "en": "appraisal"}
FEE = {"name": TEXT, "service": SERVICE, "charged": "up_front", "amount": 1}
PERIOD = {"valid_until": "2026-12-31", "conditions": TEXT}
RATES = {"valid_from": "2026-01-01", "valid_until": "2026-06-30", "by_band": {"A": {12: 0.03, 24: 0.04}}}
LATER = {"valid_from": "2026-07-01", "valid_until": "2026-12-31", "by_band": {"A": {12: 0.02}, "B": {12: 0.05}}}


def lender(**changes: Any) -> dict[str, Any]:
    terms = {"kind": "bank", "funding_rate": 0.02, "late_interest": 1.5, "contingent_costs": dict.fromkeys(DECLARED)}
    return {"name": TEXT, **terms, **changes}


def product(**changes: Any) -> dict[str, Any]:
    return {
        "lender": "bank",
        "name": TEXT,
        "form": "equal_instalment",
        "rates": [RATES, LATER],
        "minimum_amount": 10_000,
        "maximum_amount": 200_000,
        "eligibility": {"vehicle_classes": ["used"]},
        **changes,
    }


def test_amounts_are_fen_and_defaults_exclude_nothing() -> None:
    made = Product.model_validate(product())
    assert (made.minimum_amount, made.maximum_amount) == (1_000_000, 20_000_000)
    assert (made.minimum_down_payment, made.maximum_loan_to_value, made.forgone_discount) == (0.0, 1.0, None)
    assert made.eligibility.minimum_age == 18 and made.eligibility.brands is None


@pytest.mark.parametrize(
    ("on", "band", "rates"),
    [
        (date(2025, 12, 31), "A", None),
        (date(2026, 1, 1), "A", {12: 0.03, 24: 0.04}),
        (date(2026, 6, 30), "B", None),
        (date(2026, 7, 1), "B", {12: 0.05}),
        (date(2027, 1, 1), "A", None),
    ],
)
def test_rates_by_day_and_band(on: date, band: str, rates: dict[int, float] | None) -> None:
    grid = Product.model_validate(product()).rate_grid(on)
    assert (None if grid is None else grid.by_band.get(band)) == rates


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"form": "balloon"},
            "balloon_shares must be set if the form is balloon; only finance_lease",
        ),
        (
            {"balloon_shares": [0.3]},
            "balloon_shares must be set if the form is balloon; only finance_lease",
        ),
        ({"form": "balloon", "balloon_shares": [0.3, 1.0]}, "must be above 0 and below 1, got 1.0"),
        ({"minimum_amount": 0}, "minimum_amount must be above 0 and at most maximum_amount"),
        ({"minimum_amount": 200_001}, "minimum_amount must be above 0 and at most maximum_amount"),
        (
            {"deferred": {"months": 12, "interest": "interest_free"}},
            "deferred.months must be below the shortest term of 12, got 12",
        ),
        ({"rates": []}, "there is no rule"),
        ({"rates": [RATES, {**LATER, "valid_from": "2026-07-02"}]}, "gap between"),
        ({"rates": [{**RATES, "by_band": {"A": {}}}]}, "by_band: there is no term"),
        (
            {"rates": [{**RATES, "by_band": {"A": {12: 0.03, 24: 0.04}, "B": {12: 0.05}}}]},
            "by_band.B: the rate of term 24 is missing",
        ),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_product_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Product.model_validate(product(**changes))


def test_a_fee_states_exactly_one_cost() -> None:
    fee = {"name": TEXT, "service": SERVICE, "charged": "up_front"}
    assert Fee.model_validate({**fee, "amount": 12.5}).as_fee("lien").amount == 1_250
    assert Fee.model_validate({**fee, "share": 0.01}).as_fee("lien").name == "lien"
    for costs in ({}, {"amount": 1, "share": 0.01}):
        with pytest.raises(ValidationError):
            Fee.model_validate(fee | costs)


def test_conversion_to_a_domain_product() -> None:
    bank = Lender.model_validate(lender(day_count="actual/365", payment_day=20))
    state = LoanSubsidy(payer="state", rate=0.01)
    changes = {
        "fees": {"lien": {"name": TEXT, "service": SERVICE, "charged": "up_front", "amount": 300}},
        "subsidies": [{"payer": "maker", "rate": 1.0, **PERIOD}],
        "deferred": {"months": 2, "interest": "interest_only"},
    }
    made = Product.model_validate(product(**changes)).loan_product(bank, state=state)
    assert [fee.amount for fee in made.fees] == [30_000]
    assert [subsidy.payer for subsidy in made.subsidies] == ["maker", "state"]
    assert (made.deferred_months, made.deferral) == (2, "interest_only")
    assert (made.calendar.day_count, made.calendar.payment_day) == ("actual/365", 20)
    flat = Product.model_validate(product(form="flat_rate")).loan_product(bank)
    assert flat.calendar.day_count == "30/360" and flat.subsidies == ()


def test_the_first_period_follows_lender_and_product() -> None:
    bank = Lender.model_validate(lender(payment_day=5, minimum_first_period_days=10))
    calendar = Product.model_validate(product(first_period_interest="month")).loan_product(bank).calendar
    assert (calendar.minimum_first_period_days, calendar.first_period_interest) == (10, "month")
    plain = Product.model_validate(product()).loan_product(Lender.model_validate(lender())).calendar
    assert (plain.minimum_first_period_days, plain.first_period_interest) == (15, "days")
    with pytest.raises(ValidationError, match="less than or equal to 28"):
        Lender.model_validate(lender(minimum_first_period_days=29))


def test_the_settlement_rule_of_a_lender() -> None:
    bank = Lender.model_validate(lender(early_settlement={"share_of_outstanding": 0.01, "free_after_months": 12}))
    assert (bank.early_settlement.rule.share_of_outstanding, bank.early_settlement.rule.free_after_months) == (0.01, 12)
    assert Lender.model_validate(lender()).early_settlement.rule.months_of_interest == 0
    thrifty = Lender.model_validate(lender(early_settlement={"minimum_prepayment": 5000}))
    assert thrifty.early_settlement.rule.minimum_prepayment == 500_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lender": "nobody"}, "products.loan.lender 'nobody' is unknown; the lenders are: bank"),
        (
            {"fees": {"lien": {**FEE, "collected_by": "someone"}}},
            "products.loan.fees.lien.collected_by 'someone' is unknown; allowed are: lender, dealer",
        ),
        (
            {"fees": {"lien": {**FEE, "rendered_by": "someone"}}},
            "products.loan.fees.lien.rendered_by 'someone' is unknown; allowed are: lender, dealer",
        ),
    ],
)
def test_unknown_lenders_and_collectors_are_named(changes: dict[str, Any], message: str) -> None:
    catalogue = {"lenders": {"bank": lender()}, "parties": {"dealer": TEXT}, "products": {"loan": product(**changes)}}
    with pytest.raises(ValidationError, match=message):
        LoanProducts.model_validate(catalogue)
    assert LoanProducts.model_validate({**catalogue, "products": {"loan": product()}}).products["loan"].lender == "bank"
