"""Schedule and early settlement of loans from the shipped catalogue."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.errors import DataError
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.repayment import schedule_for, settlement_for
from tests.ml.loans.small_loans import loan_for

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
ON = date(2026, 9, 15)
CAR = Vehicle("V1", 18_000_000, "private_new_energy")
APPLICATION = Application(Applicant(32, 1_600_000, 200_000), CAR, 8_000_000, 36)


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(CONFIGS / "loans" / "products.yaml", CONFIGS / "loans" / "rules.yaml")


def test_a_flat_rate_is_the_same_every_month_whatever_the_lender_s_day_count(lending: Lending) -> None:
    made = schedule_for(loan_for(lending, "flat_easy", APPLICATION, on=ON), ON)
    assert {row.interest for row in made.rows} == {25_000}  # 3 % of 100,000 yuan a year


def test_settlement_by_the_lender_s_rule(lending: Lending) -> None:
    made = schedule_for(loan_for(lending, "bank_standard", APPLICATION, on=ON), ON)
    early = settlement_for(lending, "bank_standard", made, date(2027, 9, 14))
    assert early.penalty == round(early.outstanding * 0.01)
    assert settlement_for(lending, "bank_standard", made, date(2027, 9, 15)).penalty == 0
    with pytest.raises(DataError, match="the day of settlement must be from 2026-09-15"):
        settlement_for(lending, "bank_standard", made, date(2026, 9, 14))
    with pytest.raises(DataError, match="product 'magic' is unknown"):
        settlement_for(lending, "magic", made, date(2027, 9, 14))
