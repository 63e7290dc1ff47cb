"""Features for `recommendation`: graded interactions, queries, relevant items and history as of each query.

A used vehicle sells once, so a model fitted on single vehicles would know nothing about tomorrow's stock. Vehicles are
therefore grouped into *items* by their attributes: `item_id` joins condition, model and price band (`new|澄舟A3|8-10`).
A table without attributes (any table of users and items) uses `vehicle_id` as the item.

A *person* is the customer if the event names one, else the visitor; a visitor who registers at any time counts as that
customer in all events. A *query* is a person at an instant: the start of a visit, and again its second choice. The
items chosen within the horizon after a query are its relevant items.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import narwhals as nw

from features.aggregations import DAY
from features.as_of import AS_OF, rows_before
from features.errors import ConfigError, DataError

Frame = nw.LazyFrame[Any]
Frames = Mapping[str, Frame]

PERSON, ITEM, GRADE, BAND = "person_id", "item_id", "grade", "price_band"
ITEM_PARTS = ("condition", "model", BAND)
# Graded relevance of each event type. The ranker uses only their order; retrievers use them as weights.
GRADES: Mapping[str, float] = {
    "view": 1.0, "favourite": 2.0, "compare": 2.0, "price_list": 3.0, "finance_quote": 3.0, "chat": 3.0,
    "test_drive_request": 4.0, "test_drive": 4.0, "order": 5.0,
}  # fmt: skip
TEN_THOUSAND_YUAN = 1_000_000  # fen
PRICE_BANDS = (5.0, 8.0, 10.0, 12.0, 15.0, 18.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0, 80.0, 100.0)


def price_band(price: nw.Expr, edges: Sequence[float] = PRICE_BANDS) -> nw.Expr:
    """Return an expression for the price band: '8-10' means 80,000 <= price < 100,000 yuan; a null price gives null.

    Parameters
    ----------
    price : narwhals.Expr
        Price in fen, such as ``narwhals.col("price")``.
    edges : sequence of float
        Band edges in 10,000 yuan, ascending. The last band is open: '100+'.

    Returns
    -------
    narwhals.Expr
        Text, for use in `select` or `with_columns` of a Narwhals frame.

    Examples
    --------
    >>> import narwhals as nw
    >>> import polars as pl
    >>> cars = nw.from_native(pl.DataFrame({"price": [7_999_999, 8_000_000, 200_000_000, None]}))
    >>> cars.select(price_band(nw.col("price")).alias("band"))["band"].to_list()
    ['5-8', '8-10', '100+', None]
    """
    named: nw.Expr = nw.lit(f"{edges[-1]:g}+")
    for low, high in reversed(list(zip((0.0, *edges[:-1]), edges, strict=True))):
        named = nw.when(price < high * TEN_THOUSAND_YUAN).then(nw.lit(f"{low:g}-{high:g}")).otherwise(named)
    return nw.when(~price.is_null()).then(named)


def vehicle_items(
    tables: Frames, *, parts: Sequence[str] = ITEM_PARTS, edges: Sequence[float] = PRICE_BANDS
) -> Frame | None:
    """Add `item_id` and `price_band` to the `vehicles` table.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        Source tables, as returned by `features.engines.to_engine`; only `vehicles` is read (`price` in fen).
    parts : sequence of str
        Columns joined into `item_id`; columns missing from the table are skipped.
    edges : sequence of float
        Edges of the price bands in 10,000 yuan, ascending.

    Returns
    -------
    LazyFrame or None
        The columns of `vehicles` and `item_id`, `price_band` (str such as '8-10', in 10,000 yuan); None if there is no
        `vehicles` table. Where all `parts` are null, a catalogue entry gets its own `vehicle_id` as item and a single
        unit (`kind` 'unit') gets null.

    Raises
    ------
    ConfigError
        `parts` contains `vehicle_id` or `vin`, which identify single vehicles.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> cars = {"vehicle_id": ["v1", "v2"], "kind": ["unit"] * 2, "condition": ["used"] * 2, "model": ["A", None]}
    >>> items = vehicle_items(to_engine({"vehicles": pl.LazyFrame(cars | {"price": [9_000_000, None]})}))
    >>> collect(items).select("vehicle_id", "item_id").rows()
    [('v1', 'used|A|8-10'), ('v2', 'used')]
    """
    single = {"vehicle_id", "vin"} & set(parts)
    if single:
        raise ConfigError(
            f"params.item: '{single.pop()}' identifies one single vehicle, which sells once; list attributes that many "
            "vehicles share, such as condition, model and price_band"
        )
    if "vehicles" not in tables:
        return None
    vehicles = tables["vehicles"]
    names = vehicles.collect_schema().names()
    if "price" in names:
        vehicles = vehicles.with_columns(price_band(nw.col("price"), edges).alias(BAND))
        names = [*names, BAND]
    present = [p for p in parts if p in names]
    own_item = nw.col("vehicle_id")
    if "kind" in names:
        own_item = nw.when(nw.col("kind").fill_null("catalogue") != "unit").then(own_item)
    if not present:
        return vehicles.with_columns(own_item.alias(ITEM))
    joined = nw.concat_str([nw.col(p).cast(nw.String) for p in present], separator="|", ignore_nulls=True)
    all_null = nw.all_horizontal(*(nw.col(p).is_null() for p in present), ignore_nulls=False)
    return vehicles.with_columns(nw.when(all_null).then(own_item).otherwise(joined).alias(ITEM))


def interactions(
    tables: Frames,
    *,
    grades: Mapping[str, float] = GRADES,
    parts: Sequence[str] = ITEM_PARTS,
    edges: Sequence[float] = PRICE_BANDS,
) -> Frame:
    """Return graded interactions of persons with items: one row per event whose type has a grade.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        Source tables, as returned by `features.engines.to_engine`: `events`, and `vehicles` if available.
    grades : mapping of str to float
        Grade of each event type, such as ``{"view": 1.0}``; default: `features.recommendation.GRADES`. Event types
        without a grade (impressions, searches) are dropped. If `events` has no column `event_type`, every event has
        grade 1.
    parts : sequence of str
        Columns of `vehicles` joined into `item_id`; columns missing from the table are skipped.
    edges : sequence of float
        Edges of the price bands in 10,000 yuan, ascending.

    Returns
    -------
    LazyFrame
        `person_id`, `event_at` (int64, microseconds since 1970 UTC), `item_id`, `grade` (float64) and, if `events` has
        them, `session_id` and `store_id`.

    Raises
    ------
    DataError
        `events` is missing, or lacks `vehicle_id`, or has neither `customer_id` nor `visitor_id`.
    ConfigError
        `parts` contains `vehicle_id` or `vin`, which identify single vehicles.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> events = {"event_at": [5, 9], "customer_id": ["c", "c"], "vehicle_id": ["a", "b"]}
    >>> events["event_type"] = ["view", "search"]  # a search has no grade
    >>> collect(interactions(to_engine({"events": pl.LazyFrame(events)}))).rows()
    [('c', 5, 'a', 1.0)]
    """
    events, names = _people(tables)
    if "vehicle_id" not in names:
        raise DataError(
            "events: column 'vehicle_id' is missing, so no event is an interaction with a vehicle; map it in the "
            "sources file"
        )
    grade: nw.Expr = nw.lit(1.0)
    if "event_type" in names:
        grade = nw.lit(0.0)
        for kind, value in grades.items():
            grade = nw.when(nw.col("event_type") == kind).then(nw.lit(float(value))).otherwise(grade)
    events = events.filter(~nw.col("vehicle_id").is_null()).with_columns(grade.alias(GRADE)).filter(nw.col(GRADE) > 0)
    vehicles = vehicle_items(tables, parts=parts, edges=edges)
    if vehicles is None:
        events = events.with_columns(nw.col("vehicle_id").alias(ITEM))
    else:
        events = events.join(vehicles.select("vehicle_id", ITEM), on="vehicle_id", how="left")
    columns = [PERSON, "event_at", ITEM, GRADE, *(n for n in ("session_id", "store_id") if n in names)]
    return events.select(columns).filter(~nw.col(ITEM).is_null())


def _people(tables: Frames) -> tuple[Frame, Collection[str]]:
    """Return events with `person_id`, without events of nobody, and the column names of the source table."""
    if "events" not in tables:
        raise DataError("events: the table is missing; add its source to the sources file")
    events = tables["events"]
    names = events.collect_schema().names()
    who = [n for n in ("customer_id", "visitor_id") if n in names]
    if not who:
        raise DataError(
            "events: the table has neither 'customer_id' nor 'visitor_id'; map one of them in the sources file"
        )
    if len(who) == 1:
        person = nw.col(who[0])
    else:
        linked = events.filter(~nw.col("customer_id").is_null() & ~nw.col("visitor_id").is_null())
        registered = linked.group_by("visitor_id").agg(nw.col("customer_id").min().alias("registered_as"))
        events = events.join(registered, on="visitor_id", how="left")
        person = nw.coalesce(nw.col("customer_id"), nw.col("registered_as"), nw.col("visitor_id"))
    events = events.with_columns(person.alias(PERSON))
    return events.filter(~nw.col(PERSON).is_null()), names


def visit_queries(tables: Frames, choices: Frame) -> Frame:
    """Return the queries of every visit: one at its first event, one at its second choice.

    A visit is a `session_id`; if `events` has no such column, a person's UTC day.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        Source tables, as returned by `features.engines.to_engine`; only `events` is read.
    choices : LazyFrame
        `person_id`, `event_at` (int64, microseconds since 1970 UTC), `item_id` and `grade`, as returned by
        `features.recommendation.interactions`.

    Returns
    -------
    LazyFrame
        `person_id`, `as_of` (int64, microseconds since 1970 UTC), `midway` (bool: the query at the second choice) and,
        if `events` has it, `store_id` of the visit; in no fixed order.

    Raises
    ------
    DataError
        `events` is missing, or has neither `customer_id` nor `visitor_id`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> from features.recommendation import interactions
    >>> events = {"event_at": [5, 9], "customer_id": ["c", "c"], "vehicle_id": ["a", "b"], "session_id": ["s", "s"]}
    >>> tables = to_engine({"events": pl.LazyFrame(events)})
    >>> collect(visit_queries(tables, interactions(tables))).sort("as_of").rows()
    [('c', 5, False), ('c', 9, True)]
    """
    events, names = _people(tables)
    visit = "session_id" if "session_id" in names else "day"
    if visit == "day":
        events = events.with_columns((nw.col("event_at") // DAY).alias(visit))
        choices = choices.with_columns((nw.col("event_at") // DAY).alias(visit))
    events = events.filter(~nw.col(visit).is_null())
    store = [nw.col("store_id").max()] if "store_id" in names else []
    begins = events.group_by(PERSON, visit).agg(nw.col("event_at").min().alias(AS_OF), *store)
    queries = begins.with_columns(nw.lit(False).alias("midway"))
    choice_times = choices.select(PERSON, visit, "event_at")
    first = choice_times.group_by(PERSON, visit).agg(nw.col("event_at").min().alias("first_at"))
    later = choice_times.join(first, on=[PERSON, visit], how="inner").filter(nw.col("event_at") > nw.col("first_at"))
    second = later.group_by(PERSON, visit).agg(nw.col("event_at").min().alias(AS_OF))
    rest = begins.drop(AS_OF).join(second, on=[PERSON, visit], how="inner").with_columns(nw.lit(True).alias("midway"))
    queries = nw.concat([queries, rest.select(queries.collect_schema().names())])
    return queries.drop(visit).unique([PERSON, AS_OF], keep="any")


def relevant_items(queries: Frame, choices: Frame, *, horizon_days: float) -> Frame:
    """Return the relevant items of each query: items chosen within the horizon, with their highest grade.

    Parameters
    ----------
    queries : LazyFrame
        `person_id` and `as_of` (microseconds since 1970 UTC), as returned by
        `features.recommendation.visit_queries`.
    choices : LazyFrame
        `person_id`, `event_at` (int64, microseconds since 1970 UTC), `item_id` and `grade`, as returned by
        `features.recommendation.interactions`.
    horizon_days : float
        Length of the horizon in days: ``as_of <= event_at < as_of + horizon_days``.

    Returns
    -------
    LazyFrame
        `person_id`, `as_of` (microseconds since 1970 UTC), `item_id` and `grade`, one row per query and relevant item.

    Examples
    --------
    >>> import narwhals as nw
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> from features.recommendation import interactions, visit_queries
    >>> events = {"event_at": [5, 9], "customer_id": ["c", "c"], "vehicle_id": ["a", "b"]}
    >>> tables = to_engine({"events": pl.LazyFrame(events)})
    >>> choices = interactions(tables)
    >>> queries = visit_queries(tables, choices).filter(nw.col("as_of") == 9)
    >>> collect(relevant_items(queries, choices, horizon_days=7)).rows()
    [('c', 9, 'b', 1.0)]
    """
    pairs = queries.select(PERSON, AS_OF).join(choices.select(PERSON, "event_at", ITEM, GRADE), on=PERSON, how="inner")
    end = nw.col(AS_OF) + int(horizon_days * DAY)
    after = pairs.filter((nw.col("event_at") >= nw.col(AS_OF)) & (nw.col("event_at") < end))
    return after.group_by(PERSON, AS_OF, ITEM).agg(nw.col(GRADE).max())


def history(queries: Frame, choices: Frame, *, lookback_days: int) -> Frame:
    """Return each person's interactions strictly before each query.

    Parameters
    ----------
    queries : LazyFrame
        `person_id` and `as_of` (microseconds since 1970 UTC), as returned by
        `features.recommendation.visit_queries`.
    choices : LazyFrame
        `person_id`, `event_at` (int64, microseconds since 1970 UTC), `item_id` and `grade`, as returned by
        `features.recommendation.interactions`.
    lookback_days : int
        Interactions older than this many days before `as_of` are left out.

    Returns
    -------
    LazyFrame
        `person_id`, `as_of` (microseconds since 1970 UTC), `item_id`, `grade` and `age_us` (age at the query in
        microseconds, above 0), one row per query and earlier interaction.

    Examples
    --------
    >>> import narwhals as nw
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> from features.recommendation import interactions, relevant_items, visit_queries
    >>> events = {"event_id": ["1", "2"], "event_at": [5, 9], "customer_id": ["c", "c"], "vehicle_id": ["a", "b"]}
    >>> tables = to_engine({"events": pl.LazyFrame(events)})
    >>> choices = interactions(tables)
    >>> queries = visit_queries(tables, choices).filter(nw.col("as_of") == 9)
    >>> collect(history(queries, choices, lookback_days=1)).select("item_id", "age_us").rows()
    [('a', 4)]
    >>> collect(relevant_items(queries, choices, horizon_days=1)).select("item_id", "grade").rows()
    [('b', 1.0)]
    """
    rows = choices.select(PERSON, "event_at", ITEM, GRADE)
    earlier = rows_before(queries, rows, on=PERSON, time="event_at", lookback_days=lookback_days)
    return earlier.select(PERSON, AS_OF, ITEM, GRADE, "age_us")
