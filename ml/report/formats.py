"""How a figure is written: one name for each format, the same in every medium."""

from __future__ import annotations

from typing import Literal

Format = Literal["text", "flag", "count", "number", "score", "share", "amount", "gain"]
Language = Literal["zh", "en"]
Cell = str | bool | int | float | None

_FLAGS = {"zh": ("否", "是"), "en": ("no", "yes")}


def formatted(value: Cell, format: Format, language: Language = "en") -> str:
    """Return a figure as text; the empty text where there is none.

    Parameters
    ----------
    value : str, bool, int, float or None
        A share is a fraction; an amount is in whole units.
    format : {'text', 'flag', 'count', 'number', 'score', 'share', 'amount', 'gain'}
        What the figure is; a gain above zero has a plus.

    Examples
    --------
    >>> formatted(0.71234, "score"), formatted(12867.9, "score"), formatted(0.0036, "share"), formatted(None, "score")
    ('0.7123', '12,868', '0.36%', '')
    >>> formatted(True, "flag"), formatted(0.05, "gain"), formatted("北", "text")
    ('yes', '+0.0500', '北')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if format == "flag":
        return _FLAGS[language][bool(value)]
    return f"{value:{_pattern(abs(value), format)}}"


def _pattern(size: float, format: Format) -> str:
    if format == "share":
        return ".1%" if size >= 0.1 or size == 0 else ".2%"
    if format in ("score", "gain"):
        return ("+" if format == "gain" else "") + (".4f" if size < 100 else ",.0f")
    if format == "number":
        return ",.2f" if size < 100 else ",.0f"
    return ",.0f"


def on_axis(value: float, format: Format) -> str:
    """Return a round figure beside an axis, with no more digits than it needs.

    >>> on_axis(0.05, "share"), on_axis(20_000.0, "amount"), on_axis(0.25, "score"), on_axis(0.0, "share")
    ('5%', '20,000', '0.25', '0')
    """
    if value == 0:
        return "0"
    return f"{100 * value:g}%" if format == "share" else f"{value:,.10g}"


def between(low: Cell, high: Cell, format: Format, language: Language = "en") -> str:
    """Return an interval as text; the empty text where an end is missing.

    >>> between(0.7, 0.8, "score"), between(-0.01, 0.05, "share", "zh"), between(None, 1.0, "score")
    ('0.7000 – 0.8000', '-1.00%～5.00%', '')
    """
    if low is None or high is None:
        return ""
    ends = [formatted(v, format, language) for v in (low, high)]
    return ("～" if language == "zh" else " – ").join(ends)
