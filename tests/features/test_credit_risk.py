"""Features of applications as submitted, and labels of loans."""

from __future__ import annotations

import polars as pl

from features.credit_risk import build, build_spine
from features.engines import collect, to_engine

TABLES = {
    "applications": pl.LazyFrame(
        {
            "application_id": ["A", "B", "C"],
            "submitted_at": [1, 2, 3],
            "loan_amount": [10, 20, 30],
            "visits": [7, 8, 9],
            "decision": ["approve", "decline", "approve"],
            "decided_at": [5, 6, 7],
        }
    ),
    "loan_outcomes": pl.LazyFrame({"application_id": ["A", "C", "X"], "defaulted": [True, None, False]}),
}


def test_only_loans_with_a_known_outcome_are_labelled() -> None:
    tables = to_engine(TABLES, "polars")
    assert collect(build_spine(tables)).rows() == [("A", 1, 1)]
    timeless = {**TABLES, "applications": TABLES["applications"].drop("submitted_at")}
    assert collect(build_spine(to_engine(timeless, "polars"))).rows() == [("A", 0, 1)]


def test_own_columns_come_along_and_what_was_filled_in_later_does_not() -> None:
    tables = to_engine(TABLES, "polars")
    spine = to_engine({"s": pl.LazyFrame({"application_id": ["B", "none"], "as_of": [2, 2]})}, "polars")["s"]
    rows = collect(build(spine, tables)).sort("application_id")
    assert rows.columns == ["application_id", "as_of", "submitted_at", "loan_amount", "visits"]
    assert rows.rows() == [("B", 2, 2, 20, 8), ("none", 2, None, None, None)]
