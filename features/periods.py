"""Days, weeks and months as integers, with the same arithmetic on Polars, Spark and NumPy.

Period 0 contains 1970-01-01; weeks begin on Monday. The calendar formulas are Howard Hinnant's, "chrono-compatible
low-level date algorithms".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from features.aggregations import DAY
from features.errors import ConfigError

Frequency = Literal["day", "week", "month"]
SEASONS: dict[str, int] = {"day": 7, "week": 52, "month": 12}  # length of a season in periods
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -18_264, 80 * 366  # days since 1970, from the end of 1919 to 2050, searched for clock changes


def valid_timezone(name: str) -> str:
    """Return the name, unchanged, if it is a time zone of the IANA database.

    Parameters
    ----------
    name : str
        Such as "Asia/Shanghai".

    Returns
    -------
    str

    Raises
    ------
    ValueError
        It is not.

    Examples
    --------
    >>> valid_timezone("Asia/Shanghai")
    'Asia/Shanghai'
    """
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # OSError: "Asia" is a directory of time zones
        raise ValueError("no such time zone: use a name such as Asia/Shanghai or UTC") from None
    return name


Timezone: TypeAlias = Annotated[str, AfterValidator(valid_timezone)]


def month_of_day(days: Any) -> Any:
    """Return the month of a day, both counted from 1970; `days` is an integer, array or Narwhals expression.

    The result has the type of `days`: day 0 is 1970-01-01, month 0 is January 1970.

    Parameters
    ----------
    days : int, array of int or Narwhals expression
        Days since 1970-01-01 (day 0).

    Returns
    -------
    int, array or Narwhals expression
        Months since January 1970.

    Examples
    --------
    >>> import numpy as np
    >>> month_of_day(31), month_of_day(np.array([0, 59, 365])).tolist()
    (1, [0, 2, 12])
    """
    z = days + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    return (yoe + era * 400 - 1970) * 12 + (5 * doy + 2) // 153 + 2


def period_of_day(days: Any, frequency: Frequency) -> Any:
    """Return the period of a day, both counted from 1970; `days` is an integer, array or Narwhals expression.

    The result has the type of `days`; `frequency` is day, week (from Monday) or month. Day 0 is 1970-01-01.

    Parameters
    ----------
    days : int, array of int or Narwhals expression
        Days since 1970-01-01 (day 0).
    frequency : {'day', 'week', 'month'}
        Length of a period; a week starts on Monday.

    Returns
    -------
    int, array or Narwhals expression
        Number of the period since that with 1970-01-01.

    Examples
    --------
    >>> period_of_day(4, "week"), period_of_day(3, "week"), period_of_day(40, "month")  # 5 January 1970 was a Monday
    (1, 0, 1)
    """
    if frequency == "day":
        return days
    return (days + 3) // 7 if frequency == "week" else month_of_day(days)


def with_period(
    frame: nw.LazyFrame[Any], instant: nw.Expr, frequency: Frequency, *, timezone: str, name: str
) -> nw.LazyFrame[Any]:
    """Return the frame with the period, in local time, of an instant.

    The intermediate steps are columns, dropped at the end: as one nested expression they exceed Spark's planner.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        Any rows.
    instant : Expr
        Narwhals expression of an instant in microseconds since 1970 UTC, such as ``nw.col("sold_at")``.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        IANA time zone.
    name : str
        Name of the new column.

    Returns
    -------
    narwhals.LazyFrame
        The columns of `frame`, and `name`: int64, the number of the period since that with 1970-01-01.

    Raises
    ------
    ConfigError
        The time zone does not exist.

    Examples
    --------
    >>> import narwhals as nw
    >>> import polars as pl
    >>> frame = nw.from_native(pl.LazyFrame({"at": [16 * 3_600_000_000 - 1, 16 * 3_600_000_000]}))
    >>> with_period(frame, nw.col("at"), "day", timezone="Asia/Shanghai", name="day").collect()["day"].to_list()
    [0, 1]
    """
    step = _offset(_clock(timezone), instant)
    day, z, era, doe, yoe, doy = (nw.col(f"__{n}__") for n in ("day", "z", "era", "doe", "yoe", "doy"))
    result = frame.with_columns(((instant + step) // DAY).alias("__day__"))
    if frequency != "month":
        return result.with_columns(period_of_day(day, frequency).alias(name)).drop("__day__")
    for column, expression in (
        ("__z__", day + 719_468),
        ("__era__", z // 146_097),
        ("__doe__", z - era * 146_097),
        ("__yoe__", (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365),
        ("__doy__", doe - (yoe * 365 + yoe // 4 - yoe // 100)),
        (name, (yoe + era * 400 - 1970) * 12 + (doy * 5 + 2) // 153 + 2),
    ):
        result = result.with_columns(expression.alias(column))
    return result.drop(["__day__", "__z__", "__era__", "__doe__", "__yoe__", "__doy__"])


def first_day(periods: Any, frequency: Frequency) -> NDArray[np.int64]:
    """Return the first day of each period, counted from 1970.

    Parameters
    ----------
    periods : int or array of int
        Period numbers, as returned by `period_of_day`.
    frequency : {'day', 'week', 'month'}
        Length of a period.

    Returns
    -------
    ndarray of int64
        Days since 1970-01-01, in the shape of `periods`.

    Examples
    --------
    >>> first_day([1, 14], "month").tolist(), first_day([1], "week").tolist()
    ([31, 424], [4])
    """
    period = np.asarray(periods, dtype=np.int64)
    if frequency == "day":
        return period
    if frequency == "week":
        return period * 7 - 3
    return period.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def period_label(period: int, frequency: Frequency) -> str:
    """Return the label of a period: year and month, or the date of the first day of a week or of the day.

    Parameters
    ----------
    period : int
        Number counted from 1970, as returned by `features.periods.period_of_day`.
    frequency : {'day', 'week', 'month'}
        Length of a period; a week starts on Monday.

    Returns
    -------
    str

    Examples
    --------
    >>> period_label(673, "month"), period_label(0, "week")
    ('2026-02', '1969-12-29')
    """
    day = str(np.datetime64(int(first_day([period], frequency)[0]), "D"))
    return day[:7] if frequency == "month" else day


def period_start(periods: Any, frequency: Frequency, *, timezone: str) -> NDArray[np.int64]:
    """Return the first instant of each period in local time, in microseconds since 1970 UTC.

    Parameters
    ----------
    periods : int or array of int
        Period numbers counted from 1970, as returned by `period_of_day`.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        IANA time zone.

    Returns
    -------
    ndarray of int64
        In the shape of `periods`.

    Raises
    ------
    ConfigError
        The time zone does not exist.

    Examples
    --------
    >>> period_start([1], "day", timezone="Asia/Shanghai").tolist()
    [57600000000]
    """
    return clock_instants(first_day(periods, frequency) * DAY, timezone=timezone)


def local_clock(instants: Any, *, timezone: str) -> NDArray[np.int64]:
    """Return the local clock time of instants, in microseconds since 1970-01-01 00:00 of the local clock.

    Parameters
    ----------
    instants : int or array of int
        Microseconds since 1970 UTC.
    timezone : str
        IANA time zone.

    Returns
    -------
    ndarray of int64
        In the shape of `instants`.

    Raises
    ------
    ConfigError
        The time zone does not exist.

    Examples
    --------
    >>> local_clock([0], timezone="Asia/Shanghai").tolist()
    [28800000000]
    """
    changes = np.array(_clock(timezone), dtype=np.int64)
    at = np.asarray(instants, dtype=np.int64)
    row = np.maximum(np.searchsorted(changes[:, 0], at, side="right") - 1, 0)
    return np.asarray(at + changes[row, 1], dtype=np.int64)


def month_labels(instants: Any, *, timezone: str) -> NDArray[np.str_]:
    """Return the month of each instant in local time, such as "2024-03".

    Parameters
    ----------
    instants : int or array of int
        Microseconds since 1970 UTC.
    timezone : str
        IANA time zone.

    Returns
    -------
    ndarray of str
        In the shape of `instants`.

    Raises
    ------
    ConfigError
        The time zone does not exist.

    Examples
    --------
    >>> month_labels([1_709_222_400_000_000], timezone="Asia/Shanghai").tolist()  # 29 February, 16:00 UTC
    ['2024-03']
    """
    return local_clock(instants, timezone=timezone).astype("datetime64[us]").astype("datetime64[M]").astype(str)


def clock_instants(clock: Any, *, timezone: str) -> NDArray[np.int64]:
    """Return the first instant of each local clock time; the inverse of `local_clock`.

    Parameters
    ----------
    clock : int or array of int
        Microseconds since 1970-01-01 00:00 of the local clock.
    timezone : str
        IANA time zone.

    Returns
    -------
    ndarray of int64
        Microseconds since 1970 UTC; the instant of the change for a time that the clock skips.

    Raises
    ------
    ConfigError
        The time zone does not exist.

    Examples
    --------
    >>> clock_instants([28_800_000_000], timezone="Asia/Shanghai").tolist()
    [0]
    """
    local = np.asarray(clock, dtype=np.int64)
    (_, before), *changes = _clock(timezone)
    at = local - before
    for change, offset in changes:
        # A midnight that the clock skips, as in Shanghai on 1940-06-01, is the instant of the change.
        at = np.where(at >= change, np.maximum(at - (offset - before), change), at)
        before = offset
    return np.asarray(at, dtype=np.int64)


def _offset(offsets: Sequence[tuple[int, int]], instant: nw.Expr) -> Any:
    """Return the UTC offset at an instant: a balanced tree of conditions, because a zone may have 250 changes."""
    if len(offsets) == 1:
        return nw.lit(offsets[0][1], dtype=nw.Int64)
    middle = len(offsets) // 2
    after, before = _offset(offsets[middle:], instant), _offset(offsets[:middle], instant)
    return nw.when(instant >= offsets[middle][0]).then(after).otherwise(before)


@lru_cache(maxsize=8)
def _clock(timezone: str) -> tuple[tuple[int, int], ...]:
    """Return the UTC offset from the beginning, and (instant, new offset) of each change of it, in microseconds."""
    try:
        zone = ZoneInfo(valid_timezone(timezone))
    except ValueError:
        raise ConfigError(f"timezone: {timezone!r} is unknown; use a name such as Asia/Shanghai or UTC") from None

    def offset(seconds: int) -> int:
        difference = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
        return int((difference or timedelta()).total_seconds())

    before = offset(_FIRST * 86_400)
    offsets = [(_FIRST * DAY, before * 1_000_000)]
    for day in range(_FIRST + 1, _LAST):
        if (after := offset(day * 86_400)) != before:
            low, high = (day - 1) * 86_400, day * 86_400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) == after else (middle, high)
            offsets.append((high * 1_000_000, after * 1_000_000))
            before = after
    return tuple(offsets)
