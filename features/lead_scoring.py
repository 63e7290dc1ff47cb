"""Facts for `lead_scoring`: the lead, what its customer did on the way to it, and what they did before that.

A lead may be scored when it comes in (`as_of` is its own `created_at`) and again at any later moment; each score is
reproducible, because only rows strictly before its `as_of` count. The customer is read from the lead itself: a lead
without one has no history to speak of, and its facts are null rather than zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from features import as_of
from features.aggregations import DAY, DAYS_PER_MICROSECOND, Aggregation, count, days_since, distinct, last, total
from features.as_of import AS_OF, History
from features.engines import collect
from features.errors import DataError
from features.tables import CUSTOMERS, EVENTS, LEADS, SALES

WINDOWS = (7, 30, 90)
LOOKBACK_DAYS = 365
CONTACT = ("finance_quote", "chat", "test_drive_request", "test_drive", "order")
COUNTED = {
    "views": ("view", "浏览车辆", "vehicle views"),
    "searches": ("search", "搜索", "searches"),
    "favourites": ("favourite", "收藏", "favourites"),
    "compares": ("compare", "对比车辆", "comparisons"),
    "price_lists": ("price_list", "索取报价单", "price lists asked for"),
    "finance_quotes": ("finance_quote", "金融方案试算", "finance quotes"),
    "chats": ("chat", "在线咨询", "chats"),
    "test_drive_requests": ("test_drive_request", "预约试驾", "test drives asked for"),
}


def _window(days: int) -> dict[str, Aggregation]:
    """What the customer did in the last `days` days, by kind of event."""
    zh, en = f"近{days}天", f"in the last {days} days"
    facts = {f"events_{days}d": count(days=days, zh=f"{zh}全部行为次数", en=f"events of any kind {en}")}
    for name, (kind, text_zh, text_en) in COUNTED.items():
        where = {"event_type": (kind,)}
        facts[f"{name}_{days}d"] = count(days=days, where=where, zh=f"{zh}{text_zh}次数", en=f"{text_en} {en}")
    facts[f"dwell_seconds_{days}d"] = total(
        "dwell_seconds", days=days, zh=f"{zh}停留时长(秒)", en=f"seconds on pages {en}"
    )
    return facts


VISITS = History(
    EVENTS,
    on="customer_id",
    lookback_days=LOOKBACK_DAYS,
    aggregations={
        **{name: fact for days in WINDOWS for name, fact in _window(days).items()},
        "sessions_90d": distinct("session_id", days=90, zh="近90天访问次数", en="visits in the last 90 days"),
        "vehicles_90d": distinct("vehicle_id", days=90, zh="近90天关注车辆数", en="vehicles seen in the last 90 days"),
        "models_90d": distinct("model", days=90, zh="近90天关注车型数", en="models seen in the last 90 days"),
        "days_since_visit": days_since(zh="距上次访问天数", en="days since the last visit"),
        "days_since_contact": days_since(
            where={"event_type": CONTACT}, zh="距上次主动联系天数", en="days since the customer last got in touch"
        ),
        "last_event_type": last("event_type", zh="最近一次行为", en="what the customer did last"),
        "last_event_channel": last("channel", zh="最近一次行为渠道", en="where the customer was seen last"),
    },
)

OTHER_LEADS = History(
    LEADS,
    on="customer_id",
    excluding="lead_id",
    aggregations={
        "other_leads": count(zh="此前其他线索数", en="other leads of the customer so far"),
        "other_leads_90d": count(days=90, zh="近90天其他线索数", en="other leads in the last 90 days"),
        "days_since_other_lead": days_since(zh="距上一条线索天数", en="days since the customer's other lead"),
    },
)

PURCHASES = History(
    SALES,
    on="customer_id",
    aggregations={
        "purchases": count(zh="此前购车次数", en="purchases so far"),
        "purchases_fen": total("price", zh="此前购车金额(分)", en="paid for purchases so far (fen)"),
        "days_since_purchase": days_since(zh="距上次购车天数", en="days since the last purchase"),
    },
)

HISTORIES = (VISITS, OTHER_LEADS, PURCHASES)
BAND = ("budget_low", "budget_high")
OUTCOME_COLUMNS = ("first_contact_at", "gross_margin")
Tables = Mapping[str, nw.LazyFrame[Any]]


def build_spine(tables: Tables, params: Any) -> nw.LazyFrame[Any]:
    """Leads at the moments they are scored, and what became of them within the horizon.

    A lead is scored when it comes in and, to learn from, again some days later while it is still open. Its label says
    whether it buys within the horizon from that moment; at its creation that is "converted within H days of creation".

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `leads` with `created_at` and `converted_at`; or with `converted` alone, where nothing is known of when.
    params : model
        Its `horizon_days`, and `rescore_days`: days after creation.

    Returns
    -------
    LazyFrame
        `lead_id`, `as_of` (us; 0 where the data has no time), `label` (1 = bought; null where the horizon is not over
        by the end of the data), `known_at` (us: the purchase, else the end of the horizon), `is_test_row` (at
        creation), and, where it can be given, `first_contact_at`, `gross_margin` and `first_channel`.

    Raises
    ------
    DataError
        `leads` says nothing of conversion, or the horizon is longer than the data.
    """
    leads = tables["leads"]
    names = leads.collect_schema().names()
    if "converted_at" not in names and "converted" not in names:
        raise DataError("leads: neither 'converted_at' nor 'converted' is there; map one of them in the sources")
    if LEADS.time not in names:
        return _timeless(leads, names)
    horizon = int(params.horizon_days * DAY)
    end = _end(tables, params.horizon_days)
    moments = [_at(leads, names, 0)]
    if "converted_at" in names:  # without it nobody knows whether a lead was still open later
        moments += [_at(leads, names, int(day * DAY)) for day in sorted(set(params.rescore_days))]
    spine = nw.concat(moments) if len(moments) > 1 else moments[0]
    over = nw.col(AS_OF) + horizon
    if "converted_at" in names:
        bought = (nw.col("converted_at") - nw.col(AS_OF) <= horizon).fill_null(nw.lit(False))
        known = nw.when(bought).then(nw.col("converted_at")).otherwise(over)
        sane = nw.col("converted_at").is_null() | (nw.col("converted_at") >= nw.col("created_at"))
    else:
        bought, known, sane = nw.col("converted"), over, ~nw.col("converted").is_null()
    label = nw.when((over <= end) & sane).then(_one_or_zero(bought))
    told = spine.with_columns(label.alias("label"), known.alias("known_at")).select(
        "lead_id", AS_OF, "label", "known_at", "is_test_row", *(n for n in OUTCOME_COLUMNS if n in names)
    )
    if "events" not in tables or not {"customer_id", "channel"} <= set(tables["events"].collect_schema().names()):
        return told
    if "customer_id" not in names:
        return told
    created = leads.select("lead_id", "customer_id", nw.col("created_at").alias(AS_OF))
    return told.join(first_touch(created, tables), on="lead_id", how="left")


def _one_or_zero(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1, dtype=nw.Int64)).otherwise(nw.lit(0, dtype=nw.Int64))


def _timeless(leads: nw.LazyFrame[Any], names: list[str]) -> nw.LazyFrame[Any]:
    bought = nw.col("converted") if "converted" in names else ~nw.col("converted_at").is_null()
    label = nw.when(~bought.is_null()).then(_one_or_zero(bought))
    margin = [n for n in OUTCOME_COLUMNS[1:] if n in names]
    return leads.with_columns(nw.lit(0, dtype=nw.Int64).alias(AS_OF), label.alias("label")).select(
        "lead_id", AS_OF, "label", *margin
    )


def _at(leads: nw.LazyFrame[Any], names: list[str], later: int) -> nw.LazyFrame[Any]:
    """Every lead so many microseconds after it came in, if it was still open then."""
    moment = nw.col("created_at") + later
    rows = leads.with_columns(moment.alias(AS_OF), nw.lit(later == 0).alias("is_test_row"))
    if later:
        for closed in [c for c in ("converted_at", "closed_at") if c in names]:
            rows = rows.filter(nw.col(closed).is_null() | (nw.col(closed) >= nw.col(AS_OF)))
    kept = ["converted", "converted_at", *OUTCOME_COLUMNS]
    return rows.select("lead_id", "created_at", AS_OF, "is_test_row", *(n for n in kept if n in names))


def _end(tables: Tables, horizon_days: float) -> int:
    """The last instant that the data speaks of (us)."""
    latest = []
    instants = {"leads": ("created_at", "converted_at"), "events": ("event_at",), "sales": ("sold_at",)}
    for table, columns in instants.items():
        if table in tables:
            there = tables[table].collect_schema().names()
            latest += [collect_value(tables[table], nw.col(c).max()) for c in columns if c in there]
    first = collect_value(tables["leads"], nw.col("created_at").min())
    known = [v for v in latest if v is not None]
    if first is None or not known:
        raise DataError("leads: there is no row; check the source of leads")
    if max(known) - first < horizon_days * DAY:
        raise DataError(
            f"params.horizon_days: {horizon_days:g} days are longer than the data, which spans "
            f"{(max(known) - first) / DAY:.1f} days; give a shorter horizon or more data"
        )
    return int(max(known))


def collect_value(frame: nw.LazyFrame[Any], expr: nw.Expr) -> Any:
    """The one value of an aggregate."""
    return collect(frame.select(expr.alias("value"))).item()


def first_touch(leads: nw.LazyFrame[Any], tables: Tables) -> nw.LazyFrame[Any]:
    """The channel in which the customer of each lead was first seen within the look-back.

    Parameters
    ----------
    leads : LazyFrame
        `lead_id`, `customer_id` and `as_of` (us).
    tables : mapping of str to LazyFrame
        `events` with `customer_id`, `event_at`, `event_id` and `channel`.

    Returns
    -------
    LazyFrame
        `lead_id` and `first_channel`; leads without an event have no row.
    """
    events = tables["events"].select("event_id", "customer_id", "event_at", "channel")
    seen = as_of.rows_before(leads, events, on="customer_id", time="event_at", lookback_days=LOOKBACK_DAYS)
    keys = ["customer_id", AS_OF]
    first = nw.col("event_at") == nw.col("event_at").min().over(*keys)
    earliest = seen.filter(first).filter(nw.col("event_id") == nw.col("event_id").min().over(*keys))
    touch = earliest.select(*keys, nw.col("channel").alias("first_channel"))
    return leads.select("lead_id", *keys).join(touch, on=keys, how="inner").select("lead_id", "first_channel")


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Columns of each lead at each moment it is scored.

    Parameters
    ----------
    spine : LazyFrame
        `lead_id` and `as_of` (us, int64).
    tables : mapping of str to LazyFrame
        `leads`, with a dealership's own columns; `events`, `sales`, `customers` where there are any. A table or column
        that is not there takes the facts that need it along; leads without `created_at` cannot be placed among events
        at all.

    Returns
    -------
    LazyFrame
        `lead_id`, `as_of`, what the lead said when it came in, and the facts of `HISTORIES`; one row per spine row, in
        no particular order.

    Raises
    ------
    DataError
        `leads` is missing, the spine lacks a column or has `as_of` in another type, or a column of `leads` has the
        name of a fact.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> day = 86_400_000_000
    >>> events = pl.LazyFrame({
    ...     "event_id": ["e1", "e2"], "event_at": [8 * day, 10 * day], "event_type": ["view", "view"],
    ...     "customer_id": ["c1", "c1"],
    ... })
    >>> leads = pl.LazyFrame({"lead_id": ["l1"], "created_at": [10 * day], "customer_id": ["c1"]})
    >>> tables = to_engine({"leads": leads, "events": events})
    >>> spine = tables["leads"].select("lead_id", nw.col("created_at").alias("as_of"))
    >>> collect(build(spine, tables)).select("lead_id", "views_7d", "days_since_visit", "last_event_type").row(0)
    ('l1', 1, 2.0, 'view')
    """
    leads = as_of.attributes_as_of(spine, tables, LEADS)
    names = leads.collect_schema().names()
    if LEADS.time not in names:
        return leads
    return as_of.add_histories(_with_band(_with_call(leads, tables), tables), tables, HISTORIES)


def _with_call(leads: nw.LazyFrame[Any], tables: Tables) -> nw.LazyFrame[Any]:
    """Add the days since the first call, if it was made by then.

    The first call alone: a later one overwrites what was last, and so would tell that there was a later one.
    """
    if "first_contact_at" not in tables["leads"].collect_schema().names():
        return leads
    called = tables["leads"].select("lead_id", nw.col("first_contact_at").alias("called_at"))
    age = nw.col(AS_OF) - nw.col("called_at")
    days = nw.when(age > 0).then(age).cast(nw.Float64) * DAYS_PER_MICROSECOND
    return (
        leads.join(called, on="lead_id", how="left").with_columns(days.alias("days_since_first_call")).drop("called_at")
    )


def _with_band(leads: nw.LazyFrame[Any], tables: Tables) -> nw.LazyFrame[Any]:
    """Add the customer's own budget, if the customer was known by then."""
    customers, names = tables.get("customers"), leads.collect_schema().names()
    if customers is None or "customer_id" not in names:
        return leads
    there = customers.collect_schema().names()
    band = [n for n in BAND if n in there and n not in names]
    if not band:
        return leads
    timed = CUSTOMERS.time in there
    since = [nw.col(str(CUSTOMERS.time)).alias("known_since")] if timed else []
    rows = leads.join(customers.select("customer_id", *band, *since), on="customer_id", how="left")
    if not timed:
        return rows
    then = nw.col("known_since") < nw.col(AS_OF)
    return rows.with_columns(nw.when(then).then(nw.col(n)).alias(n) for n in band).drop("known_since")
