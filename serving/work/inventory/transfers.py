"""`/v1/inventory/transfers`: vehicles to move between stores, and decisions about them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.entries import NewWorkEntry, WorkEntry
from serving.work.inventory.group_plan import GroupPlan, group_plan, planning_rules
from serving.work.inventory.order_lines import written_at
from serving.work.inventory.order_models import Body, DecisionEntry, Name, Reason, Written
from serving.work.routing import WorkRequest, WorkRoute

CONFIRMED = "transfer.confirmed"


class TransferLine(BaseModel):
    """Vehicles of one model to move from one store to another.

    Attributes
    ----------
    from_region, to_region : str or None
        Regions of the stores.
    plan_quantity, quantity : int
        Vehicles as planned, and as decided (else as planned).
    transfer_cost, saving : float
        Cost of the move, and expected saving against ordering for the receiving store, yuan.
    from_on_hand, to_on_hand : int
        Vehicles of the model in the two stores.
    from_demand, to_demand : float
        Expected demand of the model there over lead time plus review period.
    state : str
        waiting, confirmed or rejected.
    decision : DecisionEntry or None
        Who decided.
    """

    model: str
    supplier: str | None
    from_store: str
    to_store: str
    from_region: str | None
    to_region: str | None
    plan_quantity: int
    quantity: int
    transfer_cost: float
    saving: float
    from_on_hand: int
    to_on_hand: int
    from_demand: float
    to_demand: float
    state: Literal["waiting", "confirmed", "rejected"]
    decision: DecisionEntry | None


class TransferList(BaseModel):
    """Transfers of the plan.

    Attributes
    ----------
    plan, last_sequence
        As in `OrderList`.
    first_period : str
        First period of the plan.
    waiting, vehicles : int
        Transfers that wait, and their vehicles.
    transfer_cost, saving : float
        Of those that wait, yuan.
    cost_within_region, cost_between_regions : float or None
        Cost of moving a vehicle, yuan; None if vehicles are not moved so.
    transfers : list of TransferLine
        Those in which a store of the caller takes part, the largest saving first.
    """

    plan: str
    last_sequence: int
    first_period: str
    waiting: int
    vehicles: int
    transfer_cost: float
    saving: float
    cost_within_region: float | None
    cost_between_regions: float | None
    transfers: list[TransferLine]


class TransferChoice(Body):
    """A transfer to decide on; without a quantity as planned."""

    model: Name
    from_store: Name
    to_store: Name
    quantity: int | None = Field(None, ge=1, le=10_000)


class TransferDecision(Body):
    """A decision about some transfers.

    Attributes
    ----------
    plan, last_sequence
        Of the `TransferList` that the person has read.
    decision : str
        confirm or reject.
    transfers : list of TransferChoice
        Which.
    reason : str or None
        Required to reject, and to move another number than planned.
    """

    plan: Name
    last_sequence: int = Field(ge=0)
    decision: Literal["confirm", "reject"]
    transfers: list[TransferChoice] = Field(min_length=1, max_length=1_000)
    reason: Reason | None = None


class StoreQuery(BaseModel):
    """Which transfers to return.

    Attributes
    ----------
    store_id : str or None
        Store that takes part.
    """

    model_config = ConfigDict(extra="forbid")

    store_id: Name | None = None


def list_transfers(request: WorkRequest) -> TransferList:
    """Return the transfers of the plan.

    Parameters
    ----------
    request : WorkRequest
        With a `StoreQuery`.
    """
    store = request.parameters.store_id
    if store is not None:
        request.check_store(store)
    last_sequence = request.context.entries.state
    plan = group_plan(request)
    lines = [line for line in _lines(request, plan) if store in (None, line.from_store, line.to_store)]
    waiting = [line for line in lines if line.state == "waiting"]
    rules = planning_rules(request.context)
    return TransferList(
        plan=plan.plan_id,
        last_sequence=last_sequence,
        first_period=plan.answer["first_period"],
        waiting=len(waiting),
        vehicles=sum(line.quantity for line in waiting),
        transfer_cost=round(sum(line.transfer_cost for line in waiting), 2),
        saving=round(sum(line.saving for line in waiting), 2),
        cost_within_region=rules.transfer_cost,
        cost_between_regions=rules.transfer_cost_between_regions,
        transfers=lines,
    )


def decide(request: WorkRequest) -> Written:
    """Confirm or reject transfers; the same decision by the same person again writes nothing.

    Parameters
    ----------
    request : WorkRequest
        With a `TransferDecision`.

    Raises
    ------
    Problem
        Status 409: the plan or a transfer has changed. 422: a transfer is not in the plan, or a reason is missing.
    """
    body: TransferDecision = request.body
    plan = group_plan(request)
    lines = {(line.model, line.from_store, line.to_store): line for line in _lines(request, plan)}
    state = "confirmed" if body.decision == "confirm" else "rejected"
    person = None if request.caller is None else request.caller.name
    new, sequences, vehicles, cost = [], [], 0, 0.0
    for choice in body.transfers:
        request.check_store(choice.from_store)
        request.check_store(choice.to_store)
        line = lines.get((choice.model, choice.from_store, choice.to_store))
        if line is None:
            raise _invalid("transfers", "has one that the plan does not have; read the transfers again")
        quantity = 0 if state == "rejected" else choice.quantity or line.plan_quantity
        vehicles += quantity
        cost += quantity * line.transfer_cost / line.plan_quantity
        done = line.decision if line.state == state and line.quantity == quantity else None
        if done is not None and done.person == person:
            sequences.append(done.sequence)
            continue
        if (state == "rejected" or quantity != line.plan_quantity) and not (body.reason or "").strip():
            raise _invalid("reason", "is required to reject a transfer, or to move another number than planned")
        if quantity > line.from_on_hand:
            raise _invalid("quantity", f"must be at most {line.from_on_hand}: the sending store has no more vehicles")
        new.append(_entry(f"transfer.{state}", plan, line, quantity, body.reason))
    if new:
        plan.check(body.plan)
        expected = {entry.subject: body.last_sequence for entry in new}
        sequences += [e.sequence for e in request.context.entries.append(new, caller=request.caller, expected=expected)]
    return Written(sequences=sequences, lines=len(body.transfers), vehicles=vehicles, cost=round(cost, 2))


def _lines(request: WorkRequest, plan: GroupPlan) -> list[TransferLine]:
    last: dict[str, WorkEntry] = {entry.subject: entry for entry in request.context.entries.of("transfer.")}
    cells = {(o["store_id"], o["model"]): o for o in plan.answer["orders"]}
    lines = []
    for row in plan.answer["transfers"]:
        stores = {row["from_store"], row["to_store"]}
        if request.stores is not None and not stores & request.stores:
            continue
        entry = last.get(_subject(plan, row["model"], row["from_store"], row["to_store"]))
        sender, receiver = (cells[row[name], row["model"]] for name in ("from_store", "to_store"))
        state: Literal["waiting", "confirmed", "rejected"] = "waiting"
        if entry is not None:
            state = "confirmed" if entry.kind == CONFIRMED else "rejected"
        lines.append(
            TransferLine(
                model=row["model"],
                supplier=plan.suppliers.get(row["model"]),
                from_store=row["from_store"],
                to_store=row["to_store"],
                from_region=plan.regions.get(row["from_store"]),
                to_region=plan.regions.get(row["to_store"]),
                plan_quantity=row["quantity"],
                quantity=row["quantity"] if entry is None else int(entry.content["quantity"]),
                transfer_cost=round(row["transfer_cost"], 2),
                saving=round(row["saving"], 2),
                from_on_hand=sender["on_hand"],
                to_on_hand=receiver["on_hand"],
                from_demand=round(sender["demand_mean"], 2),
                to_demand=round(receiver["demand_mean"], 2),
                state=state,
                decision=None
                if entry is None
                else DecisionEntry(
                    sequence=entry.sequence, at=written_at(entry), person=entry.person, reason=entry.content["reason"]
                ),
            )
        )
    return sorted(lines, key=lambda line: (-line.saving, line.model, line.from_store))


def _subject(plan: GroupPlan, model: str, from_store: str, to_store: str) -> str:
    return f"{plan.basis}/{model}/{from_store}/{to_store}"


def _entry(kind: str, plan: GroupPlan, line: TransferLine, quantity: int, reason: str | None) -> NewWorkEntry:
    content = {
        "basis": plan.basis,
        "month": plan.answer["first_period"],
        "model": line.model,
        "to_store": line.to_store,
        "quantity": quantity,
        "plan_quantity": line.plan_quantity,
        "reason": reason.strip() if reason and reason.strip() else None,
    }
    return NewWorkEntry(kind, _subject(plan, line.model, line.from_store, line.to_store), line.from_store, content)


def _invalid(field: str, rule: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {rule}", [{"field": field, "rule": "value_error", "message": f"{field} {rule}"}]
    )


_EXAMPLE = {
    "plan": "5f0c1d2e3a4b",
    "last_sequence": 0,
    "decision": "confirm",
    "transfers": [{"model": "X5", "from_store": "S0001", "to_store": "S0002"}],
}
ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory/transfers",
        {"zh": "门店间调拨建议及其确认状态", "en": "Vehicles to move between stores, and what was decided"},
        list_transfers,
        TransferList,
        parameters=StoreQuery,
    ),
    WorkRoute(
        "POST",
        "/v1/inventory/transfers",
        {"zh": "确认或驳回调拨", "en": "Confirm or reject transfers"},
        decide,
        Written,
        body=TransferDecision,
        example=_EXAMPLE,
    ),
)
