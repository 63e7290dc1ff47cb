"""The present of the desk."""

from __future__ import annotations

import time

import pytest

from serving.work.clock import DAY, DeskClock, instant_of


def clock(until: int | None, *, fixed: int | None = None) -> DeskClock:
    """Return a clock of a dealership in Shanghai with data until an instant."""
    return DeskClock(lambda: until, lambda: "Asia/Shanghai", fixed)


@pytest.mark.parametrize("age", [None, 0, DAY])
def test_recent_or_no_data_run_in_real_time(age: int | None) -> None:
    """Data of today or yesterday need no clock of their own, and without data there is nothing to stand by."""
    now = time.time_ns() // 1_000
    desk = clock(None if age is None else now - age)
    assert not desk.stands_still
    assert abs(desk.now() - now) < 5_000_000


@pytest.mark.parametrize(
    ("until", "morning"),
    [
        ("2025-06-30T23:00:00+08:00", "2025-06-30T10:30:00+08:00"),
        ("2025-07-01T07:59:00+08:00", "2025-06-30T10:30:00+08:00"),
        ("2025-06-30T10:30:00+08:00", "2025-06-30T10:30:00+08:00"),
    ],
)
def test_old_data_stop_the_clock_on_their_last_morning(until: str, morning: str) -> None:
    """A morning after the last row would have no data of its day."""
    desk = clock(instant_of(until))
    assert desk.stands_still
    assert desk.local().isoformat() == morning


def test_a_fixed_instant_wins() -> None:
    """The setting `desk_now` holds whatever the data."""
    desk = clock(time.time_ns() // 1_000, fixed=instant_of("2026-03-01T10:30:00+08:00"))
    assert desk.local().isoformat() == "2026-03-01T10:30:00+08:00"
