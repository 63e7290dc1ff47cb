"""Faults of a model without a vehicle, compared with the fleet by model and model year."""

from __future__ import annotations

import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import DataError
from ml.fault_rate.counted import build_model_exposure, models_with_years, with_build, with_models
from ml.fault_rate.model_years import UNKNOWN_BUILD, build_of_model_year

FLEET = pl.DataFrame(
    {
        "vehicle_id": ["V", "W", "X"],
        "model": ["A", "A", "B"],
        "model_year": [2020, 2021, 2021],
        "entered_service_at": [0, 0, 7 * DAY],
    }
)
RECORDS = pl.DataFrame(
    {
        "model": ["A", "A", "B", "C", "A"],
        "model_year": [2020, 2021, None, 2021, 2019],
        "component": "brakes",
        "fault": True,
        "count": [5, 2, 4, 9, 1],
        "serviced_at": [1 * DAY, 8 * DAY, 8 * DAY, 8 * DAY, 8 * DAY],
    }
)


def test_counts_meet_the_vehicles_of_their_model_and_year() -> None:
    exposure = build_model_exposure(FLEET, RECORDS, as_of=14 * DAY, since=0)
    assert exposure.build_axis == "model_year"
    builds = [build_of_model_year(2020), build_of_model_year(2021), UNKNOWN_BUILD]  # B has no year in the records
    assert exposure.strata.select("model", "build").rows() == list(zip("AAB", builds, strict=True))
    assert (exposure.at_risk * 365.25).round(6).tolist() == [[7, 7], [7, 7], [0, 7]]
    assert exposure.counts(0).tolist() == [[5, 0], [0, 2], [0, 4]]
    assert "left out: 10 faults of a model, model year or month without exposure" in exposure.notes


def test_without_years_all_vehicles_of_the_model_count() -> None:
    exposure = build_model_exposure(FLEET.drop("model_year"), RECORDS, as_of=14 * DAY, since=0)
    assert exposure.build_axis == "quarter"
    assert (exposure.at_risk * 365.25).round(6).tolist() == [[14, 14], [0, 7]]
    assert exposure.counts(0).tolist() == [[5, 3], [0, 4]]


def test_no_fault_of_a_model_in_the_fleet_is_an_error() -> None:
    with pytest.raises(DataError, match=r"no fault is of a model with an exposure .*spell model and model_year alike"):
        build_model_exposure(FLEET, RECORDS.filter(model="C"), as_of=14 * DAY, since=0)


def test_models_and_years_of_two_tables() -> None:
    assert models_with_years(FLEET, RECORDS) == {"A"}
    assert with_build(RECORDS, frozenset())["build"].unique().to_list() == [UNKNOWN_BUILD]
    records = pl.DataFrame({"vehicle_id": ["V", "X", None], "model": [None, "own", None]})
    assert with_models(records, FLEET)["model"].to_list() == ["A", "own", None]
    assert with_models(RECORDS, FLEET) is RECORDS
