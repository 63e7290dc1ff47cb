"""Extras that a loan finances: largest share by kind of lender, day and price, and base of the loan-to-value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from features.errors import ConfigError, DataError
from ml.loans.catalogue.extras_rules import largest_extras_share
from ml.loans.catalogue.files import Lending

RULE = "financed_extras.auto_finance_companies"
LIMIT = 20_000_000  # fen: 200,000 yuan


def test_a_rule_that_is_switched_off_limits_nothing(lending: Lending) -> None:
    assert lending.rules.maximum_financed_extras_share(date(2026, 9, 1), "auto_finance_company", total=LIMIT) == 1.0


@pytest.mark.parametrize(
    ("kind", "on", "total", "share"),
    [
        ("auto_finance_company", date(2023, 8, 10), LIMIT, 1.0),
        ("auto_finance_company", date(2023, 8, 11), 0, 0.8),
        ("auto_finance_company", date(2026, 9, 1), LIMIT, 0.8),
        ("auto_finance_company", date(2026, 9, 1), LIMIT + 1, 0.7),
        ("bank", date(2026, 9, 1), LIMIT + 1, 1.0),
    ],
)
def test_the_share_by_kind_day_and_price(
    changed: Callable[..., Lending], kind: str, on: date, total: int, share: float
) -> None:
    rules = changed(rules={f"{RULE}.enabled": "true"}).rules
    assert rules.maximum_financed_extras_share(on, kind, total=total) == share
    assert largest_extras_share(rules.financed_extras, on, kind, total=total) == share


def test_the_loan_to_value_is_a_share_of_the_price(changed: Callable[..., Lending], lending: Lending) -> None:
    assert lending.rules.base_of_loan_to_value(date(2026, 9, 1)) == "price"
    later = {"valid_from": "2027-01-01", "base": "price_and_extras"}
    rules = changed(rules={"loan_to_value_base.1": later}).rules
    assert [rules.base_of_loan_to_value(on) for on in (date(2026, 12, 31), date(2027, 1, 1))] == [
        "price",
        "price_and_extras",
    ]
    with pytest.raises(DataError, match="2017-12-31 is before the first rule of loan_to_value_base"):
        rules.base_of_loan_to_value(date(2017, 12, 31))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{RULE}.periods.0.large_total": None}, f"{RULE}.periods.0: set both large_total and maximum_share_of_large"),
        (
            {f"{RULE}.periods.0.maximum_share_of_large": "0.8"},
            f"{RULE}.periods.0: maximum_share_of_large must be below the maximum_share of 0.8, got 0.8",
        ),
        ({f"{RULE}.periods.0.large_total": "0"}, f"{RULE}.periods.0.large_total"),
        ({"loan_to_value_base.0.base": "extras"}, "loan_to_value_base.0.base"),
    ],
)
def test_rules_on_extras_that_cannot_be_meant(
    changed: Callable[..., Lending], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match="rules.yaml: " + message):
        changed(rules=changes)
