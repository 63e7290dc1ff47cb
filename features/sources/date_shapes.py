"""strptime formats by the shape of a date in text: which formats a text such as "Aug 29, 2025" can have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Order: TypeAlias = Literal["day", "month", "year", ""]  # the first of three numbers that could be either

_MONTHS = re.compile(r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*", re.IGNORECASE)
_WEEKDAYS = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*", re.IGNORECASE)
_TOKENS = re.compile(r"\d+|[A-Za-z]+|上午|下午")
_HALVES, _ZONES = ("AM", "PM", "上午", "下午"), ("UTC", "GMT", "Z", "T")
_CLOCK = re.compile(
    r"(?P<gap>(?:, |,| +|T|:))(?P<early>P ?)?(?P<clock>9(?P<mark>[:.])9(?:(?P=mark)9(?:\.9+)?)?)(?P<half> ?P)?"
    r"(?P<zone> ?(?:(?:UTC|GMT)?(?:[+-]9:9|[+-]9999)|UTC|GMT|Z))?$"
)
_COMPACT_CLOCK = re.compile(r"(?<=^99999999)(?P<gap>[ T])(?P<clock>999999|9999)$")
_HAN_CLOCK = re.compile(r"(?P<gap> ?)(?P<clock>9时9分(?:9秒)?)$")

# Numbers of a date in their order; a number of four digits is a year. Without a month name.
_NUMERIC: dict[tuple[str, ...], tuple[tuple[tuple[str, ...], Order], ...]] = {
    ("9999", "9", "9"): ((("%Y", "%m", "%d"), ""),),
    ("9", "9", "9999"): ((("%d", "%m", "%Y"), "day"), (("%m", "%d", "%Y"), "month")),
    ("9", "9", "9"): ((("%d", "%m", "%y"), "day"), (("%m", "%d", "%y"), "month"), (("%y", "%m", "%d"), "year")),
    ("9999", "9"): ((("%Y", "%m"), ""),),
    ("9", "9999"): ((("%m", "%Y"), ""),),
    ("9999",): ((("%Y",), ""),),
    ("999999",): ((("%Y%m",), ""), (("%y%m%d",), "year"), (("%d%m%y",), "day"), (("%m%d%y",), "month")),
    ("9999999",): ((("%Y%j",), ""),),
    ("99999999",): ((("%Y%m%d",), ""), (("%d%m%Y",), "day"), (("%m%d%Y",), "month")),
    ("9" * 12,): ((("%Y%m%d%H%M",), ""),),
    ("9" * 14,): ((("%Y%m%d%H%M%S",), ""),),
}
_NAMED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("9", "9999"): ("%d", "%Y"),
    ("9999", "9"): ("%Y", "%d"),
    ("9", "9"): ("%d", "%y"),
    ("9999",): ("%Y",),
    ("9",): ("%y",),
}


@dataclass(frozen=True)
class DateFormat:
    """A strptime format that texts of one shape can have.

    Attributes
    ----------
    format : str
        Such as "%d/%m/%Y".
    order : {'day', 'month', 'year', ''}
        Number that comes first, where another order has the same shape; empty otherwise.
    marks : str
        Characters between the numbers of the day, such as "//".
    """

    format: str
    order: Order = ""
    marks: str = ""


def shape_of(text: str) -> str:
    """Return the shape of a date in text: runs of digits as 9 (four and more by their length), names as letters.

    Parameters
    ----------
    text : str
        Such as "Aug 29, 2025".

    Returns
    -------
    str
        B for an English month, W for a weekday, P for AM or PM; UTC, GMT, Z and T stay.

    Examples
    --------
    >>> shape_of("Aug 29, 2025"), shape_of("1/15/2024 10:30 am"), shape_of("2024年1月5日")
    ('B 9, 9999', '9/9/9999 9:9 P', '9999年9月9日')
    """

    def token(match: re.Match[str]) -> str:
        word = match[0]
        if word.isdigit():
            return "9" * len(word) if len(word) > 3 else "9"
        if word.upper() in _HALVES:
            return "P"
        if word.upper() in _ZONES:
            return word.upper()
        return "B" if _MONTHS.fullmatch(word) else "W" if _WEEKDAYS.fullmatch(word) else word

    return _TOKENS.sub(token, text)


def formats_of(shape: str) -> tuple[DateFormat, ...]:
    """Return the strptime formats that texts of a shape can have.

    Parameters
    ----------
    shape : str
        As returned by `shape_of`.

    Returns
    -------
    tuple of DateFormat
        Empty for a shape that is no date. A month name is "%b" (three letters) in one format and "%B" (of any length)
        in the next.

    Examples
    --------
    >>> [f.format for f in formats_of("B 9, 9999")]
    ['%b %d, %Y', '%B %d, %Y']
    >>> [(f.format, f.order) for f in formats_of("9/9/9999 9:9 P")]
    [('%d/%m/%Y %I:%M %p', 'day'), ('%m/%d/%Y %I:%M %p', 'month')]
    >>> formats_of("soon")
    ()
    """
    day, clock = _split(shape)
    weekday = re.match(r"W,? ", day)
    head = "%A" + weekday[0][1:] if weekday else ""
    day = day[len(weekday[0]) :] if weekday else day
    if set(re.findall(r"[A-Za-z]+", day)) - {"B"} or day.count("B") > 1 or "%" in day:
        return ()
    numbers = tuple(re.findall(r"9+", day))
    if "B" not in day:
        between = day.replace("9", "")
        orders = _NUMERIC.get(numbers, ())
        return tuple(DateFormat(head + _filled(day, marks) + clock, order, between) for marks, order in orders)
    if numbers not in _NAMED:
        return ()
    format = head + _filled(day, _NAMED[numbers]) + clock
    return DateFormat(format.replace("B", "%b", 1)), DateFormat(format.replace("B", "%B", 1))


def _filled(day: str, marks: tuple[str, ...]) -> str:
    rest = iter(marks)
    return re.sub(r"9+", lambda match: next(rest), day)


def _split(shape: str) -> tuple[str, str]:
    """Return the part of the day and the format of the clock, which is empty for a shape without one."""
    if compact := _COMPACT_CLOCK.search(shape):
        return shape[: compact.start()], compact["gap"] + ("%H%M%S" if len(compact["clock"]) == 6 else "%H%M")
    if han := _HAN_CLOCK.search(shape):
        clock = han["clock"].replace("9时9分", "%H时%M分").replace("9秒", "%S秒")
        return shape[: han.start()], han["gap"] + clock
    match = _CLOCK.search(shape)
    if match is None or match.start() == 0:
        return shape, ""
    mark = match["mark"]
    early = (match["early"] or "").replace("P", "%p")
    marks = ["%I" if match["half"] or early else "%H", "%M", "%S"]
    whole, _, fraction = match["clock"].partition(".") if mark == ":" else (match["clock"], "", "")
    clock = mark.join(marks[: len(whole.split(mark))]) + ("%.f" if fraction else "")
    half = (match["half"] or "").replace("P", "%p")
    zone = re.sub(r"[+-]9999", "%z", re.sub(r"[+-]9:9", "%:z", match["zone"] or ""))
    return shape[: match.start()], match["gap"] + early + clock + half + zone
