"""Monthly totals count as a whole in the week in which their month ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.aggregations import DAY
from ml.fault_rate.exposure import build_exposure
from ml.fault_rate.months import are_monthly_totals, at_month_end, month_grid
from ml.fault_rate.reports import build_report_exposure


def clock(*texts: str) -> pl.Series:
    return pl.Series([datetime.fromisoformat(t) for t in texts], dtype=pl.Datetime("us")).dt.epoch("us")


@pytest.mark.parametrize(
    ("days", "monthly"),
    [
        (("2024-01-01", "2024-02-01"), True),
        (("2024-01-31", "2024-02-29"), True),
        (("2024-01-01", "2024-02-02"), False),
        (("2024-01-01", "2024-02-29"), False),
        (("2024-01-01", "2024-01-01"), False),  # one day alone says nothing
        ((), False),
    ],
)
def test_totals_are_recognised_by_their_dates(days: tuple[str, ...], monthly: bool) -> None:
    assert are_monthly_totals(clock(*days)) is monthly


def test_a_total_is_dated_by_the_end_of_its_month() -> None:
    records = pl.DataFrame({"serviced_at": clock("2024-02-01", "2024-12-31")})
    ends = at_month_end(records).select(pl.from_epoch(pl.col("serviced_at") + 1, time_unit="us").dt.date()).to_series()
    assert ends.to_list() == [date(2024, 3, 1), date(2025, 1, 1)]


@given(st.integers(15_000, 25_000), st.integers(1, 300))
def test_every_month_ends_in_its_week(first_day: int, weeks: int) -> None:
    grid = month_grid(float(first_day), weeks)
    begin, end = first_day + 7 * grid.week, first_day + 7 * (grid.week + 1)
    assert ((begin < grid.edges[1:]) & (grid.edges[1:] <= end)).all() and (np.diff(grid.week) > 0).all()
    calendar = {date(1970, 1, 1) + timedelta(days=d) for d in range(first_day + 1, first_day + 7 * weeks + 1)}
    assert len(grid.months) == sum(d.day == 1 for d in calendar)
    assert (grid.labels[grid.week] == grid.months).all()


def _monthly_records(per_month: int, months: int = 24) -> pl.DataFrame:
    starts = pl.Series(np.arange(624, 624 + months).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64))
    return pl.DataFrame({"model": "A", "component": "brakes", "fault": True, "count": per_month, "serviced_at": starts})


def test_events_and_exposure_of_a_month_lie_in_the_same_week() -> None:
    """One fault for each vehicle-month, every month: the rate is even in all weeks that have an exposure."""
    records = at_month_end(_monthly_records(1)).with_columns(vehicle_id=pl.lit("V"))
    since, end = 624, int(records["serviced_at"].max()) + 1  # type: ignore[arg-type]
    fleet = pl.DataFrame({"vehicle_id": ["V"], "model": ["A"], "entered_service_at": [0]})
    period = {"as_of": end, "since": end - 24 * 30 * DAY, "monthly": True}
    exposure = build_exposure(fleet, records, **period)  # type: ignore[arg-type]
    assert since == 624 and "each month counts as a whole" in " ".join(exposure.notes)
    at_risk, counts = exposure.at_risk[0], exposure.counts(0)[0]
    np.testing.assert_array_equal(at_risk > 0, counts > 0)
    # 31 days of January are 31 / 365.25 vehicle-years; the label is the month that ends, not that of the week's middle.
    months = exposure.calendar_month[at_risk > 0]
    lengths = np.diff(np.append(months, months[-1] + 1).astype("datetime64[M]").astype("datetime64[D]").astype(int))
    np.testing.assert_allclose(at_risk[at_risk > 0] * 365.25, lengths)


def test_complaints_by_month_are_their_own_denominator() -> None:
    records = pl.concat([_monthly_records(30), _monthly_records(10).with_columns(component=pl.lit("pump"))])
    records = at_month_end(records)
    end = int(records["serviced_at"].max()) + 1  # type: ignore[arg-type]
    exposure = build_report_exposure(records, as_of=end, since=end - 24 * 30 * DAY, monthly=True)
    assert set(exposure.at_risk[0]) == {0.0, 40.0}
    np.testing.assert_array_equal(exposure.counts(1), exposure.at_risk / 4)
    assert any("every record is a fault" in note for note in exposure.notes)
