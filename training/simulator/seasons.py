"""Calendar of the simulation: window of the data, seasonal demand, opening hours. Local time is UTC+8.

A day's demand is proportional to ::

    month[m] * holiday(d) * weekend(d) * 1.04 ** (d / 365)

where `holiday` is 0.25 around the Spring Festival, which moves between 21 January and 20 February, 1.35 in the four
weeks before it and 0.8 in the two weeks after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.draws import Random, pick
from training.simulator.size import Size

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONTH = 30.4375 * DAY
YEAR = 365.25 * DAY
TAIL_DAYS = 60  # decisions are drawn so many days beyond the end, so that the latest leads are still open

_FESTIVAL_DATES = """
2010-02-14 2011-02-03 2012-01-23 2013-02-10 2014-01-31 2015-02-19 2016-02-08 2017-01-28 2018-02-16 2019-02-05
2020-01-25 2021-02-12 2022-02-01 2023-01-22 2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13
2030-02-03 2031-01-23 2032-02-11 2033-01-31 2034-02-19 2035-02-08 2036-01-28 2037-02-15 2038-02-04 2039-01-24
2040-02-12 2041-02-01
"""
SPRING_FESTIVALS = tuple(date.fromisoformat(text) for text in _FESTIVAL_DATES.split())
MONTH_FACTORS = np.array([1.02, 0.96, 1.0, 0.95, 0.98, 0.97, 0.86, 0.92, 1.1, 1.08, 1.12, 1.18])
WEEKEND_FACTOR = 1.45
YEARLY_GROWTH = 1.04

ONLINE_HOURS = (2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 8, 7, 6, 6, 6, 6, 7, 9, 11, 11, 8, 4)  # weights of the local hours
SHOP_HOURS = tuple(1 if 9 <= hour < 20 else 0 for hour in range(24))


@dataclass(frozen=True)
class Window:
    """The months that the data covers; use `Window.of` to make one.

    One is `world.window`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    start, end : int
        First instant of the data and the first after it, microseconds since 1970 UTC.
    days : int
        Number of days between them.
    month_starts : ndarray of int64, shape (months + 1,)
        First instant of each month and of the month after the end, microseconds since 1970 UTC.
    season : ndarray of float64, shape (days + TAIL_DAYS,)
        Relative demand of each day, including `TAIL_DAYS` days beyond the end.
    """

    start: int
    end: int
    days: int
    month_starts: IntArray
    season: FloatArray

    @classmethod
    def of(cls, size: Size) -> Window:
        """Return the window of a simulation size, `training.simulator.Size(months=..., start=...)`.

        Parameters
        ----------
        size : Size
            `training.simulator.Size(months=3, start="2024-01-01")`, for example.

        Returns
        -------
        Window
            `start`, `end` (microseconds since 1970 UTC), `days`, `months`, `month_starts` and `season`.

        Examples
        --------
        >>> from training.simulator import Size
        >>> from training.simulator.seasons import Window
        >>> Window.of(Size(months=3, start="2024-01-01")).days
        91
        """
        first = date.fromisoformat(size.start)
        months = [_add_months(first, m) for m in range(size.months + 1)]
        days = (months[-1] - first).days
        starts = np.array([_instant(m) for m in months], dtype=np.int64)
        return cls(int(starts[0]), int(starts[-1]), days, starts, _season(first, days + TAIL_DAYS))

    @property
    def months(self) -> int:
        """Number of months."""
        return len(self.month_starts) - 1

    def day(self, at: IntArray) -> IntArray:
        """Return the day (int64) of each instant in microseconds since 1970 UTC, counted from 0 at `start`.

        Parameters
        ----------
        at : ndarray of int64
            Microseconds since 1970 UTC.

        Returns
        -------
        ndarray of int64
            Days from `start`; negative before it.

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator import Size
        >>> from training.simulator.seasons import DAY, Window
        >>> window = Window.of(Size())
        >>> window.day(np.array([window.start + 3 * DAY])).tolist()
        [3]
        """
        return (at - self.start) // DAY

    def month(self, at: IntArray) -> IntArray:
        """Return the month (int64, from 0) of each instant in microseconds since 1970 UTC.

        Instants outside the window get the first or the last month.

        Parameters
        ----------
        at : ndarray of int64
            Microseconds since 1970 UTC.

        Returns
        -------
        ndarray of int64
            From 0 to `months` - 1.

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator import Size
        >>> from training.simulator.seasons import DAY, Window
        >>> window = Window.of(Size(months=3))
        >>> window.month(window.start + DAY * np.array([-1, 31, 500])).tolist()
        [0, 1, 2]
        """
        index = np.searchsorted(self.month_starts, at, side="right") - 1
        return np.clip(index, 0, self.months - 1).astype(np.int64)

    def at_hours(self, rng: Random, days: IntArray, hours: tuple[int, ...]) -> IntArray:
        """Draw one instant in each of the UTC days.

        Parameters
        ----------
        rng : numpy.random.Generator
            Such as `numpy.random.default_rng(0)`.
        days : ndarray of int64
            Days counted from `start`.
        hours : tuple of 24 int
            Weights of the local hours (UTC+8), such as `SHOP_HOURS`.

        Returns
        -------
        ndarray of int64, shape of `days`
            Instants, microseconds since 1970 UTC.

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator import Size
        >>> from training.simulator.seasons import SHOP_HOURS, Window, local_hour
        >>> at = Window.of(Size()).at_hours(np.random.default_rng(0), np.arange(100), SHOP_HOURS)
        >>> bool(((local_hour(at) >= 9) & (local_hour(at) < 20)).all())
        True
        """
        local = pick(rng, hours, len(days))
        within = (local - 8) % 24 * HOUR + rng.integers(0, HOUR, len(days))
        return np.asarray(self.start + days * DAY + within, dtype=np.int64)


def local_hour(at: IntArray) -> FloatArray:
    """Return the local hour (UTC+8) of the day of each instant in microseconds since 1970 UTC, with fractions.

    Parameters
    ----------
    at : ndarray of int64
        Microseconds since 1970 UTC.

    Returns
    -------
    ndarray of float64
        From 0 to below 24.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.seasons import HOUR, local_hour
    >>> local_hour(np.array([0, 20 * HOUR])).tolist()
    [8.0, 4.0]
    """
    return np.asarray((at / HOUR + 8) % 24, dtype=np.float64)


def calendar_month(at: IntArray) -> IntArray:
    """Return the calendar month in UTC of each instant in microseconds since 1970 UTC, int64, 0 for January.

    Parameters
    ----------
    at : ndarray of int64
        Microseconds since 1970 UTC.

    Returns
    -------
    ndarray of int64
        0 (January) to 11.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.seasons import DAY, calendar_month
    >>> calendar_month(np.array([0, 31 * DAY])).tolist()
    [0, 1]
    """
    return at.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12


def _add_months(first: date, count: int) -> date:
    index = first.month - 1 + count
    return date(first.year + index // 12, index % 12 + 1, 1)


def _instant(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY


def _season(first: date, days: int) -> FloatArray:
    dates = [first + timedelta(days=d) for d in range(days)]
    month = MONTH_FACTORS[[d.month - 1 for d in dates]]
    weekend = np.where([d.weekday() >= 5 for d in dates], WEEKEND_FACTOR, 1.0)
    growth = YEARLY_GROWTH ** (np.arange(days) / 365)
    return np.asarray(month * weekend * growth * [_holiday(d) for d in dates], dtype=np.float64)


def _holiday(day: date) -> float:
    after = min(((day - festival).days for festival in SPRING_FESTIVALS), key=abs)
    if -30 <= after <= -4:
        return 1.35
    if -3 <= after <= 7:
        return 0.25
    if 8 <= after <= 21:
        return 0.8
    return 1.25 if (day.month, day.day) in _LONG_WEEKENDS else 1.0


_LONG_WEEKENDS = {(5, 1), (5, 2), (5, 3), (10, 1), (10, 2), (10, 3), (10, 4), (10, 5)}
