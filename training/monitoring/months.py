"""Calendar months of rows: which ones are complete, and which come after the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.aggregations import DAY
from features.periods import local_clock, month_of_day, period_label, period_start
from ml.domain.arrays import BoolArray, IntArray

LAST_DAYS = 3.0  # a month whose newest row lies within its last days is complete
GAPS = 8.0  # mean gaps between rows: rarer rows leave the last days of a month empty by chance
GAP_DAYS = 365


def month_numbers(instants: Any, *, timezone: str) -> IntArray:
    """Return the month of each instant in local time, in months since January 1970.

    >>> month_numbers([0, 31 * 86_400_000_000], timezone="UTC").tolist()
    [0, 1]
    """
    return np.asarray(month_of_day(local_clock(instants, timezone=timezone) // DAY), dtype=np.int64)


def month_name(month: int) -> str:
    """Return the name of a month.

    >>> month_name(672)
    '2026-01'
    """
    return period_label(month, "month")


def month_begin(month: int, *, timezone: str) -> int:
    """Return the first instant of a month, in microseconds since 1970 UTC.

    >>> month_begin(1, timezone="UTC") // 86_400_000_000
    31
    """
    return int(period_start([month], "month", timezone=timezone)[0])


@dataclass(frozen=True)
class NewMonths:
    """Complete months after the training, as returned by `new_months`.

    Attributes
    ----------
    first, last : int
        Months since January 1970; none if `last` is below `first`.
    notes : tuple of str
        Why a month is left out.
    """

    first: int
    last: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MonthlyRows:
    """Months of rows, and which rows are of the reference.

    Attributes
    ----------
    months : ndarray of int, shape (n_rows,)
        Month of each row, in months since January 1970.
    is_reference : ndarray of bool, shape (n_rows,)
        Whether the row is of the training period.
    new : NewMonths
        Complete months after the training.
    """

    months: IntArray
    is_reference: BoolArray
    new: NewMonths


def new_months(instants: IntArray, *, trained_until: int, as_of: int, timezone: str) -> NewMonths:
    """Return the months that begin after the last training row and are complete.

    Parameters
    ----------
    instants : ndarray of int64, shape (n_rows,)
        Instants of all rows before `as_of`, at least one, microseconds since 1970 UTC.
    trained_until : int
        Last instant of the training rows.
    as_of : int
        Instant at which the data are looked at.
    timezone : str
        IANA time zone of the months.

    Returns
    -------
    NewMonths
        A month is complete if it ends by `as_of`, and, for the month of the newest row, if that row lies in its last
        three days (more where rows are rare) or all rows lie on one day of the month (data by month).

    Examples
    --------
    >>> day = 86_400_000_000
    >>> rows = np.arange(0, 80) * day
    >>> months = new_months(rows, trained_until=20 * day, as_of=200 * day, timezone="UTC")
    >>> months.first, months.last, months.notes
    (1, 1, ('1970-03 is left out: its newest row is of day 21, so that the month is not complete in the data',))
    """
    first = int(month_numbers([trained_until], timezone=timezone)[0]) + 1
    ended = int(month_numbers([as_of], timezone=timezone)[0]) - 1
    newest = int(instants.max())
    month = int(month_numbers([newest], timezone=timezone)[0])
    if month > ended:
        return NewMonths(first, ended)
    days = local_clock(instants, timezone=timezone) // DAY
    day_of_month = (
        days
        - np.asarray(
            local_clock(
                period_start(month_numbers(instants, timezone=timezone), "month", timezone=timezone), timezone=timezone
            )
        )
        // DAY
    )
    end = month_begin(month + 1, timezone=timezone)
    recent = int((instants > newest - GAP_DAYS * DAY).sum())
    rest = max(LAST_DAYS, GAPS * min(GAP_DAYS, (newest - int(instants.min())) / DAY) / recent)
    if newest >= end - rest * DAY or (day_of_month == day_of_month[0]).all():
        return NewMonths(first, month)
    day = int(day_of_month[int(instants.argmax())]) + 1
    name = month_name(month)
    note = f"{name} is left out: its newest row is of day {day}, so that the month is not complete in the data"
    return NewMonths(first, month - 1, (note,))
