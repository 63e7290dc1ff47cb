"""Who did what: read the entries of a record, and take the last one back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.entries import UNDO, WorkEntry
from serving.work.routing import WorkRequest, WorkRoute

MAX_ENTRIES = 500
# The alias of a champion is moved by an endpoint, so that taking back the entry alone would say what is not so.
FINAL = "model"
# Scopes to read and to take back entries, by the first part of their kind.
SCOPES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "lead": ("lead_scoring", "leads:write"),
        "application": ("credit_risk", "applications:write"),
        "order": ("demand_forecast", "orders:write"),
        "transfer": ("demand_forecast", "orders:write"),
        "vehicle": ("demand_forecast", "orders:write"),
        "alarm": ("fault_rate", "alarms:write"),
        "safety": ("fault_rate", "alarms:write"),
        "service": ("fault_rate", "alarms:write"),
        "model": ("models:read", "models:write"),
        "rule": ("recommendation", "rules:write"),
    }
)

# What has had an effect outside the entries: an event was sent, a decision logged, somebody has read personal data.
FINAL_KINDS = frozenset(
    {
        *("lead.contacted", "lead.phone_shown", "alarm.disclosed"),
        *("application.submitted", "application.opened", "application.proposed", "application.decided"),
        "application.identity_shown",
    }
)


class EntryFilters(BaseModel):
    """Query string of `GET /v1/work_entries`."""

    model_config = ConfigDict(extra="forbid")

    subject: str | None = Field(None, max_length=200, description="identifier of the record")
    kind: str | None = Field(None, max_length=100, description="kind, or its first part with a dot: lead.")
    limit: int = Field(50, ge=1, le=MAX_ENTRIES)


class EntryAnswer(BaseModel):
    """One entry."""

    sequence: int
    at: str = Field(description="real time of writing")
    kind: str
    subject: str
    store_id: str | None
    person: str | None = Field(description="name of the key of the person who wrote it")
    content: dict[str, Any]
    holds: bool = Field(description="false if it was taken back")


class EntryList(BaseModel):
    """The latest entries, the last first."""

    items: list[EntryAnswer]
    last_sequence: int = Field(description="of the subject: send it back with a change, 0 without entries")


def entry_answer(entry: WorkEntry, *, holds: bool = True) -> EntryAnswer:
    """Return an entry in the form of the interface.

    >>> entry_answer(WorkEntry(1, 0, "lead.called", "L1", None, None, "Li", {})).at
    '1970-01-01T00:00:00+00:00'
    """
    at = datetime.fromtimestamp(entry.at / 1e6, UTC).isoformat()
    names = ("sequence", "kind", "subject", "store_id", "person")
    return EntryAnswer(at=at, content=dict(entry.content), holds=holds, **{n: getattr(entry, n) for n in names})


def list_entries(request: WorkRequest) -> EntryList:
    """Answer `GET /v1/work_entries`: the entries that the caller may read."""
    filters, entries = request.parameters, request.context.entries
    present = {entry.sequence for entry in entries.of()}
    candidates = entries.history(filters.subject) if filters.subject is not None else entries.of(filters.kind)
    chosen = [entry for entry in candidates if _is_kind(entry, filters.kind) and _may(request, entry, writes=False)]
    items = [entry_answer(entry, holds=entry.sequence in present) for entry in reversed(chosen[-filters.limit :])]
    last = 0 if filters.subject is None else entries.last_sequence(filters.subject)
    return EntryList(items=items, last_sequence=last)


def undo_entry(request: WorkRequest) -> EntryAnswer:
    """Answer `POST /v1/work_entries/{sequence}/undo`: take an entry back, if none follows it."""
    text = request.path["sequence"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    entry = next((e for e in request.context.entries.of() if e.sequence == number), None)
    if entry is None or not _may(request, entry, writes=False):
        raise Problem(404, "no_entry", "there is no entry with this number that can be taken back")
    if not _may(request, entry, writes=True):
        raise Problem(
            403, "missing_scope", f"this key lacks the scope {SCOPES[_noun(entry)][1]}; ask for one that has it"
        )
    if _noun(entry) == FINAL:
        raise Problem(409, "not_undoable", "a change of the champion is taken back by POST /v1/models/{name}/rollback")
    if entry.kind in FINAL_KINDS:
        raise Problem(409, "not_undoable", f"an entry {entry.kind} cannot be taken back; write a new one")
    return entry_answer(request.context.entries.undo(number, caller=request.caller))


def _noun(entry: WorkEntry) -> str:
    kind = str(entry.content.get("kind", "")) if entry.kind == UNDO else entry.kind
    return kind.partition(".")[0]


def _is_kind(entry: WorkEntry, kind: str | None) -> bool:
    return kind is None or entry.kind == kind or (kind.endswith(".") and entry.kind.startswith(kind))


def _may(request: WorkRequest, entry: WorkEntry, *, writes: bool) -> bool:
    scopes = SCOPES.get(_noun(entry))
    if scopes is None or not request.may(scopes[writes]):
        return False
    return request.stores is None or entry.store_id in request.stores


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/work_entries",
        {"zh": "业务记录：谁在何时做了什么", "en": "Entries of the daily work: who did what, and when"},
        list_entries,
        EntryList,
        parameters=EntryFilters,
    ),
    WorkRoute(
        "POST",
        "/v1/work_entries/{sequence}/undo",
        {"zh": "撤销一条业务记录", "en": "Take an entry back"},
        undo_entry,
        EntryAnswer,
    ),
)
