"""Scales and ticks of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from serving.desk.formats import format_money_wan, format_number, format_percent

TickKind = Literal["number", "percent", "money"]
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic scale.

    Attributes
    ----------
    low, high : float
        Ends of the axis; above 0 if it is logarithmic.
    log : bool
        Whether equal distances are equal ratios.

    Examples
    --------
    >>> Scale(0, 50).place(20), Scale(0.1, 1000, log=True).place(10), Scale(2, 2).place(2)
    (0.4, 0.5, 0.5)
    """

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1; values beyond an end lie at that end."""
        low, high = self._convert(self.low), self._convert(self.high)
        if high <= low:
            return 0.5
        return min(max((self._convert(max(value, self.low)) - low) / (high - low), 0.0), 1.0)

    def _convert(self, value: float) -> float:
        return math.log10(value) if self.log else float(value)


def round_ticks(low: float, high: float, *, about: int = 4) -> list[float]:
    """Return about `about` round numbers that enclose the interval from `low` to `high`.

    Examples
    --------
    >>> round_ticks(0.41, 0.56), round_ticks(0, 96_000)
    ([0.4, 0.45, 0.5, 0.55, 0.6], [0.0, 25000.0, 50000.0, 75000.0, 100000.0])
    >>> round_ticks(3, 3), round_ticks(-3, 12)
    ([2.0, 3.0, 4.0], [-5.0, 0.0, 5.0, 10.0, 15.0])
    """
    if high <= low:
        low, high, about = low - 1, high + 1, 2
    rough = (high - low) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(m * size for m in _STEPS if m * size >= 0.99 * rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * i, 10) + 0.0 for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten that enclose an interval of numbers above 0; every second or third one over many decades.

    Examples
    --------
    >>> log_ticks(0.5, 110), log_ticks(1, 1e9) == [1.0, 1e2, 1e4, 1e6, 1e8, 1e10], log_ticks(1, 1)
    ([0.1, 1.0, 10.0, 100.0, 1000.0], True, [1.0, 10.0])
    """
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    step = max(1, math.ceil((last - first) / 5))
    return [10.0**k for k in range(first, last + step, step)]


def tick_labels(values: Sequence[float], kind: TickKind, language: Literal["zh", "en"] = "zh") -> list[str]:
    """Return the labels of ticks, all with the same decimals; zero is the bare digit.

    Examples
    --------
    >>> tick_labels([0.0, 0.015, 0.03], "percent"), tick_labels([0.1, 1.0, 1000.0], "number")
    (['0', '1.5%', '3.0%'], ['0.1', '1', '1,000'])
    >>> tick_labels([0, 500_000], "money"), tick_labels([0.0, 2.5, 5.0], "number")
    (['0', '50 万元'], ['0', '2.5', '5.0'])
    """
    if kind == "money":
        return ["0" if v == 0 else format_money_wan(v, language) for v in values]
    factor = 100 if kind == "percent" else 1
    scaled = [v * factor for v in values]
    if kind == "number" and any(0 < abs(v) < 1 for v in scaled) and any(abs(v) >= 100 for v in scaled):
        return [f"{v:,g}" if abs(v) < 1 else format_number(v) for v in scaled]
    digits = max((_decimals(v) for v in scaled), default=0)
    if kind == "number" and max(map(abs, scaled), default=0) > 10 * min((abs(v) for v in scaled if v), default=1):
        return ["0" if v == 0 else format_number(v, _decimals(v)) for v in scaled]
    texts = [format_percent(v, digits) if kind == "percent" else format_number(v, digits) for v in values]
    return ["0" if v == 0 else text for v, text in zip(values, texts, strict=True)]


def _decimals(value: float) -> int:
    text = f"{value:.4f}".rstrip("0")
    return len(text) - text.index(".") - 1
