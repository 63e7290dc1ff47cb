"""The lending files: rules at the boundaries of their dates, and errors that name the key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from features.errors import ConfigError
from ml.loans.catalogue.files import Lending, load_lending
from tests.ml.loans.catalogue.conftest import RULES


def test_money_in_yuan_is_fen_once(lending: Lending) -> None:
    zero = lending.catalogue.products["maker_zero"]
    assert (zero.maximum_amount, zero.subsidies[0].total) == (20_000_000, 1_500_000)
    assert zero.forgone_discount_on(date(2026, 9, 1)) == 500_000
    assert lending.catalogue.products["used_guaranteed"].fees["registration"].amount == 30_000


def test_rate_grids_by_date(lending: Lending) -> None:
    bank = lending.catalogue.products["bank_standard"]
    before, after = bank.rate_grid(date(2025, 12, 31)), bank.rate_grid(date(2026, 1, 1))
    assert before is not None and after is not None and before.by_band["A"] != after.by_band["A"]
    assert bank.rate_grid(date(2024, 4, 2)) is None
    assert "D" not in after.by_band


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
            "bank_standard.rates.1.by_band.C.36",
            "0.25",
            r"rates\[1\].by_band.C.36: the rate 0.25 is above the ceiling of 0.24 from 2026-01-01",
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


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_lending(tmp_path / "x.yaml", RULES)
