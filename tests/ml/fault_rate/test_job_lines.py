"""One fault for each vehicle, component and local day: lines, jobs and comebacks, counted by hand."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.aggregations import DAY
from ml.fault_rate.job_lines import one_fault_per_day


def lines(*rows: tuple[str | None, str | None, str, float]) -> pl.DataFrame:
    """Vehicle, job, component and day of each line."""
    frame = pl.DataFrame(rows, schema=["vehicle_id", "job_id", "component", "day"], orient="row")
    return frame.with_columns(
        pl.col("vehicle_id", "job_id").cast(pl.String),
        model=pl.lit("A"),
        serviced_at=(pl.col("day") * DAY).cast(pl.Int64),
    )


def days(frame: pl.DataFrame) -> list[float]:
    return frame["day"].to_list()


def test_lines_of_a_day_a_job_and_a_comeback_are_one_fault() -> None:
    frame = lines(
        ("V", None, "brakes", 10.2), ("V", None, "brakes", 10.9), ("V", None, "brakes", 17.0),  # day, comeback
        ("V", None, "brakes", 25.0), ("V", None, "pump", 10.0), ("W", None, "brakes", 10.0),  # three faults
        ("X", "J1", "brakes", 10.0), ("X", "J1", "brakes", 40.0),  # one job, open for a month
        (None, "C1", "brakes", 3.0), (None, "C1", "brakes", 3.0), (None, "C1", "pump", 3.0),  # a complaint without VIN
        (None, None, "brakes", 3.0), (None, None, "brakes", 3.0),  # nothing says that these are one
    )  # fmt: skip
    rows, notes = one_fault_per_day(frame)
    assert days(rows) == [10.2, 25.0, 10.0, 10.0, 10.0, 3.0, 3.0, 3.0, 3.0]
    assert rows["events"].to_list() == [1] * 9
    assert notes == (
        "merged: 1 line on the fault of the same vehicle, component and day",
        "merged: 2 lines on the fault of the same job and component",
        "merged: 1 line on a fault of the same vehicle and component in the 7 days before",
    )


@pytest.mark.parametrize(("comeback_days", "faults"), [(0, 3), (6, 3), (7, 2), (8, 1)])
def test_a_comeback_is_counted_from_the_line_before(comeback_days: int, faults: int) -> None:
    frame = lines(("V", None, "brakes", 0), ("V", None, "brakes", 7), ("V", None, "brakes", 15))
    assert one_fault_per_day(frame, comeback_days=comeback_days)[0].height == faults


def test_counts_stay_and_the_earliest_report_counts() -> None:
    frame = lines(
        (None, None, "brakes", 3), (None, None, "brakes", 3), ("V", None, "brakes", 3), ("V", None, "brakes", 3)
    )
    frame = frame.with_columns(count=pl.Series([12, 0, None, 2]), reported_at=pl.Series([9, 9, 8, 7]) * DAY)
    rows, _ = one_fault_per_day(frame)
    assert rows["events"].to_list() == [12, 2]  # the row of 0 is no fault
    assert (rows["reported_at"] // DAY).to_list() == [9, 7]
    assert rows.columns == [*frame.columns, "events"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["V", "W", None]), st.sampled_from(["J", None]), st.sampled_from("ab"), st.integers(0, 60)
        ),
        max_size=30,
    ),
    st.integers(0, 20),
)
def test_merging_is_idempotent_and_independent_of_the_order(rows: list[tuple], comeback_days: int) -> None:
    frame = lines(*rows) if rows else lines(("V", None, "a", 1)).clear()
    merged, _ = one_fault_per_day(frame, comeback_days=comeback_days)
    again, notes = one_fault_per_day(merged.drop("events"), comeback_days=0)
    assert again.height == merged.height and notes == ()
    backwards, _ = one_fault_per_day(frame.reverse(), comeback_days=comeback_days)
    assert sorted(merged["serviced_at"]) == sorted(backwards["serviced_at"])
    # A vehicle has at most one fault of a component a day.
    of_vehicles = merged.drop_nulls("vehicle_id").select("vehicle_id", "component", "serviced_at")
    assert of_vehicles.is_unique().all()
