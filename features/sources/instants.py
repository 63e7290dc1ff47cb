"""Instants from whatever a source calls a date: int64 microseconds since the epoch, UTC."""

from __future__ import annotations

import polars as pl

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}

# A number without a unit is taken as microseconds. Recent seconds and milliseconds would then be minutes or days
# after 1970, in range and wrong: the range between them is refused, except whole hours, which clocks do not show.
_UNLIKELY = (300_000_000, 4_102_444_800_000)
_HOUR = 3_600_000_000

_DAYS, _MONTHS = ("%d", "%e", "%j", "%F", "%D", "%x", "%s", "%c", "%v", "%a", "%u", "%w"), ("%m", "%b", "%B", "%h")
_LOCAL = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M")
_ZONED = ("%Y-%m-%d %H:%M:%S%.f%#z",)


def instant(raw: pl.Expr, dtype: pl.DataType, *, timezone: str, formats: tuple[str, ...], unit: str | None) -> pl.Expr:
    """Microseconds since the epoch, UTC; null where a value is no instant.

    Parameters
    ----------
    raw : pl.Expr
        Dates, timestamps, ISO 8601 text, text in one of `formats`, or numbers in `unit`; text without blanks around.
    dtype : pl.DataType
        Their type.
    timezone : str
        Zone of values that do not carry one. An hour that a clock change skips is moved on by one, one that it
        repeats is the earlier.
    formats : tuple of str
        strptime formats tried in turn instead of ISO 8601; without a day the first of the month, without a month the
        first of the year.
    unit : str or None
        s, ms or us; None is us.

    Examples
    --------
    >>> text = pl.lit(pl.Series(["1970-01-01 08:00", "1970-01-01T00:00:01Z", "soon"]))
    >>> at = instant(text, pl.String(), timezone="Asia/Shanghai", formats=(), unit=None)
    >>> pl.select(at).to_series().to_list()
    [0, 1000000, None]
    >>> month = instant(pl.lit("1970-02"), pl.String(), timezone="UTC", formats=("%Y-%m",), unit=None)
    >>> pl.select(month).item() // 86_400_000_000
    31
    """
    if isinstance(dtype, pl.Datetime):
        moment = raw.cast(pl.Datetime("us", dtype.time_zone))
        return _microseconds(moment if dtype.time_zone else _localised(moment, timezone))
    if dtype == pl.Date:
        return _microseconds(_localised(raw.cast(pl.Datetime("us")), timezone))
    if formats:
        return _formatted(raw.cast(pl.String), formats, timezone)
    if dtype.is_numeric():
        return _counted(raw, dtype, unit)
    if unit:
        return _counted(raw.cast(pl.Float64, strict=False), pl.Float64(), unit)
    return _iso(raw, timezone)


def looks_like_another_unit(raw: pl.Expr, dtype: pl.DataType, value: pl.Expr) -> pl.Expr:
    """Whether a number that came without a unit is more likely seconds or milliseconds than microseconds.

    Examples
    --------
    >>> raw = pl.lit(pl.Series([1_700_000_000, 1_700_000_000_000_000]))
    >>> pl.select(looks_like_another_unit(raw, pl.Int64(), raw)).to_series().to_list()
    [True, False]
    """
    unlikely = value.is_between(*_UNLIKELY) & (value % _HOUR != 0)
    return unlikely if dtype.is_numeric() else unlikely & raw.str.contains(r"^\d+$")


def _iso(text: pl.Expr, timezone: str) -> pl.Expr:
    plain = text.str.replace_all("/", "-", literal=True).str.replace("T", " ", literal=True)
    compact = pl.when(text.str.contains(r"^\d{8}$")).then(text)
    number = pl.when(text.str.contains(r"^-?\d{9,18}$")).then(text)
    return pl.coalesce(
        _formatted(plain, _LOCAL, timezone),
        _formatted(plain, _ZONED, timezone),
        _formatted(compact, ("%Y%m%d",), timezone),
        number.cast(pl.Int64, strict=False),
    )


def _formatted(text: pl.Expr, formats: tuple[str, ...], timezone: str) -> pl.Expr:
    return pl.coalesce([_parsed(text, f, timezone) for f in formats])


def _parsed(text: pl.Expr, format: str, timezone: str) -> pl.Expr:
    if "%" in format and not any(mark in format for mark in _DAYS):  # a month, or a year, begins with its first day
        month = [] if any(mark in format for mark in _MONTHS) else ["01"]
        text, format = pl.concat_str([text, *map(pl.lit, month), pl.lit("01")], separator=" "), format
        format = " ".join([format, *(["%m"] if month else []), "%d"])
    moment = text.str.to_datetime(format, strict=False, time_unit="us")
    zoned = any(mark in format for mark in ("%z", "%:z", "%#z"))
    return _microseconds(moment if zoned else _localised(moment, timezone))


def _localised(moment: pl.Expr, timezone: str) -> pl.Expr:
    def at(clock: pl.Expr) -> pl.Expr:
        return clock.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")

    return pl.coalesce(at(moment), at(moment + pl.duration(hours=1)))


def _microseconds(moment: pl.Expr) -> pl.Expr:
    return moment.dt.epoch("us")


def _counted(raw: pl.Expr, dtype: pl.DataType, unit: str | None) -> pl.Expr:
    scale = MICROSECONDS[unit or "us"]
    limit = 9_000_000_000_000_000_000 // scale  # beyond it the product would wrap round into the valid range
    if dtype.is_integer():
        whole = raw.cast(pl.Int64, strict=False)
        return whole if scale == 1 else whole.clip(-limit, limit) * scale
    return (raw.cast(pl.Float64).clip(-limit, limit) * scale).round().cast(pl.Int64, strict=False)
