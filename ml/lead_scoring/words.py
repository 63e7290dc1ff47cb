"""Amounts, days and durations as people write them, in Chinese and English."""

from __future__ import annotations

from datetime import datetime

from features.plurals import count_text
from ml.bilingual import Text

MEASURE = {"gross_margin": ("元", "yuan", ",.2f"), "sales": ("台", "sales", ",.4f")}
DIGITS = {"gross_margin": 2, "sales": 4}  # a call changes the number of sales by hundredths


def amount(value: float, measure: str) -> Text:
    """Return a gain with its unit.

    >>> amount(2276.5, "gross_margin").en, amount(0.02, "sales").zh
    ('2,276.50 yuan', '0.0200 台')
    """
    zh, en, form = MEASURE[measure]
    number = f"{value + 0.0:{form}}"
    return Text(zh=f"{number} {zh}", en=f"{number} {en}")


def clock(at: datetime) -> Text:
    """Return a local time and day.

    >>> clock(datetime(2024, 3, 1, 9)).en, clock(datetime(2024, 3, 1, 9)).zh
    ('09:00 on 1 March', '3月1日 09:00')
    """
    return Text(zh=f"{day_text(at).zh} {at:%H:%M}", en=f"{at:%H:%M} on {day_text(at).en}")


def day_text(at: datetime, *, today: datetime | None = None) -> Text:
    """Return a day, with its year if it is not that of `today`.

    >>> day_text(datetime(2024, 1, 3)).en, day_text(datetime(2023, 1, 3), today=datetime(2024, 1, 3)).zh
    ('3 January', '2023年1月3日')
    """
    other_year = today is not None and today.year != at.year
    zh, en = f"{at.month}月{at.day}日", f"{at.day} {MONTHS[at.month - 1]}"
    return Text(zh=f"{at.year}年{zh}", en=f"{en} {at.year}") if other_year else Text(zh=zh, en=en)


def duration(hours: float) -> Text:
    """Return a duration in whole hours, days or years.

    >>> duration(26.4).en, duration(0.4).en, duration(49.0).zh, duration(24 * 800).en
    ('26 hours', 'less than an hour', '2天', '2.2 years')
    """
    if hours < 1:
        return Text(zh="不到1小时", en="less than an hour")
    if hours < 48:
        return Text(zh=f"{int(hours)}小时", en=count_text(int(hours), "hour"))
    days = int(hours // 24)
    if days < 730:
        return Text(zh=f"{days}天", en=count_text(days, "day"))
    return Text(zh=f"{days / 365.25:.1f}年", en=f"{days / 365.25:.1f} years")


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
