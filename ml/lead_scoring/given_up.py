"""Leads that were given up: which are silent or closed at an instant, their order, and why one is worth a call."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.bilingual import Text

NEVER_CALLED, QUIET, CLOSED = "never_called", "quiet", "closed"
STATES = {
    NEVER_CALLED: Text(zh="从未外呼", en="never called"),
    QUIET: Text(zh="不再联系", en="no longer contacted"),
    CLOSED: Text(zh="已关闭为战败", en="closed as lost"),
}


def given_up_leads(leads: pl.DataFrame, at: int, *, silent: int, within: int) -> tuple[pl.DataFrame, int]:
    """Return the leads without a sale that are closed or silent at an instant, and the number of those contacted later.

    Parameters
    ----------
    leads : DataFrame
        `lead_id`, `created_at`, `first_contact_at`, `last_contact_at`, `converted_at` and `closed_at` (microseconds
        since 1970 UTC, int64).
    at : int
        Instant (microseconds since 1970 UTC); only what was recorded before it counts.
    silent : int
        An open lead is listed if its last contact, or without one its creation, is at least so many microseconds
        before.
    within : int
        Leads created within so many microseconds before the instant are listed.

    Returns
    -------
    DataFrame, int
        `lead_id`, `state` ('never_called', 'quiet' or 'closed'), `created_at`, `last_contact_at`, `closed_at` and
        `silent_days`; and the number of leads left out because their last contact is later.

    Examples
    --------
    >>> rows = {"lead_id": ["L1"], "created_at": [0], "first_contact_at": [DAY], "last_contact_at": [DAY]}
    >>> empty = pl.Series([None], dtype=pl.Int64)
    >>> leads = pl.DataFrame(rows).with_columns(converted_at=empty, closed_at=empty)
    >>> given_up_leads(leads, 9 * DAY, silent=7 * DAY, within=60 * DAY)[0]["state"].to_list()
    ['quiet']
    """
    created, closed, last = (pl.col(n) for n in ("created_at", "closed_at", "last_contact_at"))
    first = pl.coalesce("first_contact_at", "last_contact_at")
    unsold = pl.col("converted_at").is_null() | (pl.col("converted_at") >= at)
    rows = leads.filter((created < at) & (created >= at - within) & unsold)
    is_called = (first < at).fill_null(value=False)
    later = is_called & (last >= at).fill_null(value=False)
    rows, contacted_later = rows.filter(~later), rows.filter(later).height
    since = pl.when(is_called).then(last).otherwise(created)
    state = (
        pl.when((closed < at).fill_null(value=False))
        .then(pl.lit(CLOSED))
        .when(is_called)
        .then(pl.lit(QUIET))
        .otherwise(pl.lit(NEVER_CALLED))
    )
    rows = rows.with_columns(
        state=state,
        silent_days=(at - since) / DAY,
        last_contact_at=pl.when(is_called).then(last),
        closed_at=pl.when(closed < at).then(closed),
    )
    is_listed = (pl.col("state") == CLOSED) | (pl.col("silent_days") * DAY >= silent)
    names = ("lead_id", "state", "created_at", "last_contact_at", "closed_at", "silent_days")
    return rows.filter(is_listed).select(names), contacted_later


def in_call_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the leads with the highest expected margin first, closed ones last: theirs is that of an open lead.

    Parameters
    ----------
    rows : DataFrame
        `state`, `expected_gross_margin`, `conversion_probability` and `lead_id`.

    Examples
    --------
    >>> names = ["lead_id", "state", "expected_gross_margin", "conversion_probability"]
    >>> rows = pl.DataFrame([("a", "closed", 9.0, 0.9), ("b", "quiet", 1.0, 0.1)], schema=names, orient="row")
    >>> in_call_order(rows)["lead_id"].to_list()
    ['b', 'a']
    """
    order = (pl.col("state") == CLOSED, "expected_gross_margin", "conversion_probability", "lead_id")
    return rows.sort(order, descending=[False, True, True, False], nulls_last=True)


def given_up_reason(state: str, silent_days: float, probability: float) -> Text:
    """Return why a given-up lead is worth a call.

    Parameters
    ----------
    state : {'never_called', 'quiet', 'closed'}
        As `given_up_leads` returns it.
    silent_days : float
        Days since the last contact, or since the lead.
    probability : float
        Of a sale, 0 to 1.

    Examples
    --------
    >>> given_up_reason("quiet", 8.4, 0.31).en
    'no contact for 8 days, probability of a sale 31%: call again'
    """
    days, share, text = int(silent_days), f"{probability:.0%}", STATES[state]
    in_days = "1 day" if days == 1 else f"{days} days"
    if state == NEVER_CALLED:
        return Text(
            zh=f"{days} 天来{text.zh}，成交概率 {share}：首次外呼",
            en=f"{text.en} in {in_days}, probability of a sale {share}: call",
        )
    if state == CLOSED:
        return Text(
            zh=f"{text.zh}，{days} 天未联系；条件相同而未关闭的线索成交概率 {share}：核实战败原因",
            en=f"{text.en}, no contact for {in_days}; an open lead like it has a probability of a sale of {share}: "
            "check why it was closed",
        )
    return Text(
        zh=f"{days} 天未联系，成交概率 {share}：再次联系",
        en=f"no contact for {in_days}, probability of a sale {share}: call again",
    )
