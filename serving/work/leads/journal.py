"""What entries say of leads: who calls a lead, how its contacts went, and when it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel

from serving.work.clock import instant_of
from serving.work.entries import WorkEntries

ASSIGNED, CONTACTED, SHOWN = "lead.assigned", "lead.contacted", "lead.phone_shown"
Outcome = Literal["not_reached", "reached", "appointment", "lost", "sold"]


class Assignment(BaseModel):
    """Content of an entry `lead.assigned`; without a caller the lead is free again."""

    caller_id: str | None
    caller_name: str | None


class Contact(BaseModel):
    """Content of an entry `lead.contacted`; instants are those of the desk's clock."""

    outcome: Outcome
    at: str
    reason: str | None = None
    next_contact_at: str | None = None
    note: str | None = None
    has_event: bool = True


class LeadWork(NamedTuple):
    """What entries say of one lead.

    Attributes
    ----------
    caller_id, caller_name : str or None
        Who calls it.
    contacts : tuple of Contact
        The earliest first.
    next_contact_at : int or None
        Microseconds since 1970 UTC.
    """

    caller_id: str | None
    caller_name: str | None
    contacts: tuple[Contact, ...]
    next_contact_at: int | None


NO_WORK = LeadWork(None, None, (), None)


def work_of_leads(entries: WorkEntries) -> Mapping[str, LeadWork]:
    """Return what the entries say, by lead."""
    assigned = {s: Assignment.model_validate(e.content) for s, e in entries.latest(ASSIGNED).items()}
    contacts: dict[str, list[Contact]] = {}
    for entry in entries.of(CONTACTED):
        contacts.setdefault(entry.subject, []).append(Contact.model_validate(entry.content))
    out = {}
    for lead_id in {*assigned, *contacts}:
        assignment = assigned.get(lead_id, Assignment(caller_id=None, caller_name=None))
        own = contacts.get(lead_id, [])
        following = instant_of(own[-1].next_contact_at) if own else None
        out[lead_id] = LeadWork(assignment.caller_id, assignment.caller_name, tuple(own), following)
    return out
