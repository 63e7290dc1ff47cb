"""Discounts and subsidies: a period and conditions, first and last day included, and no sale beyond a subsidy."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from ml.loans.catalogue.products import Product
from ml.loans.catalogue.promotions import Discount

TEXT = {"zh": "名", "en": "name"}
SUBSIDY = {"payer": "maker", "rate": 1.0, "valid_until": "2026-12-31", "conditions": TEXT}
DISCOUNT = {"amount": 5_000, "valid_from": "2026-03-01", "valid_until": "2026-10-31", "conditions": TEXT}


def product(first: str = "2026-01-01", last: str | None = "2026-12-31", **changes: Any) -> Product:
    rates = {"valid_from": first, "valid_until": last, "by_band": {"A": {12: 0.05}}}
    return Product.model_validate(
        {
            "lender": "bank",
            "name": TEXT,
            "form": "equal_instalment",
            "rates": [rates],
            "minimum_amount": 10_000,
            "maximum_amount": 200_000,
            "eligibility": {"vehicle_classes": ["used"]},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("on", "amount"),
    [
        (date(2026, 2, 28), 0),
        (date(2026, 3, 1), 500_000),
        (date(2026, 10, 31), 500_000),
        (date(2026, 11, 1), 0),
    ],
)
def test_a_discount_is_forgone_from_its_first_to_its_last_day(on: date, amount: int) -> None:
    assert product(forgone_discount=DISCOUNT).forgone_discount_on(on) == amount
    assert product().forgone_discount_on(on) == 0


@pytest.mark.parametrize("key", ["valid_until", "conditions", "amount"])
def test_a_discount_without_period_conditions_or_amount_is_refused(key: str) -> None:
    with pytest.raises(ValidationError) as error:
        Discount.model_validate({name: value for name, value in DISCOUNT.items() if name != key})
    assert [e["loc"] for e in error.value.errors()] == [(key,)]


def test_a_discount_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="valid_until 2026-02-28 is before valid_from 2026-03-01: correct one"):
        Discount.model_validate({**DISCOUNT, "valid_until": "2026-02-28"})


def test_a_subsidy_that_runs_as_long_as_the_rates_is_converted() -> None:
    (subsidy,) = product(subsidies=[{**SUBSIDY, "total": 3_000}]).subsidies
    assert (subsidy.loan_subsidy.payer, subsidy.loan_subsidy.total) == ("maker", 300_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"last": None}, r"subsidies\[0\].valid_until 2026-12-31: the product has rates without an end: set"),
        ({"last": "2027-01-01"}, r"subsidies\[0\].valid_until 2026-12-31: the product has rates until 2027-01-01"),
        (
            {"subsidies": [SUBSIDY, {**SUBSIDY, "valid_from": "2026-01-02"}]},
            r"subsidies\[1\].valid_from 2026-01-02 is after 2026-01-01, the first day of the product's rates",
        ),
    ],
)
def test_a_product_that_is_sold_without_its_subsidy_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        product(**{"subsidies": [SUBSIDY], **changes})
