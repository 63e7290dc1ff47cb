"""Features of used cars as listed: their age, without their price."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features.engines import collect, to_engine
from features.residual_value import MONTH, build, build_spine

CARS = {
    "vehicle_id": ["V1", "V2", "V3", "V4"],
    "kind": ["unit", "catalogue", "unit", None],
    "condition": ["used", "used", "new", None],
    "listed_at": [30 * 12 * MONTH, 1, 1, 30 * 12 * MONTH],
    "first_registered_at": [28 * 12 * MONTH, None, None, None],
    "model_year": [1990, None, None, 1999],
    "mileage_km": [40_000.0, None, None, 9_000.0],
    "price": [100_050, 1, 1, 50_000],
    "cost": [1, 1, 1, 1],
}


def rows_of(cars: dict[str, list[Any]]) -> pl.DataFrame:
    tables = to_engine({"vehicles": pl.LazyFrame(cars)}, "polars")
    return collect(build(build_spine(tables).drop("label"), tables)).sort("vehicle_id")


def test_used_vehicles_with_a_price_are_labelled_in_yuan() -> None:
    tables = to_engine({"vehicles": pl.LazyFrame(CARS)}, "polars")
    assert collect(build_spine(tables)).sort("vehicle_id").select("vehicle_id", "label").rows() == [
        ("V1", 1000.5), ("V4", 500.0),
    ]  # fmt: skip


def test_age_is_counted_from_the_registration_else_from_the_model_year() -> None:
    rows = rows_of(CARS)
    assert rows.columns == ["vehicle_id", "as_of", "listed_at", "first_registered_at", "mileage_km", "age_months"]
    assert rows["age_months"].to_list() == [pytest.approx(24.0), pytest.approx(12.0)]
    young = {**CARS, "first_registered_at": [31 * 12 * MONTH, None, None, None]}
    assert rows_of(young)["age_months"].to_list()[0] == 0.0


def test_a_stated_age_stays_and_a_missing_one_is_computed() -> None:
    assert rows_of({**CARS, "age_months": [5.0] * 4})["age_months"].to_list() == [5.0, 5.0]
    partly = {**CARS, "age_months": [5.0, None, None, None]}
    assert rows_of(partly)["age_months"].to_list() == [5.0, pytest.approx(12.0)]
    timeless = {n: v for n, v in CARS.items() if n != "listed_at"}
    rows = rows_of(timeless)
    assert "age_months" not in rows.columns and rows["model_year"].to_list() == [1990, 1999]
