"""Amounts, rates, dates and day counts of the statement as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from ml.bilingual import Text
from ml.domain.loans.calendar import DayCount

DAY_COUNTS: Mapping[DayCount, Text] = MappingProxyType(
    {
        "30/360": Text(zh="每月按 30 天、每年按 360 天计息（30/360）", en="30 days a month, 360 days a year (30/360)"),
        "actual/365": Text(zh="按实际天数计息，日利率＝年利率÷365", en="actual days; daily rate = yearly rate / 365"),
        "actual/360": Text(
            zh="按实际天数计息，日利率＝年利率÷360（一年 365 天的利息因此多约 1.4%）",
            en="actual days; daily rate = yearly rate / 360, so that 365 days bear about 1.4% more",
        ),
        "actual/actual": Text(
            zh="按实际天数计息，日利率＝年利率÷当年天数（365 或 366）",
            en="actual days; daily rate = yearly rate / days of the year (365 or 366)",
        ),
    }
)
_MONTHS = ("Jan.", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")


def amount(fen: int) -> str:
    """Return an amount in fen as a number in yuan, for a column whose heading has the unit.

    Examples
    --------
    >>> amount(10_000_050)
    '100,000.50'
    """
    return f"{fen // 100:,}.{fen % 100:02d}"


def money(fen: int) -> Text:
    """Return an amount in fen as text with its unit.

    Examples
    --------
    >>> text = money(10_000_050)
    >>> text.zh, text.en
    ('100,000.50 元', '¥100,000.50')
    """
    return Text(zh=f"{amount(fen)} 元", en=f"¥{amount(fen)}")


def percent(rate: float) -> str:
    """Return a fraction as a percentage with two to four decimals.

    Examples
    --------
    >>> percent(0.04), percent(0.07485)
    ('4.00%', '7.485%')
    """
    text = f"{rate * 100:.4f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}%"


def yearly(rate: float) -> str:
    """Return an annualised cost as it is printed: a percentage with two decimals.

    Examples
    --------
    >>> yearly(0.033401)
    '3.34%'
    """
    return f"{basis_points(rate) / 100:.2f}%"


def basis_points(rate: float) -> int:
    """Return an annualised cost as it is printed, in hundredths of a percent.

    Examples
    --------
    >>> basis_points(0.033401)
    334
    """
    return round(rate * 10_000)


def day_text(day: date) -> Text:
    """Return a date as it is written in a sentence.

    Examples
    --------
    >>> from datetime import date
    >>> text = day_text(date(2026, 9, 15))
    >>> text.zh, text.en
    ('2026 年 9 月 15 日', '15 Sept. 2026')
    """
    return Text(zh=f"{day.year} 年 {day.month} 月 {day.day} 日", en=f"{day.day} {_MONTHS[day.month - 1]} {day.year}")
