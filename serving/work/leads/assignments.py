"""`POST /v1/leads/assignments`: give leads to callers by hand or evenly, and take that back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.asgi import Problem
from serving.work.entries import NewWorkEntry
from serving.work.leads.journal import ASSIGNED
from serving.work.leads.order import BEYOND, LATER, call_order
from serving.work.leads.queue import MAX_ROWS
from serving.work.leads.requests import iso
from serving.work.leads.rows import lead_row
from serving.work.leads.staff import DeskCaller, store_staff, visible_stores
from serving.work.routing import WorkRequest, WorkRoute


class AssignmentRequest(BaseModel):
    """Body of `POST /v1/leads/assignments`."""

    model_config = ConfigDict(extra="forbid")

    lead_ids: list[str] | None = Field(None, min_length=1, max_length=MAX_ROWS, description="by hand")
    first: int | None = Field(None, ge=1, le=MAX_ROWS, description="the first leads of the queue without a caller")
    store_id: str | None = Field(None, max_length=200, description="with first: whose leads")
    caller_ids: list[str] | None = Field(
        None, max_length=100, description="to whom, evenly in the order of the queue; default: all callers of the store"
    )
    free: bool = Field(False, description="true: the leads of lead_ids have no caller any more")

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.lead_ids is None) == (self.first is None):
            raise ValueError("name lead_ids, or say how many with first; exactly one of them")
        if self.free and self.lead_ids is None:
            raise ValueError("free needs lead_ids")
        return self


class Assigned(BaseModel):
    """A lead and who calls it."""

    lead_id: str
    caller_id: str | None
    caller_name: str | None
    sequence: int


class AssignmentAnswer(BaseModel):
    """Who calls which lead; numbers of callers differ by at most one where all leads are of one store."""

    items: list[Assigned]
    by_caller: dict[str, int] = Field(description="number of these leads by name of the caller")


class UndoRequest(BaseModel):
    """Body of `POST /v1/leads/assignments/undo`."""

    model_config = ConfigDict(extra="forbid")

    sequences: list[int] = Field(min_length=1, max_length=MAX_ROWS)


class UndoAnswer(BaseModel):
    """Number of assignments that were taken back."""

    undone: int


def assign(request: WorkRequest) -> AssignmentAnswer:
    """Answer `POST /v1/leads/assignments`."""
    body: AssignmentRequest = request.body
    leads = _chosen(request, body)
    by_store: dict[str, list[str]] = {}
    for lead_id, store_id in leads:
        by_store.setdefault(store_id, []).append(lead_id)
    entries = []
    counts: dict[str, int] = {}
    for store_id, ids in by_store.items():
        callers = None if body.free else _callers(request, store_id, body.caller_ids)
        for lead_id, caller in zip(ids, dealt(callers, len(ids), counts), strict=True):
            content = {
                "caller_id": caller and caller.caller_id,
                "caller_name": caller and caller.name,
                "at": iso(request.context.clock.now()),
            }
            entries.append(NewWorkEntry(ASSIGNED, lead_id, store_id, content))
    written = request.context.entries.append(entries, caller=request.caller)
    items = [
        Assigned(lead_id=e.subject, sequence=e.sequence, **{n: e.content[n] for n in ("caller_id", "caller_name")})
        for e in written
    ]
    names = [item.caller_name for item in items if item.caller_name is not None]
    return AssignmentAnswer(items=items, by_caller={n: names.count(n) for n in dict.fromkeys(names)})


def dealt(callers: Sequence[DeskCaller] | None, n: int, counts: dict[str, int]) -> list[DeskCaller] | list[None]:
    """Deal `n` leads round to callers, those with the fewest first; `counts` is updated.

    >>> people = [DeskCaller(caller_id="a", name="A"), DeskCaller(caller_id="b", name="B")]
    >>> [p.name for p in dealt(people, 3, {})]
    ['A', 'B', 'A']
    """
    if callers is None:
        return [None] * n
    out = []
    for _ in range(n):
        caller = min(callers, key=lambda c: counts.get(c.caller_id, 0))
        counts[caller.caller_id] = counts.get(caller.caller_id, 0) + 1
        out.append(caller)
    return out


def undo(request: WorkRequest) -> UndoAnswer:
    """Answer `POST /v1/leads/assignments/undo`: take assignments back that nothing follows."""
    entries = request.context.entries
    by_number = {e.sequence: e for e in entries.of(ASSIGNED)}
    chosen = [by_number[s] for s in dict.fromkeys(request.body.sequences) if s in by_number]
    for entry in chosen:
        request.check_store(entry.store_id)
    if not chosen:
        raise Problem(404, "no_entry", "none of these assignments holds any more")
    for entry in reversed(chosen):
        entries.undo(entry.sequence, caller=request.caller)
    return UndoAnswer(undone=len(chosen))


def _chosen(request: WorkRequest, body: AssignmentRequest) -> list[tuple[str, str]]:
    """Return lead and store, in the order of the queue."""
    if body.lead_ids is not None:
        rows = [(i, lead_row(request.context, i)) for i in dict.fromkeys(body.lead_ids)]
        missing = [i for i, row in rows if row is None]
        if missing:
            raise Problem(404, "no_lead", f"{len(missing)} of these leads do not exist; read the list again")
        chosen = [(i, str(row["store_id"])) for i, row in rows if row is not None]
        for _, store_id in chosen:
            request.check_store(store_id)
        return chosen
    order = call_order(request, visible_stores(request, body.store_id))
    free = [r for r in order.rows if r["caller_id"] is None and r["plan"] != LATER]
    free.sort(key=lambda r: r["plan"] == BEYOND)
    if not free:
        raise Problem(409, "all_assigned", "every open lead has a caller, or comes back later; there is none to assign")
    return [(r["lead_id"], r["store_id"]) for r in free[: body.first]]


def _callers(request: WorkRequest, store_id: str, ids: Sequence[str] | None) -> list[DeskCaller]:
    callers = store_staff(request.context, store_id).callers
    chosen = [c for c in callers if ids is None or c.caller_id in ids]
    if not chosen:
        text = "none of these callers works in the store of the lead; enter who calls there with PUT /v1/leads/staff"
        raise Problem(422, "no_callers", text, [{"field": "caller_ids", "rule": "unknown", "message": text}])
    return chosen


_EXAMPLE = {"first": 20, "store_id": "S0001"}
ROUTES = (
    WorkRoute(
        "POST", "/v1/leads/assignments",
        {"zh": "分配线索：指定或平均", "en": "Assign leads to callers, by hand or evenly"},
        assign, AssignmentAnswer, body=AssignmentRequest, example=_EXAMPLE,
    ),
    WorkRoute(
        "POST", "/v1/leads/assignments/undo",
        {"zh": "撤销线索分配", "en": "Take assignments back"},
        undo, UndoAnswer, body=UndoRequest, example={"sequences": [1]},
    ),
)  # fmt: skip
