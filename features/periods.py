"""Days, weeks and months as whole numbers: the same integer arithmetic on Polars, Spark and NumPy.

Period 0 is the one that holds 1970-01-01: days and months count from there, weeks begin on Monday. The calendar
formulas are those of Howard Hinnant, "chrono-compatible low-level date algorithms".
"""

from __future__ import annotations

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
SEASONS: dict[str, int] = {"day": 7, "week": 52, "month": 12}  # periods after which a pattern comes back
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 80 * 366  # days in which changes of the clock are looked for


def known_timezone(name: str) -> str:
    """The name, if there is such a time zone.

    Raises
    ------
    ValueError
        There is none.

    Examples
    --------
    >>> known_timezone("Asia/Shanghai")
    'Asia/Shanghai'
    """
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # OSError: "Asia" is a folder of time zones
        raise ValueError("no such time zone: use a name such as Asia/Shanghai or UTC") from None
    return name


Timezone: TypeAlias = Annotated[str, AfterValidator(known_timezone)]


def month_of_day(days: Any) -> Any:
    """Month of a day, both counted from 1970; integers, arrays or Narwhals expressions.

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
    """Period of a day counted from 1970.

    >>> period_of_day(4, "week"), period_of_day(3, "week"), period_of_day(40, "month")  # 5 January 1970 was a Monday
    (1, 0, 1)
    """
    if frequency == "day":
        return days
    return (days + 3) // 7 if frequency == "week" else month_of_day(days)


def with_period(
    frame: nw.LazyFrame[Any], instant: nw.Expr, frequency: Frequency, *, timezone: str, name: str
) -> nw.LazyFrame[Any]:
    """A frame with the period, in local time, of an instant (us).

    The arithmetic goes column by column: as one expression, in which each step stands several times, it is more than
    Spark's planner holds.

    Examples
    --------
    >>> import polars as pl
    >>> frame = nw.from_native(pl.LazyFrame({"at": [16 * 3_600_000_000 - 1, 16 * 3_600_000_000]}))
    >>> with_period(frame, nw.col("at"), "day", timezone="Asia/Shanghai", name="day").collect()["day"].to_list()
    [0, 1]
    """
    first, changes = _clock(timezone)
    step: Any = nw.lit(first, dtype=nw.Int64)
    for at, change in changes:
        step = step + nw.when(instant >= at).then(nw.lit(change, dtype=nw.Int64)).otherwise(nw.lit(0, dtype=nw.Int64))
    day, z, era, doe, yoe, doy = (nw.col(f"__{n}__") for n in ("day", "z", "era", "doe", "yoe", "doy"))
    found = frame.with_columns(((instant + step) // DAY).alias("__day__"))
    if frequency != "month":
        return found.with_columns(period_of_day(day, frequency).alias(name)).drop("__day__")
    for made, expression in (
        ("__z__", day + 719_468),
        ("__era__", z // 146_097),
        ("__doe__", z - era * 146_097),
        ("__yoe__", (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365),
        ("__doy__", doe - (yoe * 365 + yoe // 4 - yoe // 100)),
        (name, (yoe + era * 400 - 1970) * 12 + (doy * 5 + 2) // 153 + 2),
    ):
        found = found.with_columns(expression.alias(made))
    return found.drop(["__day__", "__z__", "__era__", "__doe__", "__yoe__", "__doy__"])


def first_day(periods: Any, frequency: Frequency) -> NDArray[np.int64]:
    """First day, counted from 1970, of each period.

    >>> first_day([1, 14], "month").tolist(), first_day([1], "week").tolist()
    ([31, 424], [4])
    """
    period = np.asarray(periods, dtype=np.int64)
    if frequency == "day":
        return period
    if frequency == "week":
        return period * 7 - 3
    return period.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def label(period: int, frequency: Frequency) -> str:
    """A period as people write it: a month without its day.

    >>> label(673, "month"), label(0, "week")
    ('2026-02', '1969-12-29')
    """
    day = str(np.datetime64(int(first_day([period], frequency)[0]), "D"))
    return day[:7] if frequency == "month" else day


def start_of(periods: Any, frequency: Frequency, *, timezone: str) -> NDArray[np.int64]:
    """First instant (us) of each period, in local time.

    >>> start_of([1], "day", timezone="Asia/Shanghai").tolist()
    [57600000000]
    """
    local = first_day(periods, frequency) * DAY
    first, changes = _clock(timezone)
    at = local - first
    for change, step in changes:
        at = np.where(at >= change, at - step, at)
    return np.asarray(at, dtype=np.int64)


@lru_cache(maxsize=8)
def _clock(timezone: str) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Offset from UTC in 1970 (us), and each later change of it: when, and by how much."""
    try:
        zone = ZoneInfo(known_timezone(timezone))
    except ValueError:
        raise ConfigError(f"timezone: {timezone!r} is unknown; give a name such as Asia/Shanghai") from None

    def offset(seconds: int) -> int:
        there = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
        return int((there or timedelta()).total_seconds())

    changes = []
    before = offset(0)
    for day in range(1, _LAST):
        if (now := offset(day * 86_400)) != before:
            low, high = (day - 1) * 86_400, day * 86_400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) == now else (middle, high)
            changes.append((high * 1_000_000, (now - before) * 1_000_000))
            before = now
    return offset(0) * 1_000_000, tuple(changes)
