"""Conversion of instants between requests and tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from ml.instants import Instant, instant, local_day, microseconds


def test_an_instant_and_its_microseconds_turn_into_each_other_exactly() -> None:
    at = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert microseconds(at) == 4_102_444_799_999_999 and instant(4_102_444_799_999_999) == at


def test_the_same_instant_in_another_zone_is_the_same_number() -> None:
    assert microseconds(datetime.fromisoformat("2024-06-01T08:00:00+08:00")) == 1_717_200_000_000_000


@pytest.mark.parametrize("text", ["2024-06-01T08:00:00", "1919-12-31T00:00:00Z", "2100-01-01T00:00:00Z"])
def test_an_instant_needs_an_offset_and_a_year_from_1920_to_2099(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(text)
    assert TypeAdapter(Instant).validate_python("1920-01-01T00:00:00Z") == datetime(1920, 1, 1, tzinfo=UTC)


def test_the_day_is_that_of_the_zone() -> None:
    us = microseconds(datetime(2017, 9, 30, 16, tzinfo=UTC))
    assert (str(local_day(us, "Asia/Shanghai")), str(local_day(us, "UTC"))) == ("2017-10-01", "2017-09-30")
