"""Opening hours and the times of calls; 1 March 2024 is a Friday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.leads.opening_hours import OpeningHours, call_times

CHINA = ZoneInfo("Asia/Shanghai")


def desk(**changes: Any) -> OpeningHours:
    values: dict[str, Any] = {
        "open_minute": 540, "close_minute": 1080, "lunch": (720, 780), "weekdays": range(5), "holidays": (),
        "zone": CHINA,
    }  # fmt: skip
    return OpeningHours(**(values | changes))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-{text}+08:00")


def texts(times: list[datetime]) -> list[str]:
    return [f"{t.astimezone(CHINA):%m-%d %H:%M}" for t in times]


def test_before_opening_the_first_call_is_at_nine_and_lunch_is_skipped() -> None:
    days = desk().days(at("03-01T07:20"), count=1)
    calls = call_times(days, calls_per_hour=1, at_most=100)
    assert texts(calls) == [f"03-01 {h:02d}:00" for h in (9, 10, 11, 13, 14, 15, 16, 17)]


def test_a_queue_that_reaches_closing_goes_on_after_the_weekend_and_the_holiday() -> None:
    days = desk(holidays=[date(2024, 3, 4)]).days(at("03-01T16:30"), count=2)
    assert texts(call_times(days, calls_per_hour=1, at_most=3)) == ["03-01 16:30", "03-01 17:30", "03-05 09:30"]


def test_the_capacity_of_a_day_moves_the_rest_to_the_next_opening() -> None:
    days = desk().days(at("03-01T10:10"), count=2)
    calls = call_times(days, calls_per_hour=6, capacity_per_day=2, at_most=100)
    assert texts(calls) == ["03-01 10:10", "03-01 10:20", "03-04 09:00", "03-04 09:10"]
    assert call_times(days, calls_per_hour=6, capacity_per_day=0, at_most=100) == []
    assert call_times(days, calls_per_hour=6, capacity_per_day=0.5, at_most=100) == []
    assert call_times(days, calls_per_hour=0, at_most=100) == []


def test_hours_are_opening_hours() -> None:
    days = desk().days(at("03-01T11:30"), count=31)
    assert texts(call_times(days, calls_per_hour=2, hours=1, at_most=100)) == ["03-01 11:30", "03-01 13:00"]
    assert call_times(days, calls_per_hour=0.1, hours=1, at_most=100) == []  # a tenth of a call is none
    assert texts(call_times(days, calls_per_hour=0.1, hours=10, at_most=100)) == ["03-01 11:30"]


def test_after_closing_and_on_closed_days_the_next_open_day_is_the_first() -> None:
    for moment in ("03-01T18:00", "03-02T12:00", "03-03T23:59"):
        ((first, _),) = desk(lunch=None).days(at(moment), count=1)[0]
        assert first == at("03-04T09:00")


def test_a_desk_without_an_open_day_has_no_opening_hours() -> None:
    closed = [date(2024, 3, 1) + timedelta(days=k) for k in range(400)]
    assert desk(holidays=closed).days(at("03-01T10:00"), count=1) == []
    assert call_times([], calls_per_hour=6, at_most=9) == []


def test_a_desk_that_closes_at_midnight_and_a_change_of_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = desk(open_minute=0, close_minute=1440, lunch=None, weekdays=range(7), zone=berlin)
    ((first, last),) = night.days(datetime(2024, 3, 31, tzinfo=berlin), count=1)[0]
    assert (last - first) == timedelta(hours=23)  # summer time begins
    assert last == datetime(2024, 4, 1, tzinfo=berlin).astimezone(UTC)


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be below 0, got 1, -1 and None"):
        call_times([], calls_per_hour=1, capacity_per_day=-1, at_most=1)


@settings(deadline=None, max_examples=60)
@given(
    rate=st.floats(0.05, 20), capacity=st.none() | st.integers(0, 50), hours=st.none() | st.floats(0, 40),
    minute=st.integers(0, 10_080),
)  # fmt: skip
def test_calls_are_inside_the_opening_hours_and_within_capacity(
    rate: float, capacity: int | None, hours: float | None, minute: int
) -> None:
    after = at("03-01T00:00") + timedelta(minutes=minute)
    days = desk().days(after, count=3)
    times = call_times(days, calls_per_hour=rate, capacity_per_day=capacity, hours=hours, at_most=10_000)
    assert times == sorted(set(times)) and all(t >= after for t in times)
    opened = sum((b - a) / timedelta(hours=1) for day in days for a, b in day)
    assert len(times) <= min(opened, opened if hours is None else hours) * rate + 1e-6
    for day in days:
        inside = [t for t in times if any(a <= t < b for a, b in day)]
        assert capacity is None or len(inside) <= capacity
        times = [t for t in times if t not in inside]
    assert times == []
