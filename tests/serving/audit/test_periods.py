"""Days of a time zone as microseconds, ages, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from features.errors import ConfigError
from serving.audit.periods import Period, parse_age, parse_period

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]


def test_a_period_has_its_last_day_whole() -> None:
    period = parse_period("2026-01-01", "2026-01-01")
    assert (period.start, period.end) == (micros(2025, 12, 31, 16), micros(2026, 1, 1, 16))
    assert period.has(micros(2025, 12, 31, 16)) and not period.has(micros(2026, 1, 1, 16))
    assert period.month(micros(2025, 12, 31, 16)) == "2026-01"


def test_a_period_without_limits_has_every_instant() -> None:
    period = parse_period(None, None, "UTC")
    assert period == Period(ZoneInfo("UTC")) and period.has(0) and period.has(2**60)
    assert (period.start, period.end, str(period)) == (None, None, "… – … (UTC)")


@pytest.mark.parametrize(
    ("first", "last", "zone", "message"),
    [
        ("2026-02-30", None, "UTC", r"--from: must be a day such as 2026-01-31, got '2026-02-30'"),
        (None, "today", "UTC", r"--to: must be a day such as 2026-01-31, got 'today'"),
        (None, "9999-01-01", "UTC", r"--to: must be a day from 1970 to 9998"),
        ("2026-02-01", "2026-01-31", "UTC", r"--from 2026-02-01: must not be behind --to 2026-01-31"),
        (None, None, "../etc/passwd", r"--timezone: must be the IANA name of a time zone"),
        (None, None, "", r"--timezone: must be the IANA name of a time zone"),
    ],
)
def test_invalid_periods_are_refused(first: str | None, last: str | None, zone: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_period(first, last, zone)


def test_ages_count_back_from_now_and_years_are_those_of_the_calendar() -> None:
    assert parse_age("10d", SHANGHAI, now=NOW) == micros(2024, 2, 19, 12)
    assert parse_age("4y", SHANGHAI, now=NOW) == micros(2020, 2, 29, 12)
    assert parse_age("5y", SHANGHAI, now=NOW) == micros(2019, 2, 28, 12)
    assert parse_age("2020-01-01", SHANGHAI, now=NOW) == micros(2019, 12, 31, 16)
    assert (
        parse_age("2020-01-01", SHANGHAI, now=NOW)
        == date(2020, 1, 1).toordinal() * 86_400_000_000 - 719_163 * (86_400_000_000) - 8 * 3_600_000_000
    )


@pytest.mark.parametrize("text", ["0d", "d", "-1d", "5 y", "1w", "31.12.2020"])
def test_other_ages_are_refused(text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"--older-than: must be a day such as 2026-01-31 or an age such as 730d or 5y"
    ):
        parse_age(text, SHANGHAI, now=NOW)
    with pytest.raises(ConfigError, match=r"--older-than 2024-03-02: lies in the future"):
        parse_age("2024-03-02", SHANGHAI, now=NOW)
