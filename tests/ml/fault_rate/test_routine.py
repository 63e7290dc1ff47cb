"""Routine visits and odometer readings of a service history, checked by hand."""

from __future__ import annotations

import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import DataError
from ml.fault_rate.routine import ServiceHistory, build_service_history, steps

START = 19_000
AS_OF = (START + 400) * DAY


def fleet(**columns: list[object]) -> pl.DataFrame:
    """Two vehicles in service, one that has left, one that enters service later."""
    days = [START, START + 10, START, START + 500]
    table = {"vehicle_id": ["V1", "V2", "V3", "V4"], "entered_service_at": [d * DAY for d in days]}
    return pl.DataFrame({**table, "left_service_at": [None, None, (START + 300) * DAY, None], **columns})


def records(*lines: tuple[str, int, str | None, bool, float | None]) -> pl.DataFrame:
    """Lines of vehicle, days since the start, component, fault and reading."""
    table = pl.DataFrame(lines, schema=["vehicle_id", "day", "component", "fault", "odometer_km"], orient="row")
    return table.select(
        "vehicle_id", "component", "fault", pl.col("odometer_km").cast(pl.Float64),
        serviced_at=(START + pl.col("day")) * DAY,
    )  # fmt: skip


LINES = (
    ("V1", 100, "oil", False, 2_000.0),
    ("V1", 200, "brakes", True, 4_000.0),
    ("V1", 300, "oil", False, 6_000.0),
    ("V2", 100, "filter", False, None),
    ("V9", 100, "oil", False, 1.0),
)


def test_vehicles_visits_readings_and_gaps_by_hand() -> None:
    history = build_service_history(fleet(), records(*LINES), as_of=AS_OF)
    assert history.today == START + 400
    assert history.cars["vehicle_id"].to_list() == ["V1", "V2", "V3"]  # V4 has not entered service yet
    assert history.cars["in_service"].to_list() == [True, True, False]
    assert history.cars["entered"].to_list() == [START, START + 10, START]
    assert history.cars["model"].to_list() == [None, None, None]
    assert history.visits.rows() == [(0, START + 100, 2_000.0), (0, START + 300, 6_000.0), (1, START + 100, None)]
    assert history.readings.rows() == [(0, START + d, 20.0 * d) for d in (100, 200, 300)]
    assert history.gaps.rows() == [(0, 200, 4_000.0)]
    assert history.notes == ("left out: 1 record with a vehicle_id that is not in the fleet",)


def test_days_are_those_of_the_local_calendar() -> None:
    late = records(("V1", 100, "oil", False, None)).with_columns(pl.col("serviced_at") + 20 * DAY // 24)
    days = [
        build_service_history(fleet(), late, as_of=AS_OF, timezone=zone).visits["day"].item()
        for zone in ("UTC", "Asia/Shanghai")
    ]
    assert days == [START + 100, START + 101]


def test_only_listed_components_count_as_routine() -> None:
    history = build_service_history(fleet(), records(*LINES), as_of=AS_OF, components=["filter"])
    assert history.visits.rows() == [(1, START + 100, None)]
    assert history.readings.height == 3, "readings of all records count"


def test_records_reported_later_are_left_out() -> None:
    lines = records(*LINES)
    reported = lines.with_columns(
        reported_at=pl.when(pl.col("component") == "brakes").then(AS_OF).otherwise(pl.col("serviced_at"))
    )
    assert build_service_history(fleet(), reported, as_of=AS_OF).readings["day"].to_list() == [START + 100, START + 300]


def test_a_reading_that_contradicts_the_others_is_left_out_and_counted() -> None:
    wrong = ("V1", 250, "oil", False, 500_000.0)
    history: ServiceHistory = build_service_history(fleet(), records(*LINES[:4], wrong), as_of=AS_OF)
    assert history.readings["km"].to_list() == [2_000.0, 4_000.0, 6_000.0]
    assert any("1 odometer reading that contradicts" in note for note in history.notes)
    assert (0, START + 250, None) in history.visits.rows()


def test_records_without_fault_component_and_reading_are_all_routine() -> None:
    history = build_service_history(fleet(), records(*LINES[:4]).select("vehicle_id", "serviced_at"), as_of=AS_OF)
    assert history.visits.height == 4 and history.readings.is_empty() and history.visits["km"].null_count() == 4


def test_steps_do_not_cross_from_one_vehicle_to_the_next() -> None:
    rows = pl.DataFrame({"row": [0, 1, 1], "day": [5, 7, 10], "km": [None, 1.0, 4.0]})
    assert steps(rows).rows() == [(1, 3, 3.0)]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"as_of": (START + 50) * DAY}, "as_of: must be later than the first record, got 2022-02-27"),
        ({"components": ["belt"]}, "none of 4 records before 2023-02-12 is any of belt"),
    ],
)
def test_without_records_the_error_says_which_are_missing(arguments: dict[str, object], match: str) -> None:
    with pytest.raises(DataError, match=match):
        build_service_history(fleet(), records(*LINES[:4]), **{"as_of": AS_OF, **arguments})  # type: ignore[arg-type]


def test_a_fleet_out_of_service_is_refused() -> None:
    gone = fleet().with_columns(left_service_at=pl.lit((START + 1) * DAY))
    with pytest.raises(DataError, match="fleet: no vehicle of 4 is in service on 2023-02-12"):
        build_service_history(gone, records(*LINES), as_of=AS_OF)
