"""Formats of values in reports: one name for each format, used by all renderers."""

from __future__ import annotations

from typing import Literal

Format = Literal["text", "flag", "count", "number", "score", "share", "amount", "gain", "change", "points"]
Language = Literal["zh", "en"]
Cell = str | bool | int | float | None

POINTS = {"zh": "个百分点", "en": "percentage points"}
_FLAGS = {"zh": ("否", "是"), "en": ("no", "yes")}


def format_figure(value: Cell, format: Format, language: Language = "en") -> str:
    """Return a value as text; the empty text for None.

    Parameters
    ----------
    value : str, bool, int, float or None
        A share is a fraction between 0 and 1. A text is returned as it is.
    format : {'text', 'flag', 'count', 'number', 'score', 'share', 'amount', 'gain', 'change', 'points'}
        'flag': yes or no. 'count' and 'amount': no decimals. 'number': two decimals below 100. 'score': four decimals
        below 100. 'share': percent. 'gain': as a score, with a plus if it is above 0. 'change': percent with its sign.
        'points': difference of two shares, in percentage points with its sign.
    language : {'en', 'zh'}
        Language of a flag and of percentage points.

    Examples
    --------
    >>> format_figure(0.71234, "score"), format_figure(12867.9, "score"), format_figure(0.0036, "share")
    ('0.7123', '12,868', '0.36%')
    >>> format_figure(True, "flag"), format_figure(0.05, "gain"), format_figure("北", "text")
    ('yes', '+0.0500', '北')
    >>> format_figure(0.031, "change"), format_figure(-0.0248, "points"), format_figure(0.0248, "points", "zh")
    ('+3.1%', '-2.48 percentage points', '+2.48 个百分点')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if format == "flag":
        return _FLAGS[language][bool(value)]
    if format == "points":
        return f"{100 * value:+.2f} {POINTS[language]}"
    return f"{value:{_pattern(abs(value), format)}}"


def _pattern(size: float, format: Format) -> str:
    if format == "share":
        return ".1%" if size >= 0.1 or size == 0 else ".2%"
    if format == "change":
        return "+.1%" if size else ".1%"
    if format in ("score", "gain"):
        return ("+" if format == "gain" else "") + (".4f" if size < 100 else ",.0f")
    if format == "number":
        return ",.2f" if size < 100 else ",.0f"
    return ",.0f"


def format_tick(value: float, format: Format) -> str:
    """Return the label of a tick, without trailing zeros; shares and changes are shown in percent.

    `value` of the formats 'share' and 'change' is a fraction; `format` is one of `format_figure`.

    Examples
    --------
    >>> format_tick(0.05, "share"), format_tick(20_000.0, "amount"), format_tick(0.0, "share")
    ('5%', '20,000', '0')
    """
    if value == 0:
        return "0"
    return f"{100 * value:g}%" if format in ("share", "change") else f"{value:,.10g}"


def format_interval(low: Cell, high: Cell, format: Format, language: Language = "en") -> str:
    """Return an interval as text; the empty text if a limit is None.

    `low` and `high` are numbers; `format` is one of `format_figure`; `language` is 'en' or 'zh'.

    Examples
    --------
    >>> format_interval(0.7, 0.8, "score"), format_interval(-0.01, 0.05, "share", "zh")
    ('0.7000 – 0.8000', '-1.00%～5.00%')
    >>> format_interval(0.01, 0.05, "points")
    '+1.00 – +5.00 percentage points'
    """
    if low is None or high is None:
        return ""
    ends = [format_figure(v, format, language) for v in (low, high)]
    if format == "points":
        ends[0] = ends[0].removesuffix(f" {POINTS[language]}")
    return ("～" if language == "zh" else " – ").join(ends)
