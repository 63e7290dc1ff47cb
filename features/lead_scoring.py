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
from features.as_of import Fact, History, count, days_since, distinct, last, total
from features.tables import EVENTS, LEADS, SALES

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


def _window(days: int) -> dict[str, Fact]:
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
    facts={
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
    facts={
        "other_leads": count(zh="此前其他线索数", en="other leads of the customer so far"),
        "other_leads_90d": count(days=90, zh="近90天其他线索数", en="other leads in the last 90 days"),
        "days_since_other_lead": days_since(zh="距上一条线索天数", en="days since the customer's other lead"),
    },
)

PURCHASES = History(
    SALES,
    on="customer_id",
    facts={
        "purchases": count(zh="此前购车次数", en="purchases so far"),
        "purchases_fen": total("price", zh="此前购车金额(分)", en="paid for purchases so far (fen)"),
        "days_since_purchase": days_since(zh="距上次购车天数", en="days since the last purchase"),
    },
)

HISTORIES = (VISITS, OTHER_LEADS, PURCHASES)
FEATURES = as_of.descriptions(HISTORIES)


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Columns of each lead at each moment it is scored.

    Parameters
    ----------
    spine : LazyFrame
        `lead_id` and `as_of` (us, int64).
    tables : mapping of str to LazyFrame
        `leads`, with a dealership's own columns; `events` and `sales` where there are any. A table or column that is
        not there takes the facts that need it along; leads without `created_at` cannot be placed among events at all.

    Returns
    -------
    LazyFrame
        `lead_id`, `as_of`, what the lead said when it came in, and the facts of `FEATURES`; one row per spine row, in
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
    leads = as_of.known(spine, tables, LEADS)
    timed = LEADS.time in leads.collect_schema().names()
    return as_of.histories(leads, tables, HISTORIES if timed else ())
