"""Visitors of the last days, whose page can be looked at."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from serving.work.clock import DAY
from serving.work.routing import WorkRequest, WorkRoute

DAYS = 30
RECENT = 6


class VisitorFilters(BaseModel):
    """Query string of `GET /v1/storefront/visitors`."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(None, max_length=80, description="beginning of customer_id or visitor_id")
    limit: int = Field(20, ge=1, le=100)


class VisitorAnswer(BaseModel):
    """A visitor."""

    customer_id: str | None
    visitor_id: str | None
    store_id: str | None = Field(description="store of the last event")
    events: int = Field(description="number of the last 30 days")
    vehicles: int = Field(description="number of different vehicles")
    last_at: datetime
    last_vehicle_id: str | None
    last_model: str | None
    last_event: str | None = Field(description="type of the last event")
    recent: list[str] = Field(description="vehicles of the last events, the latest last: a session to look at")


class VisitorList(BaseModel):
    """Visitors, the latest first."""

    items: list[VisitorAnswer]
    days: int = Field(description="number of days that are counted")
    problem: str | None = Field(description="no_events: the sources lack the table of events")


def list_visitors(request: WorkRequest) -> VisitorList:
    """Answer `GET /v1/storefront/visitors`."""
    filters: VisitorFilters = request.parameters
    records = request.context.records
    if not records.has("events"):
        return VisitorList(items=[], days=DAYS, problem="no_events")
    frame = records.cached("storefront visitors", lambda: _visitors(request))
    if request.stores is not None:
        frame = frame.filter(pl.col("store_id").is_null() | pl.col("store_id").is_in(sorted(request.stores)))
    if filters.q:
        begins = [
            pl.col(n).str.to_lowercase().str.starts_with(filters.q.lower()) for n in ("customer_id", "visitor_id")
        ]
        frame = frame.filter(pl.any_horizontal(begins).fill_null(False))
    zone = request.context.clock.local
    items = [VisitorAnswer(**{**row, "last_at": zone(row["last_at"])}) for row in frame.head(filters.limit).to_dicts()]
    return VisitorList(items=items, days=DAYS, problem=None)


def _visitors(request: WorkRequest) -> pl.DataFrame:
    records = request.context.records
    events = records.table("events").filter(pl.col("event_at") > records.clock.now() - DAYS * DAY)
    models = records.table("vehicles").select("vehicle_id", pl.col("model").alias("vehicle_model"))
    who = pl.coalesce("customer_id", "visitor_id")
    last = {"visitor_id": "visitor_id", "store_id": "store_id", "vehicle_id": "last_vehicle_id", "model": "last_model",
            "event_type": "last_event"}  # fmt: skip
    return (
        events.filter(who.is_not_null())
        .join(models, on="vehicle_id", how="left")
        .with_columns(who.alias("who"), pl.coalesce("model", "vehicle_model").alias("model"))
        .sort("event_at")
        .group_by("who")
        .agg(
            pl.col("customer_id").last(),
            *(pl.col(name).drop_nulls().last().alias(alias) for name, alias in last.items()),
            _recent(),
            pl.len().alias("events"),
            pl.col("vehicle_id").drop_nulls().n_unique().alias("vehicles"),
            pl.col("event_at").last().alias("last_at"),
        )
        .sort("last_at", "who", descending=[True, False])
        .drop("who")
    )


def _recent() -> pl.Expr:
    """Return the vehicles of the last events in which somebody did more than scroll past."""
    looked = (pl.col("event_type") != "impression").fill_null(True)
    return pl.col("vehicle_id").filter(looked).drop_nulls().tail(RECENT).unique(maintain_order=True).alias("recent")


ROUTES = (
    WorkRoute(
        "GET", "/v1/storefront/visitors",
        {"zh": "近期访客", "en": "Visitors of the last days"},
        list_visitors, VisitorList, parameters=VisitorFilters,
    ),
)  # fmt: skip
