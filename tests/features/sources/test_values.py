"""Source values as members of a list, and mapped."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError
from features.sources.table_source import TableSource
from features.sources.values import filter_rows, is_listed, map_values


def column(values: list[Any], dtype: Any = None) -> tuple[pl.Expr, pl.DataType]:
    series = pl.Series(values, dtype=dtype)
    return pl.lit(series), series.dtype


def listed(values: list[Any], names: list[Any]) -> list[bool]:
    return pl.select(is_listed(*column(values), names)).to_series().to_list()


def test_numbers_match_their_texts_and_none_matches_missing_values() -> None:
    assert listed([5, 6, None], ["5", 7]) == [True, False, False]
    assert listed(["5.0", "x", None], [5, "x"]) == [True, True, False]
    assert listed([5, None], [None]) == [False, True] and listed([5, None], [6]) == [False, False]
    assert listed([True, False], [True]) == [True, False] == listed([True, False], ["1"])
    assert listed([dt.date(9999, 12, 31), None], ["9999-12-31 00:00:00"]) == [True, False]


def test_a_map_turns_values_into_texts_and_leaves_the_others_empty() -> None:
    by_text = map_values(*column(["no", " yes", "?"]), {"no": False, "yes": 1.0}, field="map")
    assert pl.select(by_text).to_series().to_list() == ["false", "1", None]
    spelled = map_values(*column(["1.0", "2", "x", "3.50"]), {1: "one", 2: None, 3.5: "half"}, field="map")
    assert pl.select(spelled).to_series().to_list() == ["one", None, None, "half"]
    days = column([dt.date(9999, 12, 31), dt.date(2024, 1, 1)])
    assert pl.select(map_values(*days, {"9999-12-31 00:00": "open"}, field="map")).to_series().to_list() == [
        "open",
        None,
    ]
    by_number = map_values(*column([1.0, 2.0, None]), {"1": "one", 2: None}, field="map")
    assert pl.select(by_number).to_series().to_list() == ["one", None, None]
    with pytest.raises(ConfigError, match=r"map: key `A` is no number, but the source column is Int64"):
        map_values(*column([1]), {"A": "x"}, field="map")


ROWS = pl.LazyFrame({"kind": ["new", "used", None, "used"], "code": [1, 2, 3, 4]})


def test_days_are_filtered_however_they_are_written() -> None:
    ends = pl.LazyFrame({"code": [1, 2], "end": [dt.datetime(9999, 12, 31), dt.datetime(2024, 1, 1)]})
    assert codes(ends, drop={"end": ["9999-12-31"]}) == [2]


def codes(rows: pl.LazyFrame = ROWS, **parts: Any) -> list[int]:
    return filter_rows(rows, TableSource(csv="x.csv", **parts)).collect()["code"].to_list()


def test_only_selects_listed_values_and_drop_excludes_them() -> None:
    assert codes(only={"kind": ["used"]}) == [2, 4] == codes(drop={"kind": ["new", None]})
    assert codes(only={"kind": ["used"]}, drop={"code": ["4"]}) == [2]
    assert codes(only={"kind": [None]}) == [3]


def test_a_column_that_is_not_there_filters_nothing() -> None:
    assert codes(only={"colour": ["red"]}, drop={"shape": ["round"]}) == [1, 2, 3, 4]


def test_categories_and_columns_without_a_value_are_matched_as_text() -> None:
    rows = ROWS.with_columns(pl.col("kind").cast(pl.Categorical), nothing=pl.lit(None))
    assert codes(rows, only={"kind": ["new"]}) == [1] and codes(rows, only={"nothing": [None]}) == [1, 2, 3, 4]
