"""The lending rules: values at the boundaries of their dates, and errors that name the key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from features.errors import ConfigError, DataError
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.rules import load_lending_rules
from ml.loans.catalogue.vehicle_classes import VehicleClass
from tests.ml.loans.catalogue.conftest import RULES


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("private_combustion", 0.80, 1.0),
        ("commercial_combustion", 0.70, 0.70),
        ("private_new_energy", 0.85, 1.0),
        ("commercial_new_energy", 0.75, 0.75),
        ("used", 0.70, 0.70),
    ],
)
def test_loan_to_value_by_class_and_date(lending: Lending, kind: VehicleClass, before: float, after: float) -> None:
    limit = lending.rules.maximum_loan_to_value
    assert limit(date(2018, 1, 1), kind) == limit(date(2024, 4, 2), kind) == before
    assert limit(date(2024, 4, 3), kind) == limit(date(2030, 1, 1), kind) == after


def test_a_date_before_the_first_rule_names_it(lending: Lending) -> None:
    with pytest.raises(DataError, match="2017-12-31 is before the first rule of loan_to_value, valid from 2018-01-01"):
        lending.rules.maximum_loan_to_value(date(2017, 12, 31), "used")
    with pytest.raises(DataError, match="before the first rule of policy"):
        lending.rules.policy_on(date(2017, 12, 31), "used")


def test_the_longest_term_is_shorter_for_used_vehicles(lending: Lending) -> None:
    on = date(2026, 1, 1)
    assert lending.rules.policy_on(on, "used").maximum_term_months == 36
    assert lending.rules.policy_on(on, "private_combustion").maximum_term_months == 60


def test_the_state_s_programme_by_date(lending: Lending) -> None:
    at = lending.rules.state_subsidy_on
    assert at(date(2025, 8, 31)) is None
    first, second = at(date(2025, 12, 31)), at(date(2026, 1, 1), used_this_year=70_000)
    assert first is not None and second is not None
    assert (first.rate, first.share_of_rate, first.principal, first.per_year) == (0.01, 0.5, 5_000_000, 300_000)
    assert (second.principal, second.used_this_year, second.until) == (None, 70_000, date(2026, 12, 31))
    assert at(date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("probability", "band"), [(0.0, "A"), (0.01, "A"), (0.010001, "B"), (0.05, "C"), (0.10, "D"), (0.11, "")]
)
def test_risk_bands_close_at_their_limit(lending: Lending, probability: float, band: str) -> None:
    assert lending.rules.risk_bands(date(2026, 1, 1), np.array([probability])).tolist() == [band]


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(lending: Lending, probability: float) -> None:
    with pytest.raises(DataError, match="probability_of_default must be from 0 to 1"):
        lending.rules.risk_bands(date(2026, 1, 1), np.array([0.1, probability]))


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("loan_to_value.1.valid_from", "2018-01-01", r"loan_to_value: \[1\].valid_from 2018-01-01 overlaps \[0\]"),
        (
            "loan_to_value.0.valid_until",
            "2024-04-01",
            r"loan_to_value: gap between \[0\].valid_until 2024-04-01 and \[1\]",
        ),
        (
            "loan_to_value.0.valid_until",
            "2024-04-03",
            r"loan_to_value: \[1\].valid_from 2024-04-03 overlaps \[0\], valid until",
        ),
        (
            "loan_to_value.0.valid_until",
            "2017-01-01",
            r"loan_to_value: \[0\].valid_until 2017-01-01 is before its valid_from",
        ),
        ("loan_to_value", [], "loan_to_value: there is no rule"),
        (
            "loan_to_value.0.maximum.used",
            None,
            r"loan_to_value.0.maximum: every vehicle class needs a value; add: used",
        ),
        ("loan_to_value.0.maximum.boats", "0.5", r"loan_to_value.0.maximum.boats"),
        (
            "loan_to_value.0.maximum.used",
            "1.2",
            "loan_to_value.0.maximum.used: the fraction must be a finite number from 0",
        ),
        ("loan_to_value.0.maximum.used", ".nan", "loan_to_value.0.maximum.used: the fraction must be a finite number"),
        (
            "loan_to_value.0.valid_frm",
            "2018-01-01",
            "loan_to_value.0.valid_frm: unknown key",
        ),
        ("state_subsidy.1.valid_from", "2026-02-01", r"state_subsidy: gap between \[0\]"),
        (
            "state_subsidy.0.per_year",
            "30.005",
            "state_subsidy.0.per_year: must be an amount in yuan with at most two decimals",
        ),
        ("risk.0.bands.B", "0.005", "risk.0.bands: limits must rise from band to band"),
        ("policy.0.minimum_age", "16", "policy.0.minimum_age"),
        ("rate_celings", "0.2", "rate_celings: unknown key; did you mean `rate_ceilings`"),
        ("term", None, "term: this key is required; add it"),
    ],
)
def test_a_rule_file_with_a_fault_names_the_place(
    changed: Callable[..., Lending], place: str, value: Any, text: str
) -> None:
    with pytest.raises(ConfigError, match="rules.yaml: " + text):
        changed(rules={place: value})


def test_the_rules_load_alone(lending: Lending) -> None:
    assert load_lending_rules(RULES) == lending.rules
