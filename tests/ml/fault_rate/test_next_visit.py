"""Next routine visit from a vehicle's own gaps, and exits from the fleet, computed by hand."""

from __future__ import annotations

import polars as pl
import pytest

from features.aggregations import DAY
from ml.fault_rate.next_visit import fleet_exits, next_routine_visits


def records(*lines: tuple[str, int, bool | None, str | None]) -> pl.DataFrame:
    rows = [(v, day * DAY, fault, component) for v, day, fault, component in lines]
    schema = {"vehicle_id": pl.String, "serviced_at": pl.Int64, "fault": pl.Boolean, "component": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


CARS = pl.DataFrame({"vehicle_id": ["V", "W", "X"], "entered": [0, 0, 380]})


def next_days(*lines: tuple[str, int, bool | None, str | None], day: int = 400) -> dict[str, int | None]:
    return dict(next_routine_visits(CARS, records(*lines), day=day).iter_rows())


def test_own_gaps_are_shrunk_towards_the_mean_gap() -> None:
    """V has gaps of 100 and 100, W one of 250: the mean is 150. V's gap is (200 + 150) / 3, W's (250 + 150) / 2."""
    oil = [("V", 100, False, "oil"), ("V", 200, False, "oil"), ("V", 300, False, "oil"),
           ("W", 50, False, "oil"), ("W", 300, None, None), ("Z", 1, False, "oil")]  # fmt: skip
    # V: 300 + 116.67 = 416.67; W: 300 + 200; X has no visit and counts from day 380: 380 + 150.
    assert next_days(*oil) == {"V": 417, "W": 500, "X": 530}


def test_a_missed_service_is_followed_by_the_next_turn_and_faults_are_no_service() -> None:
    """Due on day 300, today is day 400: the service after it falls on day 500. A repair on day 390 changes nothing."""
    lines = [("V", 0, False, "oil"), ("V", 100, False, "oil"), ("V", 200, False, "oil"), ("V", 390, True, "brakes"),
             ("W", 100, False, "oil"), ("W", 200, False, "oil"), ("W", 200, False, None)]  # fmt: skip
    assert next_days(*lines) == {"V": 500, "W": 500, "X": 480}


def test_without_two_visits_of_a_vehicle_no_visit_is_predicted() -> None:
    assert next_days(("V", 100, False, "oil"), ("W", 100, True, "brakes")) == {"V": None, "W": None, "X": None}


def test_exits_count_from_the_first_record() -> None:
    """Two years of records; one vehicle is built two years before them and leaves after one, one left before them."""
    year = round(365.25 * DAY)
    fleet = pl.DataFrame(
        {
            "entered_service_at": [0, 0, None, 3 * year],
            "built_at": [0, 0, 0, None],
            "left_service_at": [3 * year, year, None, 9 * year],
        }
    )
    exits, years = fleet_exits(fleet, pl.DataFrame({"serviced_at": [2 * year, 3 * year]}), as_of=4 * year)
    assert exits.tolist() == [0, 1, 0, 0, 0, 0]
    assert years.tolist() == pytest.approx([1, 1, 0, 0, 0, 0], rel=1e-6)
    none, _ = fleet_exits(fleet, pl.DataFrame(schema={"serviced_at": pl.Int64}), as_of=4 * year)
    assert none.sum() == 0
