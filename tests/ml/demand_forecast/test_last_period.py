"""The last period is left out only if it is not over in the data, and the note says why."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.demand_forecast.last_period import LastPeriod, last_period

SHANGHAI = ZoneInfo("Asia/Shanghai")
LATER = datetime(2026, 1, 1, tzinfo=SHANGHAI)
YEAR = [date(2024, 1, 1) + timedelta(d) for d in range(366)]
MONTHS = [date(2024, m, 1) for m in range(1, 13)]
MONTH_ENDS = [d for d in YEAR if (d + timedelta(1)).day == 1]


def decide(days: list[date], *, frequency: str = "month", read: datetime = LATER, **how: Any) -> LastPeriod:
    numbers = [(d - date(1970, 1, 1)).days for d in days]
    cutoff = int(read.timestamp() * 1e6)
    return last_period(numbers, how.pop("rows", [1] * len(days)), frequency=frequency, timezone="Asia/Shanghai",  # type: ignore[arg-type]
                       cutoff=cutoff, **how)  # fmt: skip


def test_daily_sales_until_the_17th_leave_the_month_out() -> None:
    decision = decide([d for d in YEAR if d <= date(2024, 11, 17)])
    assert decision.is_left_out and decision.period == 12 * 54 + 10
    assert decision.note == (
        "the last month, 2024-11, is incomplete and left out: its sales end on 2024-11-17, 13 days before the end of "
        "the month, those of 90% of the earlier months at most 0 days before (params.unfinished: keep includes it)"
    )
    included = decide([d for d in YEAR if d <= date(2024, 11, 17)], unfinished="keep")
    assert not included.is_left_out
    assert included.note is not None and "is included by params.unfinished: keep, although its sales" in included.note


@pytest.mark.parametrize("last", [1, 2, 3, 11, 12])
def test_monthly_totals_on_the_first_are_whole_months(last: int) -> None:
    decision = decide(MONTHS[:last], rows=[50] * last)
    assert not decision.is_left_out
    if last > 1:  # one month alone is never left out, so there is nothing to say
        assert decision.note is not None and "count as totals of the whole month" in decision.note


def test_a_few_corrections_within_the_month_do_not_change_that() -> None:
    corrections = [date(2024, m, 20) for m in range(1, 11)]
    assert not decide([*MONTHS[:11], *corrections], rows=[50] * 11 + [1] * 10).is_left_out


@pytest.mark.parametrize("day", [10, 15, 28])
def test_monthly_totals_on_another_day_are_whole_months(day: int) -> None:
    assert decide([date(2024, m, day) for m in range(1, 12)]) == LastPeriod(658, False, None)


def test_monthly_totals_on_the_last_day_or_the_last_working_day_are_whole_months() -> None:
    assert not decide(MONTH_ENDS).is_left_out
    working = [d - timedelta(max(0, d.weekday() - 4)) for d in MONTH_ENDS]
    for last in range(2, 13):
        assert not decide(working[:last]).is_left_out, working[last - 1]


@pytest.mark.parametrize("weekday", range(7))
def test_weekly_totals_are_whole_weeks_on_any_weekday(weekday: int) -> None:
    weeks = [d for d in YEAR if d.weekday() == weekday]
    assert not decide(weeks, frequency="week").is_left_out


def test_a_week_that_ends_on_a_wednesday_is_left_out_of_daily_sales() -> None:
    until = [d for d in YEAR if d <= date(2024, 11, 13)]  # a Wednesday
    decision = decide(until, frequency="week")
    assert decision.is_left_out and decision.note is not None and "4 days before the end of the week" in decision.note


def test_months_that_end_on_the_30th_or_on_a_closed_sunday_are_complete() -> None:
    assert not decide([d for d in YEAR if d <= date(2024, 12, 30)]).is_left_out
    open_days = [d for d in YEAR if d.weekday() < 6]
    for end in (date(2024, 3, 30), date(2024, 6, 29), date(2024, 9, 30)):  # March and June end on a Sunday
        assert not decide([d for d in open_days if d <= end]).is_left_out, end
    saturdays = [d for d in open_days if d <= date(2024, 11, 16)]
    assert not decide(saturdays, frequency="week").is_left_out


def test_rare_sales_that_end_as_early_as_usual_are_included_with_a_note() -> None:
    days = [date(2024, m, d) for m, d in zip(range(1, 12), (28, 12, 25, 30, 8, 27, 16, 22, 29, 20, 14), strict=True)]
    decision = decide(days)
    assert not decision.is_left_out
    assert decision.note is not None and "2024-11-14, 16 days before the end" in decision.note
    assert "params.unfinished: drop leaves it out" in decision.note


def test_a_month_that_was_not_over_when_the_data_were_read_is_left_out_whatever_its_dates() -> None:
    """A total dated on the 1st of the current month can only be the total so far."""
    read = datetime(2024, 11, 17, 9, tzinfo=SHANGHAI)
    for whole in (False, True):
        decision = decide(MONTHS[:11], read=read, whole=whole)
        assert decision.is_left_out
        assert decision.note is not None
        assert "its last day is 2024-11-30, and the data go up to 2024-11-17 09:00 at most" in decision.note
        assert not decide(MONTHS[:11], read=read, whole=whole, unfinished="keep").is_left_out


def test_the_evening_of_the_last_day_completes_a_period() -> None:
    assert not decide(YEAR, read=datetime(2024, 12, 31, 20, tzinfo=SHANGHAI)).is_left_out
    day = {"frequency": "day", "whole": False}
    assert not decide(YEAR, read=datetime(2024, 12, 31, 23, tzinfo=SHANGHAI), **day).is_left_out
    assert decide(YEAR, read=datetime(2024, 12, 31, 12, tzinfo=SHANGHAI), **day).is_left_out
    assert not decide(YEAR, **day).is_left_out


def test_data_of_the_future_are_not_judged_by_the_time_of_the_read() -> None:
    assert not decide(MONTHS, read=datetime(2024, 3, 3, tzinfo=SHANGHAI), whole=True).is_left_out


def test_drop_always_leaves_the_last_period_out_but_never_the_only_one() -> None:
    assert decide(MONTHS, unfinished="drop") == LastPeriod(
        659, True, "the last month, 2024-12, is left out by params.unfinished: drop"
    )
    assert not decide(MONTHS[:1], unfinished="drop").is_left_out


@given(st.integers(2, 12), st.integers(1, 20))
def test_daily_sales_lose_a_month_only_if_it_ends_early(months: int, day: int) -> None:
    complete = [d for d in YEAR if d.month <= months]
    assert not decide(complete).is_left_out
    assert decide([d for d in complete if d <= date(2024, months, day)]).is_left_out
