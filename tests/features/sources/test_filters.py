"""Filters on source rows, and the number of rows that each leaves out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from features.sources.filters import column_values, count_filtered, filter_rows, row_filters
from features.sources.table_source import TableSource

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


def test_each_row_is_counted_by_the_first_filter_that_leaves_it_out() -> None:
    source = TableSource(csv="x.csv", only={"kind": ["used", None]}, drop={"code": [3, 4], "kind": ["new"]})
    counts = count_filtered(ROWS, row_filters(source, ROWS.collect_schema()))
    assert (counts.rows_read, counts.rows_left, counts.rows_left_out) == (4, 1, 3)
    assert counts.notes == (
        "1 row whose `kind` is not 'used' or null was left out by `only`",
        "2 rows whose `code` is 3 or 4 were left out by `drop`",
        "0 rows whose `kind` is 'new' were left out by `drop`",
    )


def test_many_values_are_shortened_in_a_note() -> None:
    source = TableSource(csv="x.csv", only={"code": list(range(1, 9))})
    (row_filter,) = row_filters(source, ROWS.collect_schema())
    assert row_filter.which == "whose `code` is not one of 8 values (1, 2, ...)"


def test_the_values_of_a_column_are_shown_only_if_it_is_a_category() -> None:
    assert column_values(ROWS, "kind") == "'used', 'new', null"
    names = pl.LazyFrame({"name": [f"person {i}" for i in range(30)], "code": list("abcdefghij") * 3})
    assert column_values(names, "name") == "" and column_values(names, "code") == "'a', 'b', 'c', 'd', 'e', ..."
