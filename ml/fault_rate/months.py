"""Monthly totals among weekly data: a month's events and its exposure count together, in the week in which it ends.

A table of counts has one date for a month. Taken as a day, all events of the month would fall into its first week,
before they could be counted, and the other weeks would have exposure without events. A month counts as a whole as soon
as it has ended: at every week, events and exposure cover the same complete months.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.aggregations import DAY
from ml.domain.arrays import FloatArray, IntArray

_WEEK = 7  # days
MONTHLY = "all records are dated to the month: each month counts as a whole, in the week in which it ends"


def are_monthly_totals(serviced_at: pl.Series) -> bool:
    """Return whether instants name months: two or more, all on the first day of a month, or all on the last.

    Parameters
    ----------
    serviced_at : Series
        int64, microseconds of the local clock since 1970; nulls are ignored.

    Examples
    --------
    >>> from datetime import datetime
    >>> def clock(*texts):
    ...     return pl.Series([datetime.fromisoformat(t) for t in texts]).dt.epoch("us")
    >>> are_monthly_totals(clock("2024-01-01", "2024-01-01", "2024-03-01"))
    True
    >>> are_monthly_totals(clock("2024-02-29", "2024-03-31")), are_monthly_totals(clock("2024-01-01", "2024-01-02"))
    (True, False)
    """
    days = serviced_at.drop_nulls().unique() // DAY
    dates = pl.select(pl.from_epoch(days.unique(), time_unit="d")).to_series()
    first, last = dates.dt.month_start(), dates.dt.month_end()
    return len(dates) > 1 and bool((dates == first).all() or (dates == last).all())


def at_month_end(records: pl.DataFrame) -> pl.DataFrame:
    """Return monthly totals as events at the end of their month, the first instant at which they are known.

    Parameters
    ----------
    records : DataFrame
        `serviced_at` and, optionally, `reported_at`: int64, microseconds of the local clock since 1970.

    Returns
    -------
    DataFrame
        `serviced_at` is the last microsecond of its month; an earlier `reported_at` is moved to it.

    Examples
    --------
    >>> records = pl.DataFrame({"serviced_at": [0, 40 * DAY], "reported_at": [0, 90 * DAY]})
    >>> at_month_end(records).select((pl.all() + 1) // DAY).rows()
    [(31, 31), (59, 90)]
    """
    start = pl.from_epoch("serviced_at", time_unit="us").dt.truncate("1mo")
    rows = records.with_columns(serviced_at=start.dt.offset_by("1mo").dt.epoch("us") - 1)
    if "reported_at" not in rows.columns:
        return rows
    later = pl.max_horizontal("reported_at", "serviced_at")
    return rows.with_columns(reported_at=pl.when(pl.col("reported_at").is_not_null()).then(later))


@dataclass(frozen=True)
class MonthGrid:
    """Calendar months of a period and the weeks in which they end, as returned by `month_grid`.

    Attributes
    ----------
    months : ndarray of int, shape (n_months,)
        Months since January 1970 that end in the period.
    edges : ndarray of shape (n_months + 1,)
        First days of these months and of the month after them, days since 1970.
    week : ndarray of int, shape (n_months,)
        Week in which each month ends, from 0.
    weeks : int
        Number of weeks.
    """

    months: IntArray
    edges: FloatArray
    week: IntArray
    weeks: int

    def scatter(self, by_month: FloatArray) -> FloatArray:
        """Return values by month, shape (n, n_months), in the weeks in which the months end, shape (n, n_weeks)."""
        weekly = np.zeros((len(by_month), self.weeks))
        weekly[:, self.week] = by_month
        return weekly

    @property
    def labels(self) -> IntArray:
        """Month that ends in each week, or that ends next; months since January 1970, shape (n_weeks,)."""
        if not len(self.months):
            return np.zeros(self.weeks, dtype=np.int64)  # no month ends: no week has exposure
        position = np.searchsorted(self.week, np.arange(self.weeks), side="left").clip(0, len(self.months) - 1)
        return np.asarray(self.months[position])


def month_grid(first_day: float, weeks: int) -> MonthGrid:
    """Return the months that end in the weeks from a day on.

    Parameters
    ----------
    first_day : float
        First day of week 0, days since 1970.
    weeks : int
        Number of weeks, at least 1.

    Examples
    --------
    Nine weeks from 1970-01-03 contain the ends of January and of February:

    >>> grid = month_grid(2.0, 9)
    >>> grid.months.tolist(), grid.edges.tolist(), grid.week.tolist()
    ([0, 1], [0.0, 31.0, 59.0], [4, 8])
    """
    last_day = first_day + _WEEK * weeks
    first = np.floor(first_day).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    last = np.floor(last_day).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    starts = _first_days(np.arange(first, last + 1))
    ended = (starts[1:] > first_day) & (starts[1:] <= last_day)
    months = np.arange(first, last)[ended]
    edges = _first_days(np.append(months, months[-1:] + 1))
    return MonthGrid(months, edges, ((edges[1:] - first_day - 1e-6) // _WEEK).astype(np.int64), weeks)


def _first_days(months: npt.NDArray[np.int64]) -> FloatArray:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.float64)
