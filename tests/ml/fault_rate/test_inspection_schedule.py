"""The schedule of inspections: every vehicle, in order of risk, never above the capacity."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ml.fault_rate.inspection_schedule import inspection_weeks

risks = st.lists(st.floats(0, 10, allow_nan=False), max_size=40)


def vehicles(faults: list[float], first: int = 0) -> pl.DataFrame:
    names = [f"V{first + i:03}" for i in range(len(faults))]
    return pl.DataFrame({"vehicle_id": names, "faults": faults}, schema={"vehicle_id": pl.String, "faults": pl.Float64})


def test_the_riskiest_come_first_and_equals_in_the_order_of_the_list() -> None:
    (weeks,) = inspection_weeks([vehicles([0.1, 0.5, 0.1, 0.3, 0.2])], capacity=2)
    assert weeks.to_list() == [2, 1, 3, 1, 2]


def test_alarms_share_the_capacity_and_a_vehicle_of_two_alarms_comes_once() -> None:
    one, two = vehicles([0.4, 0.3, 0.2]), vehicles([0.25, 0.35], first=2)  # V002 is on both lists: 0.45
    assert [w.to_list() for w in inspection_weeks([one, two], capacity=2)] == [[1, 2, 1], [1, 2]]


def test_no_alarm_and_no_vehicle_need_no_week() -> None:
    assert inspection_weeks([], capacity=5) == []
    assert inspection_weeks([vehicles([])], capacity=5)[0].to_list() == []


@given(risks, risks, st.integers(1, 9))
def test_all_are_scheduled_within_the_capacity_in_order_of_risk(a: list[float], b: list[float], capacity: int) -> None:
    lists = [vehicles(a), vehicles(b, first=500)]
    weeks = inspection_weeks(lists, capacity)
    rows = pl.concat([v.with_columns(week=w) for v, w in zip(lists, weeks, strict=True)])
    assert rows.height == len(a) + len(b) and rows["week"].null_count() == 0
    by_week = rows.group_by("week").len().sort("week")["len"].to_list()
    assert all(n == capacity for n in by_week[:-1]) and all(n <= capacity for n in by_week)
    assert rows.sort("week", "faults", descending=[False, True])["faults"].is_sorted(descending=True)
