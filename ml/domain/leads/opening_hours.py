"""Opening hours of a sales desk, and the times of its calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SEARCH_DAYS = 366  # calendar days after `after` in which open days are searched
HOUR = timedelta(hours=1)
TOLERANCE = 1e-9  # hours; sums of 1 / calls_per_hour are not exact

Interval = tuple[datetime, datetime]  # opening and closing, in UTC


@dataclass(frozen=True)
class OpeningHours:
    """Opening hours of a week, in local time.

    Attributes
    ----------
    open_minute, close_minute : int
        Minutes after midnight, 0 to 1,440; the desk opens before it closes.
    lunch : (int, int) or None
        Break in minutes after midnight, inside the opening hours.
    weekdays : collection of int
        Days of the week that are open, Monday is 0.
    holidays : collection of date
        Days that are closed.
    zone : ZoneInfo
        Time zone of the desk.

    Examples
    --------
    A desk is open from 9:00 to 12:00 and from 13:00 to 18:00. Friday at 11:00 it has an hour left before the break.

    >>> from datetime import datetime
    >>> from zoneinfo import ZoneInfo
    >>> zone = ZoneInfo("Asia/Shanghai")
    >>> desk = OpeningHours(540, 1080, lunch=(720, 780), weekdays=range(5), holidays=(), zone=zone)
    >>> friday, monday = desk.days(datetime(2024, 3, 1, 11, tzinfo=zone), count=2)
    >>> [f"{a.astimezone(zone):%m-%d %H:%M} - {b.astimezone(zone):%H:%M}" for a, b in (*friday, *monday)]
    ['03-01 11:00 - 12:00', '03-01 13:00 - 18:00', '03-04 09:00 - 12:00', '03-04 13:00 - 18:00']
    """

    open_minute: int
    close_minute: int
    lunch: tuple[int, int] | None
    weekdays: Collection[int]
    holidays: Collection[date]
    zone: ZoneInfo

    def on(self, day: date) -> list[Interval]:
        """Return the opening intervals of a day, in UTC; none on a closed day."""
        if day.weekday() not in self.weekdays or day in self.holidays:
            return []
        edges = [self.open_minute, *(self.lunch or ()), self.close_minute]
        instants = [_instant(day, minute, self.zone) for minute in edges]
        return [(a, b) for a, b in zip(instants[::2], instants[1::2], strict=True) if a < b]

    def days(self, after: datetime, *, count: int) -> list[list[Interval]]:
        """Return what is left of the opening intervals of the next open days, in UTC.

        Parameters
        ----------
        after : datetime
            With time zone. A day without opening time after this instant does not count.
        count : int
            Number of open days.

        Returns
        -------
        list of list of (datetime, datetime)
            At most `count` days; fewer if there are not so many within `SEARCH_DAYS` calendar days.
        """
        first, start = after.astimezone(self.zone).date(), after.astimezone(UTC)
        days: list[list[Interval]] = []
        for k in range(SEARCH_DAYS):
            if len(days) == count:
                break
            intervals = [(max(a, start), b) for a, b in self.on(first + timedelta(days=k)) if b > start]
            if intervals:
                days.append(intervals)
        return days


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the instant of a local clock time; 1,440 is midnight at the end of the day."""
    day, minute = (day + timedelta(days=1), 0) if minute == 1_440 else (day, minute)
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).astimezone(UTC)


def call_times(
    days: Sequence[Sequence[Interval]],
    *,
    calls_per_hour: float,
    capacity_per_day: float | None = None,
    hours: float | None = None,
    at_most: int,
) -> list[datetime]:
    """Return the times at which calls begin, evenly over the opening hours.

    A call takes ``1 / calls_per_hour`` opening hours; one that would end after the last closing, or after `hours`, is
    not planned. Calls that are under way when the desk closes go on when it opens again.

    Parameters
    ----------
    days : sequence of sequence of (datetime, datetime)
        Opening intervals by day, as returned by `OpeningHours.days`.
    calls_per_hour : float
        Calls per hour of the whole desk, not below 0.
    capacity_per_day : float, optional
        Most calls of a day, not below 0. When it is reached, the next call is at the opening of the next day.
    hours : float, optional
        Opening hours to plan, not below 0; default: all.
    at_most : int
        Most calls.

    Returns
    -------
    list of datetime
        In UTC and in order.

    Raises
    ------
    ValueError
        A number is negative.

    Examples
    --------
    Two calls an hour in the last hour of one day and the first of the next.

    >>> from datetime import UTC, datetime
    >>> hour = lambda day, at: (datetime(2024, 3, day, at, tzinfo=UTC), datetime(2024, 3, day, at + 1, tzinfo=UTC))
    >>> days = [[hour(1, 17)], [hour(4, 9)]]
    >>> [f"{t:%d %H:%M}" for t in call_times(days, calls_per_hour=2, at_most=9)]
    ['01 17:00', '01 17:30', '04 09:00', '04 09:30']
    >>> [f"{t:%d %H:%M}" for t in call_times(days, calls_per_hour=2, capacity_per_day=1, at_most=9)]
    ['01 17:00', '04 09:00']
    >>> call_times(days, calls_per_hour=2, capacity_per_day=0, at_most=9)
    []
    """
    if calls_per_hour < 0 or (capacity_per_day or 0) < 0 or (hours or 0) < 0:
        raise ValueError(
            "calls_per_hour, capacity_per_day and hours must not be below 0, got "
            f"{calls_per_hour}, {capacity_per_day} and {hours}"
        )
    if calls_per_hour == 0:
        return []
    times: list[datetime] = []
    step, earlier, next_offset = 1 / calls_per_hour, 0.0, 0.0  # opening hours: of a call, of earlier days, to the call
    end = min(sum(_length(day) for day in days), float("inf") if hours is None else hours)
    for day in days:
        length, of_day, base = _length(day), 0, next_offset
        while (capacity_per_day is None or of_day + 1 <= capacity_per_day) and next_offset < length - TOLERANCE:
            if len(times) >= at_most or earlier + next_offset + step > end + TOLERANCE:
                return times
            times.append(_at(day, next_offset))
            of_day += 1
            next_offset = base + of_day * step
        is_full = capacity_per_day is not None and of_day + 1 > capacity_per_day
        next_offset = 0.0 if is_full else max(next_offset - length, 0.0)
        earlier += length
    return times


def _length(day: Sequence[Interval]) -> float:
    return sum((b - a) / HOUR for a, b in day)


def _at(day: Sequence[Interval], offset: float) -> datetime:
    """Return the instant after `offset` opening hours of a day; the end of an interval is the start of the next."""
    for a, b in day[:-1]:
        if offset < (b - a) / HOUR - TOLERANCE:
            return a + offset * HOUR
        offset -= (b - a) / HOUR
    return day[-1][0] + max(offset, 0.0) * HOUR
