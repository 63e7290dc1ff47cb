"""Timestamps of any source type as instants: int64 microseconds since 1970-01-01 UTC."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import polars as pl

NumberDates: TypeAlias = Literal["microseconds", "calendar", "none", "absent"]

# Microseconds for one unit; nanoseconds are divided.
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}

# A number without a unit is read as microseconds only outside of 1966-10-31 to 1973-03-03. In that range lie all other
# numbers that stand for dates of today: seconds, milliseconds, yyyymmdd, 14 digits, spreadsheet serials, years.
SMALLEST_MICROSECONDS = 100_000_000_000_000
_LARGEST_MICROSECONDS = 260_000_000_000_000_000  # year 10208: nanoseconds are larger
_HOUR = 3_600_000_000

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31 in days since 1970

# Numbers of 8, 12 and 14 digits that can be dates, their formats, and the divisor to their day. Dates up to 9999-12-31
# are read, so that open ends match `nulls`; 12 digits after 2100 can be milliseconds.
CALENDAR_DIGITS = (
    (19_000_101, 99_991_231, "%Y%m%d", 1),
    (190_001_010_000, 210_012_312_359, "%Y%m%d%H%M", 10_000),
    (19_000_101_000_000, 99_991_231_235_959, "%Y%m%d%H%M%S", 1_000_000),
)
BARE_NUMBER = r"^[+-]?\d+(\.\d*)?$"
_WHOLE_NUMBER = r"^-?\d+(\.0*)?$"

_DAYS, _MONTHS = ("%d", "%e", "%j", "%F", "%D", "%x", "%s", "%c", "%v", "%a", "%u", "%w"), ("%m", "%b", "%B", "%h")
_LOCAL = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M")
_ZONED = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
_ISO_MARKS = {"UTC": "Z", "GMT": "Z", "/": "-", "T": " "}
_ISO_MARKS |= {"年": "-", "月": "-", "日": " ", "时": ":", "分": ":", "秒": ""}
_HALVES = {"上午": "AM", "下午": "PM"}
_UTC_NAMES = ("UTC", "GMT", "Z")
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "y": 2, "j": 3, "H": 2, "M": 2, "S": 2}
_EXCEL_ZERO = -25_569  # 1899-12-30 in days since 1970; serial 60 is 1900-02-29, a day that never was
_EXCEL_LAST = 2_958_466  # 10000-01-01


def to_microseconds(
    raw: pl.Expr,
    dtype: pl.DataType,
    *,
    timezone: str,
    formats: tuple[str, ...],
    unit: str | None,
    numbers: NumberDates = "calendar",
) -> pl.Expr:
    """Convert timestamps to int64 microseconds since 1970-01-01 UTC; null where a value is not a timestamp.

    Parameters
    ----------
    raw : pl.Expr
        Dates, datetimes, ISO 8601 text (also as 2023年1月31日 9时30分), text or digits in one of `formats`, or numbers
        in `unit`. Text has no surrounding blanks.
    dtype : pl.DataType
        Their type.
    timezone : str
        IANA name of the time zone of values without an offset. A time skipped by a clock change is moved one hour
        later; a time that occurs twice is the earlier one.
    formats : tuple of str
        strptime formats, tried in this order instead of ISO 8601. A format without a day means the first day of the
        month, one without a month the first month of the year. A format that ends in UTC, GMT or Z reads UTC. Numbers
        are read as their digits, with leading zeros up to the width of the format.
    unit : {'s', 'ms', 'us', 'ns', 'excel'} or None
        Unit of numbers since 1970-01-01 UTC; 'excel' is the serial number of a spreadsheet: days since 1899-12-30 in
        `timezone`, to the nearest second. Text that is no number is read as ISO 8601.
    numbers : {'microseconds', 'calendar', 'none', 'absent'}
        Reading of numbers without format and unit. 'microseconds': those before 1966-10-31 or after 1973-03-03, and
        whole hours between. 'calendar': those outside of these days, and 8, 12 or 14 digits that are a calendar date
        (yyyymmdd, with HHMM, with HHMMSS). 'none': no number is read. 'absent': the texts have no number.

    Returns
    -------
    pl.Expr
        Microseconds since 1970 UTC (int64).

    Examples
    --------
    >>> import polars as pl
    >>> text = pl.lit(pl.Series(["1970-01-01 08:00", "1970-01-01T00:00:01Z", "19700102", "soon", "1700000000"]))
    >>> instants = to_microseconds(text, pl.String(), timezone="Asia/Shanghai", formats=(), unit=None)
    >>> pl.select(instants).to_series().to_list()
    [0, 1000000, 57600000000, None, None]
    >>> month = to_microseconds(pl.lit("1970-02"), pl.String(), timezone="UTC", formats=("%Y-%m",), unit=None)
    >>> pl.select(month).item() // 86_400_000_000
    31
    >>> noon = to_microseconds(pl.lit(25_569.5), pl.Float64(), timezone="UTC", formats=(), unit="excel")
    >>> pl.select(noon).item() // 3_600_000_000
    12
    """
    if dtype in (pl.Date, pl.Datetime):
        raw = _bounded(raw, dtype)
    if isinstance(dtype, pl.Datetime):
        moment = raw.cast(pl.Datetime("us", dtype.time_zone))
        return _microseconds(moment if dtype.time_zone else _localised(moment, timezone))
    if dtype == pl.Date:
        return _microseconds(_localised(raw.cast(pl.Datetime("us")), timezone))
    if formats:
        return _formatted(raw, dtype, formats, timezone)
    if unit and dtype.is_numeric():
        return _from_unit(raw, dtype, unit, timezone)
    if unit:
        number = raw.cast(pl.Float64, strict=False).fill_nan(None)
        return pl.coalesce(_from_unit(number, pl.Float64(), unit, timezone), _iso(raw, timezone))
    if dtype.is_numeric():
        return _from_number(raw, dtype, timezone, numbers)
    if numbers in ("none", "absent"):
        return _iso(raw, timezone)
    whole = pl.when(raw.str.contains(_WHOLE_NUMBER)).then(raw).cast(pl.Float64, strict=False)
    return pl.coalesce(_iso(raw, timezone), _from_number(whole, pl.Float64(), timezone, numbers))


def is_bare_number(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return whether a value of a timestamp column is a number: of a numeric type, or a text of digits.

    Parameters
    ----------
    raw : pl.Expr
        Source values.
    dtype : pl.DataType
        Their type, numeric or String.

    Returns
    -------
    pl.Expr
        Boolean; null where the value is missing.

    Examples
    --------
    >>> import polars as pl
    >>> texts = pl.lit(pl.Series(["44927", "44927.5", "2023-01-01", "Jan 1"]))
    >>> pl.select(is_bare_number(texts, pl.String())).to_series().to_list()
    [True, True, False, False]
    """
    return raw.is_not_null() if dtype.is_numeric() else raw.str.contains(BARE_NUMBER)


def _iso(text: pl.Expr, timezone: str) -> pl.Expr:
    plain = text.str.replace_many(_ISO_MARKS, leftmost=True).str.strip_chars_end(" :")
    return pl.coalesce([_parsed(plain, f, timezone) for f in (*_LOCAL, *_ZONED)])


def _formatted(raw: pl.Expr, dtype: pl.DataType, formats: tuple[str, ...], timezone: str) -> pl.Expr:
    text = raw.cast(pl.String)
    if dtype.is_float() or dtype.is_decimal():
        whole = raw.cast(pl.Int64, strict=False)
        text = pl.when(whole.cast(pl.Float64) == raw.cast(pl.Float64)).then(whole.cast(pl.String)).otherwise(text)
    return pl.coalesce([_parsed(_digits(text, f), f, timezone) for f in formats])


def _digits(text: pl.Expr, format: str) -> pl.Expr:
    """Return text for a format of digits only: without the fraction .0, and with the zeros that a number drops."""
    if re.fullmatch(r"(%[YmdyjHMS])+", format) is None:
        return text
    digits = text.str.replace(r"\.0*$", "")
    width = sum(_WIDTHS[mark] for mark in format.split("%")[1:])
    return digits if format.startswith("%Y") else digits.str.zfill(width)


def _parsed(text: pl.Expr, format: str, timezone: str) -> pl.Expr:
    if "%p" in format:
        text = text.str.replace_many(_HALVES)
    zoned = any(mark in format for mark in ("%z", "%:z", "%#z"))
    if "%" in format and not any(mark in format for mark in _DAYS):  # a month or a year stands for its first day
        missing_month = [] if any(mark in format for mark in _MONTHS) else ["01"]
        text = pl.concat_str([text, *map(pl.lit, missing_month), pl.lit("01")], separator=" ")
        format = " ".join([format, *(["%m"] if missing_month else []), "%d"])
    moment = text.str.to_datetime(format, strict=False, time_unit="us")
    if zoned:
        return _microseconds(moment)
    if "%Z" in format:  # any name of a zone is accepted; only those of UTC are beyond doubt
        is_utc = pl.any_horizontal(text.str.ends_with(name) for name in _UTC_NAMES)
        utc = _microseconds(moment.dt.replace_time_zone("UTC"))
        return pl.when(is_utc).then(utc).otherwise(_microseconds(_localised(moment, timezone)))
    if format.endswith(_UTC_NAMES):
        return _microseconds(moment.dt.replace_time_zone("UTC"))
    return _microseconds(_localised(moment, timezone))


def _localised(moment: pl.Expr, timezone: str) -> pl.Expr:
    def in_zone(clock: pl.Expr) -> pl.Expr:
        return clock.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")

    return pl.coalesce(in_zone(moment), in_zone(moment + pl.duration(hours=1)))


def _bounded(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Move years before 1 and after 9999 to these limits: Polars panics on years beyond 262,142, and no contract
    accepts any of them."""
    ticks = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
    per_day = ticks[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1
    if per_day == ticks["ns"]:  # int64 nanoseconds end in 2262
        return raw
    return raw.to_physical().clip(_FIRST_DAY * per_day, (_LAST_DAY + 1) * per_day - 1).cast(dtype)


def _microseconds(moment: pl.Expr) -> pl.Expr:
    return moment.dt.epoch("us")


def _from_unit(raw: pl.Expr, dtype: pl.DataType, unit: str, timezone: str) -> pl.Expr:
    if unit == "excel":
        return _from_serial(raw, timezone)
    if unit == "ns":
        whole = raw if dtype.is_integer() else raw.cast(pl.Float64).round()
        return whole.cast(pl.Int64, strict=False) // 1_000
    scale = UNITS[unit]
    limit = 9_000_000_000_000_000_000 // scale  # a larger product would overflow int64, maybe into the valid range
    if dtype.is_integer():
        whole = raw.cast(pl.Int64, strict=False)
        return whole if scale == 1 else whole.clip(-limit, limit) * scale
    return (raw.cast(pl.Float64).clip(-limit, limit) * scale).round().cast(pl.Int64, strict=False)


def _from_serial(raw: pl.Expr, timezone: str) -> pl.Expr:
    """Read days since 1899-12-30 of the local clock, to the nearest second: Excel shows no smaller unit."""
    serial = raw.cast(pl.Float64)
    before_march = serial.is_between(1, 60, closed="left")
    days = pl.when(before_march).then(serial + 1).when(serial.is_between(61, _EXCEL_LAST)).then(serial)
    seconds = ((days + _EXCEL_ZERO) * 86_400).round().cast(pl.Int64, strict=False)
    return _microseconds(_localised((seconds * 1_000_000).cast(pl.Datetime("us")), timezone))


def _from_number(raw: pl.Expr, dtype: pl.DataType, timezone: str, numbers: NumberDates) -> pl.Expr:
    whole = _from_unit(raw, dtype, "us", timezone)
    if numbers == "none":
        return pl.when(pl.lit(False)).then(whole)
    is_instant = whole.abs().is_between(SMALLEST_MICROSECONDS, _LARGEST_MICROSECONDS)
    if numbers == "microseconds":
        is_hour = (whole % _HOUR == 0) & (whole != 0) & (whole.abs() < SMALLEST_MICROSECONDS)
        return pl.when(is_instant | is_hour).then(whole)
    is_whole = raw.cast(pl.Float64) == whole
    dates = [
        _formatted(pl.when(is_whole & whole.is_between(low, high)).then(whole), pl.Int64(), (format,), timezone)
        for low, high, format, _ in CALENDAR_DIGITS
    ]
    return pl.coalesce(pl.when(is_instant).then(whole), *dates)
