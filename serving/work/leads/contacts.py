"""`POST /v1/leads/{lead_id}/contacts` and `/phone`: how a call went, and the customer's name and number in full."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.clock import instant_of
from serving.work.entries import NewWorkEntry, WorkEntry
from serving.work.leads.journal import CONTACTED, SHOWN, Contact, Outcome
from serving.work.leads.lead import visible_lead
from serving.work.leads.requests import histories, iso
from serving.work.leads.rows import all_leads
from serving.work.leads.rules import lead_rules
from serving.work.leads.staff import desk_rules
from serving.work.routing import WorkRequest, WorkRoute

HOUR = 3_600_000_000
EVENT_OF = {"not_reached": "called", "reached": "answered", "appointment": "answered", "lost": "lost", "sold": "sold"}


class ContactRequest(BaseModel):
    """Body of `POST /v1/leads/{lead_id}/contacts`."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    reason: str | None = Field(None, max_length=50, description="with lost: a code of loss_reasons")
    next_contact_at: Annotated[AwareDatetime | None, Field(strict=False)] = None
    note: str | None = Field(None, max_length=500, description="internal; no personal data")
    gross_margin: float | None = Field(None, ge=-1e8, le=1e8, description="with sold: yuan, if it is recorded")
    last_sequence: int | None = Field(
        None, ge=0, description="of the lead as it was read; if somebody has written since, nothing is written"
    )


class ContactAnswer(BaseModel):
    """What was written."""

    sequence: int
    outcome: Outcome
    event: str = Field(description="type of the event of the lead")
    next_contact_at: str | None
    attempts: int
    last_sequence: int


class PhoneAnswer(BaseModel):
    """Name and phone number in full; null if the data have none. Showing them is an entry."""

    name: str | None
    phone: str | None


class LossReason(BaseModel):
    """A reason for which a lead is given up."""

    code: str
    text: Text


class LossReasons(BaseModel):
    """Reasons of `configs/lead_desk.yaml`."""

    items: list[LossReason]


def get_loss_reasons(request: WorkRequest) -> LossReasons:
    """Answer `GET /v1/leads/loss_reasons`."""
    reasons = lead_rules(request.context).loss_reasons
    return LossReasons(items=[LossReason(code=code, text=text) for code, text in reasons.items()])


def add_contact(request: WorkRequest) -> ContactAnswer:
    """Answer `POST /v1/leads/{lead_id}/contacts`: write the entry and the event of the lead."""
    context, body = request.context, request.body
    lead = visible_lead(request)
    _check(request, lead, body)
    now = context.clock.now()
    attempts = (lead["contact_count"] or 0) + 1
    following = _next(request, body, attempts, now)
    contact = Contact(
        outcome=body.outcome, at=iso(now), reason=body.reason, note=body.note,
        next_contact_at=None if following is None else iso(following),
    )  # fmt: skip
    lead_id = lead["lead_id"]
    expected = None if body.last_sequence is None else {lead_id: body.last_sequence}
    entry = NewWorkEntry(CONTACTED, lead_id, lead["store_id"], contact.model_dump())
    written = context.entries.append([entry], caller=request.caller, expected=expected)[0]
    kind = EVENT_OF[body.outcome]
    try:
        request.ask("POST", "/v1/events", {"events": [_event(lead, written, kind, now, body.gross_margin)]})
    except Problem:
        context.entries.undo(written.sequence, caller=request.caller)
        raise
    return ContactAnswer(
        sequence=written.sequence, outcome=body.outcome, event=kind, next_contact_at=contact.next_contact_at,
        attempts=attempts, last_sequence=context.entries.last_sequence(lead_id),
    )  # fmt: skip


def show_phone(request: WorkRequest) -> PhoneAnswer:
    """Answer `POST /v1/leads/{lead_id}/phone`: the name and number, after the entry is on the disk."""
    lead = visible_lead(request)
    if not request.may("personal:read"):
        raise Problem(403, "missing_scope", "showing a phone number needs the scope personal:read")
    context = request.context
    person = histories(context, all_leads(context)).customers.get(lead["customer_id"] or "", {})
    content = {"at": iso(context.clock.now())}
    entry = NewWorkEntry(SHOWN, lead["lead_id"], lead["store_id"], content)
    context.entries.append([entry], caller=request.caller)
    return PhoneAnswer(name=person.get("name"), phone=person.get("phone"))


def _check(request: WorkRequest, lead: dict[str, Any], body: ContactRequest) -> None:
    if lead["converted_at"] is not None or lead["converted"]:
        raise Problem(409, "closed", "this lead has bought; there is nothing to call for")
    if body.outcome == "lost" and lead["closed_at"] is not None:
        raise Problem(409, "closed", "this lead was given up before; nothing was written")
    reasons = lead_rules(request.context).loss_reasons
    if (body.outcome == "lost") != (body.reason is not None):
        text = "a lead that is given up needs a reason, other outcomes have none"
        raise _invalid("reason", "required", text)
    if body.reason is not None and body.reason not in reasons:
        raise _invalid("reason", "unknown", f"must be one of {', '.join(reasons)}")
    if body.outcome == "appointment" and body.next_contact_at is None:
        raise _invalid("next_contact_at", "required", "an appointment has a day and a time")
    if body.gross_margin is not None and body.outcome != "sold":
        raise _invalid("gross_margin", "not_allowed", "belongs to a sale only; leave it out")
    if body.next_contact_at is not None and _us(body.next_contact_at) <= request.context.clock.now():
        raise _invalid("next_contact_at", "past", "must be later than now")


def _invalid(field: str, rule: str, message: str) -> Problem:
    return Problem(422, "invalid", f"{field}: {message}", [{"field": field, "rule": rule, "message": message}])


def _next(request: WorkRequest, body: ContactRequest, attempts: int, now: int) -> int | None:
    """Return when the lead comes back: as agreed, or after a time, inside the opening hours."""
    if body.outcome in ("lost", "sold"):
        return None
    if body.next_contact_at is not None:
        return _us(body.next_contact_at)
    rules = lead_rules(request.context)
    hours = rules.retry_after(attempts) if body.outcome == "not_reached" else 24 * rules.follow_up_days
    at = request.context.clock.local(now + int(hours * HOUR))
    days = desk_rules(request.context).hours.days(at, count=1)
    return _us(days[0][0][0]) if days else now + int(hours * HOUR)


def _us(at: datetime) -> int:
    return instant_of(at.astimezone(UTC).isoformat()) or 0


def _event(lead: dict[str, Any], entry: WorkEntry, kind: str, now: int, margin: float | None) -> dict[str, Any]:
    event = {"event_id": f"desk-{lead['lead_id']}-{entry.sequence}", "type": kind, "at": iso(now)}
    event |= {"lead_id": lead["lead_id"], "store_id": lead["store_id"]}
    return event if margin is None else {**event, "gross_margin": margin}


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads/loss_reasons",
        {"zh": "给出战败原因", "en": "Return the reasons for which a lead is given up"}, get_loss_reasons, LossReasons,
    ),
    WorkRoute(
        "POST", "/v1/leads/{lead_id}/contacts",
        {"zh": "登记外呼结果", "en": "Write how a contact with a lead went"},
        add_contact, ContactAnswer, body=ContactRequest, example={"outcome": "not_reached"},
    ),
    WorkRoute(
        "POST", "/v1/leads/{lead_id}/phone",
        {"zh": "显示姓名与电话（留痕）", "en": "Show the customer's name and phone number, which is logged"},
        show_phone, PhoneAnswer,
    ),
)  # fmt: skip
