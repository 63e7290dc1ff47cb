"""Features of leads: events, other leads and purchases of the customer strictly before each time of the spine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from features.aggregations import DAY
from features.engines import collect, to_engine
from features.errors import DataError
from features.lead_scoring import HISTORIES, build
from features.tables import EVENTS, LEADS, SALES
from tests.features.pandera_schema import pandera_schema

NOW = 400 * DAY
COLUMNS = {"lead_id", "as_of"}
FEATURES = {name for history in HISTORIES for name in history.aggregations}


def tables() -> dict[str, pl.DataFrame]:
    """Return tables in which c1 has a lead after visits, another lead and a purchase; c2 has one lead."""
    events = [
        ("e1", NOW - 366 * DAY, "order", "c1", "s0", "v9", "M9", "app", 5.0),
        ("e2", NOW - 60 * DAY, "view", "c1", "s1", "v1", "M1", "website", 30.5),
        ("e3", NOW - 20 * DAY, "compare", "c1", "s2", "v2", "M1", "website", 12.0),
        ("e4", NOW - 3 * DAY, "view", "c1", "s3", "v2", "M1", "app", None),
        ("e5", NOW - 2 * DAY, "price_list", "c1", "s3", "v3", "M2", "app", 8.9),
        ("e6", NOW - DAY, "test_drive_request", "c1", "s3", "v3", "M2", "app", 4.0),
        ("e7", NOW - DAY, "chat", "c1", "s3", None, None, "social", None),
        ("e8", NOW, "order", "c1", "s4", "v3", "M2", "phone", 1.0),
        ("e9", NOW - DAY, "view", None, "s5", "v1", "M1", "app", 9.0),
    ]
    names = ["event_id", "event_at", "event_type", "customer_id", "session_id", "vehicle_id", "model", "channel"]
    leads = [
        ("l1", NOW, "c1", "walk_in", "M2", 12_000_000, 8.5, NOW + DAY),
        ("l2", NOW - 100 * DAY, "c1", "website", "M1", 9_000_000, 8.5, None),
        ("l3", NOW - 10 * DAY, "c2", "app", "M1", 9_000_000, None, None),
        ("l4", NOW - 10 * DAY, None, "phone", "M1", 9_000_000, 3.0, None),
    ]
    sales = [("o1", NOW - 90 * DAY, "c1", 8_800_000), ("o2", NOW + DAY, "c1", 11_000_000)]
    return {
        "events": pl.DataFrame(events, schema=[*names, "dwell_seconds"], orient="row"),
        "leads": pl.DataFrame(
            leads,
            schema=[
                "lead_id",
                "created_at",
                "customer_id",
                "channel",
                "model",
                "price",
                "distance_km",
                "converted_at",
            ],
            orient="row",
        ),
        "sales": pl.DataFrame(sales, schema=["sale_id", "sold_at", "customer_id", "price"], orient="row"),
    }


def built(raw: Mapping[str, pl.DataFrame], *rows: tuple[str, int]) -> pl.DataFrame:
    spine = pl.LazyFrame(list(rows), schema={"lead_id": pl.String, "as_of": pl.Int64}, orient="row")
    frames = to_engine({"spine": spine, **{n: f.lazy() for n, f in raw.items()}})
    return collect(build(frames.pop("spine"), frames)).sort("lead_id", "as_of")


def row(lead: str, as_of: int, raw: Mapping[str, pl.DataFrame] | None = None) -> dict[str, Any]:
    return built(raw or tables(), (lead, as_of)).to_dicts()[0]


def test_example_tables_keep_their_contracts() -> None:
    for table in (EVENTS, LEADS, SALES):
        pandera_schema(table).validate(tables()[table.name])


def test_history_before_the_creation_of_a_lead() -> None:
    lead = row("l1", NOW)
    expected = {
        "channel": "walk_in",
        "model": "M2",
        "price": 12_000_000,
        "distance_km": 8.5,
        "events_7d": 4,
        "events_30d": 5,
        "events_90d": 6,
        "views_7d": 1,
        "views_90d": 2,
        "compares_7d": 0,
        "compares_30d": 1,
        "price_lists_7d": 1,
        "test_drive_requests_7d": 1,
        "chats_7d": 1,
        "dwell_seconds_7d": 12.0,
        "dwell_seconds_30d": 24.0,
        "dwell_seconds_90d": 54.0,
        "sessions_90d": 3,
        "vehicles_90d": 3,
        "models_90d": 2,
        "last_event_type": "chat",
        "last_event_channel": "social",
        "other_leads": 1,
        "other_leads_90d": 0,
        "purchases": 1,
        "purchases_fen": 8_800_000.0,
    }
    assert {name: lead[name] for name in expected} == expected
    days = {"days_since_visit": 1, "days_since_contact": 1, "days_since_other_lead": 100, "days_since_purchase": 90}
    assert {name: lead[name] for name in days} == pytest.approx(days)


def test_a_later_score_includes_the_rows_since() -> None:
    lead = row("l1", NOW + 2 * DAY)
    assert (lead["last_event_type"], lead["days_since_visit"]) == ("order", 2.0)
    assert (lead["purchases"], lead["purchases_fen"]) == (2, 19_800_000.0)
    assert lead["other_leads"] == 1


def test_a_customer_without_history_has_zeros_and_a_lead_without_customer_has_nulls() -> None:
    alone, anonymous = row("l3", NOW), row("l4", NOW)
    for name in FEATURES:
        is_null = name.startswith(("days_since", "last_event"))
        assert alone[name] == (None if is_null else 0), name
        assert anonymous[name] is None, name
    assert anonymous["channel"] == "phone"


def test_before_its_creation_all_columns_of_a_lead_are_null() -> None:
    assert {v for n, v in row("l1", NOW - 1).items() if n not in COLUMNS} == {None}


def test_columns_are_those_of_the_lead_and_every_aggregation_and_no_outcome() -> None:
    columns = built(tables(), ("l1", NOW)).columns
    own = ["created_at", "customer_id", "channel", "model", "price", "distance_km"]
    assert columns[:8] == ["lead_id", "as_of", *own]
    assert set(columns[8:]) == FEATURES
    assert all(a.zh and a.en for history in HISTORIES for a in history.aggregations.values())


def test_one_row_per_spine_row_and_one_by_one_equals_the_batch() -> None:
    spine = [("l1", NOW), ("l1", NOW + 2 * DAY), ("l2", NOW), ("l3", NOW), ("l4", NOW), ("unknown", NOW)]
    batch = built(tables(), *spine)
    assert batch.equals(pl.concat([built(tables(), one) for one in spine]).sort("lead_id", "as_of"))
    assert built(tables(), *spine, *spine).height == 2 * len(spine)


def _later(time: str) -> pl.Expr:
    """Select rows at or after NOW, except for the lead of the spine itself: l1 was created at NOW."""
    return (pl.col(time) >= NOW) & ~(pl.col("lead_id") == "l1" if time == LEADS.time else pl.lit(False))


def _altered(frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """Change every value of those rows except keys and times, so that they would change features that used them."""
    links = {time, "customer_id", *EVENTS.key, *LEADS.key, *SALES.key}
    others = {n: pl.col(n) + 1 if t.is_numeric() else pl.lit("view") for n, t in frame.schema.items() if n not in links}
    return frame.with_columns(pl.when(_later(time)).then(v).otherwise(n).alias(n) for n, v in others.items())


@pytest.mark.parametrize("change", ["altered", "dropped", "repeated"])
def test_no_row_at_or_after_as_of_changes_a_feature(change: str) -> None:
    raw = tables()
    raw["leads"] = pl.concat([raw["leads"], raw["leads"].head(1).with_columns(lead_id=pl.lit("l5"))])
    changed = {}
    for table in (EVENTS, LEADS, SALES):
        frame, time = raw[table.name], str(table.time)
        later = _later(time)
        again = frame.filter(later).with_columns(pl.col(table.key[0]) + "x", pl.col(time) + 1)
        changed[table.name] = {
            "altered": _altered(frame, time),
            "dropped": frame.filter(~later),
            "repeated": pl.concat([frame, again]),
        }[change]
        assert not changed[table.name].equals(frame)
    spine = [("l1", NOW), ("l2", NOW), ("l3", NOW), ("l4", NOW), ("l2", NOW - 50 * DAY)]
    assert built(raw, *spine).equals(built(changed, *spine))


def test_outcome_columns_of_the_lead_change_nothing() -> None:
    raw = tables()
    other = raw | {"leads": raw["leads"].with_columns(converted_at=pl.lit(NOW - DAY), contact_count=pl.lit(9))}
    assert built(raw, ("l1", NOW), ("l2", NOW)).equals(built(other, ("l1", NOW), ("l2", NOW)))


def test_empty_events_and_missing_tables() -> None:
    raw = tables()
    lead = row("l1", NOW, raw | {"events": raw["events"].clear()})
    assert (lead["events_90d"], lead["days_since_visit"], lead["purchases"]) == (0, None, 1)
    lead = row("l1", NOW, {"leads": raw["leads"]})
    assert "events_90d" not in lead
    assert "purchases" not in lead
    assert lead["other_leads"] == 1


def test_leads_without_time_have_no_history_at_all() -> None:
    raw = tables()
    timeless = row("l1", 0, raw | {"leads": raw["leads"].drop("created_at")})
    assert timeless["channel"] == "walk_in"
    assert not set(timeless) & FEATURES


def test_extra_columns_are_kept_unless_they_have_the_name_of_an_aggregation() -> None:
    raw = tables()
    assert row("l1", NOW, raw | {"leads": raw["leads"].with_columns(weather=pl.lit("rain"))})["weather"] == "rain"
    with pytest.raises(DataError, match="'views_7d' has the name of a computed feature"):
        row("l1", NOW, raw | {"leads": raw["leads"].with_columns(views_7d=pl.lit(1))})
