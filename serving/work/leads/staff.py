"""Who calls in a store, from when to when, and how long a call takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml.home import model_file
from ml.lead_scoring.sales_desk import CLOCK, RULES, DeskRules, load_desk_rules
from serving.asgi import Problem
from serving.work.entries import NewWorkEntry
from serving.work.leads.rows import all_leads
from serving.work.routing import WorkContext, WorkRequest, WorkRoute

STAFFED = "lead.staffed"
RECENT = 30 * 86_400_000_000
MAX_CALLERS = 40
Clock = Annotated[str, Field(pattern=f"^{CLOCK}$")]


class DeskCaller(BaseModel):
    """A person who calls leads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caller_id: str = Field(min_length=1, max_length=100, description="as in leads.salesperson_id, or a key's name")
    name: str = Field(min_length=1, max_length=60)
    open: Clock = "09:00"
    close: Clock = "18:00"
    minutes_per_call: float = Field(10, ge=1, le=240)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if _minutes(self.open) >= _minutes(self.close):
            raise ValueError(f"open must be before close, got {self.open} and {self.close}")
        return self


class StaffChange(BaseModel):
    """Body of `PUT /v1/leads/staff`."""

    model_config = ConfigDict(extra="forbid")

    store_id: str = Field(max_length=200)
    callers: list[DeskCaller] = Field(min_length=1, max_length=MAX_CALLERS)
    last_sequence: int | None = Field(None, ge=0, description="of the answer that was changed")


class StaffFilter(BaseModel):
    """Query string of `GET /v1/leads/staff`."""

    model_config = ConfigDict(extra="forbid")

    store_id: str | None = Field(None, max_length=200)


class StoreStaff(BaseModel):
    """Callers of a store and its opening hours."""

    store_id: str
    callers: list[DeskCaller]
    is_default: bool = Field(description="true: nobody has entered them; who called in the last 30 days, and the rules")
    calls_per_day: float | None = Field(description="calls that they can make on a day; null by default: see desk")
    last_sequence: int
    person: str | None = Field(description="who entered them")


class DeskPlan(BaseModel):
    """Opening hours and capacity that a queue is planned with."""

    open: str
    close: str
    lunch: tuple[str, str] | None
    calls_per_hour: float
    capacity_per_day: float | None
    callers: int = Field(description="number of people who call")
    is_default: bool = Field(description="true: capacity of the rules, because nobody has entered the staff")


class StaffAnswer(BaseModel):
    """Answer of `GET /v1/leads/staff`."""

    stores: list[StoreStaff]
    desk: DeskPlan = Field(description="all these stores together")


def desk_rules(context: WorkContext) -> DeskRules:
    """Return `configs/sales_desk.yaml`."""
    return load_desk_rules(model_file(context.configs, RULES, ""))


def store_staff(context: WorkContext, store_id: str) -> StoreStaff:
    """Return the callers of a store: as entered, or who called in the last 30 days."""
    entry = context.entries.latest(STAFFED).get(_subject(store_id))
    last = context.entries.last_sequence(_subject(store_id))
    rules = desk_rules(context)
    if entry is None:
        names = _recent_callers(context, store_id)
        defaults = [DeskCaller(caller_id=n, name=n, open=rules.open, close=rules.close) for n in names]
        return StoreStaff(
            store_id=store_id, callers=defaults, is_default=True, calls_per_day=None, last_sequence=last, person=None
        )
    callers = [DeskCaller.model_validate(c) for c in entry.content["callers"]]
    return StoreStaff(
        store_id=store_id, callers=callers, is_default=False, calls_per_day=_calls(callers, rules),
        last_sequence=last, person=entry.person,
    )  # fmt: skip


def desk_plan(context: WorkContext, staffs: Sequence[StoreStaff]) -> DeskPlan:
    """Return the hours and capacity of stores together; those without entries share the desk of the rules."""
    rules = desk_rules(context)
    own = [s for s in staffs if not s.is_default]
    callers = sum(len(s.callers) for s in staffs)
    entered = [c for s in own for c in s.callers]
    opens, closes = [c.open for c in entered], [c.close for c in entered]
    has_default = len(own) < len(staffs) or not staffs
    capacity: float | None = sum(s.calls_per_day or 0 for s in own)
    per_hour = sum(60 / c.minutes_per_call for c in entered)
    if has_default:
        opens, closes = [*opens, rules.open], [*closes, rules.close]
        per_hour += rules.calls_per_hour
        limit = _default_capacity(context, rules)
        capacity = None if limit is None else (capacity or 0) + limit
    lunch = rules.lunch
    first, last = min(opens, key=_minutes), max(closes, key=_minutes)
    if lunch is not None and not _minutes(first) < _minutes(lunch[0]) < _minutes(lunch[1]) < _minutes(last):
        lunch = None
    return DeskPlan(
        open=first, close=last, lunch=lunch, calls_per_hour=per_hour, capacity_per_day=capacity, callers=callers,
        is_default=not own,
    )  # fmt: skip


def visible_stores(request: WorkRequest, store_id: str | None) -> list[str]:
    """Return the stores that a question is about: one, or all of the caller's that have leads.

    Raises
    ------
    Problem
        Status 403: the caller lacks the store.
    """
    if store_id is not None:
        request.check_store(store_id)
        return [store_id]
    names = all_leads(request.context)["store_id"].drop_nulls().unique().sort().to_list()
    return [n for n in names if request.stores is None or n in request.stores]


def get_staff(request: WorkRequest) -> StaffAnswer:
    """Answer `GET /v1/leads/staff`."""
    stores = [store_staff(request.context, s) for s in visible_stores(request, request.parameters.store_id)]
    return StaffAnswer(stores=stores, desk=desk_plan(request.context, stores))


def put_staff(request: WorkRequest) -> StaffAnswer:
    """Answer `PUT /v1/leads/staff`: write who calls in a store."""
    change: StaffChange = request.body
    request.check_store(change.store_id)
    ids = [c.caller_id for c in change.callers]
    if len(set(ids)) < len(ids):
        raise Problem(
            422, "invalid", "two callers have the same caller_id; give each one of their own",
            [{"field": "callers", "rule": "repeated", "message": "each caller_id may occur once"}],
        )  # fmt: skip
    content: dict[str, Any] = {"callers": [c.model_dump() for c in change.callers]}
    subject = _subject(change.store_id)
    expected = None if change.last_sequence is None else {subject: change.last_sequence}
    entry = NewWorkEntry(STAFFED, subject, change.store_id, content)
    request.context.entries.append([entry], caller=request.caller, expected=expected)
    staff = [store_staff(request.context, change.store_id)]
    return StaffAnswer(stores=staff, desk=desk_plan(request.context, staff))


def _subject(store_id: str) -> str:
    return f"staff {store_id}"


def _recent_callers(context: WorkContext, store_id: str) -> list[str]:
    now = context.clock.now()
    rows = all_leads(context).filter((pl.col("store_id") == store_id) & (pl.col("last_contact_at") > now - RECENT))
    return rows["salesperson_id"].drop_nulls().unique().sort().to_list()[:MAX_CALLERS]


def _default_capacity(context: WorkContext, rules: DeskRules) -> float | None:
    if rules.capacity_per_day is not None:
        return rules.capacity_per_day
    loaded = context.store.current("lead_scoring")
    return None if loaded is None else getattr(loaded.estimator.params, "capacity_per_day", None)  # type: ignore[attr-defined]


def _calls(callers: Sequence[DeskCaller], rules: DeskRules) -> float:
    """Return the calls of a day, without the break of the rules."""
    total = 0.0
    for caller in callers:
        start, end = _minutes(caller.open), _minutes(caller.close)
        pause = (0, 0) if rules.lunch is None else (_minutes(rules.lunch[0]), _minutes(rules.lunch[1]))
        minutes = end - start - max(0, min(end, pause[1]) - max(start, pause[0]))
        total += minutes // caller.minutes_per_call
    return total


def _minutes(clock: str) -> int:
    hour, minute = re.split(":", clock)
    return int(hour) * 60 + int(minute)


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads/staff",
        {"zh": "给出各门店的外呼人员、时段与每通时长", "en": "Return who calls in the stores, and when"},
        get_staff, StaffAnswer, parameters=StaffFilter,
    ),
    WorkRoute(
        "PUT", "/v1/leads/staff",
        {"zh": "登记门店的外呼人员", "en": "Write who calls in a store"},
        put_staff, StaffAnswer, body=StaffChange,
        example={"store_id": "S0001", "callers": [{"caller_id": "P000101", "name": "陈静"}]},
    ),
)  # fmt: skip
