"""What a CRM asks: a lead with what its customer did, which is a very small set of raw tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import narwhals as nw
import polars as pl
from pydantic import BaseModel, Field, create_model

from features.aggregations import DAY
from features.errors import FeatureError
from features.lead_scoring import build
from features.tables import CHANNELS, EVENT_TYPES
from ml.instants import Instant, microseconds
from ml.lead_scoring.estimator import FEW, LeadScoringEstimator
from ml.signature import RequestPart, Signature, columns_of, request_model

MAX_EVENTS = 2_000
MAX_HISTORY_ROWS = 200
_TYPES = {"integer": pl.Int64, "number": pl.Float64, "flag": pl.Boolean}
_EVENTS = {
    "customer_id": pl.String,
    "event_id": pl.String,
    "event_at": pl.Int64,
    "event_type": pl.String,
    "session_id": pl.String,
    "vehicle_id": pl.String,
    "model": pl.String,
    "channel": pl.String,
    "dwell_seconds": pl.Float64,
}
_SALES = {"customer_id": pl.String, "sale_id": pl.String, "sold_at": pl.Int64, "price": pl.Int64}
_CUSTOMERS = {"customer_id": pl.String, "budget_low": pl.Int64, "budget_high": pl.Int64}


class LeadEvent(RequestPart):
    """Something the lead's customer did."""

    event_at: Instant
    event_type: Literal[EVENT_TYPES]  # type: ignore[valid-type]
    session_id: str | None = Field(None, max_length=200)
    vehicle_id: str | None = Field(None, max_length=200)
    model: str | None = Field(None, max_length=200)
    channel: Literal[CHANNELS] | None = None  # type: ignore[valid-type]
    dwell_seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)


class OtherLead(RequestPart):
    """Another lead of the same customer."""

    created_at: Instant


class Purchase(RequestPart):
    """Something the customer bought before."""

    sold_at: Instant
    price: float | None = Field(None, ge=0, le=1e10, allow_inf_nan=False, description="in yuan")


class Band(RequestPart):
    """The customer's own budget."""

    budget_low: float | None = Field(None, ge=0, le=1e10, allow_inf_nan=False, description="in yuan")
    budget_high: float | None = Field(None, ge=0, le=1e10, allow_inf_nan=False, description="in yuan")


@lru_cache(maxsize=8)  # the call queue asks for the same leads
def request(signature: Signature) -> type[BaseModel]:
    """Build the request model: the lead's own fields and, where leads have instants, its history."""
    lead = request_model("LeadFields", signature)
    if not any(f.name == "created_at" for f in signature.fields):
        return create_model("LeadScoringRequest", __base__=lead)
    instant = (Instant | None, Field(None))
    events: Any = Field(default=[], max_length=MAX_EVENTS)
    others: Any = Field(default=[], max_length=MAX_HISTORY_ROWS)
    fields: dict[str, Any] = {
        "created_at": (Instant | None, Field(None, description="when the lead came in; as_of where it is not given")),
        "as_of": (Instant | None, Field(None, description="the moment it is scored for; now where it is not given")),
        "first_contact_at": instant,
        "events": (list[LeadEvent], events),
        "other_leads": (list[OtherLead], others),
        "purchases": (list[Purchase], others),
        "customer": (Band | None, None),
    }
    return create_model("LeadScoringRequest", __base__=lead, **fields)


@dataclass(frozen=True)
class RequestBatch:
    """Leads with their features, now and some days earlier.

    Attributes
    ----------
    rows : DataFrame
        One row a request, in their order; what the estimator reads.
    earlier : DataFrame
        The leads that there were already at the moment a trend compares with, and `position`.
    as_of, created_at : list of int
        us; empty for data without time.
    events_before, events_ignored : list of int
        Events that count, and those at or after `as_of`, which do not.
    """

    rows: pl.DataFrame
    earlier: pl.DataFrame
    as_of: list[int]
    created_at: list[int]
    events_before: list[int]
    events_ignored: list[int]


def read_requests(estimator: LeadScoringEstimator, requests: Sequence[BaseModel], *, trend: bool) -> RequestBatch:
    """Build the features of some leads by the same functions as training.

    Raises
    ------
    FeatureError
        A lead is named twice, was created after `as_of`, or has events after it where the configuration refuses them.
    """
    _each_once(requests)
    leads = _leads(estimator, requests)
    if not estimator.timed:
        return RequestBatch(leads, leads.clear(), [], [], [0] * len(requests), [0] * len(requests))
    now = time.time_ns() // 1_000
    as_of = [_us(r.as_of, now) for r in requests]  # type: ignore[attr-defined]
    created = [_us(r.created_at, t) for r, t in zip(requests, as_of, strict=True)]  # type: ignore[attr-defined]
    if any(c > t for c, t in zip(created, as_of, strict=True)):
        raise FeatureError("created_at", "must not be after as_of: a lead cannot be scored before it comes in")
    before, ignored = _events_counted(estimator, requests, as_of)
    tables = _tables(leads, requests, created, as_of)
    back = int(estimator.params.trend_days * DAY)
    there = [i for i, (c, t) in enumerate(zip(created, as_of, strict=True)) if trend and c <= t - back]
    spine = pl.LazyFrame(
        {
            "lead_id": [str(i) for i in (*range(len(requests)), *there)],
            "as_of": pl.Series([*as_of, *(as_of[i] - back for i in there)], dtype=pl.Int64),
        }
    )
    frames: dict[str, Any] = {n: nw.from_native(f) for n, f in tables.items()}
    # A handful of rows: the start-up of the streaming engine costs more than the work, and so does optimising the plan.
    how = pl.QueryOptFlags.none() if len(requests) <= FEW else pl.QueryOptFlags()
    plan: pl.LazyFrame = nw.to_native(build(nw.from_native(spine), frames))
    built = plan.collect(engine="in-memory", optimizations=how)
    position = built["lead_id"].cast(pl.Int64)
    built = built.with_columns(position=position).sort("position", "as_of")
    is_now = built["as_of"].to_numpy() == pl.Series(as_of, dtype=pl.Int64).gather(built["position"]).to_numpy()
    return RequestBatch(built.filter(is_now), built.filter(~is_now), as_of, created, before, ignored)


def _each_once(requests: Sequence[BaseModel]) -> None:
    named = [i for r in requests if (i := getattr(r, "lead_id", None)) is not None]
    if len(set(named)) < len(named):
        twice = next(n for n in named if named.count(n) > 1)
        raise FeatureError("lead_id", f"must differ from lead to lead, and '{twice}' is given twice; send each once")


def _us(given: datetime | None, otherwise: int) -> int:
    return otherwise if given is None else microseconds(given)


def _leads(estimator: LeadScoringEstimator, requests: Sequence[BaseModel]) -> pl.DataFrame:
    signature = estimator.signature
    columns = columns_of(requests, signature)
    kinds = {f.name: _TYPES.get(f.kind, pl.String) for f in signature.fields}
    known = {f.name for f in signature.fields if not f.computed and f.kind != "instant"}
    for name in {estimator.params.dealer, estimator.params.margin_by} & known - set(columns):
        columns[name] = [getattr(r, name) for r in requests]
    for name in {n for g in estimator.rates_.groups for n in g} & known - set(columns):
        columns[name] = [getattr(r, name) for r in requests]
    series = [pl.Series(n, v, dtype=kinds[n], strict=False) for n, v in columns.items()]
    return pl.DataFrame([pl.Series("lead_id", [str(i) for i in range(len(requests))]), *series])


def _events_counted(
    estimator: LeadScoringEstimator, requests: Sequence[Any], as_of: list[int]
) -> tuple[list[int], list[int]]:
    before, ignored = [], []
    for asked, until in zip(requests, as_of, strict=True):
        instants = [microseconds(e.event_at) for e in asked.events]
        later = sum(t > until for t in instants)
        if later and estimator.params.events_after_as_of == "refuse":
            raise FeatureError(
                "events", f"must not lie after as_of, and {later} of {len(instants)} do; leave them out or score later"
            )
        before.append(sum(t < until for t in instants))
        ignored.append(len(instants) - before[-1])
    return before, ignored


def _tables(
    leads: pl.DataFrame, requests: Sequence[Any], created: list[int], as_of: list[int]
) -> dict[str, pl.LazyFrame]:
    ids = [str(i) for i in range(len(requests))]
    called = [None if r.first_contact_at is None else microseconds(r.first_contact_at) for r in requests]
    own = leads.with_columns(
        created_at=pl.Series(created, dtype=pl.Int64),
        customer_id=pl.Series(ids),
        first_contact_at=pl.Series(called, dtype=pl.Int64),
    )
    others = [
        (f"{i}-{k}", i, microseconds(o.created_at))
        for i, r in zip(ids, requests, strict=True)
        for k, o in enumerate(r.other_leads)
    ]
    more = pl.DataFrame(
        others, schema={"lead_id": pl.String, "customer_id": pl.String, "created_at": pl.Int64}, orient="row"
    )
    events = [
        (
            i,
            f"{k:06d}",
            microseconds(e.event_at),
            e.event_type,
            e.session_id,
            e.vehicle_id,
            e.model,
            e.channel,
            e.dwell_seconds,
        )
        for i, r in zip(ids, requests, strict=True)
        for k, e in enumerate(r.events)
    ]
    sales = [
        (i, f"{k:06d}", microseconds(p.sold_at), None if p.price is None else round(p.price * 100))
        for i, r in zip(ids, requests, strict=True)
        for k, p in enumerate(r.purchases)
    ]
    bands = [
        (i, *(None if v is None else round(v * 100) for v in (r.customer.budget_low, r.customer.budget_high)))
        for i, r in zip(ids, requests, strict=True)
        if r.customer is not None
    ]
    return {
        "leads": pl.concat([own, more], how="diagonal").lazy(),
        "events": pl.LazyFrame(events, schema=_EVENTS, orient="row"),
        "sales": pl.LazyFrame(sales, schema=_SALES, orient="row"),
        "customers": pl.LazyFrame(bands, schema=_CUSTOMERS, orient="row"),
    }


def example(row: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """Add a short history to an example lead, where leads have instants."""
    if not any(f.name == "created_at" for f in signature.fields):
        return row
    events = [
        {"event_at": "2026-01-03T20:15:00+08:00", "event_type": "view", "session_id": "s1", "dwell_seconds": 42.0},
        {"event_at": "2026-01-06T21:02:00+08:00", "event_type": "compare", "session_id": "s2"},
        {"event_at": "2026-01-06T21:09:00+08:00", "event_type": "price_list", "session_id": "s2"},
    ]
    moments = {"created_at": "2026-01-06T21:10:00+08:00", "as_of": "2026-01-07T09:00:00+08:00"}
    return {**row, **moments, "events": events}
