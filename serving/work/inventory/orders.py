"""`/v1/inventory/orders`: the orders of the plan, and decisions about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.entries import NewWorkEntry
from serving.work.inventory.group_plan import GroupPlan, group_plan, history_label, planning_rules
from serving.work.inventory.order_lines import CONFIRMED, EXPORTED, REJECTED, order_lines, order_subject, store_orders
from serving.work.inventory.order_models import (
    DecidedLine,
    OrderDecision,
    OrderLine,
    OrderList,
    OrderQuery,
    Undo,
    Written,
)
from serving.work.inventory.stock_rows import latest_prices
from serving.work.routing import WorkRequest, WorkRoute


def all_lines(request: WorkRequest, plan: GroupPlan) -> list[OrderLine]:
    """Return the lines of the stores of a caller.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    plan : GroupPlan
        The present plan.
    """
    context = request.context
    return order_lines(
        plan,
        context.entries,
        planning_rules(context),
        prices=latest_prices(context.records),
        stores=request.stores,
    )


def list_orders(request: WorkRequest) -> OrderList:
    """Return the orders of the plan, with what was decided about them.

    Parameters
    ----------
    request : WorkRequest
        With an `OrderQuery`.
    """
    query: OrderQuery = request.parameters
    if query.store_id is not None:
        request.check_store(query.store_id)
    last_sequence = request.context.entries.state
    plan = group_plan(request)
    rules = planning_rules(request.context)
    lines = all_lines(request, plan)
    *stores, total = store_orders(lines, plan, request.stores)
    everything = lines
    if request.stores is not None and rules.budget is not None:
        everything = order_lines(plan, request.context.entries, rules, prices=latest_prices(request.context.records))
    used = sum(line.cost for line in everything if line.state != "nothing")
    return OrderList(
        plan=plan.plan_id,
        last_sequence=last_sequence,
        model_version=plan.answer["model_version"],
        first_period=plan.answer["first_period"],
        stock_period=history_label(request),
        begins=plan.begin.isoformat(),
        arrives=plan.arrival.isoformat(),
        lead_days=plan.answer["lead_days"],
        review_days=plan.answer["review_days"],
        limit=rules.budget,
        used_limit=round(used, 2),
        total=total,
        stores=stores,
        lines=[line for line in lines if _matches(line, query)],
        summary=[Text(**text) for text in plan.answer["summary"]] if request.stores is None else [],
    )


def _matches(line: OrderLine, query: OrderQuery) -> bool:
    return (
        query.store_id in (None, line.store_id)
        and query.supplier in (None, line.supplier)
        and query.state in (None, line.state)
    )


def decide(request: WorkRequest) -> Written:
    """Confirm or reject lines; the same decision by the same person again writes nothing.

    Parameters
    ----------
    request : WorkRequest
        With an `OrderDecision`.

    Raises
    ------
    Problem
        Status 409: the plan or a line has changed since the person read it, or a line was exported. 422: a line is
        not in the plan, or a reason is missing.
    """
    body: OrderDecision = request.body
    plan = group_plan(request)
    lines = {(line.store_id, line.model): line for line in all_lines(request, plan)}
    choices = _choices(request, body, lines)
    quantities = [0 if body.decision == "reject" else _quantity(c, lines[c.store_id, c.model]) for c in choices]
    chosen = [lines[c.store_id, c.model] for c in choices]
    person = None if request.caller is None else request.caller.name
    if chosen and all(_is_done(line, n, body, person) for line, n in zip(chosen, quantities, strict=True)):
        sequences = [line.decision.sequence for line in chosen if line.decision is not None]
        return _written(sequences, chosen, quantities)
    plan.check(body.plan)
    _check_reason(body, chosen, quantities)
    if exported := next((line for line in chosen if line.state == "exported"), None):
        text = f"one of them was exported as {exported.order_number}; agree a change with the supplier"
        raise Problem(409, "exported", text)
    kind = CONFIRMED if body.decision == "confirm" else REJECTED
    new = [_entry(kind, plan, line, n, body.reason) for line, n in zip(chosen, quantities, strict=True)]
    expected = {entry.subject: body.last_sequence for entry in new}
    entries = request.context.entries.append(new, caller=request.caller, expected=expected)
    return _written([entry.sequence for entry in entries], chosen, quantities)


def _choices(
    request: WorkRequest, body: OrderDecision, lines: dict[tuple[str, str], OrderLine]
) -> Sequence[DecidedLine]:
    if body.store_id is not None:
        if body.lines:
            raise _invalid("lines", "must be empty with store_id, which stands for all lines of the store that wait")
        request.check_store(body.store_id)
        waiting = [
            line
            for line in lines.values()
            if line.store_id == body.store_id and line.state == "waiting" and body.supplier in (None, line.supplier)
        ]
        if not waiting:
            raise Problem(409, "nothing_waits", "no order of this store waits for a decision; read the orders again")
        return [DecidedLine(store_id=line.store_id, model=line.model) for line in waiting]
    if not body.lines:
        raise _invalid("lines", "is empty: name lines, or a store whose waiting lines are decided")
    for choice in body.lines:
        request.check_store(choice.store_id)
        if (choice.store_id, choice.model) not in lines:
            raise _invalid("lines", "has a store and model that the plan does not have; read the orders again")
    if max(Counter((c.store_id, c.model) for c in body.lines).values()) > 1:
        raise _invalid("lines", "has a store and model twice; send each once")
    return body.lines


def _quantity(choice: DecidedLine, line: OrderLine) -> int:
    return line.plan_quantity if choice.quantity is None else choice.quantity


def _is_done(line: OrderLine, quantity: int, body: OrderDecision, person: str | None) -> bool:
    state = "confirmed" if body.decision == "confirm" else "rejected"
    is_same = line.state == state and line.decision is not None and line.decision.person == person
    return is_same and line.quantity == quantity


def _check_reason(body: OrderDecision, chosen: Sequence[OrderLine], quantities: Sequence[int]) -> None:
    if body.reason is not None and body.reason.strip():
        return
    if body.decision == "reject":
        raise _invalid("reason", "is required to reject an order")
    if any(n != line.plan_quantity for line, n in zip(chosen, quantities, strict=True)):
        raise _invalid("reason", "is required where the quantity differs from the plan's")


def _entry(kind: str, plan: GroupPlan, line: OrderLine, quantity: int, reason: str | None) -> NewWorkEntry:
    content = {
        "basis": plan.basis,
        "plan": plan.plan_id,
        "month": plan.answer["first_period"],
        "arrives": plan.arrival.isoformat(),
        "model": line.model,
        "supplier": line.supplier,
        "quantity": quantity,
        "plan_quantity": line.plan_quantity,
        "unit_cost": line.unit_cost,
        "reason": reason.strip() if reason and reason.strip() else None,
    }
    return NewWorkEntry(kind, order_subject(plan, line.store_id, line.model), line.store_id, content)


def _written(sequences: Sequence[int], chosen: Sequence[OrderLine], quantities: Sequence[int]) -> Written:
    cost = sum(n * (line.unit_cost or 0.0) for line, n in zip(chosen, quantities, strict=True))
    return Written(sequences=list(sequences), lines=len(chosen), vehicles=sum(quantities), cost=round(cost, 2))


def undo(request: WorkRequest) -> Written:
    """Take decisions about orders or transfers back, as long as the orders were not exported.

    Parameters
    ----------
    request : WorkRequest
        With an `Undo`.

    Raises
    ------
    Problem
        Status 404: there is no such decision. 409: its order was exported, or a later decision follows it.
    """
    body: Undo = request.body
    entries = request.context.entries
    by_sequence = {e.sequence: e for e in entries.of() if e.kind.startswith(("order.", "transfer."))}
    decided = [by_sequence.get(n) for n in body.sequences]
    exported = set(entries.latest(EXPORTED))
    for entry in decided:
        if entry is None or entry.kind == EXPORTED:
            raise Problem(404, "no_entry", "there is no decision with this number that can be taken back")
        for store in {entry.store_id, entry.content.get("to_store", entry.store_id)}:
            request.check_store(store)
        if entry.subject in exported:
            raise Problem(409, "exported", "the order was exported; agree a change with the supplier")
    sequences = [entries.undo(entry.sequence, caller=request.caller).sequence for entry in decided if entry is not None]
    vehicles = sum(int(entry.content.get("quantity", 0)) for entry in decided if entry is not None)
    cost = sum(
        int(entry.content["quantity"]) * float(entry.content.get("unit_cost") or 0.0)
        for entry in decided
        if entry is not None
    )
    return Written(sequences=sequences, lines=len(sequences), vehicles=vehicles, cost=round(cost, 2))


def _invalid(field: str, rule: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {rule}", [{"field": field, "rule": "value_error", "message": f"{field} {rule}"}]
    )


_EXAMPLE = {
    "plan": "5f0c1d2e3a4b",
    "last_sequence": 0,
    "decision": "confirm",
    "lines": [{"store_id": "S0001", "model": "X5", "quantity": 2}],
    "reason": "two are already promised",
}
ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory/orders",
        {"zh": "采购计划的各行及其确认状态", "en": "The orders of the plan, and what was decided about them"},
        list_orders,
        OrderList,
        parameters=OrderQuery,
    ),
    WorkRoute(
        "POST",
        "/v1/inventory/orders",
        {"zh": "确认或驳回采购行", "en": "Confirm or reject orders"},
        decide,
        Written,
        body=OrderDecision,
        example=_EXAMPLE,
    ),
    WorkRoute(
        "POST",
        "/v1/inventory/orders/undo",
        {"zh": "撤回采购或调拨的决定", "en": "Take decisions about orders or transfers back"},
        undo,
        Written,
        body=Undo,
        example={"sequences": [12]},
    ),
)
