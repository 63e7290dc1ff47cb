"""Rows without a label are counted by reason, each row once."""

from __future__ import annotations

import polars as pl

from training.studies.row_counts import interaction_notes, label_notes


def test_vehicles_are_counted_by_the_first_reason_that_applies():
    rows = {
        "vehicle_id": list("abcdefg"),
        "kind": ["unit", "catalogue", "unit", "unit", None, "unit", "unit"],
        "condition": ["used", "new", "new", "used", "used", "used", None],
        "price": [900, 900, None, None, 0, 900, 900],
        "listed_at": [1, 1, 1, 1, None, None, 1],
    }
    assert label_notes("vehicles", {"vehicles": pl.LazyFrame(rows)}) == [
        "vehicles: 2 of 7 rows are used vehicles with a price; left out: 1 catalogue entry, 1 new vehicle, "
        "2 without a price, 1 without `listed_at`"
    ]


def test_loans_that_are_still_observed_are_counted():
    frames = {"loan_outcomes": pl.LazyFrame({"application_id": list("abc"), "defaulted": [True, None, False]})}
    assert label_notes("applications", frames) == [
        "loan_outcomes: 2 of 3 rows have a known outcome; left out: 1 whose `defaulted` is not known yet"
    ]


def test_leads_that_bought_before_they_were_created_are_counted():
    rows = {"lead_id": ["a", "b"], "created_at": [5, 5], "converted_at": [4, None]}
    assert label_notes("leads", {"leads": pl.LazyFrame(rows)}) == [
        "leads: 1 of 2 rows can be labelled; left out: 1 whose `converted_at` is before `created_at`"
    ]
    assert label_notes("leads", {"leads": pl.LazyFrame(rows).drop("converted_at")}) == []


def test_nothing_is_said_where_no_row_is_left_out():
    frames = {"vehicles": pl.LazyFrame({"vehicle_id": ["a"], "price": [900]})}
    assert label_notes("vehicles", frames) == label_notes("sales", frames) == []


def test_events_are_counted_by_the_first_reason_for_which_they_are_no_interaction():
    rows = {
        "event_type": ["view", "view", "search", None, "view", "order"],
        "vehicle_id": ["v", None, None, None, "v", "v"],
        "customer_id": ["c", "c", "c", None, None, None],
        "visitor_id": [None, "w", None, None, None, "w"],
    }
    assert interaction_notes(pl.LazyFrame(rows), ["view", "order"]) == [
        "events: 2 of 6 rows are interactions; left out: 1 without event_type, 1 whose event_type has no grade, "
        "1 without vehicle_id, 1 without customer_id and visitor_id"
    ]
    complete = pl.LazyFrame(rows).head(1)
    assert interaction_notes(complete, ["view"]) == []
