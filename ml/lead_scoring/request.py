"""Requests to score leads: the fields of a lead and the events of its customer, converted to small raw tables."""

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
from ml.deadlines import stop_if_abandoned
from ml.instants import Instant, microseconds
from ml.lead_scoring.estimator import SMALL_BATCH, LeadScoringEstimator
from ml.requests import columns_of, request_model
from ml.signature import RequestPart, Signature

MAX_EVENTS = 2_000
MAX_HISTORY_ROWS = 200
_DTYPES = {"integer": pl.Int64, "number": pl.Float64, "flag": pl.Boolean}
_EVENT_SCHEMA = {
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
_SALE_SCHEMA = {"customer_id": pl.String, "sale_id": pl.String, "sold_at": pl.Int64, "price": pl.Int64}
_CUSTOMER_SCHEMA = {"customer_id": pl.String, "budget_low": pl.Int64, "budget_high": pl.Int64}


class LeadEvent(RequestPart):
    """An event of the lead's customer, such as a view of a vehicle."""

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
    """An earlier purchase of the customer."""

    sold_at: Instant
    price: float | None = Field(None, ge=0, le=1e10, allow_inf_nan=False, description="in yuan")


class BudgetRange(RequestPart):
    """The customer's budget."""

    budget_low: float | None = Field(None, ge=0, le=1e10, allow_inf_nan=False, description="in yuan")
    budget_high: float | None = Field(None, ge=0, le=1e10, allow_inf_nan=False, description="in yuan")


@lru_cache(maxsize=8)  # the call queue uses the same model
def request(signature: Signature) -> type[BaseModel]:
    """Return the pydantic model of one request: the fields of the lead and, if leads have times, its history.

    Parameters
    ----------
    signature : Signature
        ``estimator.signature`` of a `ml.lead_scoring.estimator.LeadScoringEstimator`, or as returned by
        `ml.signature.infer_signature`.

    Returns
    -------
    type
        Fields of the signature (money in yuan) and, if leads have times, `created_at`, `as_of`, `first_contact_at`
        (ISO 8601 with an offset), `events`, `other_leads`, `purchases` and `customer`. Invalid content raises
        `pydantic.ValidationError`.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> fields = (Field(name="created_at", kind="instant"), Field(name="channel", kind="text", feature=True))
    >>> view = {"event_at": "2026-01-03T20:15:00+08:00", "event_type": "view"}
    >>> lead = request(Signature(fields=fields)).model_validate({"channel": "web", "events": [view]})
    >>> lead.channel, lead.events[0].event_type, lead.as_of
    ('web', 'view', None)
    """
    lead = request_model("LeadFields", signature)
    if not any(f.name == "created_at" for f in signature.fields):
        return create_model("LeadScoringRequest", __base__=lead)
    instant = (Instant | None, Field(None))
    events: Any = Field(default=[], max_length=MAX_EVENTS)
    history: Any = Field(default=[], max_length=MAX_HISTORY_ROWS)
    fields: dict[str, Any] = {
        "created_at": (Instant | None, Field(None, description="time of the lead; default: as_of")),
        "as_of": (Instant | None, Field(None, description="time of the score; default: now")),
        "first_contact_at": instant,
        "events": (list[LeadEvent], events),
        "other_leads": (list[OtherLead], history),
        "purchases": (list[Purchase], history),
        "customer": (BudgetRange | None, None),
    }
    return create_model("LeadScoringRequest", __base__=lead, **fields)


@dataclass(frozen=True)
class RequestBatch:
    """Leads of requests with their features, at `as_of` and `trend_days` earlier, as returned by `read_requests`.

    Attributes
    ----------
    rows : DataFrame
        Features at `as_of`, one row for each request, in their order; money in fen, instants in microseconds since 1970
        UTC (int64).
    earlier : DataFrame
        Features `trend_days` before `as_of` of the leads that existed then, and `position` of the request.
    as_of, created_at : list of int
        Microseconds since 1970 UTC, for each request; empty if the leads have no times.
    events_before, events_ignored : list of int
        Number of events before `as_of`, and of ignored events at or after it, for each request.
    """

    rows: pl.DataFrame
    earlier: pl.DataFrame
    as_of: list[int]
    created_at: list[int]
    events_before: list[int]
    events_ignored: list[int]


def read_requests(estimator: LeadScoringEstimator, requests: Sequence[BaseModel], *, trend: bool) -> RequestBatch:
    """Compute the features of leads with the functions that training uses.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.
    requests : sequence
        Instances of ``request(estimator.signature)``.
    trend : bool
        Whether to compute the features `trend_days` earlier as well.

    Returns
    -------
    RequestBatch
        Rows for ``estimator.predict(batch.rows)``, times, and numbers of used and ignored events.

    Raises
    ------
    FeatureError
        Two leads have the same `lead_id`, a lead was created after `as_of`, or it has events after `as_of` and
        `events_after_as_of` is 'refuse'.
    """
    _check_unique(requests)
    leads = _leads(estimator, requests)
    if not estimator.timed:
        return RequestBatch(leads, leads.clear(), [], [], [0] * len(requests), [0] * len(requests))
    now = time.time_ns() // 1_000
    as_of = [_us(r.as_of, now) for r in requests]  # type: ignore[attr-defined]
    created = [_us(r.created_at, t) for r, t in zip(requests, as_of, strict=True)]  # type: ignore[attr-defined]
    if any(c > t for c, t in zip(created, as_of, strict=True)):
        raise FeatureError("created_at", "must not be after as_of: a lead cannot be scored before it is created")
    before, ignored = _count_events(estimator, requests, as_of)
    tables = _tables(leads, requests, created, as_of)
    back = int(estimator.params.trend_days * DAY)
    existing = [i for i, (c, t) in enumerate(zip(created, as_of, strict=True)) if trend and c <= t - back]
    spine = pl.LazyFrame(
        {
            "lead_id": [str(i) for i in (*range(len(requests)), *existing)],
            "as_of": pl.Series([*as_of, *(as_of[i] - back for i in existing)], dtype=pl.Int64),
        }
    )
    frames: dict[str, Any] = {n: nw.from_native(f) for n, f in tables.items()}
    # For few rows, starting the streaming engine and optimising the plan take longer than the computation.
    flags = pl.QueryOptFlags.none() if len(requests) <= SMALL_BATCH else pl.QueryOptFlags()
    plan: pl.LazyFrame = nw.to_native(build(nw.from_native(spine), frames))
    built = plan.collect(engine="in-memory", optimizations=flags)
    position = built["lead_id"].cast(pl.Int64)
    built = built.with_columns(position=position).sort("position", "as_of")
    is_current = built["as_of"].to_numpy() == pl.Series(as_of, dtype=pl.Int64).gather(built["position"]).to_numpy()
    return RequestBatch(built.filter(is_current), built.filter(~is_current), as_of, created, before, ignored)


def _check_unique(requests: Sequence[BaseModel]) -> None:
    ids = [i for r in requests if (i := getattr(r, "lead_id", None)) is not None]
    if len(set(ids)) < len(ids):
        repeated = next(i for i in ids if ids.count(i) > 1)
        raise FeatureError("lead_id", f"must be unique, but '{repeated}' occurs more than once; send each lead once")


def _us(moment: datetime | None, default: int) -> int:
    return default if moment is None else microseconds(moment)


def _leads(estimator: LeadScoringEstimator, requests: Sequence[BaseModel]) -> pl.DataFrame:
    signature = estimator.signature
    columns = columns_of(requests, signature)
    kinds = {f.name: _DTYPES.get(f.kind, pl.String) for f in signature.fields}
    for name in other_fields(estimator):
        columns[name] = [getattr(r, name) for r in requests]
    series = [pl.Series(n, v, dtype=kinds[n], strict=False) for n, v in columns.items()]
    return pl.DataFrame([pl.Series("lead_id", [str(i) for i in range(len(requests))]), *series])


def other_fields(estimator: LeadScoringEstimator) -> list[str]:
    """Return the fields of a request that are no features, but that rates, calibration or margins are read by.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.

    Returns
    -------
    list of str
        In the order of the signature, such as ``["store_id"]``.
    """
    names = {estimator.params.dealer, estimator.params.margin_by, *(n for g in estimator.rates_.groups for n in g)}
    fields = [f for f in estimator.signature.fields if not f.feature and not f.computed and f.kind != "instant"]
    return [f.name for f in fields if f.name in names]


def _count_events(
    estimator: LeadScoringEstimator, requests: Sequence[Any], as_of: list[int]
) -> tuple[list[int], list[int]]:
    before, ignored = [], []
    for request, until in zip(requests, as_of, strict=True):
        stop_if_abandoned()
        instants = [microseconds(e.event_at) for e in request.events]
        later = sum(t > until for t in instants)
        if later and estimator.params.events_after_as_of == "refuse":
            raise FeatureError(
                "events",
                f"must not be after as_of, but {later} of {len(instants)} are; leave them out or send a later as_of",
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
    other_leads = pl.DataFrame(
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
    budgets = [
        (i, *(None if v is None else round(v * 100) for v in (r.customer.budget_low, r.customer.budget_high)))
        for i, r in zip(ids, requests, strict=True)
        if r.customer is not None
    ]
    return {
        "leads": pl.concat([own, other_leads], how="diagonal").lazy(),
        "events": pl.LazyFrame(events, schema=_EVENT_SCHEMA, orient="row"),
        "sales": pl.LazyFrame(sales, schema=_SALE_SCHEMA, orient="row"),
        "customers": pl.LazyFrame(budgets, schema=_CUSTOMER_SCHEMA, orient="row"),
    }


def example(body: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """Return an example request with a short history added, if leads have times; otherwise the request itself.

    Parameters
    ----------
    body : dict
        JSON content of a request, as returned by `ml.requests.row_as_request`.
    signature : Signature
        As returned by `ml.signature.infer_signature`, or the attribute `signature` of a fitted estimator.

    Returns
    -------
    dict
        JSON content with `created_at`, `as_of` and `events` added.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> signature = Signature(fields=(Field(name="created_at", kind="instant"),))
    >>> sorted(example({"channel": "web"}, signature))
    ['as_of', 'channel', 'created_at', 'events']
    """
    if not any(f.name == "created_at" for f in signature.fields):
        return body
    events = [
        {"event_at": "2026-01-03T20:15:00+08:00", "event_type": "view", "session_id": "s1", "dwell_seconds": 42.0},
        {"event_at": "2026-01-06T21:02:00+08:00", "event_type": "compare", "session_id": "s2"},
        {"event_at": "2026-01-06T21:09:00+08:00", "event_type": "price_list", "session_id": "s2"},
    ]
    moments = {"created_at": "2026-01-06T21:10:00+08:00", "as_of": "2026-01-07T09:00:00+08:00"}
    return {**body, **moments, "events": events}
