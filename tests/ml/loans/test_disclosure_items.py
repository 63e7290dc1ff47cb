"""Cost items of a loan by hand: 12,000 yuan over twelve months at a flat rate, so that every instalment is equal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml.bilingual import Text
from ml.domain.loans.loan import Loan
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.catalogue.products import Lender, Product
from ml.loans.disclosure_items import CostItem, adding_up, fee_item, interest_item, subsidy_items
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
    assert item.standard.en == "6.00% a year on the outstanding principal, all paid by the subsidies"


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
    assert item.service == Text(zh="车辆估值", en="Appraisal")


def test_a_fee_of_the_balance_is_a_rate_and_another_party_may_collect_it(lending: Lending) -> None:
    loan_product = product(**fee({"yearly_share_of_balance": 0.012}, "per_instalment", collected_by="guarantor"))
    made = schedule(loan_product)
    item = fee_item(lending, loan_product, lender(), made, made.fees[0])
    assert item.standard.en == "1.20% a year of the outstanding principal"
    assert item.collected_by == lending.catalogue.parties["guarantor"]


def test_only_subsidies_that_are_paid_are_listed() -> None:
    loan_product = product(
        form="equal_instalment",
        subsidies=[
            {"payer": "maker", "rate": 0.02, "total": 30, **PERIOD},
            {"payer": "dealer", "rate": 0.000001, **PERIOD},
        ],
    )
    (item,) = subsidy_items(schedule(loan_product))
    assert (item.payer, item.amount) == ("maker", 3_000)
    assert (item.first_due, item.last_due) == (date(2026, 2, 15), date(2026, 3, 15))  # 20 yuan in the first month


@pytest.mark.parametrize(
    ("rates", "total", "difference"),
    [
        ((0.0547, 0.0046), 0.0597, "5.93%, 0.04 percentage points below the total of 5.97%"),
        ((0.0547, 0.0052), 0.0597, "5.99%, 0.02 percentage points above the total of 5.97%"),
        ((0.05004, 0.00004), 0.05008, "5.00%, 0.01 percentage points below the total of 5.01%"),
        ((0.05, 0.01), 0.06, None),
    ],
)
def test_a_column_that_does_not_add_up_says_why(rates: tuple[float, ...], total: float, difference: str | None) -> None:
    text = Text(zh="项目", en="item")
    items = [
        CostItem(name=text, service=None, amount=1, standard=text, collection=text, collected_by=text, annualised=rate)
        for rate in rates
    ]
    note = adding_up(items, total)
    assert (note is None) == (difference is None)
    assert note is None or difference in note.en
