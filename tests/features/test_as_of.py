"""Rows that count as of a moment, their aggregations, and the values of entities without rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.aggregations import DAY, Aggregation, count, days_since, distinct, last, total
from features.as_of import History, add_histories, attributes_as_of, rows_before
from features.contracts import Table
from features.engines import collect, to_engine
from features.errors import DataError
from features.tables import EVENTS, LEADS, VEHICLES

NOW = 100 * DAY
TEXT = {"zh": "特征", "en": "feature"}


def events(*rows: tuple[Any, ...]) -> pl.LazyFrame:
    """Rows of (event_id, event_at, event_type, customer_id, vehicle_id, dwell_seconds)."""
    schema = {
        "event_id": pl.String,
        "event_at": pl.Int64,
        "event_type": pl.String,
        "customer_id": pl.String,
        "vehicle_id": pl.String,
        "dwell_seconds": pl.Float64,
    }
    return pl.LazyFrame(rows, schema=schema, orient="row")


def spine(*rows: tuple[str | None, int]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema={"customer_id": pl.String, "as_of": pl.Int64}, orient="row")


def visits(**aggregations: Aggregation) -> History:
    return History(EVENTS, on="customer_id", aggregations=aggregations)


def features_of(spine_rows: pl.LazyFrame, history: History, table: pl.LazyFrame) -> list[dict[str, Any]]:
    frames = to_engine({"spine": spine_rows, history.table.name: table})
    features = collect(add_histories(frames.pop("spine"), frames, [history]))
    return features.sort("customer_id", "as_of", nulls_last=True).to_dicts()


def one(aggregation: Aggregation, *rows: tuple[Any, ...], lookback_days: int | None = None) -> Any:
    """Return one feature of customer `a` as of NOW."""
    history = replace(visits(x=aggregation), lookback_days=lookback_days)
    return features_of(spine(("a", NOW)), history, events(*rows))[0]["x"]


def at(instant: int, *, id: str = "e1", kind: str | None = "view", vehicle: str | None = "v", dwell: Any = 1.0) -> Any:
    return (id, instant, kind, "a", vehicle, dwell)


def test_only_rows_strictly_before_count() -> None:
    rows = [at(NOW - 1, id="e1"), at(NOW, id="e2"), at(NOW + 1, id="e3")]
    assert one(count(**TEXT), *rows) == 1
    assert one(last("event_type", **TEXT), at(NOW - 1), at(NOW, id="e2", kind="order")) == "view"
    assert one(days_since(**TEXT), at(NOW)) is None


@pytest.mark.parametrize(("age", "counted"), [(1, 1), (7 * DAY, 1), (7 * DAY + 1, 0)])
def test_window_reaches_back_its_days_to_the_microsecond(age: int, counted: int) -> None:
    assert one(count(days=7, **TEXT), at(NOW - age)) == counted
    assert one(count(**TEXT), at(NOW - age), lookback_days=7) == counted


def test_rows_beyond_the_lookback_are_not_last_either() -> None:
    assert one(last("event_type", **TEXT), at(NOW - 8 * DAY), lookback_days=7) is None


def test_where_accepts_one_value_or_several_and_never_null() -> None:
    rows = [at(NOW - 1, id="e1"), at(NOW - 1, id="e2", kind="chat"), at(NOW - 1, id="e3", kind=None)]
    assert one(count(where={"event_type": ("view",)}, **TEXT), *rows) == 1
    assert one(count(where={"event_type": ("view", "chat")}, **TEXT), *rows) == 2
    assert one(count(where={"event_type": ("view",), "vehicle_id": ("other",)}, **TEXT), *rows) == 0


def test_total_sums_whole_seconds_and_ignores_missing_ones() -> None:
    rows = [at(NOW - 1, id="e1", dwell=2.9), at(NOW - 2, id="e2", dwell=3.0), at(NOW - 3, id="e3", dwell=None)]
    assert one(total("dwell_seconds", **TEXT), *rows) == 5.0
    assert one(total("dwell_seconds", days=1, where={"event_type": ("chat",)}, **TEXT), *rows) == 0.0


def test_distinct_counts_known_values_within_the_window() -> None:
    rows = [
        at(NOW - 1, id="e1", vehicle="v1"),
        at(NOW - 2, id="e2", vehicle="v1"),
        at(NOW - 3, id="e3", vehicle="v2"),
        at(NOW - 4, id="e4", vehicle=None),
        at(NOW - 9 * DAY, id="e5", vehicle="v3"),
    ]
    assert one(distinct("vehicle_id", days=7, **TEXT), *rows) == 2
    assert one(distinct("vehicle_id", **TEXT), *rows) == 3
    assert one(distinct("vehicle_id", **TEXT), at(NOW - 1, vehicle=None)) == 0


def test_days_since_the_latest_row_that_meets_the_condition() -> None:
    rows = [at(NOW - DAY, id="e1", kind="chat"), at(NOW - DAY // 2, id="e2")]
    assert one(days_since(**TEXT), *rows) == pytest.approx(0.5)
    assert one(days_since(where={"event_type": ("chat",)}, **TEXT), *rows) == pytest.approx(1.0)
    assert one(days_since(where={"event_type": ("order",)}, **TEXT), *rows) is None


def test_of_rows_at_one_instant_the_largest_key_is_last() -> None:
    rows = [at(NOW - 5, id="e9", kind="view"), at(NOW - 5, id="e10", kind="chat"), at(NOW - 6, id="e99", kind="order")]
    assert one(last("event_type", **TEXT), *rows) == "view"
    assert one(last("event_type", **TEXT), *reversed(rows)) == "view"
    assert one(last("event_type", **TEXT), at(NOW - 1, kind=None), at(NOW - 2, id="e2")) is None


def test_without_rows_counts_are_zero_and_features_of_a_null_entity_are_null() -> None:
    history = visits(
        n=count(**TEXT),
        seconds=total("dwell_seconds", **TEXT),
        days=days_since(**TEXT),
        kind=last("event_type", **TEXT),
    )
    feature_rows = features_of(
        spine(("b", NOW), (None, NOW)), history, events(at(NOW - 1), ("e2", 1, "view", None, "v", 1.0))
    )
    nothing = {"days": None, "kind": None}
    assert feature_rows == [
        {"customer_id": "b", "as_of": NOW, "n": 0, "seconds": 0.0, **nothing},
        {"customer_id": None, "as_of": NOW, "n": None, "seconds": None, **nothing},
    ]


def test_every_spine_row_has_the_features_of_its_own_moment() -> None:
    spine_rows = spine(("a", NOW), ("a", NOW), ("a", NOW - 1), ("b", NOW))
    feature_rows = features_of(
        spine_rows, visits(n=count(**TEXT), kind=last("event_type", **TEXT)), events(at(NOW - 1))
    )
    assert [row["n"] for row in feature_rows] == [0, 1, 1, 0]
    assert [row["kind"] for row in feature_rows] == [None, "view", "view", None]


def test_an_empty_table_or_spine_keeps_the_columns_and_their_types() -> None:
    history = visits(n=count(**TEXT), u=distinct("vehicle_id", **TEXT), kind=last("event_type", **TEXT))
    for spine_rows in (spine(("a", NOW)), spine()):
        tables = to_engine({"spine": spine_rows, "events": events()})
        features = collect(add_histories(tables.pop("spine"), tables, [history]))
        assert features.schema == {
            "customer_id": pl.String,
            "as_of": pl.Int64,
            "n": pl.Int64,
            "u": pl.Int64,
            "kind": pl.String,
        }
    assert features_of(spine(("a", NOW)), history, events())[0]["n"] == 0


def test_rows_with_the_same_value_as_the_spine_row_are_excluded() -> None:
    leads = pl.LazyFrame(
        {
            "lead_id": ["l1", "l2", "l3"],
            "created_at": [10, 20, 30],
            "customer_id": ["a"] * 3,
            "channel": ["x", "y", "z"],
        }
    )
    spine_rows = pl.LazyFrame({"customer_id": ["a", "a"], "lead_id": ["l2", "l3"], "as_of": [25, 31]})
    history = History(
        LEADS,
        on="customer_id",
        aggregations={"n": count(**TEXT), "where": last("channel", **TEXT)},
        excluding="lead_id",
    )
    assert [(r["lead_id"], r["n"], r["where"]) for r in features_of(spine_rows, history, leads)] == [
        ("l2", 1, "x"),
        ("l3", 2, "y"),
    ]


def test_features_of_missing_tables_and_columns_are_left_out() -> None:
    history = visits(n=count(**TEXT), kind=last("event_type", **TEXT), u=distinct("vehicle_id", **TEXT))
    spine_rows = nw.from_native(spine(("a", NOW)))
    table = events(at(NOW - 1))

    def columns(**tables: pl.LazyFrame) -> list[str]:
        return collect(add_histories(spine_rows, to_engine(tables), [history])).columns[2:]

    assert columns(events=table) == ["n", "u", "kind"]
    assert columns(events=table.drop("event_type")) == ["n", "u"]
    assert columns(events=table.drop("customer_id")) == []
    assert columns() == []


def test_a_column_with_the_name_of_a_feature_is_an_error() -> None:
    spine_rows = spine(("a", NOW)).with_columns(n=pl.lit(1))
    with pytest.raises(DataError, match="'n' has the name of a computed feature"):
        features_of(spine_rows, visits(n=count(**TEXT)), events())


def test_a_table_without_an_instant_has_no_history() -> None:
    history = History(
        Table("shops", VEHICLES.columns, ("vehicle_id",), None), on="store_id", aggregations={"n": count(**TEXT)}
    )
    with pytest.raises(DataError, match="shops: the table has no time column"):
        history.available_aggregations(["store_id"])


def test_rows_before_joins_each_moment_once() -> None:
    spine_rows, table = nw.from_native(spine(("a", NOW), ("a", NOW), (None, NOW))), nw.from_native(events(at(NOW - 3)))
    assert collect(rows_before(spine_rows, table, on="customer_id", time="event_at"))["age_us"].to_list() == [3]


LEAD = pl.LazyFrame(
    {
        "lead_id": ["l1"],
        "created_at": [50],
        "channel": ["app"],
        "own_column": [7],
        "converted_at": [90],
        "contact_count": [3],
    }
)


def attributes(as_of: int, *, leads: pl.LazyFrame = LEAD, lead: str = "l1") -> dict[str, Any]:
    tables = to_engine({"spine": pl.LazyFrame({"lead_id": [lead], "as_of": [as_of]}), "leads": leads})
    return collect(attributes_as_of(tables.pop("spine"), tables, LEADS)).to_dicts()[0]


def test_attributes_count_from_the_row_s_own_instant_and_without_outcomes() -> None:
    own = {"created_at": 50, "channel": "app", "own_column": 7}
    assert attributes(50) == {"lead_id": "l1", "as_of": 50, **own}
    assert attributes(60) == {"lead_id": "l1", "as_of": 60, **own}
    nothing = dict.fromkeys(own)
    assert attributes(49) == {"lead_id": "l1", "as_of": 49, **nothing}
    assert attributes(60, lead="l2") == {"lead_id": "l2", "as_of": 60, **nothing}


def test_attributes_of_undated_data_are_always_returned() -> None:
    assert attributes(0, leads=LEAD.drop("created_at")) == {
        "lead_id": "l1",
        "as_of": 0,
        "channel": "app",
        "own_column": 7,
    }


@pytest.mark.parametrize(
    ("spine_rows", "tables", "message"),
    [
        (pl.LazyFrame({"lead_id": ["l1"]}), {"leads": LEAD}, "spine: column 'as_of' for leads is missing"),
        (pl.LazyFrame({"as_of": [1]}), {"leads": LEAD}, "spine: column 'lead_id' for leads is missing"),
        (pl.LazyFrame({"lead_id": ["l1"], "as_of": [1.0]}), {"leads": LEAD}, "must be int64 microseconds.*Float64"),
        (pl.LazyFrame({"lead_id": ["l1"], "as_of": [1]}), {}, "leads: the table is missing"),
    ],
)
def test_a_wrong_spine_or_no_table_is_one_clear_error(
    spine_rows: pl.LazyFrame, tables: dict[str, pl.LazyFrame], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        attributes_as_of(nw.from_native(spine_rows), to_engine(tables), LEADS)


CUSTOMER = st.sampled_from(["a", "b", None])
INSTANT = st.integers(0, 12)
EVENT = st.tuples(
    INSTANT,
    st.sampled_from(["view", "chat", None]),
    CUSTOMER,
    st.sampled_from(["v1", "v2", None]),
    st.one_of(st.none(), st.floats(0, 100)),
)


@given(st.lists(EVENT, max_size=12), st.lists(st.tuples(CUSTOMER, INSTANT), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_features_equal_a_plain_loop(rows: list[Any], entities: list[Any]) -> None:
    """Instants are half days so that windows, ties and moments meet."""
    half = DAY // 2
    table = [(f"e{i:02}", instant * half, *rest) for i, (instant, *rest) in enumerate(rows)]
    history = replace(
        visits(
            n=count(**TEXT),
            views=count(days=2, where={"event_type": ("view",)}, **TEXT),
            seconds=total("dwell_seconds", days=3, **TEXT),
            vehicles=distinct("vehicle_id", days=3, **TEXT),
            days=days_since(where={"event_type": ("chat",)}, **TEXT),
            kind=last("event_type", **TEXT),
        ),
        lookback_days=4,
    )
    moments = [(customer, instant * half) for customer, instant in entities]
    feature_rows = features_of(spine(*moments), history, events(*table))
    expected = [_loop(customer, moment, table) for customer, moment in moments]
    order = sorted(expected, key=lambda r: (r["customer_id"] is None, r["customer_id"] or "", r["as_of"]))
    for mine, loop in zip(feature_rows, order, strict=True):
        assert mine.pop("days") == pytest.approx(loop.pop("days"))
        assert mine == loop


def _loop(customer: str | None, moment: int, table: list[Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"customer_id": customer, "as_of": moment}
    if customer is None:
        return answer | dict.fromkeys(("n", "views", "seconds", "vehicles", "days", "kind"))
    mine = [row for row in table if row[3] == customer and 0 < moment - row[1] <= 4 * DAY]
    recent = [row for row in mine if moment - row[1] <= 3 * DAY]
    chats = [moment - row[1] for row in mine if row[2] == "chat"]
    return answer | {
        "n": len(mine),
        "views": sum(1 for row in mine if row[2] == "view" and moment - row[1] <= 2 * DAY),
        "seconds": float(sum(int(row[5]) for row in recent if row[5] is not None)),
        "vehicles": len({row[4] for row in recent} - {None}),
        "days": min(chats) / DAY if chats else None,
        "kind": max(mine, key=lambda row: (row[1], row[0]))[2] if mine else None,
    }
