"""Vehicles in service: their strata and vehicle-years."""

from __future__ import annotations

import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import DataError
from ml.fault_rate.fleet import cars_with_strata, fleet_notes, vehicle_years, with_optional_columns


def test_distance_bands_have_equally_many_vehicles() -> None:
    fleet = pl.DataFrame(
        {"vehicle_id": list("abcde"), "model": "A", "entered_service_at": 0, "monthly_km": [100, 200, 300, 400, None]}
    )
    cars, limits = cars_with_strata(fleet, as_of=10 * DAY, bands=2)
    assert limits.tolist() == [250.0] and cars["distance_band"].to_list() == [0, 0, 1, 1, -1]
    assert cars["left_service_at"].to_list() == [10 * DAY] * 5
    with pytest.raises(DataError, match="none of 5 vehicles has a vehicle_id, a model"):
        cars_with_strata(fleet, as_of=0, bands=2)


def test_months_count_in_the_week_of_their_end() -> None:
    cars = pl.DataFrame({"entered_service_at": [10 * DAY], "left_service_at": [200 * DAY], "stratum": [0]})
    years = vehicle_years(cars, 1, first_day=0.0, weeks=9, monthly=True) * 365.25
    assert years.round(6).tolist() == [[0, 0, 0, 0, 21, 0, 0, 0, 28]]  # January from day 10 on, and February


def test_missing_columns_are_null() -> None:
    assert fleet_notes(with_optional_columns(pl.DataFrame({"vehicle_id": ["V"], "entered_service_at": [0]}))) == [
        "left out: 1 of 1 vehicles of fleet, without a model"
    ]
