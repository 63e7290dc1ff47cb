"""Amounts and shares of the lending files: exact conversion and checks."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from ml.loans.catalogue.fields import Day, Money, RatesByTerm, Share, Whole, Yuan


def test_amounts_are_yuan_in_yaml_fen_in_python_yuan_in_json() -> None:
    assert TypeAdapter(Yuan).validate_python(1234.56) == 123_456
    assert TypeAdapter(Money).dump_json(123_456) == b"1234.56"


@pytest.mark.parametrize("value", [0.001, -1, True, "5", float("inf"), float("nan"), 10**15])
def test_invalid_amounts_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Yuan).validate_python(value)


@pytest.mark.parametrize("value", [-0.1, 1.5, 0.00000001, True, "0.5"])
def test_invalid_shares_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Share).validate_python(value)


@pytest.mark.parametrize("value", ["2026-1-1", "2026-02-30", 20260101, 1767225600, True, None, datetime(2026, 1, 1)])
def test_a_day_is_year_month_day(value: object) -> None:
    with pytest.raises(ValidationError, match=r"year-month-day; such as 2026-01-31"):
        TypeAdapter(Day).validate_python(value)


def test_days_are_read_from_text() -> None:
    assert TypeAdapter(Day).validate_python("2026-01-31") == date(2026, 1, 31)


def test_true_is_no_whole_number() -> None:
    assert TypeAdapter(Whole).validate_python("15") == 15  # an environment variable is text
    with pytest.raises(ValidationError, match="must be a whole number"):
        TypeAdapter(Whole).validate_python(True)


def test_a_term_has_one_rate() -> None:
    assert TypeAdapter(RatesByTerm).validate_python({"12": 0.03, 24: 0.04}) == {12: 0.03, 24: 0.04}
    with pytest.raises(ValidationError, match="a term has two rates"):
        TypeAdapter(RatesByTerm).validate_python({12: 0.03, "12": 0.04})
