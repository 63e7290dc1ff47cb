"""Source values as members of a list, and mapped."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError
from features.sources.values import is_listed, map_values


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
