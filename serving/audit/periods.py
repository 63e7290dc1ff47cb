"""Periods and points in time of commands: local dates as people write them, microseconds as the log has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from features.errors import ConfigError

TIMEZONE = "Asia/Shanghai"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AGE = re.compile(r"([1-9]\d{0,4})([dy])")
_SHOWN = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Period:
    """Local days, or all time.

    Attributes
    ----------
    zone : ZoneInfo
        Time zone of the days, and in which times are shown.
    first, last : date or None
        First and last day; None without a limit.

    Examples
    --------
    >>> period = Period(ZoneInfo("Asia/Shanghai"), date(2026, 1, 1), date(2026, 1, 31))
    >>> period.start, period.end == period.start + 31 * 86_400_000_000
    (1767196800000000, True)
    >>> period.shown(period.start), str(period)
    ('2026-01-01 00:00:00', '2026-01-01 – 2026-01-31 (Asia/Shanghai)')
    """

    zone: ZoneInfo
    first: date | None = None
    last: date | None = None

    @property
    def start(self) -> int | None:
        """Return the first instant, in microseconds since 1970; None without a limit."""
        return None if self.first is None else _microseconds(self.first, self.zone)

    @property
    def end(self) -> int | None:
        """Return the first instant behind the period, in microseconds since 1970; None without a limit."""
        return None if self.last is None else _microseconds(self.last + timedelta(days=1), self.zone)

    def has(self, at: int) -> bool:
        """Return whether an instant, in microseconds since 1970, lies in the period."""
        start, end = self.start, self.end
        return (start is None or at >= start) and (end is None or at < end)

    def shown(self, at: int) -> str:
        """Return an instant, in microseconds since 1970, as local date and time."""
        return (_EPOCH + at * _MICROSECOND).astimezone(self.zone).strftime(_SHOWN)

    def month(self, at: int) -> str:
        """Return the local month of an instant, such as '2026-01'."""
        return self.shown(at)[:7]

    def __str__(self) -> str:
        first, last = (day.isoformat() if day else "…" for day in (self.first, self.last))
        return f"{first} – {last} ({self.zone.key})"


def parse_period(first: str | None, last: str | None, timezone: str = TIMEZONE) -> Period:
    """Return the period of the options `--from`, `--to` and `--timezone`.

    Parameters
    ----------
    first, last : str or None
        First and last day, such as '2026-01-31'; None for no limit.
    timezone : str
        IANA name of the time zone of the days.

    Raises
    ------
    ConfigError
        A day or the time zone is invalid, or the first day is behind the last one.

    Examples
    --------
    >>> str(parse_period("2026-01-01", None))
    '2026-01-01 – … (Asia/Shanghai)'
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        rule = "must be the IANA name of a time zone, such as Asia/Shanghai"
        raise ConfigError(f"--timezone: {rule}, got '{timezone}'") from None
    period = Period(zone, _day(first, "--from"), _day(last, "--to"))
    if period.first is not None and period.last is not None and period.first > period.last:
        raise ConfigError(f"--from {first}: must not be behind --to {last}")
    return period


def parse_age(text: str, zone: ZoneInfo, *, now: datetime) -> int:
    """Return the instant of an option such as `--older-than`, in microseconds since 1970.

    Parameters
    ----------
    text : str
        An age in days or years, such as '730d' or '5y', or a day, such as '2024-01-01': its first instant.
    zone : ZoneInfo
        Time zone of a day.
    now : datetime
        Present time, with a time zone.

    Raises
    ------
    ConfigError
        The text is neither, or the instant lies in the future.

    Examples
    --------
    >>> now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> zone = ZoneInfo("Asia/Shanghai")
    >>> (parse_age("2026-03-01", zone, now=now) - parse_age("1d", zone, now=now)) // 3_600_000_000
    4
    """
    age = _AGE.fullmatch(text)
    if age is None:
        at = _microseconds(_day(text, "--older-than", " or an age such as 730d or 5y") or date.min, zone)
    else:
        at = _before(now, int(age[1]), age[2])
    if at > (now - _EPOCH) // _MICROSECOND:
        raise ConfigError(f"--older-than {text}: lies in the future; give an earlier day")
    return at


def _before(now: datetime, number: int, unit: str) -> int:
    if unit == "d":
        return (now - timedelta(days=number) - _EPOCH) // _MICROSECOND
    try:
        then = now.replace(year=now.year - number)
    except ValueError:  # 29 February
        then = now.replace(year=max(1, now.year - number), month=2, day=28)
    return (then - _EPOCH) // _MICROSECOND


def _day(text: str | None, option: str, further: str = "") -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option}: must be a day such as 2026-01-31{further}, got '{text}'") from None
    if not 1970 <= day.year <= 9998:
        raise ConfigError(f"{option}: must be a day from 1970 to 9998, got '{text}'")
    return day


def _microseconds(day: date, zone: ZoneInfo) -> int:
    return (datetime.combine(day, time(), zone) - _EPOCH) // _MICROSECOND
