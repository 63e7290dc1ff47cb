"""Numbers, money, times and horizons as people write them, in Chinese and English."""

from __future__ import annotations

import math

from ml.bilingual import Text


def about(number: float) -> Text:
    """Return an expected number of things: whole from 1 on, and "less than 1" below.

    Examples
    --------
    >>> about(30.7).en, about(0.3).en, about(0.0).zh
    ('about 31', 'less than 1', '0')
    """
    if number < 1e-9:
        return Text(zh="0", en="0")
    if number < 0.95:
        return Text(zh="不到 1", en="less than 1")
    return Text(zh=f"约 {number:,.0f}", en=f"about {number:,.0f}")


def yuan(amount: float) -> Text:
    """Return an amount with three significant digits: an expected value is not exact to the yuan.

    Examples
    --------
    >>> yuan(487_976.0).en, yuan(-1_224.4).zh, yuan(85.3).en, yuan(1.2).en
    ('488,000 yuan', '-1,220 元', '85 yuan', '1 yuan')
    """
    digits = 0 if abs(amount) < 1_000 else 2 - math.floor(math.log10(abs(amount)))
    rounded = round(amount, digits) + 0.0
    return Text(zh=f"{rounded:,.0f} 元", en=f"{rounded:,.0f} yuan")


def months(number: float) -> Text:
    """Return a duration: months up to two years, then years with a decimal.

    Examples
    --------
    >>> months(7.2).en, months(1.0).en, months(50.0).zh
    ('7 months', '1 month', '4.2 年')
    """
    if number < 23.5:
        n = max(round(number), 1)
        return Text(zh=f"{n} 个月", en=f"{n} month" if n == 1 else f"{n} months")
    years = f"{number / 12:.1f}".removesuffix(".0")
    return Text(zh=f"{years} 年", en=f"{years} years")


def horizon(years: float) -> Text:
    """Return a horizon from today.

    Examples
    --------
    >>> horizon(6.0).en, horizon(1.0).en, horizon(0.5).zh, horizon(4.5).en
    ('the next 6 years', 'the next year', '未来 6 个月', 'the next 4.5 years')
    """
    if years < 1:
        duration = months(12 * years)
        return Text(zh=f"未来 {duration.zh}", en=f"the next {duration.en}")
    return Text(zh=f"未来 {years:g} 年", en="the next year" if years == 1 else f"the next {years:g} years")
