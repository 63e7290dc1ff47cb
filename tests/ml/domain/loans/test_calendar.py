"""Due dates and day counts, compared with a calendar."""

from __future__ import annotations

from datetime import date, timedelta

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
    assert months == list(range(start.year * 12 + start.month + 1, start.year * 12 + start.month + 1 + count))
    assert monthly.due[-1] == start + timedelta(days=int(monthly.days.sum()))
    assert (monthly.numerator > 0).all()


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
