"""Facts for `recommendation`: who chose among which kinds of vehicle, how strongly, and what had been looked at before.

People choose among models, price bands and conditions, not among chassis numbers: a used car is one unit that sells
once, and what is learnt about that one unit is lost with it. So a vehicle stands for its *item*: its attributes put
together (`new|澄舟A3|8-10`). Where a table has no attributes at all (any table of users and items), the item is
`vehicle_id` itself.

A *person* is the customer where known, else the visitor; a visitor who ever registered is that customer throughout. A
*question* is a person at the begin of a visit, and again once the visit has got going: which items are wanted next?
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
# What a click is worth beside an order: only the order of the numbers matters to the ranker.
GRADES: Mapping[str, float] = {
    "view": 1.0, "favourite": 2.0, "compare": 2.0, "price_list": 3.0, "finance_quote": 3.0, "chat": 3.0,
    "test_drive_request": 4.0, "test_drive": 4.0, "order": 5.0,
}  # fmt: skip
TEN_THOUSAND_YUAN = 1_000_000  # fen
PRICE_BANDS = (5.0, 8.0, 10.0, 12.0, 15.0, 18.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0, 80.0, 100.0)


def price_band(price: nw.Expr, edges: Sequence[float] = PRICE_BANDS) -> nw.Expr:
    """Name the band of a price (fen): '8-10' is from 80,000 up to, not including, 100,000 yuan; null stays null.

    Parameters
    ----------
    price : narwhals.Expr
        Fen.
    edges : sequence of float
        Ascending, in 10,000 yuan.

    Examples
    --------
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
    """The item each vehicle stands for, beside its attributes.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `vehicles` where there are any.
    parts : sequence of str
        Columns that make up an item; those that the table lacks are passed over.
    edges : sequence of float
        Of the price bands.

    Returns
    -------
    LazyFrame or None
        `vehicle_id`, `item_id` and the columns of `vehicles`, with `price_band`; None without the table. A vehicle
        that has none of the parts is its own item, unless it is a single unit: then its item is null.

    Raises
    ------
    ConfigError
        `parts` names a single vehicle.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> cars = {"vehicle_id": ["v1", "v2"], "kind": ["unit"] * 2, "condition": ["used"] * 2, "model": ["A", None]}
    >>> found = vehicle_items(to_engine({"vehicles": pl.LazyFrame(cars | {"price": [9_000_000, None]})}))
    >>> collect(found).select("vehicle_id", "item_id").rows()
    [('v1', 'used|A|8-10'), ('v2', 'used')]
    """
    single = {"vehicle_id", "vin"} & set(parts)
    if single:
        raise ConfigError(
            f"params.item: '{single.pop()}' is one single vehicle, which sells once; name attributes of it"
        )
    if "vehicles" not in tables:
        return None
    vehicles = tables["vehicles"]
    names = vehicles.collect_schema().names()
    if "price" in names:
        vehicles = vehicles.with_columns(price_band(nw.col("price"), edges).alias(BAND))
        names = [*names, BAND]
    present = [p for p in parts if p in names]
    own = nw.col("vehicle_id")
    if "kind" in names:
        own = nw.when(nw.col("kind").fill_null("catalogue") != "unit").then(own)
    if not present:
        return vehicles.with_columns(own.alias(ITEM))
    joined = nw.concat_str([nw.col(p).cast(nw.String) for p in present], separator="|", ignore_nulls=True)
    nothing = nw.all_horizontal(*(nw.col(p).is_null() for p in present), ignore_nulls=False)
    return vehicles.with_columns(nw.when(nothing).then(own).otherwise(joined).alias(ITEM))


def interactions(
    tables: Frames,
    *,
    grades: Mapping[str, float] = GRADES,
    parts: Sequence[str] = ITEM_PARTS,
    edges: Sequence[float] = PRICE_BANDS,
) -> Frame:
    """Who did what with which item: every event that says something about a choice.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `events`, and `vehicles` where there are any.
    grades : mapping of str to float
        Strength of each event type; others (impressions, searches) are no choice and are left out. A table without
        `event_type` has strength 1 throughout.
    parts, edges
        As in `vehicle_items`.

    Returns
    -------
    LazyFrame
        `person_id`, `event_at` (us), `item_id`, `grade` and, where events have them, `session_id` and `store_id`.

    Raises
    ------
    DataError
        `events` lacks the vehicle, or names nobody.
    """
    events, names = _people(tables)
    if "vehicle_id" not in names:
        raise DataError(
            "events: column 'vehicle_id' is missing, so nobody chose anything; map it in configs/sources.yaml"
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
    kept = [PERSON, "event_at", ITEM, GRADE, *(n for n in ("session_id", "store_id") if n in names)]
    return events.select(kept).filter(~nw.col(ITEM).is_null())


def _people(tables: Frames) -> tuple[Frame, Collection[str]]:
    """Events with `person_id`, those of nobody left out, and their column names."""
    if "events" not in tables:
        raise DataError("events: the table is missing; name its source in configs/sources.yaml")
    events = tables["events"]
    names = events.collect_schema().names()
    who = [n for n in ("customer_id", "visitor_id") if n in names]
    if not who:
        raise DataError(
            "events: neither 'customer_id' nor 'visitor_id' is there; map one of them in configs/sources.yaml"
        )
    if len(who) == 1:
        person = nw.col(who[0])
    else:
        both = events.filter(~nw.col("customer_id").is_null() & ~nw.col("visitor_id").is_null())
        known = both.group_by("visitor_id").agg(nw.col("customer_id").min().alias("known_as"))
        events = events.join(known, on="visitor_id", how="left")
        person = nw.coalesce(nw.col("customer_id"), nw.col("known_as"), nw.col("visitor_id"))
    events = events.with_columns(person.alias(PERSON))
    return events.filter(~nw.col(PERSON).is_null()), names


def questions(tables: Frames, chosen: Frame) -> Frame:
    """When somebody was to be shown something: the begin of each visit, and its second choice.

    A visit is a session; where the table has none, a day (UTC) of a person.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `events`.
    chosen : LazyFrame
        From `interactions`.

    Returns
    -------
    LazyFrame
        `person_id`, `as_of` (us), `midway` (bool) and, where events have it, `store_id` of the visit.
    """
    events, names = _people(tables)
    visit = "session_id" if "session_id" in names else "day"
    if visit == "day":
        events = events.with_columns((nw.col("event_at") // DAY).alias(visit))
        chosen = chosen.with_columns((nw.col("event_at") // DAY).alias(visit))
    events = events.filter(~nw.col(visit).is_null())
    store = [nw.col("store_id").max()] if "store_id" in names else []
    begins = events.group_by(PERSON, visit).agg(nw.col("event_at").min().alias(AS_OF), *store)
    asked = begins.with_columns(nw.lit(False).alias("midway"))
    choices = chosen.select(PERSON, visit, "event_at")
    first = choices.group_by(PERSON, visit).agg(nw.col("event_at").min().alias("first_at"))
    later = choices.join(first, on=[PERSON, visit], how="inner").filter(nw.col("event_at") > nw.col("first_at"))
    second = later.group_by(PERSON, visit).agg(nw.col("event_at").min().alias(AS_OF))
    rest = begins.drop(AS_OF).join(second, on=[PERSON, visit], how="inner").with_columns(nw.lit(True).alias("midway"))
    asked = nw.concat([asked, rest.select(asked.collect_schema().names())])
    return asked.drop(visit).unique([PERSON, AS_OF], keep="any")


def wanted(asked: Frame, chosen: Frame, *, horizon_days: float) -> Frame:
    """What each question turned out to be about: the strongest grade of every item chosen next.

    Parameters
    ----------
    asked : LazyFrame
        `person_id` and `as_of` (us).
    chosen : LazyFrame
        From `interactions`.
    horizon_days : float
        Choices from `as_of` on, up to so many days later.

    Returns
    -------
    LazyFrame
        `person_id`, `as_of`, `item_id`, `grade`.
    """
    pairs = asked.select(PERSON, AS_OF).join(chosen.select(PERSON, "event_at", ITEM, GRADE), on=PERSON, how="inner")
    end = nw.col(AS_OF) + int(horizon_days * DAY)
    after = pairs.filter((nw.col("event_at") >= nw.col(AS_OF)) & (nw.col("event_at") < end))
    return after.group_by(PERSON, AS_OF, ITEM).agg(nw.col(GRADE).max())


def history(asked: Frame, chosen: Frame, *, lookback_days: int) -> Frame:
    """What each person had chosen strictly before the question.

    Returns
    -------
    LazyFrame
        `person_id`, `as_of`, `item_id`, `grade` and `age_us` (us, above 0), one row per choice.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> events = {"event_id": ["1", "2"], "event_at": [5, 9], "customer_id": ["c", "c"], "vehicle_id": ["a", "b"]}
    >>> tables = to_engine({"events": pl.LazyFrame(events)})
    >>> chosen = interactions(tables)
    >>> asked = questions(tables, chosen).filter(nw.col("as_of") == 9)
    >>> collect(history(asked, chosen, lookback_days=1)).select("item_id", "age_us").rows()
    [('a', 4)]
    >>> collect(wanted(asked, chosen, horizon_days=1)).select("item_id", "grade").rows()
    [('b', 1.0)]
    """
    rows = chosen.select(PERSON, "event_at", ITEM, GRADE)
    found = rows_before(asked, rows, on=PERSON, time="event_at", lookback_days=lookback_days)
    return found.select(PERSON, AS_OF, ITEM, GRADE, "age_us")
