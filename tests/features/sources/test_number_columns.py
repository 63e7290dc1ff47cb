"""Readings of a table's columns of numbers in text."""

from __future__ import annotations

from typing import Any

import polars as pl

from features.sources import ExtraFeatures, TableSource
from features.sources.column_mapping import map_columns
from features.sources.number_columns import NumberColumns, learn_columns
from features.sources.numbers import CONTINENTAL
from features.tables import VEHICLES


def learn(data: dict[str, list[Any]], columns: dict[str, Any], numeric: tuple[str, ...] = ()) -> NumberColumns:
    source = TableSource(csv="a.csv", columns={"vehicle_id": {"row_number": True}, **columns})
    extra = ExtraFeatures(numeric=numeric)
    mapping = map_columns(VEHICLES, source, [*data], extra=extra, undated=True, file="sources.yaml")
    return learn_columns(pl.LazyFrame(data), mapping, VEHICLES)


def test_each_column_of_numbers_in_text_has_its_own_reading() -> None:
    data = {
        "mileage_km": ["12.345 km", "8.000,5 km"],
        "seats": ["5", "7"],
        "power_kw": [110.0, 85.5],
        "brand": ["a", "b"],
    }
    columns = learn(data, {})
    assert set(columns.readings) == {"mileage_km", "seats"} and columns.readings["seats"] is None
    reading = columns.readings["mileage_km"]
    assert reading is not None and reading.marks == CONTINENTAL and "km" in reading.units
    assert columns.notes == (
        "column `mileage_km` (mileage_km): 2 numbers with marks are read, such as '12.345 km' as 12345",
    )


def test_a_map_has_its_own_numbers_and_values_of_nulls_prove_nothing() -> None:
    data = {"s": ["1,5", "2"], "p": ["-", "12.5"]}
    mapped = learn(data, {"seats": {"from": "s", "map": {"1,5": 2, "2": 2}}, "power_kw": {"from": "p", "nulls": ["-"]}})
    assert mapped.readings == {"power_kw": None} and mapped.notes == ()


def test_categories_are_read_as_text_and_extra_features_have_no_unit() -> None:
    data = {"power": pl.Series(["90 kW", "70 kW"], dtype=pl.Categorical), "range": ["400 km", "300 km"]}
    columns = learn(data, {"power_kw": "power"}, numeric=("range",))
    assert "such as '70 kW' as 70" in columns.notes[0] and len(columns.notes) == 1
