"""The periods of the dashboard: 30 or 90 days until yesterday, or a calendar month, and the period before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.clock import SECOND

DAYS = {"30d": 30, "90d": 90}
MONTHS_OFFERED = 6
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class PeriodParameters(BaseModel):
    """Query string of the endpoints of the dashboard."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field("30d", max_length=7, description="30d, 90d (until yesterday), or a complete month: 2026-02")
    store_id: str | None = Field(None, max_length=200, description="of one store only; default: all of the caller")


class PeriodAnswer(BaseModel):
    """Whole local days, both included."""

    name: str = Field(description="30d, 90d or a month such as 2026-02")
    first: date
    last: date
    days: int


@dataclass(frozen=True)
class Period:
    """Whole local days.

    Attributes
    ----------
    name : str
        `30d`, `90d` or a month such as `2026-02`.
    first, last : date
        Local days, both included.
    timezone : ZoneInfo
        Of the dealership.

    Examples
    --------
    >>> Period("2026-02", date(2026, 2, 1), date(2026, 2, 28), ZoneInfo("Asia/Shanghai")).days
    28
    """

    name: str
    first: date
    last: date
    timezone: ZoneInfo

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.last - self.first).days + 1

    @property
    def start(self) -> int:
        """Return the first instant (microseconds since 1970 UTC)."""
        return local_midnight(self.first, self.timezone)

    @property
    def end(self) -> int:
        """Return the first instant after the last day (microseconds since 1970 UTC)."""
        return local_midnight(self.last + timedelta(days=1), self.timezone)

    @property
    def answer(self) -> PeriodAnswer:
        """Return it in the form of the interface."""
        return PeriodAnswer(name=self.name, first=self.first, last=self.last, days=self.days)

    def before(self) -> Period:
        """Return the period of the same length before it; before a month, the month before."""
        last = self.first - timedelta(days=1)
        first = last.replace(day=1) if self.name not in DAYS else last - timedelta(days=self.days - 1)
        return Period(f"{first:%Y-%m}" if self.name not in DAYS else self.name, first, last, self.timezone)


def local_midnight(day: date, timezone: ZoneInfo) -> int:
    """Return the first instant of a local day (microseconds since 1970 UTC).

    >>> local_midnight(date(1970, 1, 2), ZoneInfo("Asia/Shanghai")) // 3_600_000_000
    16
    """
    return int(datetime(day.year, day.month, day.day, tzinfo=timezone).timestamp()) * SECOND


def period_named(name: str, now: datetime) -> Period:
    """Return a period by its name.

    Parameters
    ----------
    name : str
        `30d` or `90d`, whole days until yesterday, or a complete month such as `2026-02`.
    now : datetime
        Local time of the desk, with its zone.

    Raises
    ------
    Problem
        Status 422: the name is none of these, or the month is not over.

    Examples
    --------
    >>> now = datetime(2026, 3, 9, 10, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    >>> period = period_named("30d", now)
    >>> str(period.first), str(period.last), str(period_named("2026-02", now).before().first)
    ('2026-02-07', '2026-03-08', '2026-01-01')
    """
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo), "the clock of the desk has a zone"
    yesterday = now.date() - timedelta(days=1)
    if name in DAYS:
        return Period(name, yesterday - timedelta(days=DAYS[name] - 1), yesterday, zone)
    match = _MONTH.fullmatch(name)
    if match is not None and 1970 <= int(match[1]) <= now.year:
        first = date(int(match[1]), int(match[2]), 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        if last <= yesterday:
            return Period(name, first, last, zone)
    months = ", ".join(complete_months(now)[:3])
    raise Problem(422, "invalid_request", f"period must be 30d, 90d, or a complete month such as {months}")


def complete_months(now: datetime, *, n: int = MONTHS_OFFERED) -> list[str]:
    """Return the names of the last complete months, the latest first.

    >>> complete_months(datetime(2026, 1, 9), n=2)
    ['2025-12', '2025-11']
    """
    last = now.date().replace(day=1) - timedelta(days=1)
    names = []
    for _ in range(n):
        names.append(f"{last:%Y-%m}")
        last = last.replace(day=1) - timedelta(days=1)
    return names
