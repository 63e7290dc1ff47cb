"""Decision on the last period of a panel: whether its rows cover the whole period, or its export came too early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from features.periods import Frequency, first_day, period_label, period_of_day, period_start
from ml.domain.arrays import IntArray

MISSING_SHARE = 0.05  # largest share of a period after the export for the period to count as over
FIRST_DAY_SHARE = 0.95  # share of rows dated on the first day of their period from which they stand for whole periods
USUAL = 0.9  # share of the earlier periods whose last date is at least as late as the usual last date
EARLIER = 24  # earlier periods that decide on the usual last date
SPARE_DAYS = {"day": 0, "week": 0, "month": 1}  # days without a sale at the end of a period that count as no sign

Unfinished = Literal["auto", "drop", "keep"]


@dataclass(frozen=True)
class LastPeriod:
    """The decision on the last period, as returned by `last_period`.

    Attributes
    ----------
    period : int
        Number of the last period, counted from 1970.
    is_left_out : bool
        Whether the panel ends before it.
    note : str or None
        What was decided and why, for the report; None for a period that ends like the earlier ones.
    """

    period: int
    is_left_out: bool
    note: str | None


def last_period(
    days: ArrayLike,
    rows: ArrayLike,
    *,
    frequency: Frequency,
    timezone: str,
    cutoff: int,
    unfinished: Unfinished = "auto",
    whole: bool = False,
) -> LastPeriod:
    """Decide whether the last period with sales is over in the data.

    It is not over if it ends after `cutoff`, the latest time of the export, by more than 5 % of its length. Otherwise
    its last date decides: it is compared with the last dates of up to 24 earlier periods, counted both from the
    beginning and from the end of the period. Rows dated on the first day of their period (monthly totals on the 1st)
    stand for whole periods. A day is judged by `cutoff` alone. The only period of the data is never left out.

    Parameters
    ----------
    days : array of int, shape (n,)
        Days with sales, counted from 1970-01-01 in local time; n is 1 or more.
    rows : array of int, shape (n,)
        Number of rows of each day, 1 or more.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        IANA time zone of the days.
    cutoff : int
        Instant before which the data were exported (microseconds since 1970 UTC), such as the time of the read. It is
        ignored if it lies before the last period.
    unfinished : {'auto', 'drop', 'keep'}
        'drop' leaves the last period out, 'keep' includes it.
    whole : bool
        Whether each row stands for a whole period by configuration; then only `cutoff` decides.

    Returns
    -------
    LastPeriod
        `period`, `is_left_out` and `note`.

    Examples
    --------
    Daily sales from 1 January to 17 March 1970, read in 1971.

    >>> year = 365 * 86_400_000_000
    >>> how = {"frequency": "month", "timezone": "UTC", "cutoff": year}
    >>> march = last_period(range(76), [1] * 76, **how)
    >>> march.is_left_out
    True
    >>> march.note  # doctest: +NORMALIZE_WHITESPACE
    'the last month, 1970-03, is incomplete and left out: its sales end on 1970-03-17, 14 days before the end of the
    month, those of 90% of the earlier months at most 0 days before (params.unfinished: keep includes it)'

    Monthly totals dated on the 1st are complete.

    >>> last_period([0, 31, 59], [5, 5, 5], **how).is_left_out
    False
    """
    day, count = np.asarray(days, dtype=np.int64), np.asarray(rows, dtype=np.int64)
    period = np.asarray(period_of_day(day, frequency))
    last = int(period.max())
    if (period == last).all():
        return LastPeriod(last, False, None)
    name = f"the last {frequency}, {period_label(last, frequency)},"
    if unfinished == "drop":
        return LastPeriod(last, True, f"{name} is left out by params.unfinished: drop")
    is_unfinished, reason = _by_cutoff(last, frequency, timezone, cutoff)
    if not is_unfinished and not whole and frequency != "day":
        is_unfinished, reason = _by_dates(day, count, period, frequency)
    if is_unfinished and unfinished == "keep":
        return LastPeriod(last, False, f"{name} is included by params.unfinished: keep, although {reason}")
    if is_unfinished:
        text = f"{name} is incomplete and left out: {reason} (params.unfinished: keep includes it)"
        return LastPeriod(last, True, text)
    if reason is None or unfinished == "keep":
        return LastPeriod(last, False, None)
    return LastPeriod(last, False, f"{name} is included: {reason} (params.unfinished: drop leaves it out)")


def _by_cutoff(last: int, frequency: Frequency, timezone: str, cutoff: int) -> tuple[bool, str | None]:
    begin, end = (int(t) for t in period_start([last, last + 1], frequency, timezone=timezone))
    if not begin <= cutoff < end - MISSING_SHARE * (end - begin):
        return False, None
    until = f"{datetime.fromtimestamp(cutoff / 1e6, ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
    return True, f"its last day is {_date(first_day(last + 1, frequency) - 1)}, and the data go up to {until} at most"


def _by_dates(day: IntArray, rows: IntArray, period: IntArray, frequency: Frequency) -> tuple[bool, str | None]:
    if rows[day == first_day(period, frequency)].sum() >= FIRST_DAY_SHARE * rows.sum():
        return False, f"sales dated on the first day of their {frequency} count as totals of the whole {frequency}"
    periods = np.unique(period)[-EARLIER - 1 :]
    last_days = np.array([day[period == p].max() for p in periods])
    since_begin = last_days - first_day(periods, frequency)
    until_end = first_day(periods + 1, frequency) - 1 - last_days
    gap, earlier_gaps, earlier_days = int(until_end[-1]), until_end[:-1], since_begin[:-1]
    if gap <= max(SPARE_DAYS[frequency], np.median(earlier_gaps)) or since_begin[-1] >= np.median(earlier_days):
        return False, None
    usual = int(np.quantile(earlier_gaps, USUAL, method="higher"))
    reason = (
        f"its sales end on {_date(last_days[-1])}, {gap} days before the end of the {frequency}, those of "
        f"{USUAL:.0%} of the earlier {frequency}s at most {usual} days before"
    )
    is_early = since_begin[-1] < np.quantile(earlier_days, 1 - USUAL, method="lower")
    return bool(gap > usual and is_early), reason


def _date(day: Any) -> str:
    return str(np.datetime64(int(day), "D"))
