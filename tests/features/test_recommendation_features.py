"""Items, interactions, queries, relevant items and history: by hand, and equal on both engines."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features import recommendation as rec
from features.aggregations import DAY
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError

MINUTE = 60_000_000

VEHICLES = pl.DataFrame(
    {
        "vehicle_id": ["C1", "U1", "U2", "C2", "U3"],
        "kind": ["catalogue", "unit", "unit", "catalogue", "unit"],
        "condition": ["new", "used", "used", None, None],
        "model": ["A", "A", "A", None, None],
        "price": [9_000_000, 7_900_000, 8_000_000, None, None],
    }
)
EVENTS = pl.DataFrame(
    {
        "event_id": [f"e{i}" for i in range(9)],
        "event_at": [0, MINUTE, 2 * MINUTE, 3 * MINUTE, DAY, DAY + MINUTE, 2 * DAY, 2 * DAY, 40 * DAY],
        "event_type": ["impression", "view", "compare", "view", "view", "view", "order", "view", "view"],
        "customer_id": [None, None, None, None, "K", "K", "K", None, "K"],
        "visitor_id": ["W", "W", "W", "W", "W", "W", None, "X", "W"],
        "session_id": ["s1", "s1", "s1", "s1", "s2", "s2", None, "s3", "s4"],
        "vehicle_id": ["C1", "C1", "U1", "U1", "C1", "U2", "U2", "C1", "C1"],
        "store_id": ["S", "S", "S", "S", "S", "S", "S", None, "T"],
    }
)


def tables(**frames: pl.DataFrame) -> dict[str, Any]:
    return to_engine({n: f.lazy() for n, f in frames.items()})


def test_item_is_condition_model_and_price_band() -> None:
    items = collect(rec.vehicle_items(tables(vehicles=VEHICLES)))  # type: ignore[arg-type]
    assert dict(zip(items["vehicle_id"], items["item_id"], strict=True)) == {
        "C1": "new|A|8-10",
        "U1": "used|A|5-8",
        "U2": "used|A|8-10",
        "C2": "C2",  # a catalogue entry without attributes is its own item
        "U3": None,  # a single unit without attributes has no item
    }


def test_a_single_vehicle_is_refused_as_an_item() -> None:
    with pytest.raises(ConfigError, match="vin"):
        rec.vehicle_items(tables(vehicles=VEHICLES), parts=("model", "vin"))


def test_visitor_who_registers_is_one_person_throughout() -> None:
    choices = collect(rec.interactions(tables(events=EVENTS, vehicles=VEHICLES))).sort("event_at", "person_id")
    assert choices["person_id"].to_list() == ["K"] * 6 + ["X", "K"]
    assert choices["grade"].to_list() == [1, 2, 1, 1, 1, 5, 1, 1]  # the impression has no grade


def test_queries_are_starts_of_visits_and_second_choices() -> None:
    frames = tables(events=EVENTS, vehicles=VEHICLES)
    queries = collect(rec.visit_queries(frames, rec.interactions(frames))).sort("person_id", "as_of")
    assert queries.select("person_id", "as_of", "midway", "store_id").rows() == [
        ("K", 0, False, "S"),
        ("K", 2 * MINUTE, True, "S"),
        ("K", DAY, False, "S"),
        ("K", DAY + MINUTE, True, "S"),
        ("K", 40 * DAY, False, "T"),
        ("X", 2 * DAY, False, None),
    ]


def test_relevance_is_the_highest_grade_within_the_horizon_and_history_is_strictly_before() -> None:
    frames = tables(events=EVENTS, vehicles=VEHICLES)
    choices = rec.interactions(frames)
    queries = rec.visit_queries(frames, choices)
    relevant = collect(rec.relevant_items(queries, choices, horizon_days=2)).sort("as_of", "item_id")
    first = relevant.filter(pl.col("as_of") == 0)
    assert first.select("item_id", "grade").rows() == [
        ("new|A|8-10", 1.0),
        ("used|A|5-8", 2.0),
        ("used|A|8-10", 1.0),  # the order exactly two days later is outside
    ]
    before = collect(rec.history(queries, choices, lookback_days=365)).filter(pl.col("as_of") == DAY)
    assert sorted(before["age_us"].to_list()) == [DAY - 3 * MINUTE, DAY - 2 * MINUTE, DAY - MINUTE]


def test_events_at_or_after_the_query_do_not_change_its_history() -> None:
    later = EVENTS.with_columns(
        vehicle_id=pl.when(pl.col("event_at") >= DAY).then(pl.lit("U1")).otherwise(pl.col("vehicle_id")),
        event_type=pl.when(pl.col("event_at") >= DAY).then(pl.lit("order")).otherwise(pl.col("event_type")),
    )
    queries = tables(queries=pl.DataFrame({"person_id": ["K"], "as_of": [DAY]}))["queries"]

    def history(events: pl.DataFrame) -> list[tuple[Any, ...]]:
        choices = rec.interactions(tables(events=events, vehicles=VEHICLES))
        return sorted(collect(rec.history(queries, choices, lookback_days=365)).rows())

    assert history(EVENTS) == history(later) != []


def test_a_table_of_users_and_items_is_enough() -> None:
    events = pl.DataFrame(
        {"event_id": ["1", "2"], "event_at": [5, 9], "customer_id": ["u", "u"], "vehicle_id": ["a", "b"]}
    )
    frames = tables(events=events)
    choices = rec.interactions(frames)
    assert collect(choices).sort("event_at")["item_id"].to_list() == ["a", "b"]
    assert collect(rec.visit_queries(frames, choices)).sort("as_of")["as_of"].to_list() == [5, 9]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"event_id": ["1"], "event_at": [1], "customer_id": ["u"]}, "vehicle_id"),
        ({"event_id": ["1"], "event_at": [1], "vehicle_id": ["a"]}, "customer_id"),
    ],
)
def test_the_missing_column_is_named(events: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rec.interactions(tables(events=pl.DataFrame(events)))


def test_a_missing_events_table_is_named() -> None:
    with pytest.raises(DataError, match="events"):
        rec.interactions({})


@pytest.mark.spark
def test_spark_and_polars_agree(spark: object) -> None:
    def everything(engine: str) -> list[pl.DataFrame]:
        frames = to_engine({"events": EVENTS.lazy(), "vehicles": VEHICLES.lazy()}, engine)
        choices = rec.interactions(frames)
        queries = rec.visit_queries(frames, choices)
        parts = (
            choices,
            queries,
            rec.relevant_items(queries, choices, horizon_days=2),
            rec.history(queries, choices, lookback_days=9),
        )
        return [(items := collect(p)).sort(sorted(items.columns)) for p in parts]

    for ours, theirs in zip(everything("polars"), everything("spark"), strict=True):
        assert ours.rows() == theirs.select(ours.columns).rows()
