"""Numbers, money, dates, durations, intervals and masks as people read them, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from serving.desk.catalogue import Language

Kind = Literal["number", "money", "percent", "points"]
Number = int | float
NONE = "—"  # where there is no value
MINUS = "−"
_MONTHS = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.", "Sep.", "Oct.", "Nov.", "Dec.")
_WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def format_number(value: Number | None, digits: int = 0) -> str:
    """Return a number with thousands separators; a dash for None.

    Halves are rounded away from zero, as people round.

    Examples
    --------
    >>> format_number(1204), format_number(-2.345, 2), format_number(None), format_number(0.5), format_number(-0.2)
    ('1,204', '−2.35', '—', '1', '0')
    """
    if value is None:
        return NONE
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{rounded if rounded else abs(rounded):,f}".replace("-", MINUS)


def format_signed(value: Number | None, digits: int = 0) -> str:
    """Return a number with its sign; zero has none.

    Examples
    --------
    >>> format_signed(9), format_signed(-18), format_signed(0), format_signed(0.04, 1)
    ('+9', '−18', '0', '0.0')
    """
    text = format_number(value, digits)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.") else text


def format_money(value: Number | None, language: Language, *, unit: bool = False) -> str:
    """Return an amount in whole yuan, by default without the unit, which stands in a column's heading.

    Parameters
    ----------
    value : float or None
        Yuan.
    language : {'zh', 'en'}
        Language of the unit.
    unit : bool
        Whether to add 元 or yuan.

    Examples
    --------
    >>> format_money(158_000, "zh"), format_money(158_000.4, "zh", unit=True), format_money(1, "en", unit=True)
    ('158,000', '158,000 元', '1 yuan')
    """
    text = format_number(value)
    return text if value is None or not unit else f"{text} {'元' if language == 'zh' else 'yuan'}"


def format_money_wan(value: Number | None, language: Language) -> str:
    """Return a large amount with its unit: 万元 in Chinese; thousands or millions of yuan in English.

    Parameters
    ----------
    value : float or None
        Yuan.
    language : {'zh', 'en'}
        Language of the text.

    Examples
    --------
    >>> format_money_wan(61_200_000, "zh"), format_money_wan(61_200_000, "en"), format_money_wan(158_000, "zh")
    ('6,120 万元', '61.2 million yuan', '15.8 万元')
    >>> format_money_wan(9_800, "zh"), format_money_wan(158_000, "en"), format_money_wan(1_000_000, "en")
    ('9,800 元', '158,000 yuan', '1 million yuan')
    """
    if value is None:
        return NONE
    step = 10_000 if language == "zh" else 1_000_000
    if abs(value) < step:
        return format_money(value, language, unit=True)
    size = value / step
    digits = 0 if abs(size) >= 1_000 or abs(size - round(size)) < 0.05 else 1
    return f"{format_number(size, digits)} {'万元' if language == 'zh' else 'million yuan'}"


def format_percent(value: Number | None, digits: int | None = None) -> str:
    """Return a fraction as percent: without decimals from 10 %, with one below, if `digits` is None.

    Examples
    --------
    >>> format_percent(0.48), format_percent(0.031), format_percent(0.0385, 2), format_percent(None), format_percent(1)
    ('48%', '3.1%', '3.85%', '—', '100%')
    >>> format_percent(0), format_percent(-0.08)
    ('0%', '−8.0%')
    """
    if value is None:
        return NONE
    if digits is None:
        digits = 0 if abs(value) >= 0.0995 or value == 0 else 1
    return f"{format_number(Decimal(str(value)).scaleb(2), digits)}%"  # type: ignore[arg-type]


def format_points(value: Number | None, language: Language, digits: int = 1) -> str:
    """Return the difference of two fractions in percentage points, with its sign.

    Examples
    --------
    >>> format_points(0.025, "en"), format_points(-0.031, "zh"), format_points(0.01, "en")
    ('+2.5 points', '−3.1 个百分点', '+1.0 points')
    """
    if value is None:
        return NONE
    text = format_signed(Decimal(str(value)).scaleb(2), digits)  # type: ignore[arg-type]
    return f"{text} {'个百分点' if language == 'zh' else 'points'}"


def format_interval(ends: Any, language: Language, kind: Kind = "percent", digits: int | None = None) -> str:
    """Return an interval; None or a missing end is a dash.

    Parameters
    ----------
    ends : sequence of two numbers, or mapping with `low` and `high`
        Ends in the unit of `kind`.
    language : {'zh', 'en'}
        Chinese writes 1.2%～1.9%, English 1.2–1.9%.
    kind : {'percent', 'number', 'money', 'points'}
        Format of the ends; 'money' without the unit.
    digits : int, optional
        Decimals of both ends.

    Examples
    --------
    >>> format_interval((0.012, 0.019), "zh"), format_interval((0.16, 0.27), "en"), format_interval((0.095, 0.12), "en")
    ('1.2%～1.9%', '16–27%', '9.5–12.0%')
    >>> format_interval({"low": 260, "high": 390}, "en", "number"), format_interval((-0.1, 0.02), "en")
    ('260–390', '−10.0% to 2.0%')
    """
    low, high = (ends["low"], ends["high"]) if isinstance(ends, Mapping) else ends or (None, None)
    if low is None or high is None:
        return NONE
    if kind in ("percent", "points"):
        digits = (0 if min(abs(low), abs(high)) >= 0.0995 else 1) if digits is None else digits
        first, last = format_percent(low, digits), format_percent(high, digits)
    else:
        first, last = format_number(low, digits or 0), format_number(high, digits or 0)
    if language == "zh":
        return f"{first}～{last}"
    if low < 0:
        return f"{first} to {last}"
    return f"{first.removesuffix('%')}–{last}"


def parse_time(value: Any) -> datetime | date:
    """Return an ISO text, a date or an instant with time zone as a date or datetime.

    Raises
    ------
    ValueError
        Not an ISO date or instant.

    Examples
    --------
    >>> parse_time("2025-06-30"), parse_time("2025-06-30T10:30:00+08:00").isoformat()
    (datetime.date(2025, 6, 30), '2025-06-30T10:30:00+08:00')
    """
    if isinstance(value, datetime | date):
        return value
    text = str(value)
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def format_date(value: Any, language: Language, now: datetime, *, weekday: bool = False, year: bool = False) -> str:
    """Return a day; the year stands only where it is not the present one, unless `year`.

    Parameters
    ----------
    value : str, date, datetime or None
        ISO text or date; an instant is shown by the time zone of `now`.
    language : {'zh', 'en'}
        Language of the text.
    now : datetime
        Present instant, in the dealership's time zone.
    weekday, year : bool
        Whether to add the day of the week, and always the year.

    Examples
    --------
    >>> now = datetime.fromisoformat("2025-06-30T10:30:00+08:00")
    >>> format_date("2025-06-30", "zh", now, weekday=True), format_date("2024-11-30", "zh", now)
    ('6 月 30 日，周一', '2024 年 11 月 30 日')
    >>> format_date("2025-06-30", "en", now, weekday=True), format_date("2024-11-30T20:00:00+00:00", "en", now)
    ('Monday, 30 June', '1 Dec. 2024')
    """
    if value is None:
        return NONE
    day = _day(parse_time(value), now)
    year = year or day.year != now.year
    if language == "zh":
        text = f"{f'{day.year} 年 ' if year else ''}{day.month} 月 {day.day} 日"
        return f"{text}，{_WEEKDAYS['zh'][day.weekday()]}" if weekday else text
    text = f"{day.day} {_MONTHS[day.month - 1]}{f' {day.year}' if year else ''}"
    return f"{_WEEKDAYS['en'][day.weekday()]}, {text}" if weekday else text


def _day(value: datetime | date, now: datetime) -> date:
    return value.astimezone(now.tzinfo).date() if isinstance(value, datetime) else value


def format_month(value: Any, language: Language) -> str:
    """Return the month of a day or of a text such as 2025-06.

    Examples
    --------
    >>> format_month("2025-06", "zh"), format_month("2025-11-30", "en"), format_month(None, "en")
    ('2025 年 6 月', 'Nov. 2025', '—')
    """
    if value is None:
        return NONE
    day = parse_time(f"{value}-01" if isinstance(value, str) and len(value) == 7 else value)
    return f"{day.year} 年 {day.month} 月" if language == "zh" else f"{_MONTHS[day.month - 1]} {day.year}"


def format_day_time(value: Any, language: Language, now: datetime) -> str:
    """Return a time of day: 9:00 in Chinese, 09:00 in English.

    `value` is an instant (ISO text or datetime), or a text such as `09:00`; `now` gives the time zone.

    Examples
    --------
    >>> now = datetime.fromisoformat("2025-06-30T10:30:00+08:00")
    >>> format_day_time("2025-06-30T01:05:00+00:00", "zh", now), format_day_time("09:00", "en", now)
    ('9:05', '09:00')
    """
    if value is None:
        return NONE
    if isinstance(value, str) and len(value) <= 8:
        hour, minute = (int(part) for part in value.split(":")[:2])
    else:
        local = parse_time(value)
        if not isinstance(local, datetime):
            return NONE
        local = local.astimezone(now.tzinfo)
        hour, minute = local.hour, local.minute
    return f"{hour}:{minute:02}" if language == "zh" else f"{hour:02}:{minute:02}"


def format_moment(value: Any, language: Language, now: datetime) -> str:
    """Return an instant as a day and a time; the present day, the day before and the day after by name.

    Parameters
    ----------
    value : str, datetime or None
        Instant with time zone.
    language : {'zh', 'en'}
        Language of the text.
    now : datetime
        Present instant, in the dealership's time zone.

    Examples
    --------
    >>> now = datetime.fromisoformat("2025-06-30T10:30:00+08:00")
    >>> format_moment("2025-06-30T06:41:00+08:00", "en", now), format_moment("2025-06-29T06:41:00+08:00", "zh", now)
    ('today 06:41', '昨日 6:41')
    >>> format_moment("2025-05-02T06:41:00+08:00", "en", now)
    '2 May 06:41'
    """
    if value is None:
        return NONE
    instant = parse_time(value)
    distance = (_day(instant, now) - now.date()).days
    names = {"zh": {0: "今日", -1: "昨日", 1: "明日"}, "en": {0: "today", -1: "yesterday", 1: "tomorrow"}}[language]
    day = names.get(distance) or format_date(instant, language, now)
    return f"{day} {format_day_time(instant, language, now)}" if isinstance(instant, datetime) else day


def format_duration(seconds: Number | None, language: Language) -> str:
    """Return a duration in its largest unit, up to an hour in minutes, up to a day in hours and minutes.

    Examples
    --------
    >>> format_duration(18 * 60, "zh"), format_duration(18 * 60, "en"), format_duration(20, "en")
    ('18 分钟', '18 minutes', 'under a minute')
    >>> format_duration(2 * 3600 + 300, "zh"), format_duration(3600, "en"), format_duration(3 * 86400, "en")
    ('2 小时 5 分钟', '1 hour', '3 days')
    """
    if seconds is None:
        return NONE
    total = max(int(seconds), 0)
    if total < _MINUTE:
        return "不到 1 分钟" if language == "zh" else "under a minute"
    if total < _HOUR:
        return _count(total // _MINUTE, "分钟", "minute", language)
    if total < _DAY:
        hours, minutes = total // _HOUR, total % _HOUR // _MINUTE
        text = _count(hours, "小时", "hour", language)
        return f"{text} {_count(minutes, '分钟', 'minute', language)}" if minutes else text
    return _count(total // _DAY, "天", "day", language)


def format_age(value: Any, language: Language, now: datetime) -> str:
    """Return how long ago an instant was, as a duration.

    Examples
    --------
    >>> now = datetime.fromisoformat("2025-06-30T10:30:00+08:00")
    >>> format_age("2025-06-30T10:12:00+08:00", "zh", now), format_age("2025-06-27", "en", now)
    ('18 分钟', '3 days')
    """
    if value is None:
        return NONE
    instant = parse_time(value)
    if isinstance(instant, datetime):
        return format_duration((now - instant).total_seconds(), language)
    return format_duration((now.date() - instant).days * _DAY, language)


def format_months(months: Number | None, language: Language) -> str:
    """Return a number of months as years and months.

    Examples
    --------
    >>> format_months(38, "zh"), format_months(38, "en"), format_months(12, "en"), format_months(0, "zh")
    ('3 年 2 个月', '3 years 2 months', '1 year', '0 个月')
    """
    if months is None:
        return NONE
    years, rest = divmod(round(months), 12)
    parts = [_count(years, "年", "year", language)] if years else []
    parts += [_count(rest, "个月", "month", language)] if rest or not years else []
    return " ".join(parts)


def _count(n: int, zh: str, en: str, language: Language) -> str:
    return f"{n:,} {zh}" if language == "zh" else f"{n:,} {en}{'' if n == 1 else 's'}"


def mask_name(name: str | None) -> str:
    """Return a person's name with all but its first letter hidden; of several words, all but their first letters.

    Examples
    --------
    >>> mask_name("陈静"), mask_name("王小明"), mask_name("Wei Liu"), mask_name(None)
    ('陈*', '王**', 'W. L.', '—')
    """
    words = (name or "").split()
    if not words:
        return NONE
    if words[0].isascii():
        return " ".join(f"{word[0]}." for word in words)
    text = "".join(words)
    return text[0] + "*" * (len(text) - 1)


def mask_phone(number: str | None) -> str:
    """Return a phone number with only its first three and last four digits, a short one with its last two.

    Examples
    --------
    >>> mask_phone("13812341234"), mask_phone("021-5588"), mask_phone(None)
    ('138****1234', '****88', '—')
    """
    if not number:
        return NONE
    digits = "".join(c for c in number if c.isdigit())
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else f"****{digits[-2:]}"


def in_language(text: Any, language: Language) -> str:
    """Return a text of an answer in the language of the page: ``{"zh": ..., "en": ...}``, a plain text or None.

    Examples
    --------
    >>> in_language({"zh": "成本", "en": "cost"}, "en"), in_language("S1", "zh"), in_language(None, "zh")
    ('cost', 'S1', '—')
    """
    if text is None:
        return NONE
    return str(text[language]) if isinstance(text, Mapping) else str(text)
