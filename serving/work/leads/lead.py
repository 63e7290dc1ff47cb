"""`GET /v1/leads/{lead_id}`: what happened with a lead, its score over time, and what such leads did."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.leads.journal import ASSIGNED, CONTACTED, NO_WORK, SHOWN, Contact, work_of_leads
from serving.work.leads.memory import memory_of
from serving.work.leads.order import call_order
from serving.work.leads.queue import QueueRow, Reason, masked, with_names
from serving.work.leads.requests import champion_fields, complete_leads, histories, iso, lead_request
from serving.work.leads.rows import all_leads, lead_row
from serving.work.leads.rules import lead_rules
from serving.work.leads.scores import ask_scores, current_scores
from serving.work.leads.words import (
    CREATED,
    FIRST_CALL,
    LAST_CONTACT,
    LOST,
    NO_CONSENT,
    OUTCOMES,
    SOLD,
    event_text,
)  # fmt: skip
from serving.work.routing import WorkRequest, WorkRoute

MAX_POINTS = 40
MAX_HISTORY = 200
MAX_VEHICLES = 10
JUMP = 0.03  # change of the probability that has a mark
MAX_JUMPS = 3
SECOND, DAY = 1_000_000, 86_400_000_000


class HistoryItem(BaseModel):
    """Something that happened."""

    at: str
    text: Text
    by: Literal["customer", "store", "desk"]
    person: str | None = None
    note: str | None = None


class ScorePoint(BaseModel):
    """The score at an instant, with only what was recorded before it."""

    at: str
    probability: float
    text: Text | None = Field(description="what happened just before")
    is_jump: bool


class StockVehicle(BaseModel):
    """A vehicle of the model of interest that is in the store's stock."""

    vehicle_id: str
    trim: str | None
    price: float | None
    condition: str | None
    listed_at: str | None


class LeadAnswer(BaseModel):
    """Answer of `GET /v1/leads/{lead_id}`."""

    lead_id: str
    store_id: str | None
    name: str | None = Field(description="masked")
    phone: str | None = Field(description="masked")
    state: Literal["open", "sold", "lost", "old"]
    row: QueueRow | None = Field(description="its row of the queue; null if it is not open, or older than the queue's")
    probability: float | None = Field(description="of a sale within horizon_days; null if it is closed")
    horizon_days: float | None
    reasons_for: list[Reason]
    reasons_against: list[Reason]
    model: str | None
    channel: str | None
    campaign: str | None
    budget: float | None
    price: float | None
    created_at: str
    distance_km: float | None
    scores: list[ScorePoint]
    history: list[HistoryItem] = Field(description="the last first")
    in_stock: list[StockVehicle]
    in_stock_total: int
    stock_missing: bool = Field(description="the data have no vehicles")
    consent: Text = Field(description="whether the customer may be called, as far as the data say")
    has_phone: bool
    caller_id: str | None
    caller_name: str | None
    attempts: int
    last_contact_at: str | None
    next_contact_at: str | None
    contacts: list[Contact]
    last_person: str | None = Field(description="who wrote the last entry")
    last_sequence: int = Field(description="send it back with a contact")


def get_lead(request: WorkRequest) -> LeadAnswer:
    """Answer `GET /v1/leads/{lead_id}`."""
    context = request.context
    lead = visible_lead(request)
    lead_id = lead["lead_id"]
    work = work_of_leads(context.entries).get(lead_id, NO_WORK)
    state = _state(request, lead)
    row = None
    if state == "open":
        order = call_order(request, [lead["store_id"]])
        row = next(iter(with_names(request, [r for r in order.rows if r["lead_id"] == lead_id])), None)
    score = _score(request, lead) if state in ("open", "old") else None
    person = histories(context, all_leads(context)).customers.get(lead["customer_id"] or "", {})
    stock, total = _in_stock(request, lead)
    entries = context.entries.history(lead_id)
    last = lead["last_contact_at"] or lead["first_contact_at"]
    reasons = (score or {}).get("reasons") or {"positive": [], "negative": []}
    return LeadAnswer(
        lead_id=lead_id, store_id=lead["store_id"], name=masked(person.get("name")),
        phone=_masked_phone(person.get("phone")), state=state, row=row,
        probability=None if score is None else score["conversion_probability"],
        horizon_days=None if score is None else score["horizon_days"],
        reasons_for=reasons["positive"], reasons_against=reasons["negative"], model=lead["model"],
        channel=lead["channel"], campaign=lead["campaign"], budget=_yuan(lead["budget"]), price=_yuan(lead["price"]),
        created_at=iso(lead["created_at"]), distance_km=lead["distance_km"], scores=_scores(request, lead),
        history=_history(request, lead), in_stock=stock, in_stock_total=total,
        stock_missing=not context.records.has("vehicles"), consent=NO_CONSENT, has_phone=bool(person.get("phone")),
        caller_id=work.caller_id, caller_name=work.caller_name, attempts=lead["contact_count"] or 0,
        last_contact_at=None if last is None else iso(last),
        next_contact_at=None if work.next_contact_at is None else iso(work.next_contact_at),
        contacts=list(work.contacts), last_person=entries[-1].person if entries else None,
        last_sequence=context.entries.last_sequence(lead_id),
    )  # fmt: skip


def visible_lead(request: WorkRequest) -> dict[str, Any]:
    """Return the row of the lead of the path.

    Raises
    ------
    Problem
        Status 404: there is no such lead. 403: it belongs to a store that the caller lacks.
    """
    lead = lead_row(request.context, request.path["lead_id"])
    if lead is None:
        raise Problem(404, "no_lead", "there is no lead with this id; check it, or search on the page of leads")
    request.check_store(lead["store_id"])
    return lead


def _state(request: WorkRequest, lead: dict[str, Any]) -> Literal["open", "sold", "lost", "old"]:
    if lead["converted_at"] is not None or lead["converted"]:
        return "sold"
    if lead["closed_at"] is not None or lead["converted"] is False:
        return "lost"
    oldest = request.context.clock.now() - int(lead_rules(request.context).oldest_days * DAY)
    return "old" if lead["created_at"] < oldest else "open"


def _score(request: WorkRequest, lead: dict[str, Any]) -> dict[str, Any] | None:
    frame = _complete(request, lead)
    return current_scores(request, frame).get(lead["lead_id"])


def _complete(request: WorkRequest, lead: dict[str, Any]) -> pl.DataFrame:
    frame = all_leads(request.context).filter(pl.col("lead_id") == lead["lead_id"])
    return complete_leads(frame, champion_fields(request.context)[1])


def _scores(request: WorkRequest, lead: dict[str, Any]) -> list[ScorePoint]:
    context = request.context
    version, fields = champion_fields(context)
    if "created_at" not in fields or not _complete(request, lead).height:
        return []
    now = context.clock.now()
    key = (version, context.records.tables.state, now // (10 * 60 * SECOND), lead["lead_id"], lead["first_contact_at"])
    return memory_of(context).latest("points", key, lambda: _points(request, lead, fields, now))


def _points(request: WorkRequest, lead: dict[str, Any], fields: dict[str, Any], now: int) -> list[ScorePoint]:
    history = histories(request.context, all_leads(request.context))
    end = min(now, lead["converted_at"] or lead["closed_at"] or now)
    events = [e for e in history.before(lead["customer_id"], end) if e["event_at"] >= lead["created_at"]]
    moments = [(lead["created_at"], CREATED)]
    moments += [(e["event_at"] + SECOND, event_text(e)) for e in events][-(MAX_POINTS - 3) :]
    if lead["first_contact_at"] is not None and lead["created_at"] < lead["first_contact_at"] < end:
        moments.append((lead["first_contact_at"] + SECOND, FIRST_CALL))
    moments = sorted(dict(moments).items())
    texts: list[Text | None] = [text for _, text in moments]
    instants = [at for at, _ in moments if at < end]
    texts = [*texts[: len(instants)], None]
    instants.append(max(end, lead["created_at"]))
    bodies = [
        {**{k: v for k, v in lead_request(lead, history, fields, at=at).items() if k != "lead_id"}, "as_of": iso(at)}
        for at in instants
    ]
    if fields.get("lead_id") is not None and fields["lead_id"].required:
        bodies = [{**body, "lead_id": f"{lead['lead_id']}.{i}"} for i, body in enumerate(bodies)]
    values = [a["conversion_probability"] for a in ask_scores(request, bodies, explain=False)]
    jumps = _jumps(values)
    return [
        ScorePoint(at=iso(at), probability=p, text=text, is_jump=i in jumps)
        for i, (at, p, text) in enumerate(zip(instants, values, texts, strict=True))
    ]


def _jumps(values: Sequence[float]) -> set[int]:
    """Return the positions of the largest changes.

    >>> _jumps([0.1, 0.11, 0.2, 0.2])
    {2}
    """
    changes = [(abs(b - a), i) for i, (a, b) in enumerate(itertools.pairwise(values), start=1)]
    return {i for change, i in sorted(changes, reverse=True)[:MAX_JUMPS] if change >= JUMP}


def _history(request: WorkRequest, lead: dict[str, Any]) -> list[HistoryItem]:
    context = request.context
    events = histories(context, all_leads(context)).before(lead["customer_id"], context.clock.now())
    start = lead["created_at"] - 30 * DAY
    items = [(e["event_at"], event_text(e), "customer", None, None) for e in events if e["event_at"] >= start]
    items.append((lead["created_at"], CREATED, "customer", None, None))
    own = list(context.entries.of("lead.", lead["lead_id"]))
    written = [e for e in own if e.kind == CONTACTED]
    for name, text in (("first_contact_at", FIRST_CALL), ("last_contact_at", LAST_CONTACT)):
        repeated = name == "last_contact_at" and lead[name] == lead["first_contact_at"]
        if lead[name] is not None and not repeated and not any(iso(lead[name]) == e.content["at"] for e in written):
            items.append((lead[name], text, "store", lead["salesperson_id"], None))
    for name, text in (("converted_at", SOLD), ("closed_at", LOST)):
        if lead[name] is not None and not (name == "closed_at" and lead["converted_at"] is not None):
            items.append((lead[name], text, "store", None, None))
    rows = [HistoryItem(at=iso(at), text=text, by=by, person=p, note=n) for at, text, by, p, n in items]  # type: ignore[arg-type]
    rows += [_entry_item(request, entry) for entry in own if entry.kind in (CONTACTED, ASSIGNED, SHOWN)]
    return sorted(rows, key=lambda item: item.at, reverse=True)[:MAX_HISTORY]


def _entry_item(request: WorkRequest, entry: Any) -> HistoryItem:
    content = entry.content
    at, note = content.get("at") or iso(entry.at), content.get("note")
    if entry.kind == CONTACTED:
        text = OUTCOMES[content["outcome"]]
        reason = lead_rules(request.context).loss_reasons.get(content.get("reason") or "")
        if reason is not None:
            text = Text(zh=f"{text.zh}：{reason.zh}", en=f"{text.en}: {reason.en}")
    elif entry.kind == ASSIGNED and content["caller_id"] is None:
        text = Text(zh="取消分配", en="no longer assigned")
    elif entry.kind == ASSIGNED:
        text = Text(zh=f"分配给{content['caller_name']}", en=f"assigned to {content['caller_name']}")
    else:
        text = Text(zh="查看了姓名与电话", en="name and phone number were shown")
    return HistoryItem(at=at, text=text, by="desk", person=entry.person, note=note)


def _in_stock(request: WorkRequest, lead: dict[str, Any]) -> tuple[list[StockVehicle], int]:
    vehicles = request.context.records.table("vehicles")
    if lead["model"] is None or not vehicles.height:
        return [], 0
    is_free = pl.col("sold_at").is_null() & pl.col("withdrawn_at").is_null() & pl.col("reserved_at").is_null()
    own = (pl.col("kind") == "unit") & (pl.col("model") == lead["model"]) & (pl.col("store_id") == lead["store_id"])
    rows = vehicles.filter(is_free & own).sort("listed_at", nulls_last=True)
    return [_vehicle(r) for r in rows.head(MAX_VEHICLES).iter_rows(named=True)], rows.height


def _vehicle(row: dict[str, Any]) -> StockVehicle:
    return StockVehicle(
        vehicle_id=row["vehicle_id"], trim=row["trim"], price=_yuan(row["price"]), condition=row["condition"],
        listed_at=None if row["listed_at"] is None else iso(row["listed_at"]),
    )  # fmt: skip


def _yuan(fen: int | None) -> float | None:
    return None if fen is None else round(fen / 100, 2)


def _masked_phone(number: str | None) -> str | None:
    if not number:
        return None
    digits = "".join(c for c in number if c.isdigit())
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else f"****{digits[-2:]}"


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads/{lead_id}",
        {"zh": "给出一条线索的经过与成交概率变化", "en": "Return a lead: its history and its score over time"},
        get_lead, LeadAnswer,
    ),
)  # fmt: skip
