"""Cost items of a loan by hand: 12,000 yuan over twelve months at a flat rate, so that every instalment is equal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml.domain.loans.loan import Loan
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.catalogue.products import Lender, Product
from ml.loans.disclosure_items import early_settlement, fee_item, interest_item, late_interest, percent, yuan
from ml.loans.repayment import schedule_for
from tests.conftest import ROOT

ON = date(2026, 1, 15)
PERIOD = {"valid_until": ON, "conditions": {"zh": "新车", "en": "New vehicle"}}
LENDER = {"name": {"zh": "银行", "en": "Bank"}, "kind": "bank", "funding_rate": 0.02, "late_interest": 1.5}


def lender(**changes: Any) -> Lender:
    return Lender.model_validate(LENDER | changes)


def product(**changes: Any) -> Product:
    return Product.model_validate(
        {
            "lender": "bank",
            "name": {"zh": "贷款", "en": "Loan"},
            "form": "flat_rate",
            "rates": [{"valid_from": ON, "valid_until": ON, "by_band": {"A": {12: 0.06}}}],
            "minimum_amount": 1_000,
            "maximum_amount": 100_000,
            "eligibility": {"vehicle_classes": ["used"]},
            **changes,
        }
    )


def schedule(loan_product: Product, *, rate: float = 0.06) -> Schedule:
    return schedule_for(Loan(loan_product.loan_product(lender()), 1_200_000, rate, 12), ON)


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(ROOT / "configs" / "loans" / "products.yaml", ROOT / "configs" / "loans" / "rules.yaml")


def fee(amounts: dict[str, Any], charged: str, **changes: Any) -> dict[str, Any]:
    texts = {"name": {"zh": "服务费", "en": "Service"}, "service": {"zh": "车辆估值", "en": "Appraisal"}}
    return {"fees": {"service": {**texts, "optional": True, "charged": charged, **amounts, **changes}}}


def test_flat_interest_is_the_rate_on_the_original_amount() -> None:
    item = interest_item(schedule(product()), lender())
    assert item.amount == 72_000  # 6 % of 12,000 yuan for a year
    assert item.standard.en == "6.00% a year on the original amount until maturity"
    assert item.collection.en == "with every instalment" and item.collected_by.en == "Bank"
    assert 0.10 < item.annualised < 0.12, "half of the amount is lent on the mean, so the rate is nearly twice 6 %"


def test_interest_that_others_pay_is_taken_off_and_said() -> None:
    loan_product = product(form="equal_instalment", subsidies=[{"payer": "maker", "rate": 1.0, **PERIOD}])
    item = interest_item(schedule(loan_product), lender())
    assert item.amount == 0 and item.annualised == 0
    assert item.standard.en == "6.00% a year on the outstanding principal, after subsidies"


@pytest.mark.parametrize(
    ("interest", "collection"),
    [
        ("interest_free", "none for 3 months, then with every instalment"),
        (
            "with_first_instalment",
            "interest of the first 3 months with the first instalment, then with every instalment",
        ),
        ("interest_only", "with every instalment"),
    ],
)
def test_a_deferral_says_when_its_interest_is_collected(interest: str, collection: str) -> None:
    loan_product = product(form="equal_instalment", deferred={"months": 3, "interest": interest})
    assert interest_item(schedule(loan_product), lender()).collection.en == collection


@pytest.mark.parametrize(
    ("amounts", "charged", "total", "standard", "collection"),
    [
        ({"amount": 120}, "up_front", 12_000, "¥120.00", "once, at disbursement"),
        ({"share": 0.01}, "up_front", 12_000, "1.00% of the loan amount", "once, at disbursement"),
        ({"amount": 10}, "per_instalment", 12_000, "¥10.00 with every instalment", "with every instalment"),
        (
            {"share": 0.001}, "per_instalment", 14_400, "0.10% of the loan amount with every instalment",
            "with every instalment",
        ),
    ],
)  # fmt: skip
def test_a_fee_by_its_kind(
    lending: Lending, amounts: dict[str, float], charged: str, total: int, standard: str, collection: str
) -> None:
    loan_product = product(**fee(amounts, charged))
    made = schedule(loan_product)
    item = fee_item(lending, loan_product, lender(), made, made.fees[0])
    assert (item.amount, item.standard.en, item.collection.en) == (total, standard, collection)
    assert item.collected_by.en == "Bank" and item.annualised > 0


def test_a_fee_of_the_balance_is_a_rate_and_another_party_may_collect_it(lending: Lending) -> None:
    loan_product = product(**fee({"yearly_share_of_balance": 0.012}, "per_instalment", collected_by="guarantor"))
    made = schedule(loan_product)
    item = fee_item(lending, loan_product, lender(), made, made.fees[0])
    assert item.standard.en == "1.20% a year of the outstanding principal"
    assert item.collected_by == lending.catalogue.parties["guarantor"]


def test_late_interest_is_a_multiple_of_the_contract_rate() -> None:
    cost = late_interest(schedule(product()), lender(late_interest=1.3))
    assert cost.annualised == pytest.approx(0.078)
    assert cost.standard.en == "7.80% a year (1.3 times the contract rate) on overdue amounts, charged daily"


@pytest.mark.parametrize(
    ("rule", "standard"),
    [
        ({}, "none"),
        ({"free_after_months": 6}, "none"),
        ({"months_of_interest": 1}, "one month of interest on the outstanding principal"),
        (
            {"share_of_outstanding": 0.03, "months_of_interest": 2, "free_after_months": 24},
            "3.00% of the outstanding principal plus 2 months of interest on the outstanding principal; "
            "free of charge after 24 months",
        ),
        (
            {"up_front_rebate": 0.5},
            "none; 50.00% of the unearned up-front fees is refunded",
        ),
    ],
)
def test_early_settlement_in_words(rule: dict[str, float], standard: str) -> None:
    cost = early_settlement(lender(early_settlement=rule))
    assert cost.standard.en == standard and cost.annualised is None


def test_money_and_rates_as_they_are_printed() -> None:
    assert (yuan(5), yuan(123_456_789)) == ("¥0.05", "¥1,234,567.89")
    assert (percent(0.1), percent(0.123456), percent(0.0)) == ("10.00%", "12.3456%", "0.00%")
