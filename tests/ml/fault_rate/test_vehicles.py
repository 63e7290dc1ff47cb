"""Vehicles in service and their ranking for inspection, computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import ModelNotFound
from ml.fault_rate.baseline_rates import BaselineRates, combinations
from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.vehicles import (
    MONTH_DAYS,
    Vehicles,
    baseline_faults,
    slice_edges,
    vehicle_rows,
    vehicles_in_service,
)  # fmt: skip

START = 19_000
AS_OF = (START + 400) * DAY


@pytest.fixture
def vehicles() -> Vehicles:
    """V1 has two visits, one with a fault, V2 none; V3 has left, V4 has no model, V5 enters service later."""
    fleet = pl.DataFrame(
        {
            "vehicle_id": ["V2", "V1", "V3", "V4", "V5"],
            "model": ["B", "A", "A", None, "A"],
            "built_at": [None, (START - 30) * DAY, START * DAY, START * DAY, START * DAY],
            "entered_service_at": [d * DAY for d in (START + 10, START, START, START, START + 400)],
            "left_service_at": [None, None, AS_OF, None, None],
            "monthly_km": [None, 600.0, 600.0, 600.0, 600.0],
        }
    )
    records = pl.DataFrame(
        {
            "vehicle_id": ["V1", "V1", "V1", None],
            "serviced_at": [(START + d) * DAY for d in (100, 200, 390, 10)],
            "reported_at": [(START + d) * DAY for d in (101, 201, 400, 11)],
            "component": ["oil", "brakes", "brakes", "pump"],
            "fault": [False, True, True, True],
            "odometer_km": [2_000.0, 4_000.0, 7_800.0, 1.0],
        }
    )
    return vehicles_in_service(fleet, records, as_of=AS_OF)


def test_vehicles_in_service_with_last_visit_odometer_and_faults(vehicles: Vehicles) -> None:
    assert vehicles.day == START + 400
    first, second = vehicles.frame.to_dicts()
    # The visit of day 390 is reported on as_of itself and left out. 200 days at 600 km a month follow.
    assert first == {
        "vehicle_id": "V1", "model": "A", "energy_type": None, "built": START - 30, "monthly_km": 600.0,
        "visit": START + 200, "next_visit": None, "km": pytest.approx(4_000 + 200 / MONTH_DAYS * 600),
    }  # fmt: skip
    assert (second["vehicle_id"], second["built"]) == ("V2", START + 10)
    assert (second["visit"], second["km"], second["monthly_km"]) == (None, None, None)
    assert vehicles.faults.rows() == [(0, "brakes", START + 200)]


def test_vehicle_rows_are_built_from_a_day_and_before_another(vehicles: Vehicles) -> None:
    assert vehicle_rows(vehicles, "A", (None, None)).tolist() == [0]
    assert vehicle_rows(vehicles, "A", (START - 30, START - 29)).tolist() == [0]
    assert vehicle_rows(vehicles, "A", (START - 29, None)).tolist() == []
    assert vehicle_rows(vehicles, "A", (None, START - 30)).tolist() == []
    assert vehicle_rows(vehicles, "Z", (None, None)).tolist() == []


def usual(rate: float) -> BaselineRates:
    """One rate for every age, distance and month; B has no brakes."""
    return BaselineRates(
        components=("brakes",), distance_limits=np.array([1_000.0]), rates=np.full((1, len(combinations(2))), rate),
        seasonal=True, pairs=(("A", ""), ("B", "")), component_present=np.array([[True, False]]),
        model_kinds=("constant",),
        deviance=np.ones((1, 3)),
    )  # fmt: skip


def test_baseline_faults_are_rate_times_time(vehicles: Vehicles) -> None:
    faults = baseline_faults(vehicles, np.array([0, 1]), "brakes", usual(0.5), edges=np.array([0.0, 30.0, 100.0]))
    assert faults == pytest.approx(0.5 / YEAR_DAYS * np.array([[30.0, 70.0], [0.0, 0.0]]))


def test_baseline_faults_follow_age_and_season_or_those_of_another_vehicle(vehicles: Vehicles) -> None:
    """Rates rise with age and are higher in one month; slices of a quarter mix their months."""
    rates = usual(0.0)
    table = combinations(2)
    by_age = rates.rates + 0.1 * table[:, 0] + 0.3 * (table[:, 2] == 0)  # age band; January
    seasonal = replace(rates, rates=by_age)
    edges = np.array([0.0, 365.25])
    young, old = (
        baseline_faults(vehicles, np.array([0]), "brakes", seasonal, edges=edges, built=np.array([float(built)]))[0, 0]
        for built in (START + 390, START - 5_000)
    )
    assert old > young
    # A slice of a year has three moments, none of them in January here; monthly slices see it.
    months = baseline_faults(vehicles, np.array([0]), "brakes", seasonal, edges=slice_edges(365.25))
    flat = baseline_faults(
        vehicles, np.array([0]), "brakes", replace(rates, rates=rates.rates + 0.1 * table[:, 0]),
        edges=slice_edges(365.25),
    )  # fmt: skip
    assert (months - flat).sum() == pytest.approx(0.3 / 12, rel=0.15)


def test_arrays_restore_vehicles_and_a_missing_array_is_named(vehicles: Vehicles) -> None:
    arrays = vehicles.to_arrays()
    again = Vehicles.from_arrays(arrays)
    assert again.day == vehicles.day and again.faults.equals(vehicles.faults)
    assert again.frame.drop("km").equals(vehicles.frame.drop("km"))
    assert again.frame["km"].to_list() == pytest.approx(vehicles.frame["km"].to_list(), rel=1e-6)
    assert again.exit_years.tolist() == vehicles.exit_years.tolist() and again.exits.sum() == 1
    del arrays["fault_day"]
    with pytest.raises(ModelNotFound, match="fault_day"):
        Vehicles.from_arrays(arrays)


def test_a_fleet_without_records_round_trips() -> None:
    fleet = pl.DataFrame({"vehicle_id": ["V1"], "model": ["A"], "entered_service_at": [START * DAY]})
    empty = pl.DataFrame(
        schema={"vehicle_id": pl.String, "serviced_at": pl.Int64, "component": pl.String, "fault": pl.Boolean}
    )
    unseen = vehicles_in_service(fleet, empty, as_of=AS_OF)
    assert unseen.frame.row(0) == ("V1", "A", None, START, None, None, None, None) and unseen.faults.is_empty()
    again = Vehicles.from_arrays(unseen.to_arrays())
    assert again.frame.equals(unseen.frame) and again.exits.tolist() == [0] * 6
