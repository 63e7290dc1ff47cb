"""The present of the desk: real time, or the last day of the data if these are old."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000
DAY = 86_400 * SECOND
RECENT = 3 * DAY
MORNING = timedelta(hours=10, minutes=30)


class DeskClock:
    """Says which instant is now for the lists and figures of the desk.

    With recent data it is real time. If the last row is older than three days, as in sample data, the clock stands at
    10:30 local time of the last day that has data after it; otherwise every lead and application would be months old.

    Parameters
    ----------
    until : callable
        ``() -> int or None``: instant of the last row of the data; None without data.
    timezone : callable
        ``() -> str``: IANA name of the dealership's time zone.
    fixed : int, optional
        Instant at which the clock stands, whatever the data.

    Examples
    --------
    Data until 30 June 2025, 23:00 in Shanghai:

    >>> clock = DeskClock(lambda: 1_751_295_600 * SECOND, lambda: "Asia/Shanghai")
    >>> clock.local().isoformat(), clock.stands_still
    ('2025-06-30T10:30:00+08:00', True)
    """

    def __init__(self, until: Callable[[], int | None], timezone: Callable[[], str], fixed: int | None = None) -> None:
        self._until = until
        self._timezone = timezone
        self._fixed = fixed

    @property
    def timezone(self) -> ZoneInfo:
        """Return the dealership's time zone."""
        return ZoneInfo(self._timezone())

    @property
    def stands_still(self) -> bool:
        """Return whether now is an instant of the data, and not real time."""
        return self._standing() is not None

    def now(self) -> int:
        """Return the present instant of the desk (microseconds since 1970 UTC)."""
        standing = self._standing()
        return time.time_ns() // 1_000 if standing is None else standing

    def local(self, instant: int | None = None) -> datetime:
        """Return an instant (microseconds since 1970 UTC), by default now, in the dealership's time zone."""
        at = self.now() if instant is None else instant
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(self.timezone)

    def _standing(self) -> int | None:
        if self._fixed is not None:
            return self._fixed
        until = self._until()
        if until is None or time.time_ns() // 1_000 - until <= RECENT:
            return None
        last = self.local(until)
        morning = last.replace(hour=0, minute=0, second=0, microsecond=0) + MORNING
        if morning > last:
            morning -= timedelta(days=1)
        return int(morning.timestamp()) * SECOND


def instant_of(text: str | None) -> int | None:
    """Return an instant with UTC offset in microseconds since 1970 UTC; None for None.

    >>> instant_of("1970-01-01T08:00:01+08:00"), instant_of(None)
    (1000000, None)
    """
    return None if text is None else int(datetime.fromisoformat(text).timestamp() * SECOND)
