"""Due dates and day counts, compared with a calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.calendar import DENOMINATORS, DayCount, PaymentCalendar, periods, year_fraction
from ml.domain.loans.rounding import LoanError

days = st.dates(date(2000, 1, 1), date(2060, 12, 31))


def due(calendar: PaymentCalendar, start: date, count: int) -> list[str]:
    return [str(day) for day in periods(calendar, start, count).due]


def test_the_31st_pays_on_the_last_day_of_shorter_months_and_returns() -> None:
    assert due(PaymentCalendar(), date(2024, 1, 31), 4) == ["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]
    assert due(PaymentCalendar(), date(2023, 1, 31), 1) == ["2023-02-28"]


def test_the_29th_in_a_common_year() -> None:
    assert due(PaymentCalendar(), date(2025, 1, 29), 3) == ["2025-02-28", "2025-03-29", "2025-04-29"]


def test_a_fixed_day_of_the_month() -> None:
    monthly = periods(PaymentCalendar("actual/365", payment_day=20), date(2026, 1, 10), 2)
    assert ([str(d) for d in monthly.due], monthly.days.tolist()) == (["2026-02-20", "2026-03-20"], [41, 28])
    assert monthly.months.tolist() == pytest.approx([41 * 12 / 365, 69 * 12 / 365])


def test_the_end_of_every_month() -> None:
    calendar = PaymentCalendar(payment_day="end_of_month")
    assert due(calendar, date(2023, 11, 30), 4) == ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"]
    assert periods(calendar, date(2023, 11, 30), 2).months.tolist() == [1, 2]


def test_under_30_360_every_whole_period_is_a_twelfth_and_a_broken_one_is_counted() -> None:
    whole = periods(PaymentCalendar(), date(2024, 1, 31), 12)
    assert set(whole.numerator.tolist()) == {30}
    broken_first_period = periods(PaymentCalendar(payment_day=20), date(2026, 1, 10), 3)
    assert broken_first_period.numerator.tolist() == [40, 30, 30]


def test_actual_actual_splits_at_the_new_year() -> None:
    # 2024 is a leap year: 16 days of 366 in 2024, 15 days of 365 in 2025.
    numerator = year_fraction(date(2024, 12, 16), date(2025, 1, 16), "actual/actual")
    assert numerator / DENOMINATORS["actual/actual"] == pytest.approx(16 / 366 + 15 / 365)


@given(one=days, two=days, three=days)
@pytest.mark.parametrize("convention", ["actual/365", "actual/360", "actual/actual"])
def test_fractions_of_consecutive_periods_add_up(one: date, two: date, three: date, convention: DayCount) -> None:
    one, two, three = sorted((one, two, three))
    parts = year_fraction(one, two, convention) + year_fraction(two, three, convention)
    assert parts == year_fraction(one, three, convention)


@given(start=days, day=st.sampled_from([1, 15, 28, 29, 30, 31, "same_day", "end_of_month"]), count=st.integers(1, 60))
def test_one_due_date_a_month_always_later(start: date, day: object, count: int) -> None:
    monthly = periods(PaymentCalendar("actual/actual", payment_day=day), start, count)  # type: ignore[arg-type]
    months = [d.year * 12 + d.month for d in monthly.due]
    first = start.year * 12 + start.month + 1
    assert months[0] in (first, first + 1) and months == list(range(months[0], months[0] + count))
    assert 15 <= monthly.days[0] <= 61 and monthly.days[1:].max(initial=0) <= 31
    assert monthly.due[-1] == start + timedelta(days=int(monthly.days.sum()))
    assert (monthly.numerator > 0).all()


@pytest.mark.parametrize(
    ("start", "calendar", "first"),
    [
        (date(2026, 1, 21), PaymentCalendar(payment_day=5), "2026-02-05"),  # 15 days
        (date(2026, 1, 22), PaymentCalendar(payment_day=5), "2026-03-05"),  # 14 days, so 42
        (date(2026, 1, 31), PaymentCalendar(payment_day=1), "2026-03-01"),
        (date(2026, 1, 31), PaymentCalendar(payment_day=1, minimum_first_period_days=0), "2026-02-01"),
        (date(2026, 1, 10), PaymentCalendar(payment_day=5, minimum_first_period_days=28), "2026-03-05"),  # 26 days
        (date(2026, 1, 31), PaymentCalendar(minimum_first_period_days=28), "2026-02-28"),  # a whole month stays
        (date(2026, 1, 22), PaymentCalendar(payment_day=5, first_due=date(2026, 1, 25)), "2026-01-25"),
    ],
)
def test_a_short_first_period_is_moved_on_to_the_next_payment_day(
    start: date, calendar: PaymentCalendar, first: str
) -> None:
    assert due(calendar, start, 1) == [first]


@given(start=days, day=st.sampled_from(["same_day", "end_of_month"]))
def test_whole_months_are_never_moved_on(start: date, day: Literal["same_day", "end_of_month"]) -> None:
    moved = PaymentCalendar(payment_day=day, minimum_first_period_days=28)
    assert due(moved, start, 3) == due(PaymentCalendar(payment_day=day, minimum_first_period_days=0), start, 3)


@pytest.mark.parametrize(
    ("day_count", "start", "numerator"),
    [
        ("30/360", date(2026, 1, 10), 30),
        ("actual/365", date(2026, 1, 10), 31),  # 20 January to 20 February
        ("actual/360", date(2026, 1, 31), 31),
        ("actual/365", date(2026, 2, 10), 28),
        ("actual/actual", date(2024, 12, 10), 12 * 365 + 19 * 366),  # 12 days at 1/366, 19 at 1/365
    ],
)
def test_a_first_period_charged_as_a_month_counts_the_month_before_its_due_date(
    day_count: DayCount, start: date, numerator: int
) -> None:
    by_month = periods(PaymentCalendar(day_count, 20, first_period_interest="month"), start, 2)
    by_days = periods(PaymentCalendar(day_count, 20), start, 2)
    assert by_month.numerator.tolist() == [numerator, by_days.numerator[1]]
    assert by_month.months.tolist() == by_days.months.tolist() and by_month.due == by_days.due


@pytest.mark.parametrize("day_count", list(DENOMINATORS))
def test_a_whole_first_month_is_the_same_by_month_and_by_days(day_count: DayCount) -> None:
    by_month = periods(PaymentCalendar(day_count, first_period_interest="month"), date(2026, 1, 31), 3)
    assert by_month.numerator.tolist() == periods(PaymentCalendar(day_count), date(2026, 1, 31), 3).numerator.tolist()


def test_the_rest_of_a_running_period_has_its_own_length() -> None:
    rest = PaymentCalendar(first_due=date(2027, 1, 20), first_numerator=12)
    monthly = periods(rest, date(2026, 12, 28), 2)
    assert (monthly.numerator.tolist(), monthly.first_year) == ([12, 30], 2027)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"minimum_first_period_days": 29}, "minimum_first_period_days must be a whole number from 0 to 28, got 29"),
        ({"minimum_first_period_days": -1}, "minimum_first_period_days must be a whole number from 0 to 28, got -1"),
        ({"first_period_interest": "none"}, "first_period_interest must be 'days' or 'month', got 'none'"),
        ({"first_numerator": -1}, "first_numerator must be at least 0, got -1"),
    ],
)
def test_first_periods_that_cannot_be_meant_are_refused(values: dict[str, Any], text: str) -> None:
    with pytest.raises(LoanError, match=text):
        PaymentCalendar(**values)


@pytest.mark.parametrize("first", [date(2026, 1, 10), date(2025, 12, 31), date(2028, 1, 12)])
def test_a_first_due_date_before_disbursement_or_years_later_is_refused(first: date) -> None:
    text = f"first_due must be after disbursement on 2026-01-10 and within two years, got {first}"
    with pytest.raises(LoanError, match=text):
        periods(PaymentCalendar(first_due=first), date(2026, 1, 10), 3)


def test_a_year_beyond_all_calendars_is_refused() -> None:
    with pytest.raises(LoanError, match="disbursement must be in or before 2200, got 9999-12-31"):
        periods(PaymentCalendar(), date(9999, 12, 31), 3)


@pytest.mark.parametrize("day", [0, 32, "last", True, 1.5])
def test_other_payment_days_are_refused(day: object) -> None:
    with pytest.raises(LoanError, match="payment_day must be 1 to 31"):
        PaymentCalendar(payment_day=day)  # type: ignore[arg-type]
