"""Ceilings of the annualised cost: the strictest of kind and day, rules switched off, multiples of the LPR."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, get_args

import pytest

from features.errors import ConfigError, DataError
from ml.loans.catalogue.ceilings import lowest_ceiling
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.lender_rules import LenderKind

GUIDANCE = "rate_ceilings.consumer_finance_companies"


@pytest.mark.parametrize(
    ("kind", "on", "maximum", "rule"),
    [
        *[(kind, date(2026, 9, 1), 0.24, "courts") for kind in get_args(LenderKind)],
        ("consumer_finance_company", date(2026, 9, 1), 0.24, "courts"),  # window guidance is switched off
        ("micro_loan_company", date(2027, 12, 31), 0.24, "courts"),
        ("micro_loan_company", date(2028, 1, 1), 0.12, "micro_loan_companies"),  # 4 x 3 %
        ("bank", date(2028, 1, 1), 0.24, "courts"),
    ],
)
def test_the_ceiling_of_a_kind_and_day(lending: Lending, kind: str, on: date, maximum: float, rule: str) -> None:
    ceiling = lending.rules.ceiling(on, kind)
    assert (ceiling.maximum, ceiling.rule) == (maximum, rule)
    assert lending.rules.maximum_cost(on, kind) == maximum
    assert ceiling.source == lending.rules.rate_ceilings[rule].source
    assert lowest_ceiling({rule: lending.rules.rate_ceilings[rule]}, lending.rules.loan_prime_rate, on, kind) == ceiling


def test_the_strictest_of_several_ceilings_applies_once_it_is_switched_on(changed: Callable[..., Lending]) -> None:
    rules = changed(rules={f"{GUIDANCE}.enabled": "true"}).rules
    assert rules.maximum_cost(date(2025, 12, 30), "consumer_finance_company") == 0.24
    assert rules.maximum_cost(date(2025, 12, 31), "consumer_finance_company") == 0.20
    assert rules.ceiling(date(2026, 9, 1), "consumer_finance_company").source.zh.startswith("监管窗口指导")
    assert rules.maximum_cost(date(2026, 9, 1), "bank") == 0.24


def test_the_loan_prime_rate_of_the_day_counts(changed: Callable[..., Lending]) -> None:
    lower = {"valid_from": "2028-06-20", "one_year": "0.0275"}
    rules = changed(rules={"loan_prime_rate.1": lower}).rules
    assert rules.maximum_cost(date(2028, 6, 19), "micro_loan_company") == 0.12
    assert rules.maximum_cost(date(2028, 6, 20), "micro_loan_company") == 0.11


def test_a_day_before_every_ceiling_is_refused(lending: Lending) -> None:
    with pytest.raises(DataError, match="no rule of rate_ceilings binds lender kind 'bank' on 2017-08-03"):
        lending.rules.maximum_cost(date(2017, 8, 3), "bank")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"rate_ceilings.micro_loan_companies.periods.0.times_lpr": "4"},
            r"rate_ceilings.micro_loan_companies.periods.0: set exactly one of maximum and times_lpr, got 0\.24 and 4",
        ),
        (
            {"rate_ceilings.courts.periods.0.maximum": None},
            "rate_ceilings.courts.periods.0: set exactly one of maximum and times_lpr",
        ),
        ({"rate_ceilings.courts.periods.0.maximum": "0"}, "rate_ceilings.courts.periods.0.maximum"),
        ({"rate_ceilings.micro_loan_companies.lender_kinds": ["pawnshop"]}, "lender_kinds.0"),
        ({"rate_ceilings.micro_loan_companies.lender_kinds": []}, "lender_kinds"),
        ({"rate_ceilings.courts.source": None}, "rate_ceilings.courts.source: this key is required"),
        (
            {"loan_prime_rate": None},
            r"rate_ceilings.micro_loan_companies.periods\[1\].times_lpr needs the loan prime rate of 2028-01-01",
        ),
        ({"loan_prime_rate.0.one_year": "0"}, "loan_prime_rate.0.one_year"),
    ],
)
def test_a_ceiling_that_cannot_be_meant(changed: Callable[..., Lending], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match="rules.yaml: .*" + message):
        changed(rules=changes)


def test_a_rule_that_is_switched_off_needs_no_loan_prime_rate(changed: Callable[..., Lending]) -> None:
    rules = changed(rules={"loan_prime_rate": None, "rate_ceilings.micro_loan_companies.enabled": "false"}).rules
    assert rules.maximum_cost(date(2028, 1, 1), "micro_loan_company") == 0.24
