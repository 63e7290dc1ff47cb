"""The catalogue is held against the rules of the dates at which its products are sold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from features.errors import ConfigError
from ml.loans.catalogue.checks import problems
from ml.loans.catalogue.files import Lending

MICRO = {"lenders.harbour_credit.kind": "micro_loan_company"}


def test_the_shipped_files_agree(lending: Lending) -> None:
    assert list(problems(lending.catalogue, lending.rules)) == []


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
    with pytest.raises(ConfigError, match=r"above the ceiling of 0\.05 from 2025-06-01 \(Supreme People's Court"):
        changed(rules={"rate_ceilings.courts.periods.1": later})


def test_rates_and_late_interest_of_every_grid_are_held_against_the_ceilings_of_its_dates(
    changed: Callable[..., Lending],
) -> None:
    late = (
        r"products.used_guaranteed.rates\[0\].by_band.C.36: the late interest of 1.5 x 0.099 by actual/360, "
        r"0.15056\d a year, is above the ceiling of 0.14 from 2025-06-01 \(Supreme People's Court.*\): lower the rate, "
        "or end these rates with valid_until 2025-05-31, or lower late_interest of the lender"
    )
    lower = {"valid_from": "2025-06-01", "maximum": "0.14"}
    with pytest.raises(ConfigError, match=late):
        changed(
            rules={"rate_ceilings.courts.periods.1": lower},
            products={"products.used_guaranteed.rates.0.by_band.C.24": "0.09",
                      "products.used_guaranteed.rates.0.by_band.C.12": "0.09"},
        )  # fmt: skip
    with pytest.raises(ConfigError, match=r"by_band.D.36: the rate 0.126 is above the ceiling of 0.12 from 2028-01-01"):
        changed(products={**MICRO, **_below("0.07")})
    ended = {"products.used_guaranteed.rates.0.valid_until": "2027-12-31"}
    assert changed(products={**MICRO, **ended}).catalogue.lenders["harbour_credit"].kind == "micro_loan_company"


def _below(rate: str) -> dict[str, str]:
    place = "products.used_guaranteed.rates.0.by_band"
    pairs = [(band, term) for band in "ABCD" for term in (12, 24, 36)]
    return {f"{place}.{band}.{term}": rate for band, term in pairs if (band, term) != ("D", 36)}


def test_late_interest_is_held_against_every_rule_of_the_dates_of_sale(changed: Callable[..., Lending]) -> None:
    rules = {
        "late_interest.0.valid_until": "2019-12-31",
        "late_interest.0.maximum": "1.4",
        "late_interest.1": {"valid_from": "2020-01-01", "minimum": "1.3", "maximum": "1.5"},
    }
    place = r"lenders.voyage_auto_finance.late_interest must be from 1.3 to 1.4 times the contract rate by the rule of "
    with pytest.raises(ConfigError, match=place + "late_interest valid from 2004-01-01, got 1.5"):
        changed(rules=rules)


def test_penalty_interest_on_misuse_is_held_against_its_bounds_and_the_ceiling(changed: Callable[..., Lending]) -> None:
    bank = "lenders.riverside_bank.contingent_costs.misuse.multiple"
    place = r"products.bank_standard.contingent_costs.misuse.multiple must be from 1.5 to 2 times the contract rate by "
    for multiple in ("1.4", "2.1"):
        with pytest.raises(ConfigError, match=place + r"the rule of misuse_interest valid from 2004-01-01, got "):
            changed(products={bank: multiple})
    above = r"products.used_guaranteed.*: the penalty of 2 x 0.126 by actual/360, 0.2555 a year, is above"
    with pytest.raises(ConfigError, match=above):
        changed(products={"lenders.harbour_credit.contingent_costs.misuse.multiple": "2"})
    own = {"products.used_guaranteed.contingent_costs.misuse": {"multiple": "1.5"}}
    with pytest.raises(ConfigError, match=r"products.flat_easy.*got 2.5"):
        changed(products={**own, "lenders.harbour_credit.contingent_costs.misuse.multiple": "2.5"})


def test_late_interest_counts_the_days_of_the_lender(changed: Callable[..., Lending]) -> None:
    # 1.5 x 16 % is the ceiling of 24 % by 30/360 and 24.33 % by actual/360, which charges 365 days of 360.
    dear = {
        "products.bank_standard.rates.1.by_band.C.60": "0.16",
        "lenders.riverside_bank.contingent_costs.misuse": "null",
    }
    assert changed(products=dear)
    with pytest.raises(ConfigError, match=r"the late interest of 1.5 x 0.16 by actual/360, 0.243333 a year, is above"):
        changed(products={**dear, "lenders.riverside_bank.day_count": "actual/360"})
