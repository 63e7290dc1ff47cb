"""The lending files: rules at the boundaries of their dates, and errors that name the key."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.errors import ConfigError, DataError
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.catalogue.rules import VehicleClass, vehicle_class

CONFIGS = Path(__file__).resolve().parents[4] / "configs"
PRODUCTS, RULES = CONFIGS / "loans" / "products.yaml", CONFIGS / "loans" / "rules.yaml"


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(PRODUCTS, RULES)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Lending]:
    """Return a function that loads both files with values replaced by key path; None removes the key."""

    def load(**changes: dict[str, Any]) -> Lending:
        paths = {}
        for name, source in (("products", PRODUCTS), ("rules", RULES)):
            content = deepcopy(yaml.load(source.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))
            for place, value in changes.get(name, {}).items():
                _set(content, place.split("."), value)
            paths[name] = tmp_path / source.name
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False).replace("'", "")
            paths[name].write_text(text, encoding="utf-8")
        return load_lending(paths["products"], paths["rules"])

    return load


def _set(content: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        content = content[int(step)] if isinstance(content, list) else content[step]
    last = int(steps[-1]) if isinstance(content, list) else steps[-1]
    if value is None:
        del content[last]
    elif last == len(content) and isinstance(content, list):
        content.append(value)
    else:
        content[last] = value


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
    ("probability", "band"), [(0.0, "A"), (0.01, "A"), (0.010001, "B"), (0.05, "C"), (0.10, "D"), (0.11, None)]
)
def test_risk_bands_close_at_their_limit(lending: Lending, probability: float, band: str | None) -> None:
    assert lending.rules.risk_band(date(2026, 1, 1), probability) == band


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(lending: Lending, probability: float) -> None:
    with pytest.raises(DataError, match="probability_of_default must be from 0 to 1"):
        lending.rules.risk_band(date(2026, 1, 1), probability)


def test_money_in_yuan_is_fen_once(lending: Lending) -> None:
    zero = lending.catalogue.products["maker_zero"]
    assert (zero.maximum_amount, zero.subsidies[0].total) == (20_000_000, 1_500_000)
    assert zero.forgone_discount_on(date(2026, 9, 1)) == 500_000
    assert lending.catalogue.products["used_guaranteed"].fees["registration"].amount == 30_000


def test_rate_grids_by_date(lending: Lending) -> None:
    bank = lending.catalogue.products["bank_standard"]
    assert bank.rates_on(date(2025, 12, 31), "A") != bank.rates_on(date(2026, 1, 1), "A")
    assert bank.rates_on(date(2024, 4, 2), "A") is None
    assert bank.rates_on(date(2026, 1, 1), "D") is None


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
        ("rate_celing", "0.2", "rate_celing: unknown key; did you mean `rate_ceiling`"),
        ("term", None, "term: this key is required; add it"),
    ],
)
def test_a_rule_file_with_a_fault_names_the_place(
    changed: Callable[..., Lending], place: str, value: Any, text: str
) -> None:
    with pytest.raises(ConfigError, match="rules.yaml: " + text):
        changed(rules={place: value})


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (
            "bank_standard.lender",
            "nobody",
            "products.bank_standard.lender 'nobody' is unknown; the lenders are: riverside_bank",
        ),
        ("bank_standard.form", "ballon", "products.bank_standard.form"),
        (
            "bank_standard.rates.1.by_band.A.36",
            None,
            r"products.bank_standard.rates.1: by_band.A: the rate of term 36 is missing",
        ),
        (
            "bank_standard.rates.1.by_band.A.36",
            "0.25",
            r"rates\[1\].by_band.A.36: the rate 0.25 is above the legal ceiling of 0.24",
        ),
        (
            "bank_standard.rates.1.valid_from",
            "2024-01-01",
            r"products.bank_standard.rates: \[1\].valid_from 2024-01-01 overlaps",
        ),
        ("bank_standard.rates.0.valid_until", "2025-06-30", r"products.bank_standard.rates: gap between"),
        (
            "bank_standard.eligibility.vehicle_classes.0",
            "boats",
            "products.bank_standard.eligibility.vehicle_classes.0",
        ),
        (
            "bank_standard.minimum_down",
            "0.2",
            "products.bank_standard.minimum_down: unknown key; did you mean .*`minimum_down_payment`",
        ),
        (
            "bank_standard.minimum_amount",
            "900000",
            "products.bank_standard: minimum_amount must be above 0 and at most",
        ),
        (
            "bank_standard.balloon_shares",
            ["0.3"],
            "products.bank_standard: balloon_shares must be set if the form is balloon",
        ),
        ("maker_balloon.balloon_shares.0", "1.0", "products.maker_balloon: balloon_shares must be above 0 and below 1"),
        (
            "maker_deferred.deferred.months",
            "24",
            "products.maker_deferred: deferred.months must be below the shortest term",
        ),
        (
            "used_guaranteed.fees.registration.share",
            "0.01",
            "products.used_guaranteed.fees.registration: .*exactly one",
        ),
        (
            "used_guaranteed.fees.registration.collected_by",
            "friend",
            "fees.registration.collected_by 'friend' is unknown",
        ),
        (
            "used_guaranteed.fees.registration.amount",
            "-5",
            "products.used_guaranteed.fees.registration.amount: must be from 0",
        ),
    ],
)
def test_a_product_file_with_a_fault_names_the_place(
    changed: Callable[..., Lending], place: str, value: Any, text: str
) -> None:
    with pytest.raises(ConfigError, match="products.yaml: .*" + text):
        changed(products={f"products.{place}": value})


def test_products_are_held_against_the_rules(changed: Callable[..., Lending]) -> None:
    bank = "products.bank_standard.rates.0"
    with pytest.raises(ConfigError, match=r"rates\[0\].by_band.Z is not a risk band of the rules"):
        changed(products={f"{bank}.by_band.Z": {"12": "0.05", "24": "0.05", "36": "0.05", "48": "0.05", "60": "0.05"}})
    with pytest.raises(
        ConfigError, match=r"valid_from 2017-01-01 is before the first rule of risk, valid from 2018-01-01"
    ):
        changed(products={f"{bank}.valid_from": "2017-01-01"})
    with pytest.raises(ConfigError, match=r"lenders.riverside_bank.late_interest must be from 1.3 to 1.5"):
        changed(products={"lenders.riverside_bank.late_interest": "2"})
    later = {"valid_from": "2025-06-01", "maximum": "0.05"}
    with pytest.raises(ConfigError, match=r"above the legal ceiling of 0\.05"):
        changed(rules={"rate_ceiling.1": later})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_lending(tmp_path / "x.yaml", RULES)


@pytest.mark.parametrize(
    ("vehicle", "kind"),
    [
        (("new", "private", "combustion"), "private_combustion"),
        (("new", "private", "hybrid"), "private_combustion"),
        (("new", "private", "plug_in_hybrid"), "private_new_energy"),
        (("new", "commercial", "battery_electric"), "commercial_new_energy"),
        (("new", "commercial", "combustion"), "commercial_combustion"),
        (("used", "private", "battery_electric"), "used"),
    ],
)
def test_vehicle_classes(vehicle: tuple[str, str, str], kind: str) -> None:
    assert vehicle_class(*vehicle) == kind


def test_an_unknown_energy_type_is_refused() -> None:
    with pytest.raises(DataError, match=r"energy_type must be one of combustion, .*, got 'steam'"):
        vehicle_class("new", "private", "steam")
