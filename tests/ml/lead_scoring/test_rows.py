"""Derived columns of a lead, checked by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from features.aggregations import DAY
from ml.domain.columns.derived_columns import check_derivation
from ml.lead_scoring.rows import DERIVED, with_form, with_time_of_day


def us(text: str) -> int:
    return int((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def test_hours_and_weekdays_are_those_of_china() -> None:
    created = us("2024-06-02T23:30:00+08:00")  # a Sunday there, and still Sunday afternoon in UTC
    late = us("2024-06-02T23:30:00+00:00")  # Monday morning in China
    rows = with_time_of_day(pl.DataFrame({"created_at": [created, late, None], "as_of": [created, late + DAY, 5]}))
    assert rows["created_hour"].to_list()[:2] == [23.0, 7.0] and rows["created_weekday"].to_list()[:2] == [6.0, 0.0]
    assert rows["lead_age_days"].to_list()[:2] == [0.0, 1.0] and rows["created_hour"].is_nan().to_list()[2]


def test_what_is_left_out_of_a_form_is_counted_and_an_empty_text_is_a_value() -> None:
    form = pl.DataFrame({"city": [None, "x"], "age": [None, 3]})
    rows = with_form(form, fields=["city", "age"], texts=["city"])
    assert rows.rows() == [("(empty)", None, 2.0), ("x", 3, 0.0)]
    assert with_form(form, fields=[], texts=["city"]).equals(form)


def test_what_is_derived_is_declared_rightly() -> None:
    for name, declaration in DERIVED.items():
        ((operation, arguments),) = declaration.items()
        check_derivation(name, operation, arguments)
