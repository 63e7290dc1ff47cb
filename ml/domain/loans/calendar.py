"""Due dates of monthly instalments and the length of their periods in years."""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

import numpy as np

from ml.domain.arrays import IntArray
from ml.domain.loans.rounding import LoanError

DayCount = Literal["30/360", "actual/365", "actual/360", "actual/actual"]

FirstPeriodInterest = Literal["days", "month"]

DENOMINATORS: dict[DayCount, int] = {
    "30/360": 360,
    "actual/365": 365,
    "actual/360": 360,
    "actual/actual": 365 * 366,
}
_DAYS_IN_MONTH = 30  # of 30/360
_MAX_FIRST_PERIOD_DAYS = 731  # the interest of a longer period overflows int64
_MAX_YEAR = 2200
_SHORTEST_MONTH = 28  # days; a larger minimum would move whole months on


@dataclass(frozen=True)
class PaymentCalendar:
    """Rules for due dates and for counting interest days.

    Attributes
    ----------
    day_count : {"30/360", "actual/365", "actual/360", "actual/actual"}
        30/360 counts every whole month as a twelfth of a year and a broken first period by 30E/360 ISDA;
        actual/actual divides days in leap years by 366 and other days by 365 (ISDA 2006, section 4.16).
    payment_day : int, "same_day" or "end_of_month"
        Day of the month, 1 to 31, or the last day of a shorter month. `same_day`: the day of disbursement.
    first_due : date, optional
        First due date; by default the payment day of the month after disbursement. Later due dates follow monthly.
    minimum_first_period_days : int
        A default first due date fewer days after disbursement is moved on to the next payment day, 0 to 28. An
        explicit `first_due` stays.
    first_period_interest : {"days", "month"}
        Interest and yearly fees of a first period that is no whole month: by its days, or as for the month that ends
        on the first due date, whatever the period's length.
    first_numerator : int, optional
        Length of the first period over `denominator`, instead of its count by dates: the rest of a running period.

    Raises
    ------
    LoanError
        An unknown day count or interest of the first period, a payment day outside 1 to 31, a minimum outside 0 to 28,
        or a negative length.
    """

    day_count: DayCount = "30/360"
    payment_day: int | Literal["same_day", "end_of_month"] = "same_day"
    first_due: date | None = None
    minimum_first_period_days: int = 15
    first_period_interest: FirstPeriodInterest = "days"
    first_numerator: int | None = None

    def __post_init__(self) -> None:
        if self.day_count not in DENOMINATORS:
            raise LoanError(f"day_count must be one of {', '.join(DENOMINATORS)}, got {self.day_count!r}")
        day = self.payment_day
        if day not in ("same_day", "end_of_month") and not (type(day) is int and 1 <= day <= 31):
            raise LoanError(f"payment_day must be 1 to 31, 'same_day' or 'end_of_month', got {day!r}")
        minimum = self.minimum_first_period_days
        if type(minimum) is not int or not 0 <= minimum <= _SHORTEST_MONTH:
            raise LoanError(
                f"minimum_first_period_days must be a whole number from 0 to {_SHORTEST_MONTH}, got {minimum!r}"
            )
        if self.first_period_interest not in ("days", "month"):
            raise LoanError(f"first_period_interest must be 'days' or 'month', got {self.first_period_interest!r}")
        if self.first_numerator is not None and self.first_numerator < 0:
            raise LoanError(f"first_numerator must be at least 0, got {self.first_numerator}")

    @property
    def denominator(self) -> int:
        """Denominator of all year fractions of this day count: 360, 365, or 365 x 366 for actual/actual."""
        return DENOMINATORS[self.day_count]


@dataclass(frozen=True)
class Periods:
    """Due dates and interest periods of a loan, as returned by `periods`.

    Attributes
    ----------
    due : tuple of date
        Due dates.
    days : array of int, shape (n_periods,)
        Calendar days of each period.
    numerator : array of int, shape (n_periods,)
        Length of each period in years, multiplied by the calendar's denominator.
    year : array of int, shape (n_periods,)
        Calendar year of each due date.
    first_year : int
        Calendar year of disbursement; of the first due date if that period is the rest of a running one.
    months : array of float, shape (n_periods,)
        Months from disbursement to each due date: 1, 2, 3, ... if the first period is a whole month, else
        days x 12 / 365.
    """

    due: tuple[date, ...]
    days: IntArray
    numerator: IntArray
    year: IntArray
    first_year: int
    months: np.ndarray[tuple[int], np.dtype[np.float64]]


def interest_days_factor(convention: DayCount) -> float:
    """Return the interest of a calendar year of 365 days as a multiple of the yearly rate.

    Examples
    --------
    >>> round(interest_days_factor("actual/360"), 6), interest_days_factor("actual/365")
    (1.013889, 1.0)
    """
    return 365 / 360 if convention == "actual/360" else 1.0


def payment_date(day: date, count: int, *, payment_day: int) -> date:
    """Return the payment day of the month `count` months after `day`, or that month's last day if it is shorter.

    Parameters
    ----------
    day : date
        Only its month counts.
    count : int
        Months.
    payment_day : int
        Day of the month, 1 to 31; any other raises ValueError.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.calendar import payment_date
    >>> payment_date(date(2024, 1, 31), 1, payment_day=31), payment_date(date(2023, 12, 31), 2, payment_day=31)
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(payment_day, months.monthrange(year, month + 1)[1]))


def day_of_month(calendar: PaymentCalendar, start: date) -> int:
    """Return the day of the month on which instalments are due, 1 to 31; a shorter month's last day stands for it.

    Parameters
    ----------
    calendar : PaymentCalendar
        `PaymentCalendar(...)`, such as `product.calendar`.
    start : date
        Day of disbursement.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.calendar import PaymentCalendar, day_of_month
    >>> [day_of_month(PaymentCalendar(payment_day=day), date(2026, 1, 29)) for day in ("same_day", 5)]
    [29, 5]
    """
    if calendar.payment_day == "end_of_month":
        return 31
    if calendar.payment_day == "same_day":
        return (start if calendar.first_due is None else calendar.first_due).day
    return calendar.payment_day


@lru_cache(maxsize=256)
def periods(calendar: PaymentCalendar, start: date, count: int) -> Periods:
    """Return due dates and interest periods of monthly instalments.

    Parameters
    ----------
    calendar : PaymentCalendar
        `PaymentCalendar(...)`, such as `product.calendar`.
    start : date
        Day of disbursement.
    count : int
        Number of instalments, at least 1.

    Returns
    -------
    Periods
        Due dates and lengths of the `count` periods.

    Raises
    ------
    LoanError
        The first due date is not after disbursement or is more than two years later, or `start` is after 2200.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.calendar import PaymentCalendar, periods
    >>> monthly = periods(PaymentCalendar("actual/365"), date(2024, 1, 31), 3)
    >>> [str(d) for d in monthly.due], monthly.days.tolist()
    (['2024-02-29', '2024-03-31', '2024-04-30'], [29, 31, 30])

    Eleven days to 5 February are too few, so the first instalment is due on 5 March:

    >>> str(periods(PaymentCalendar(payment_day=5), date(2026, 1, 25), 3).due[0])
    '2026-03-05'
    """
    if start.year > _MAX_YEAR:
        raise LoanError(f"disbursement must be in or before {_MAX_YEAR}, got {start}")
    day = day_of_month(calendar, start)
    first = _first_due(calendar, start, day)
    if not 0 < (first - start).days <= _MAX_FIRST_PERIOD_DAYS:
        raise LoanError(f"first_due must be after disbursement on {start} and within two years, got {first}")
    due = [first, *(payment_date(first, k, payment_day=day) for k in range(1, count))]
    starts = [start, *due[:-1]]
    numerator = [year_fraction(a, b, calendar.day_count) for a, b in zip(starts, due, strict=True)]
    whole = first == payment_date(start, 1, payment_day=start.day) or _ends_of_months(start, first)
    if calendar.first_period_interest == "month" and not whole:
        numerator[0] = year_fraction(payment_date(first, -1, payment_day=day), first, calendar.day_count)
    if calendar.day_count == "30/360":
        by_days = not whole and calendar.first_period_interest == "days"
        numerator = [n if by_days and not k else _DAYS_IN_MONTH for k, n in enumerate(numerator)]
    if calendar.first_numerator is not None:
        numerator[0] = calendar.first_numerator
    elapsed = np.array([(d - start).days for d in due])
    return Periods(
        tuple(due),
        np.diff(elapsed, prepend=0),
        np.array(numerator, dtype=np.int64),
        np.array([d.year for d in due]),
        start.year if calendar.first_numerator is None else first.year,
        np.arange(1.0, count + 1) if whole else elapsed * 12 / 365,
    )


def year_fraction(start: date, end: date, convention: DayCount) -> int:
    """Return the years between two dates as the numerator of a fraction over `DENOMINATORS[convention]`.

    Parameters
    ----------
    start, end : date
        `start` is not after `end`; this is not checked.
    convention : {"30/360", "actual/365", "actual/360", "actual/actual"}
        Day count.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.calendar import year_fraction
    >>> [year_fraction(date(2024, 1, 31), date(2024, 3, 31), c) for c in ("30/360", "actual/365")]
    [60, 60]
    >>> year_fraction(date(2023, 12, 31), date(2024, 1, 2), "actual/actual") == 1 * 366 + 1 * 365
    True
    """
    if convention == "30/360":
        one, two = _thirty(start), _thirty(end)
        return 360 * (end.year - start.year) + 30 * (end.month - start.month) + two - one
    days = (end - start).days
    if convention != "actual/actual":
        return days
    leap = sum(_days_within(start, end, year) for year in range(start.year, end.year + 1) if months.isleap(year))
    return (days - leap) * 366 + leap * 365


def elapsed_part(calendar: PaymentCalendar, since: date, due: date, on: date, *, numerator: int) -> int:
    """Return the part of an interest period that has passed, as a numerator over the calendar's denominator.

    Days count as the day count says (30E/360 ISDA under 30/360), and the part is at most the whole period. Where the
    whole counts for more than its days (a month from 28 February, or a short first period charged as a month), the part
    is in proportion to the days instead. On the due date it is the whole period.

    Parameters
    ----------
    calendar : PaymentCalendar
        `PaymentCalendar(...)`, such as `product.calendar`.
    since, due : date
        Start of the period and its due date.
    on : date
        Day from `since` to `due`; this is not checked.
    numerator : int
        Length of the whole period, an element of `Periods.numerator`.

    Examples
    --------
    Under 30/360, 28 January to 28 February would be 32 days and 28 February to 28 March 28; either month counts 30:

    >>> from datetime import date
    >>> from ml.domain.loans.calendar import PaymentCalendar, elapsed_part
    >>> january, february, march = (date(2026, month, 28) for month in (1, 2, 3))
    >>> [elapsed_part(PaymentCalendar(), january, february, date(2026, 2, day), numerator=30) for day in (2, 27, 28)]
    [4, 29, 30]
    >>> [elapsed_part(PaymentCalendar(), february, march, date(2026, 3, day), numerator=30) for day in (2, 27, 28)]
    [2, 29, 30]
    """
    part, whole = (year_fraction(since, day, calendar.day_count) for day in (on, due))
    in_proportion = (2 * numerator * part + whole) // (2 * whole) if whole else numerator
    return min(numerator, max(part, in_proportion))


def _first_due(calendar: PaymentCalendar, start: date, day: int) -> date:
    if calendar.first_due is not None:
        return calendar.first_due
    first = payment_date(start, 1, payment_day=day)
    is_short = (first - start).days < calendar.minimum_first_period_days
    return payment_date(first, 1, payment_day=day) if is_short else first


def _is_end(day: date) -> bool:
    return day.day == months.monthrange(day.year, day.month)[1]


def _ends_of_months(start: date, due: date) -> bool:
    return _is_end(start) and _is_end(due) and due == payment_date(start, 1, payment_day=31)


def _thirty(day: date) -> int:
    return _DAYS_IN_MONTH if _is_end(day) else day.day


def _days_within(start: date, end: date, year: int) -> int:
    return max(0, (min(end, date(year + 1, 1, 1)) - max(start, date(year, 1, 1))).days)
