"""Faults and vehicles in service before a moment, by hand."""

from __future__ import annotations

import polars as pl
import pytest

from features.engines import collect, to_engine
from features.errors import DataError
from features.fault_rate import RECENT, WEEK, build, examples

FLEET = pl.LazyFrame(
    {
        "vehicle_id": ["V", "W", "X"],
        "model": ["A", "A", "B"],
        "entered_service_at": [1, 2 * RECENT, 1],
        "left_service_at": [None, None, 5],
    }
)
RECORDS = pl.LazyFrame(
    {
        "vehicle_id": ["V", "V", "V", "W", "X", "Z", None],
        "component": ["brakes"] * 6 + [None],
        "fault": [True, True, False, True, True, True, True],
        "serviced_at": [3, 2 * RECENT - 1, 4, 2 * RECENT, 4, 4, 4],
    }
)
TABLES = {"fleet": FLEET, "service_records": RECORDS}


def test_faults_and_vehicles_count_strictly_before_the_moment() -> None:
    tables = to_engine(TABLES, "polars")
    spine = pl.LazyFrame({"model": ["A", "B"], "component": ["brakes"] * 2, "as_of": [2 * RECENT, 5]})
    rows = collect(build(to_engine({"s": spine}, "polars")["s"], tables)).sort("model")
    assert rows.columns[3:] == ["faults_before", "faults_91_days", "vehicles_in_service"]
    assert rows.rows() == [("A", "brakes", 2 * RECENT, 2.0, 1.0, 1.0), ("B", "brakes", 5, 1.0, 1.0, 1.0)]


def test_a_week_with_a_fault_is_an_example_with_their_number() -> None:
    weeks = collect(examples(to_engine(TABLES, "polars"), None)).sort("model", "as_of")
    last = 2 * RECENT // WEEK * WEEK
    assert weeks.rows() == [
        ("A", "brakes", 0, 1.0), ("A", "brakes", last - WEEK, 1.0), ("A", "brakes", last, 1.0), ("B", "brakes", 0, 1.0),
    ]  # fmt: skip
    with pytest.raises(DataError, match="fleet: the table is missing"):
        examples(to_engine({"service_records": RECORDS}, "polars"), None)
