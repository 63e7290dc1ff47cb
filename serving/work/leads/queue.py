"""`GET /v1/leads`: the open leads in the order of today's calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text
from serving.work.leads.order import BEYOND, LATER, CallOrder, call_order
from serving.work.leads.requests import histories
from serving.work.leads.rows import all_leads
from serving.work.leads.rules import lead_rules
from serving.work.leads.scores import evidence
from serving.work.leads.staff import DeskPlan, visible_stores
from serving.work.routing import WorkRequest, WorkRoute

MAX_ROWS = 1_000
Filter = Literal["all", "today", "new", "test_drive", "unassigned", "mine", "later"]
Plan = Literal["first_call", "follow_up", "beyond", "later"]


class QueueFilters(BaseModel):
    """Query string of `GET /v1/leads`."""

    model_config = ConfigDict(extra="forbid")

    store_id: str | None = Field(None, max_length=200, description="default: all stores of the key")
    filter: Filter = "all"
    q: str | None = Field(None, max_length=100, description="lead id, model, or the end of a phone number")
    offset: int = Field(0, ge=0, le=1_000_000)
    limit: int = Field(50, ge=1, le=MAX_ROWS)


class Observed(BaseModel):
    """What leads with the nearest scores at their creation did, of those whose horizon is over."""

    leads: int
    bought: int
    share: float
    low: float = Field(description="lower limit of the 95 % interval (Wilson)")
    high: float


class Reason(BaseModel):
    """A reason of `/v1/lead_scoring`."""

    code: str
    zh: str
    en: str
    log_odds: float


class QueueRow(BaseModel):
    """An open lead and its place."""

    place: int
    lead_id: str
    name: str | None = Field(description="masked; null if the data have no names")
    store_id: str | None
    model: str | None
    channel: str | None
    created_at: str
    headline: Text = Field(description="what the customer did last")
    is_new: bool = Field(description="created today")
    test_drive: bool
    probability: float = Field(description="of a sale within horizon_days")
    horizon_days: float
    grade: str
    trend: str | None
    earlier_probability: float | None
    observed: Observed | None
    expected_margin: float | None = Field(description="yuan: probability times the margin of a sale")
    loss_per_hour: float | None = Field(description="yuan that an hour of waiting costs; null after the first call")
    gain: float | None = Field(description="yuan that the call is expected to bring")
    why: Text | None = Field(description="why the lead has this place")
    likelier_after: int = Field(description="number of leads called later that are likelier to buy")
    plan: Plan = Field(description="beyond: exceeds today's capacity; later: agreed for another time")
    call_at: str | None
    caller_id: str | None
    caller_name: str | None
    attempts: int
    last_contact_at: str | None
    last_outcome: str | None
    next_contact_at: str
    reasons_for: list[Reason]
    reasons_against: list[Reason]


class QueueCounts(BaseModel):
    """Numbers of open leads by filter."""

    all: int
    today: int = Field(description="that can be called on the day that is planned")
    new: int
    test_drive: int
    unassigned: int
    mine: int
    later: int


class LeadQueue(BaseModel):
    """Answer of `GET /v1/leads`."""

    now: str
    stores: list[str]
    desk: DeskPlan
    begins_at: str | None = Field(description="when the first call begins; null if none is planned")
    begins_today: bool
    notice: Text | None = Field(description="when the desk opens, if it is closed")
    horizon_days: float | None
    counts: QueueCounts
    not_scored: int = Field(description="open leads that lack a field which the model needs; they are not listed")
    costly_hour: float
    costs_waiting: bool = Field(description="false: the effect of waiting is not estimated")
    total: int = Field(description="rows that pass filter and search")
    planned: int = Field(description="of these, those that are called on the day that is planned")
    items: list[QueueRow]


def get_queue(request: WorkRequest) -> LeadQueue:
    """Answer `GET /v1/leads`."""
    context, filters = request.context, request.parameters
    stores = visible_stores(request, filters.store_id)
    order = call_order(request, stores)
    chosen = [row for row in order.rows if passes(request, filters.filter)(row)]
    if filters.q:
        chosen = [row for row in chosen if _matches(request, filters.q)(row)]
    page = chosen[filters.offset : filters.offset + filters.limit]
    queue = order.queue
    day = None if order.first_call_at is None else order.first_call_at[:10]
    return LeadQueue(
        now=context.clock.local().isoformat(),
        stores=stores,
        desk=order.desk,
        begins_at=order.first_call_at,
        begins_today=day == context.clock.local().date().isoformat(),
        notice=queue["notice"] if queue else None,
        horizon_days=order.rows[0]["horizon_days"] if order.rows else None,
        counts=_counts(request, order),
        not_scored=order.not_scored,
        costly_hour=lead_rules(context).costly_hour,
        costs_waiting=bool(queue and queue["decay"]),
        total=len(chosen),
        planned=sum(row["plan"] not in (BEYOND, LATER) for row in chosen),
        items=with_names(request, page),
    )


def passes(request: WorkRequest, name: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the condition of a filter."""
    caller = request.caller
    own = set() if caller is None else {caller.key_id, caller.name}
    conditions: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "all": lambda row: True,
        "today": lambda row: row["plan"] not in (BEYOND, LATER),
        "new": lambda row: bool(row["is_new"]),
        "test_drive": lambda row: bool(row["test_drive"]),
        "unassigned": lambda row: row["caller_id"] is None,
        "mine": lambda row: row["caller_id"] in own or row["caller_name"] in own,
        "later": lambda row: row["plan"] == LATER,
    }
    return conditions[name]


def with_names(request: WorkRequest, rows: Sequence[Mapping[str, Any]]) -> list[QueueRow]:
    """Return rows with the customer's masked name, and what such leads did."""
    if not rows:
        return []
    days = lead_rules(request.context).evidence_days
    past = evidence(request, days=days, horizon_days=rows[0]["horizon_days"])
    return [
        QueueRow.model_validate(
            {**r, "name": masked(person_of(request, r).get("name")), "observed": past.near(r["probability"])}
        )
        for r in rows
    ]


def person_of(request: WorkRequest, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the customer of a lead; empty if the data have none."""
    history = histories(request.context, all_leads(request.context))
    return history.customers.get(row["customer_id"] or "", {})


def masked(name: str | None) -> str | None:
    """Return a name of which the first letter is shown.

    >>> masked("刘洋"), masked("Wei Liu"), masked(None)
    ('刘*', 'W. L.', None)
    """
    words = (name or "").split()
    if not words:
        return None
    if words[0].isascii():
        return " ".join(f"{word[0]}." for word in words)
    text = "".join(words)
    return text[0] + "*" * (len(text) - 1)


def _matches(request: WorkRequest, q: str) -> Callable[[Mapping[str, Any]], bool]:
    words = q.casefold().strip()
    is_phone = words.isdigit() and len(words) >= 4

    def condition(row: Mapping[str, Any]) -> bool:
        if words in row["lead_id"].casefold() or words in (row["model"] or "").casefold():
            return True
        return is_phone and str(person_of(request, row).get("phone") or "").endswith(words)

    return condition


def _counts(request: WorkRequest, order: CallOrder) -> QueueCounts:
    names = ("all", "new", "test_drive", "unassigned", "mine", "later")
    counts = {name: _count(order.rows, passes(request, name)) for name in names}
    return QueueCounts(today=order.planned, **counts)


def _count(rows: Sequence[Mapping[str, Any]], condition: Callable[[Mapping[str, Any]], bool]) -> int:
    return sum(map(condition, rows))


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads",
        {"zh": "给出今日外呼顺序", "en": "Return the open leads in the order of today's calls"},
        get_queue, LeadQueue, parameters=QueueFilters,
    ),
)  # fmt: skip
