"""The order of calls: first calls that lose by waiting, as the call queue plans them, then by expected margin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from ml.domain.leads.opening_hours import call_times
from ml.lead_scoring.sales_desk import DeskChanges
from serving.work.leads.journal import CONTACTED, NO_WORK, LeadWork, work_of_leads
from serving.work.leads.memory import memory_of
from serving.work.leads.requests import champion_fields, complete_leads, histories, iso, lead_request
from serving.work.leads.rows import all_leads, feedback_state, open_leads
from serving.work.leads.rules import LeadDeskRules, lead_rules
from serving.work.leads.scores import current_scores
from serving.work.leads.staff import DeskPlan, desk_plan, desk_rules, store_staff
from serving.work.leads.words import headline
from serving.work.routing import WorkContext, WorkRequest

MAX_QUEUE = 1_000
DAY = 86_400_000_000
MINUTE = 60_000_000
FIRST, AGAIN, BEYOND, LATER = "first_call", "follow_up", "beyond", "later"


class CallOrder(NamedTuple):
    """Open leads in the order of their calls.

    Attributes
    ----------
    rows : list of dict
        Fields of `serving.work.leads.queue.QueueRow`; names are not in it.
    planned : int
        Number of leads at the start that are called today, or on the next open day.
    desk : DeskPlan
        Hours and capacity.
    queue : dict or None
        Answer of `/v1/lead_scoring/queue`; None if no lead waits for its first call.
    first_call_at : str or None
        When calls begin.
    not_scored : int
        Number of open leads without a field that the champion needs; they are not in the order.
    """

    rows: list[dict[str, Any]]
    planned: int
    desk: DeskPlan
    queue: dict[str, Any] | None
    first_call_at: str | None
    not_scored: int


def call_order(request: WorkRequest, stores: Sequence[str]) -> CallOrder:
    """Return the order of the open leads of some stores, all of which the caller may see."""
    context = request.context
    version, _ = champion_fields(context)
    now = context.clock.now()
    key = (
        version, context.records.tables.state, feedback_state(context), context.entries.state, now // (10 * MINUTE),
        tuple(stores),
    )  # fmt: skip
    return memory_of(context).latest("orders", key, lambda: _order(request, stores, now))


def _order(request: WorkRequest, stores: Sequence[str], now: int) -> CallOrder:
    context, rules = request.context, lead_rules(request.context)
    every = open_leads(context, stores, oldest_days=rules.oldest_days)
    leads = complete_leads(every, champion_fields(context)[1])
    desk = desk_plan(context, [store_staff(context, s) for s in stores])
    work = work_of_leads(context.entries)
    scores = current_scores(request, leads)
    rows = [_row(context, lead, scores[lead["lead_id"]], work, rules, now) for lead in leads.rows(named=True)]
    waiting = [r for r in rows if r["first_contact_at"] is None and r["due_at"] <= now]
    again = [r for r in rows if r["first_contact_at"] is not None and r["due_at"] <= now]
    later = [r for r in rows if r["due_at"] > now]
    done = _calls_today(context)
    capacity = None if desk.capacity_per_day is None else max(desk.capacity_per_day - done, 0)
    queue = _ask_queue(request, leads, waiting, desk, capacity, now) if waiting else None
    first, rest = _first_calls(waiting, queue)
    urgent = [r for r in first if r["loss_per_hour"] is not None and r["loss_per_hour"] >= rules.urgent_hour]
    if queue is not None and queue["measure"] == "sales":  # without margins nobody can say what an hour costs
        urgent = first
    names = {r["lead_id"] for r in urgent}
    others = [r for r in (*first, *rest, *again) if r["lead_id"] not in names]
    others.sort(key=lambda r: (-(r["expected_margin"] or 0), -r["probability"], r["lead_id"]))
    times = _slots(context, desk, capacity, now, len(urgent) + len(others))
    ordered = [*urgent, *others]
    for row in others:
        row |= {"plan": BEYOND, "call_at": None, "why": None}
    for row, at in zip(ordered, times, strict=False):
        row["plan"] = FIRST if row["first_contact_at"] is None else AGAIN
        row["call_at"] = at.isoformat()
    planned = ordered[: len(times)]
    later.sort(key=lambda r: (r["due_at"], r["lead_id"]))
    for row in later:
        row["plan"] = LATER
    ordered += later
    for place, row in enumerate(ordered, start=1):
        row["place"] = place
    for i, row in enumerate(planned):
        row["likelier_after"] = sum(r["probability"] > row["probability"] for r in planned[i + 1 :])
    return CallOrder(
        ordered, len(planned), desk, queue, planned[0]["call_at"] if planned else None, every.height - leads.height
    )


def _row(
    context: WorkContext, lead: dict[str, Any], score: dict[str, Any], work: Any, rules: LeadDeskRules, now: int
) -> dict[str, Any]:
    own: LeadWork = work.get(lead["lead_id"], NO_WORK)
    clock = context.clock
    history = histories(context, all_leads(context))
    events = history.before(lead["customer_id"], now)
    since = [e for e in events if e["event_at"] >= lead["created_at"] - DAY]
    last = max(since, key=lambda e: e["event_at"], default=None)
    kind, at = ("lead", lead["created_at"]) if last is None else (last["event_type"], last["event_at"])
    count = sum(e["event_type"] == kind and e["event_at"] > now - 7 * DAY for e in since)
    contact = lead["last_contact_at"] or lead["first_contact_at"]
    due = own.next_contact_at
    if due is None:
        due = lead["created_at"] if contact is None else contact + int(rules.follow_up_days * DAY)
    reasons = score.get("reasons") or {"positive": [], "negative": []}
    return {
        "lead_id": lead["lead_id"], "customer_id": lead["customer_id"], "store_id": lead["store_id"],
        "model": lead["model"], "channel": lead["channel"], "created_at": iso(lead["created_at"]),
        "is_new": clock.local(lead["created_at"]).date() == clock.local(now).date(),
        "test_drive": any(e["event_type"] == "test_drive" for e in events if e["event_at"] >= lead["created_at"] - DAY),
        "headline": headline(kind, count, clock.local(at), clock.local(now)),
        "probability": score["conversion_probability"], "horizon_days": score["horizon_days"],
        "grade": score["grade"], "expected_margin": score["expected_gross_margin"], "trend": score["trend"],
        "earlier_probability": score["earlier_probability"],
        "reasons_for": reasons["positive"], "reasons_against": reasons["negative"],
        "caller_id": own.caller_id, "caller_name": own.caller_name,
        "first_contact_at": None if lead["first_contact_at"] is None else iso(lead["first_contact_at"]),
        "attempts": lead["contact_count"] or 0, "last_contact_at": None if contact is None else iso(contact),
        "last_outcome": own.contacts[-1].outcome if own.contacts else None,
        "due_at": due, "next_contact_at": iso(due), "plan": BEYOND, "call_at": None, "loss_per_hour": None,
        "gain": None, "why": None, "place": 0, "likelier_after": 0,
    }  # fmt: skip


def _calls_today(context: WorkContext) -> int:
    day = context.clock.local().date()
    contents = (e.content for e in context.entries.of(CONTACTED))
    zone = context.clock.timezone
    return sum(datetime.fromisoformat(str(c["at"])).astimezone(zone).date() == day for c in contents)


def _ask_queue(
    request: WorkRequest, leads: pl.DataFrame, waiting: list[dict[str, Any]], desk: DeskPlan,
    capacity: float | None, now: int,
) -> dict[str, Any]:  # fmt: skip
    """Return the answer of the call queue for the leads without a call; of many, for the most valuable ones."""
    context = request.context
    _, fields = champion_fields(context)
    if len(waiting) > MAX_QUEUE:
        waiting.sort(key=lambda r: (-(r["expected_margin"] or r["probability"]), r["lead_id"]))
    chosen = {r["lead_id"] for r in waiting[:MAX_QUEUE]}
    history = histories(context, all_leads(context))
    rows = [r for r in leads.rows(named=True) if r["lead_id"] in chosen]
    body = {
        "as_of": iso(now),
        "leads": [lead_request(r, history, fields, at=now) for r in rows],
        **_desk_changes(desk, capacity),
    }
    answer = request.ask("POST", "/v1/lead_scoring/queue", body)
    answer["lead_ids"] = [r["lead_id"] for r in rows]
    return dict(answer)


def _desk_changes(desk: DeskPlan, capacity: float | None) -> dict[str, Any]:
    changes: dict[str, Any] = {"open": desk.open, "close": desk.close, "lunch": desk.lunch}
    changes["calls_per_hour"] = desk.calls_per_hour
    return changes if capacity is None else {**changes, "capacity_per_day": capacity}


def _first_calls(
    waiting: list[dict[str, Any]], queue: dict[str, Any] | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the leads that the queue plans, in its order, and the others."""
    if queue is None:
        return [], waiting
    by_id = {row["lead_id"]: row for row in waiting}
    first = []
    for item in queue["items"]:
        row = by_id.pop(queue["lead_ids"][item["position"]])
        row |= {
            "plan": FIRST, "call_at": item["call_at"], "gain": item["gain"], "why": item["why"],
            "loss_per_hour": item["loss_per_hour"] if queue["decay"] else None,
        }  # fmt: skip
        first.append(row)
    return first, list(by_id.values())


def _slots(context: WorkContext, desk: DeskPlan, capacity: float | None, now: int, n: int) -> list[datetime]:
    """Return the times of calls of the next open day."""
    rules = desk_rules(context).replaced(DeskChanges.model_validate(_desk_changes(desk, capacity)))
    days = rules.hours.days(context.clock.local(now), count=1)
    times = call_times(days, calls_per_hour=desk.calls_per_hour, capacity_per_day=capacity, at_most=n)
    return [t.astimezone(context.clock.timezone) for t in times]
