"""The queue of applications, and one application with everything that has happened to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.work.entries import WorkEntry
from serving.work.journal import EntryAnswer, entry_answer
from serving.work.loans.applications import MINUTE, LoanCase, case, cases, with_inputs
from serving.work.loans.fields import signature_of
from serving.work.loans.people import masked_name, vehicle_of, vehicle_text
from serving.work.loans.rules import load_desk_rules
from serving.work.routing import WorkContext, WorkRequest


class QueueFilters(BaseModel):
    """Query string of `GET /v1/applications`."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["waiting", "decided", "all"] = "waiting"
    store_id: str | None = Field(None, max_length=200)


class QueueItem(BaseModel):
    """An application in the queue; money in yuan."""

    application_id: str
    store_id: str | None
    name: str | None = Field(description="masked")
    vehicle: str | None
    state: str = Field(description="waiting, second_person, documents, approve, refer or decline")
    submitted_at: str
    waiting_minutes: int | None = Field(description="null once it is decided")
    is_late: bool = Field(description="whether it has waited longer than promised")
    loan_amount: float | None
    term_months: int | None
    missing: list[str] = Field(description="fields that the credit model reads and the application lacks")
    person: str | None = Field(description="who has opened it within the last minutes")
    is_of_desk: bool


class Queue(BaseModel):
    """Applications, those that wait longest first."""

    items: list[QueueItem]
    waiting: int
    late: int
    longest_minutes: int | None
    promise_minutes: int


class CaseAnswer(BaseModel):
    """One application."""

    item: QueueItem
    inputs: dict[str, Any] = Field(description="fields of the application, money in yuan")
    customer_id: str | None
    vehicle_id: str | None
    table_decision: str | None = Field(description="decision of the tables, if they have one")
    proposal: EntryAnswer | None = Field(description="decision against the model that a second person must confirm")
    decision: EntryAnswer | None
    lender_results: list[EntryAnswer]
    plans: list[EntryAnswer] = Field(description="saved plans, the latest first")
    log: list[EntryAnswer] = Field(description="all entries, the latest first")
    earlier: list[QueueItem] = Field(description="other applications of the same customer")
    last_sequence: int


def list_queue(request: WorkRequest) -> Queue:
    """Answer `GET /v1/applications`."""
    filters, context = request.parameters, request.context
    rules = load_desk_rules(context.configs)
    present = [c for c in cases(request) if filters.store_id is None or c.store_id == filters.store_id]
    waiting = [c for c in present if c.is_waiting]
    chosen = {"waiting": waiting, "all": present}.get(filters.state) or [c for c in present if not c.is_waiting]
    if filters.state == "waiting":
        chosen = waiting
    items = [queue_item(context, c, promise_minutes=rules.promise_minutes) for c in chosen[:2_000]]
    items.sort(key=lambda item: -(item.waiting_minutes or 0))
    ages = [c.waiting_minutes(context) for c in waiting]
    return Queue(
        items=items,
        waiting=len(waiting),
        late=sum(age > rules.promise_minutes for age in ages),
        longest_minutes=max(ages, default=None),
        promise_minutes=rules.promise_minutes,
    )


def show_case(request: WorkRequest) -> CaseAnswer:
    """Answer `GET /v1/applications/{application_id}`."""
    context = request.context
    rules = load_desk_rules(context.configs)
    present = with_inputs(request, case(request, request.path["application_id"]))
    item = queue_item(context, present, promise_minutes=rules.promise_minutes)
    proposal = present.last("application.proposed") if present.state == "second_person" else None
    same = [c for c in cases(request) if present.customer_id and c.customer_id == present.customer_id]
    others = [c for c in same if c.application_id != present.application_id]
    return CaseAnswer(
        item=item,
        inputs=dict(present.inputs),
        customer_id=present.customer_id,
        vehicle_id=present.vehicle_id,
        table_decision=present.decision,
        proposal=_answer(proposal),
        decision=_answer(present.last("application.decided")),
        lender_results=_of(present, "application.lender_result"),
        plans=_of(present, "application.plan_saved"),
        log=[entry_answer(e) for e in reversed(present.entries)],
        earlier=[queue_item(context, c, promise_minutes=rules.promise_minutes) for c in others[:20]],
        last_sequence=context.entries.last_sequence(present.application_id),
    )


def queue_item(context: WorkContext, present: LoanCase, *, promise_minutes: int) -> QueueItem:
    """Return an application as a row of the queue."""
    age = present.waiting_minutes(context) if present.is_waiting else None
    vehicle = vehicle_text(vehicle_of(context, present.vehicle_id))
    return QueueItem(
        application_id=present.application_id,
        store_id=present.store_id,
        name=masked_name(context, present),
        vehicle=vehicle or (present.inputs.get("vehicle") if present.is_of_desk else None),
        state=present.state,
        submitted_at=datetime.fromtimestamp(present.submitted_at / 1e6, UTC).isoformat(),
        waiting_minutes=age,
        is_late=age is not None and age > promise_minutes,
        loan_amount=present.inputs.get("loan_amount"),
        term_months=present.inputs.get("term_months"),
        missing=missing_fields(context, present),
        person=person_at(context, present),
        is_of_desk=present.is_of_desk,
    )


def missing_fields(context: WorkContext, present: LoanCase) -> list[str]:
    """Return the fields that the credit model reads and an application of the tables lacks."""
    if present.is_of_desk or context.store.current("credit_risk") is None:
        return []
    signature, _ = signature_of(context)
    present_names = present.corrected.union(present.inputs)
    return [f.name for f in signature.fields if f.feature and not f.computed and f.name not in present_names]


def person_at(context: WorkContext, present: LoanCase) -> str | None:
    """Return who has opened an application within the last minutes; None for nobody, or once it is decided."""
    opened = present.last("application.opened")
    if opened is None or not present.is_waiting:
        return None
    age = (int(datetime.now(UTC).timestamp() * 1e6) - opened.at) / MINUTE
    return opened.person if age <= load_desk_rules(context.configs).opened_minutes else None


def _of(present: LoanCase, kind: str) -> list[EntryAnswer]:
    return [entry_answer(e) for e in reversed(present.entries) if e.kind == kind]


def _answer(entry: WorkEntry | None) -> EntryAnswer | None:
    return None if entry is None else entry_answer(entry)
