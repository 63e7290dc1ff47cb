"""Leads of the dealership as of now: rows of the tables, and what the feedback store says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl
import sqlalchemy as sa

from features.tables import LEADS
from serving.feedback.store import FeedbackStore
from serving.work.leads.memory import memory_of
from serving.work.routing import WorkContext

OUTCOMES = (
    "salesperson_id", "first_contact_at", "last_contact_at", "contact_count", "converted", "converted_at", "closed_at",
    "gross_margin",
)  # fmt: skip
_COUNTS = "SELECT (SELECT count(*) FROM lead_records), (SELECT count(*) FROM lead_events)"


def feedback_state(context: WorkContext) -> tuple[int, int]:
    """Return the numbers of leads and of events of leads in the feedback store: a key of caches."""
    store = feedback_store(context)
    row = store.run(lambda engine: _fetch(engine, _COUNTS))[0]
    return int(row[0]), int(row[1])


def feedback_store(context: WorkContext) -> FeedbackStore:
    """Return the feedback store of the process."""
    return memory_of(context).once("store", lambda: FeedbackStore(context.settings.feedback_store))


def all_leads(context: WorkContext) -> pl.DataFrame:
    """Return all leads as of now: columns of the contract `leads`; one row for each lead.

    An event of the feedback store stands before the row of the tables, which are read at night.
    """
    key = (context.records.state, feedback_state(context))
    return memory_of(context).latest("leads", key, lambda: _read(context))


def open_leads(context: WorkContext, stores: Collection[str] | None, *, oldest_days: float) -> pl.DataFrame:
    """Return the leads that are neither sold nor lost, created within some days; the newest first.

    Parameters
    ----------
    context : WorkContext
        Of the process.
    stores : collection of str or None
        Stores whose leads are returned; None for all.
    oldest_days : float
        Older leads are left out.
    """
    now = context.clock.now()
    is_open = pl.col("converted_at").is_null() & pl.col("closed_at").is_null()
    is_open &= pl.col("converted").is_null() & (pl.col("created_at") >= now - int(oldest_days * 86_400_000_000))
    if stores is not None:
        is_open &= pl.col("store_id").is_in(list(stores))
    return all_leads(context).filter(is_open).sort("created_at", descending=True)


def lead_row(context: WorkContext, lead_id: str) -> dict[str, Any] | None:
    """Return the row of a lead; None if there is none."""
    rows = all_leads(context).filter(pl.col("lead_id") == lead_id)
    return rows.row(0, named=True) if rows.height else None


def _read(context: WorkContext) -> pl.DataFrame:
    store, now = feedback_store(context), context.clock.now()
    columns = ", ".join(LEADS.columns)
    schema = {name: column.dtype for name, column in LEADS.columns.items()}
    sent = _frame(store, f"SELECT {columns} FROM leads", schema)
    names: dict[str, Any] = {"lead_id": pl.String, **{name: LEADS.columns[name].dtype for name in OUTCOMES}}
    outcomes = _frame(store, f"SELECT {', '.join(names)} FROM lead_outcomes", names)
    rows = context.records.table("leads")
    rows = rows.join(outcomes, on="lead_id", how="left", suffix="_later")
    count = pl.col("contact_count").fill_null(0) + pl.col("contact_count_later").fill_null(0)
    earliest = pl.min_horizontal("first_contact_at", "first_contact_at_later")
    newer = [
        pl.coalesce(f"{name}_later", name).alias(name)
        for name in OUTCOMES
        if name not in ("contact_count", "first_contact_at")
    ]
    rows = rows.with_columns(contact_count=count, first_contact_at=earliest, **{e.meta.output_name(): e for e in newer})
    new = sent.join(rows.select("lead_id"), on="lead_id", how="anti").filter(pl.col("created_at") <= now)
    later = [f"{name}_later" for name in OUTCOMES]
    return pl.concat([rows.drop(later), new], how="diagonal_relaxed")  # with columns that only this dealer has


def _frame(store: FeedbackStore, query: str, schema: Mapping[str, Any]) -> pl.DataFrame:
    rows = store.run(lambda engine: _fetch(engine, query))
    frame = pl.DataFrame([tuple(row) for row in rows], schema=list(schema), orient="row", infer_schema_length=None)
    return frame.cast(pl.Schema(schema), strict=False)


def _fetch(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query)).fetchall())
