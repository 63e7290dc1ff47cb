"""Rows that `only` and `drop` leave."""

from __future__ import annotations

from typing import Any

import polars as pl

from features.sources.config import TableSource
from features.sources.filters import filtered

ROWS = pl.LazyFrame({"kind": ["new", "used", None, "used"], "code": [1, 2, 3, 4]})


def codes(rows: pl.LazyFrame = ROWS, **parts: Any) -> list[int]:
    return filtered(rows, TableSource(csv="x.csv", **parts)).collect()["code"].to_list()


def test_only_keeps_what_is_listed_and_drop_leaves_it_out() -> None:
    assert codes(only={"kind": ["used"]}) == [2, 4] == codes(drop={"kind": ["new", None]})
    assert codes(only={"kind": ["used"]}, drop={"code": ["4"]}) == [2]
    assert codes(only={"kind": [None]}) == [3]


def test_a_column_that_is_not_there_filters_nothing() -> None:
    assert codes(only={"colour": ["red"]}, drop={"shape": ["round"]}) == [1, 2, 3, 4]


def test_categories_and_columns_without_a_value_are_matched_as_text() -> None:
    rows = ROWS.with_columns(pl.col("kind").cast(pl.Categorical), nothing=pl.lit(None))
    assert codes(rows, only={"kind": ["new"]}) == [1] and codes(rows, only={"nothing": [None]}) == [1, 2, 3, 4]
