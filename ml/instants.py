"""Conversion between instants of requests (ISO 8601 with an offset) and int64 microseconds of the tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from ml.signature import EPOCH

Instant = Annotated[
    AwareDatetime, Field(strict=False, ge=datetime(1920, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))
]


def microseconds(instant: datetime) -> int:
    """Return an instant (a datetime with time zone) as int microseconds since 1970-01-01 UTC, exactly.

    A datetime without time zone is a `TypeError`.

    >>> from datetime import datetime
    >>> microseconds(datetime.fromisoformat("1970-01-01T08:00:01+08:00"))
    1000000
    """
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(us: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as a datetime in UTC.

    >>> instant(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return EPOCH + timedelta(microseconds=us)


def local_day(us: int, timezone: str) -> date:
    """Return the day of microseconds since 1970-01-01 UTC by the calendar of a time zone (an IANA name).

    >>> str(local_day(1_506_787_200_000_000, "Asia/Shanghai"))  # 2017-09-30 16:00 UTC
    '2017-10-01'
    """
    return instant(us).astimezone(ZoneInfo(timezone)).date()
