"""Spine and features of `lead_scoring`: the lead, and the events, other leads and purchases of its customer.

A lead is scored when it is created (`as_of` is its `created_at`) and again at later times. Only rows strictly before
`as_of` are used, so each score is reproducible. Features of a lead without `customer_id` are null, not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from features import as_of
from features.aggregations import DAY, DAYS_PER_MICROSECOND, Aggregation, count, days_since, distinct, last, total
from features.as_of import AS_OF, History
from features.engines import collect
from features.errors import DataError, MissingColumnError
from features.tables import CUSTOMERS, EVENTS, LEADS, SALES

WINDOWS = (7, 30, 90)
LOOKBACK_DAYS = 365
CONTACT = ("finance_quote", "chat", "test_drive_request", "test_drive", "order")
COUNTED = {
    "views": ("view", "浏览车辆", "vehicle views"),
    "searches": ("search", "搜索", "searches"),
    "favourites": ("favourite", "收藏", "favourites"),
    "compares": ("compare", "对比车辆", "comparisons"),
    "price_lists": ("price_list", "索取报价单", "requests for a price list"),
    "finance_quotes": ("finance_quote", "金融方案试算", "finance quotes"),
    "chats": ("chat", "在线咨询", "chats"),
    "test_drive_requests": ("test_drive_request", "预约试驾", "requests for a test drive"),
}


def _window(days: int) -> dict[str, Aggregation]:
    """Return the aggregations of the customer's events in the last `days` days, by column name."""
    zh, en = f"近{days}天", f"in the last {days} days"
    aggregations = {f"events_{days}d": count(days=days, zh=f"{zh}全部行为次数", en=f"events of any kind {en}")}
    for name, (kind, text_zh, text_en) in COUNTED.items():
        where = {"event_type": (kind,)}
        aggregations[f"{name}_{days}d"] = count(days=days, where=where, zh=f"{zh}{text_zh}次数", en=f"{text_en} {en}")
    aggregations[f"dwell_seconds_{days}d"] = total(
        "dwell_seconds", days=days, zh=f"{zh}停留时长（秒）", en=f"seconds on pages {en}"
    )
    return aggregations


VISITS = History(
    EVENTS,
    on="customer_id",
    lookback_days=LOOKBACK_DAYS,
    aggregations={
        **{name: a for days in WINDOWS for name, a in _window(days).items()},
        "sessions_90d": distinct("session_id", days=90, zh="近90天访问次数", en="visits in the last 90 days"),
        "vehicles_90d": distinct(
            "vehicle_id", days=90, zh="近90天关注车辆数", en="different vehicles in the last 90 days"
        ),
        "models_90d": distinct("model", days=90, zh="近90天关注车型数", en="different models in the last 90 days"),
        "days_since_visit": days_since(zh="距上次访问天数", en="days since the last visit"),
        "days_since_contact": days_since(
            where={"event_type": CONTACT}, zh="距上次主动联系天数", en="days since the last contact by the customer"
        ),
        "last_event_type": last("event_type", zh="最近一次行为类型", en="type of the last event"),
        "last_event_channel": last("channel", zh="最近一次行为渠道", en="channel of the last event"),
    },
)

OTHER_LEADS = History(
    LEADS,
    on="customer_id",
    excluding="lead_id",
    aggregations={
        "other_leads": count(zh="此前其他线索数", en="other leads of the customer before"),
        "other_leads_90d": count(days=90, zh="近90天其他线索数", en="other leads in the last 90 days"),
        "days_since_other_lead": days_since(zh="距上一条线索天数", en="days since the last other lead of the customer"),
    },
)

PURCHASES = History(
    SALES,
    on="customer_id",
    aggregations={
        "purchases": count(zh="此前购车次数", en="purchases before"),
        "purchases_fen": total("price", zh="此前购车金额（分）", en="amount of earlier purchases (fen)"),
        "days_since_purchase": days_since(zh="距上次购车天数", en="days since the last purchase"),
    },
)

HISTORIES = (VISITS, OTHER_LEADS, PURCHASES)
BUDGET = ("budget_low", "budget_high")
OUTCOME_COLUMNS = ("first_contact_at", "gross_margin")
Tables = Mapping[str, nw.LazyFrame[Any]]


def build_spine(tables: Tables, params: Any) -> nw.LazyFrame[Any]:
    """Return the times at which leads are scored, with their labels, for `build`.

    Each lead has a row at its creation and, for training, further rows `rescore_days` later while it is open. The label
    is 1 if the lead buys within `horizon_days` after `as_of`.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        As returned by `features.engines.to_engine`: `leads` with `lead_id`, `created_at` and `converted_at` (int64,
        microseconds since 1970 UTC), or with `converted` (bool) if the data have no times; optionally `events` and
        `sales`.
    params : LeadParams
        ``ml.lead_scoring.params.LeadParams()``, or another object with `horizon_days` (days, above 0) and
        `rescore_days` (sequence of days after creation at which an open lead gets a further row).

    Returns
    -------
    LazyFrame
        `lead_id`; `as_of` (int64, microseconds since 1970 UTC; 0 if leads have no times); `label` (0 or 1; null if the
        horizon ends after the data); `known_at` (int64, microseconds since 1970 UTC: the purchase, or the end of the
        horizon); `is_test_row` (true at creation). If the tables have them: `first_contact_at` (int64, microseconds
        since 1970 UTC), `gross_margin` (fen) and `first_channel`. `features.engines.collect` computes it.

    Raises
    ------
    DataError
        `leads` has neither `converted_at` nor `converted`, it has no rows, or the horizon is longer than the data.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> day = 86_400_000_000
    >>> leads = pl.LazyFrame({"lead_id": ["a", "b"], "created_at": [0, 20 * day], "converted_at": [8 * day, None]})
    >>> params = SimpleNamespace(horizon_days=10, rescore_days=[])
    >>> spine = collect(build_spine(to_engine({"leads": leads}), params)).sort("lead_id")
    >>> spine.columns
    ['lead_id', 'as_of', 'label', 'known_at', 'is_test_row']
    >>> spine["label"].to_list()
    [1, None]
    """
    leads = tables["leads"]
    names = leads.collect_schema().names()
    if "converted_at" not in names and "converted" not in names:
        raise MissingColumnError(
            "leads: neither 'converted_at' nor 'converted' is a column; map one of them in the sources"
        )
    if LEADS.time not in names:
        return _timeless(leads, names)
    horizon = int(params.horizon_days * DAY)
    end = _end(tables, params.horizon_days)
    moments = [_at(leads, names, 0)]
    if "converted_at" in names:  # without it, it is unknown whether a lead was open later
        moments += [_at(leads, names, int(day * DAY)) for day in sorted(set(params.rescore_days))]
    spine = nw.concat(moments) if len(moments) > 1 else moments[0]
    horizon_end = nw.col(AS_OF) + horizon
    if "converted_at" in names:
        bought = (nw.col("converted_at") - nw.col(AS_OF) <= horizon).fill_null(nw.lit(False))
        known_at = nw.when(bought).then(nw.col("converted_at")).otherwise(horizon_end)
        valid = nw.col("converted_at").is_null() | (nw.col("converted_at") >= nw.col("created_at"))
    else:
        bought, known_at, valid = nw.col("converted"), horizon_end, ~nw.col("converted").is_null()
    label = nw.when((horizon_end <= end) & valid).then(_one_or_zero(bought))
    labelled = spine.with_columns(label.alias("label"), known_at.alias("known_at")).select(
        "lead_id", AS_OF, "label", "known_at", "is_test_row", *(n for n in OUTCOME_COLUMNS if n in names)
    )
    if "events" not in tables or not {"customer_id", "channel"} <= set(tables["events"].collect_schema().names()):
        return labelled
    if "customer_id" not in names:
        return labelled
    created = leads.select("lead_id", "customer_id", nw.col("created_at").alias(AS_OF))
    return labelled.join(_first_touch(created, tables), on="lead_id", how="left")


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
    """Return a row for each lead `later` microseconds after its creation, if it was open then."""
    moment = nw.col("created_at") + later
    rows = leads.with_columns(moment.alias(AS_OF), nw.lit(later == 0).alias("is_test_row"))
    if later:
        for closed in [c for c in ("converted_at", "closed_at") if c in names]:
            rows = rows.filter(nw.col(closed).is_null() | (nw.col(closed) >= nw.col(AS_OF)))
    columns = ["converted", "converted_at", *OUTCOME_COLUMNS]
    return rows.select("lead_id", "created_at", AS_OF, "is_test_row", *(n for n in columns if n in names))


def _end(tables: Tables, horizon_days: float) -> int:
    """Return the last instant in the data (us)."""
    latest = []
    instants = {"leads": ("created_at", "converted_at"), "events": ("event_at",), "sales": ("sold_at",)}
    for table, columns in instants.items():
        if table in tables:
            present = tables[table].collect_schema().names()
            latest += [_collect_value(tables[table], nw.col(c).max()) for c in columns if c in present]
    first = _collect_value(tables["leads"], nw.col("created_at").min())
    ends = [v for v in latest if v is not None]
    if first is None or not ends:
        raise DataError("leads: the table has no rows; check the source of leads")
    if max(ends) - first < horizon_days * DAY:
        raise DataError(
            f"params.horizon_days: the horizon of {horizon_days:g} days is longer than the data, which span "
            f"{(max(ends) - first) / DAY:.1f} days; set a shorter horizon or give more data"
        )
    return int(max(ends))


def _collect_value(frame: nw.LazyFrame[Any], expr: nw.Expr) -> Any:
    return collect(frame.select(expr.alias("value"))).item()


def _first_touch(leads: nw.LazyFrame[Any], tables: Tables) -> nw.LazyFrame[Any]:
    """Return `first_channel` by lead: channel of its customer's earliest event in the 365 days before `as_of`."""
    events = tables["events"].select("event_id", "customer_id", "event_at", "channel")
    earlier = as_of.rows_before(leads, events, on="customer_id", time="event_at", lookback_days=LOOKBACK_DAYS)
    keys = ["customer_id", AS_OF]
    first = nw.col("event_at") == nw.col("event_at").min().over(*keys)
    earliest = earlier.filter(first).filter(nw.col("event_id") == nw.col("event_id").min().over(*keys))
    touch = earliest.select(*keys, nw.col("channel").alias("first_channel"))
    return leads.select("lead_id", *keys).join(touch, on=keys, how="inner").select("lead_id", "first_channel")


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Return the features of each lead at each time of the spine.

    Parameters
    ----------
    spine : LazyFrame
        `lead_id` and `as_of` (int64, microseconds since 1970 UTC), as returned by `features.lead_scoring.build_spine`.
    tables : mapping of str to LazyFrame
        As returned by `features.engines.to_engine`: `leads`, with the extra columns of a dealership; optionally
        `events`, `sales` and `customers`. Features of a missing table or column are left out; without `created_at` the
        leads have no history features.

    Returns
    -------
    LazyFrame
        `lead_id`, `as_of`, the columns of the lead that are known at its creation, and the aggregations of `HISTORIES`
        (counts, days, seconds, fen; the end of a name such as `_7d` is the window in days before `as_of`); one row for
        each spine row, in no particular order. `features.engines.collect` computes it.

    Raises
    ------
    DataError
        `leads` is missing, the spine lacks a column, `as_of` has another type, or a column of `leads` has the name of
        a history feature.

    Examples
    --------
    >>> import narwhals as nw
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
    return as_of.add_histories(_with_budget(_with_call(leads, tables), tables), tables, HISTORIES)


def _with_call(leads: nw.LazyFrame[Any], tables: Tables) -> nw.LazyFrame[Any]:
    """Add the days since the first call, if it was before `as_of`.

    The time of the last call is not used: later calls overwrite it, so it would leak that there were later calls.
    """
    if "first_contact_at" not in tables["leads"].collect_schema().names():
        return leads
    called = tables["leads"].select("lead_id", nw.col("first_contact_at").alias("called_at"))
    age = nw.col(AS_OF) - nw.col("called_at")
    days = nw.when(age > 0).then(age).cast(nw.Float64) * DAYS_PER_MICROSECOND
    return (
        leads.join(called, on="lead_id", how="left").with_columns(days.alias("days_since_first_call")).drop("called_at")
    )


def _with_budget(leads: nw.LazyFrame[Any], tables: Tables) -> nw.LazyFrame[Any]:
    """Add the customer's budget, if the customer was registered before `as_of`."""
    customers, names = tables.get("customers"), leads.collect_schema().names()
    if customers is None or "customer_id" not in names:
        return leads
    present = customers.collect_schema().names()
    budget = [n for n in BUDGET if n in present and n not in names]
    if not budget:
        return leads
    timed = CUSTOMERS.time in present
    since = [nw.col(str(CUSTOMERS.time)).alias("registered_at")] if timed else []
    rows = leads.join(customers.select("customer_id", *budget, *since), on="customer_id", how="left")
    if not timed:
        return rows
    registered = nw.col("registered_at") < nw.col(AS_OF)
    return rows.with_columns(nw.when(registered).then(nw.col(n)).alias(n) for n in budget).drop("registered_at")
