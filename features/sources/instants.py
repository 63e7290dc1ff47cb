"""Timestamps of any source type as instants: int64 microseconds since 1970-01-01 UTC."""

from __future__ import annotations

import polars as pl

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}

# A number without a unit is read as microseconds. Recent dates in seconds or milliseconds would then lie minutes to
# weeks after 1970: in the contract's range, but wrong. Values in this range break a rule, except whole hours, which are
# more likely dates of 1970 than exact seconds or milliseconds of today.
_OTHER_UNIT_RANGE = (300_000_000, 4_102_444_800_000)
_HOUR = 3_600_000_000

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31 in days since 1970

_DAYS, _MONTHS = ("%d", "%e", "%j", "%F", "%D", "%x", "%s", "%c", "%v", "%a", "%u", "%w"), ("%m", "%b", "%B", "%h")
_LOCAL = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M")
_ZONED = ("%Y-%m-%d %H:%M:%S%.f%#z",)


def to_microseconds(
    raw: pl.Expr, dtype: pl.DataType, *, timezone: str, formats: tuple[str, ...], unit: str | None
) -> pl.Expr:
    """Convert timestamps to int64 microseconds since 1970-01-01 UTC; null where a value is not a timestamp.

    Parameters
    ----------
    raw : pl.Expr
        Dates, datetimes, ISO 8601 text, text in one of `formats`, or numbers in `unit`. Text has no surrounding blanks.
    dtype : pl.DataType
        Their type.
    timezone : str
        IANA name of the time zone of values without an offset. A time skipped by a clock change is moved one hour
        later; a time that occurs twice is the earlier one.
    formats : tuple of str
        strptime formats, tried in this order instead of ISO 8601. A format without a day means the first day of the
        month, one without a month the first month of the year.
    unit : {'s', 'ms', 'us'} or None
        Unit of numbers since 1970-01-01 UTC; None means microseconds.

    Returns
    -------
    pl.Expr
        Microseconds since 1970 UTC (int64).

    Examples
    --------
    >>> import polars as pl
    >>> text = pl.lit(pl.Series(["1970-01-01 08:00", "1970-01-01T00:00:01Z", "soon"]))
    >>> instants = to_microseconds(text, pl.String(), timezone="Asia/Shanghai", formats=(), unit=None)
    >>> pl.select(instants).to_series().to_list()
    [0, 1000000, None]
    >>> month = to_microseconds(pl.lit("1970-02"), pl.String(), timezone="UTC", formats=("%Y-%m",), unit=None)
    >>> pl.select(month).item() // 86_400_000_000
    31
    """
    if dtype in (pl.Date, pl.Datetime):
        raw = _bounded(raw, dtype)
    if isinstance(dtype, pl.Datetime):
        moment = raw.cast(pl.Datetime("us", dtype.time_zone))
        return _microseconds(moment if dtype.time_zone else _localised(moment, timezone))
    if dtype == pl.Date:
        return _microseconds(_localised(raw.cast(pl.Datetime("us")), timezone))
    if formats:
        return _formatted(raw.cast(pl.String), formats, timezone)
    if dtype.is_numeric():
        return _from_number(raw, dtype, unit)
    if unit:
        return _from_number(raw.cast(pl.Float64, strict=False), pl.Float64(), unit)
    return _iso(raw, timezone)


def looks_like_another_unit(raw: pl.Expr, dtype: pl.DataType, value: pl.Expr) -> pl.Expr:
    """Return whether a number without a unit is probably in seconds or milliseconds, not microseconds.

    `raw` are the source values, `dtype` is their type, and `value` the result of `to_microseconds` for them. A number
    is suspect from five minutes to 47 days after 1970, except at whole hours. The result is Boolean.

    Returns
    -------
    pl.Expr
        Boolean.

    Examples
    --------
    >>> import polars as pl
    >>> raw = pl.lit(pl.Series([1_700_000_000, 1_700_000_000_000_000]))
    >>> pl.select(looks_like_another_unit(raw, pl.Int64(), raw)).to_series().to_list()
    [True, False]
    """
    suspect = value.is_between(*_OTHER_UNIT_RANGE) & (value % _HOUR != 0)
    return suspect if dtype.is_numeric() else suspect & raw.str.contains(r"^\d+$")


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
    if "%" in format and not any(mark in format for mark in _DAYS):  # a month or a year stands for its first day
        missing_month = [] if any(mark in format for mark in _MONTHS) else ["01"]
        text, format = pl.concat_str([text, *map(pl.lit, missing_month), pl.lit("01")], separator=" "), format
        format = " ".join([format, *(["%m"] if missing_month else []), "%d"])
    moment = text.str.to_datetime(format, strict=False, time_unit="us")
    zoned = any(mark in format for mark in ("%z", "%:z", "%#z"))
    return _microseconds(moment if zoned else _localised(moment, timezone))


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


def _from_number(raw: pl.Expr, dtype: pl.DataType, unit: str | None) -> pl.Expr:
    scale = MICROSECONDS[unit or "us"]
    limit = 9_000_000_000_000_000_000 // scale  # a larger product would overflow int64, maybe into the valid range
    if dtype.is_integer():
        whole = raw.cast(pl.Int64, strict=False)
        return whole if scale == 1 else whole.clip(-limit, limit) * scale
    return (raw.cast(pl.Float64).clip(-limit, limit) * scale).round().cast(pl.Int64, strict=False)
