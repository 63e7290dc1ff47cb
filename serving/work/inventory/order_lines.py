"""Lines of the plan with what was decided about them, and their sums by store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from features.errors import DataError
from ml.demand_forecast.planning import PlanningRules
from serving.work.entries import WorkEntries, WorkEntry
from serving.work.inventory.group_plan import GroupPlan
from serving.work.inventory.order_models import DecisionEntry, OrderLine, OrderState, StoreOrders

CONFIRMED, REJECTED = "order.confirmed", "order.rejected"
# Of another noun than the decisions: entries about `order` can be taken back, what a supplier has cannot.
EXPORTED = "purchase_order.exported"


def written_at(entry: WorkEntry) -> str:
    """Return the real time of an entry as an ISO instant with offset.

    >>> written_at(WorkEntry(1, 0, "order.confirmed", "a/S1/X", "S1", None, None, {}))
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(entry.at / 1e6, UTC).isoformat()


def order_subject(plan: GroupPlan, store_id: str, model: str) -> str:
    """Return the subject of the entries about a line.

    Parameters
    ----------
    plan : GroupPlan
        The present plan.
    store_id, model : str
        Of the line.
    """
    return f"{plan.basis}/{store_id}/{model}"


def order_lines(
    plan: GroupPlan,
    entries: WorkEntries,
    rules: PlanningRules,
    *,
    prices: Mapping[str, float],
    stores: frozenset[str] | None = None,
) -> list[OrderLine]:
    """Return the lines of the plan, those with the highest saving per yuan first.

    Parameters
    ----------
    plan : GroupPlan
        The present plan.
    entries : WorkEntries
        Decisions.
    rules : PlanningRules
        For the limit, and the cost of vehicles that the plan does not order.
    prices : mapping of str to float
        Latest price by model, yuan.
    stores : frozenset of str, optional
        Stores of the caller; all by default.
    """
    last: dict[str, WorkEntry] = {}
    for kinds in ((CONFIRMED, REJECTED), (EXPORTED,)):  # an exported order stays as it was sent
        last |= {entry.subject: entry for entry in entries.of() if entry.kind in kinds}
    costs = unit_costs(plan, rules, prices)
    lines = [
        _line(plan, row, costs.get(row["model"]), last.get(order_subject(plan, row["store_id"], row["model"])), rules)
        for row in plan.answer["orders"]
        if stores is None or row["store_id"] in stores
    ]
    return sorted(lines, key=lambda line: (line.priority is None, line.priority or 0, line.store_id, line.model))


def store_orders(lines: Iterable[OrderLine], plan: GroupPlan, stores: frozenset[str] | None) -> list[StoreOrders]:
    """Return the sums by store, most waiting value first; the last row has those of all stores of the caller.

    Parameters
    ----------
    lines : iterable of OrderLine
        As returned by `order_lines`.
    plan : GroupPlan
        The present plan, for its comparison with no orders.
    stores : frozenset of str or None
        Stores of the caller; None for all.
    """
    sums: dict[str, StoreOrders] = {}
    total = StoreOrders(store_id=None, region=None)
    waiting: dict[str, set[str | None]] = {}
    for line in lines:
        store = sums.setdefault(line.store_id, StoreOrders(store_id=line.store_id, region=line.region))
        for row in (store, total):
            _add(row, line)
        if line.state == "waiting":
            waiting.setdefault(line.store_id, set()).add(line.supplier)
    for name, suppliers in waiting.items():
        sums[name].waiting_orders = len(suppliers)
        total.waiting_orders += len(suppliers)
    against = {c["store_id"]: c for c in plan.answer["comparison"] if c["policy"] == "no_orders"}
    with_plan = {c["store_id"]: c for c in plan.answer["comparison"] if c["policy"] == "plan"}
    for row in (*sums.values(), *((total,) if stores is None else ())):
        if row.store_id in against:
            comparison = against[row.store_id]
            row.saving, row.saving_low = round(comparison["saving"], 2), round(comparison["saving_low"], 2)
            row.saving_high = round(comparison["saving_high"], 2)
            row.lost_without_orders = round(comparison["lost_sales"], 2)
            row.lost_with_orders = round(with_plan[row.store_id]["lost_sales"], 2)
    if stores is not None:
        for name in ("saving", "lost_without_orders", "lost_with_orders"):
            setattr(total, name, round(sum(getattr(row, name) for row in sums.values()), 2))
    return [*sorted(sums.values(), key=lambda row: (-row.waiting_cost, str(row.store_id))), total]


def unit_costs(plan: GroupPlan, rules: PlanningRules, prices: Mapping[str, float]) -> dict[str, float]:
    """Return the purchase cost of a vehicle of each model of the plan, yuan; a model without a price is absent.

    Parameters
    ----------
    plan : GroupPlan
        The present plan; if it orders the model somewhere, that cost holds.
    rules : PlanningRules
        Costs by brand and model.
    prices : mapping of str to float
        Latest price by model, yuan, for models that the plan does not order.
    """
    costs = {}
    for model in dict.fromkeys(o["model"] for o in plan.answer["orders"]):
        try:
            cost = rules.unit_costs(model, plan.suppliers.get(model), prices.get(model)).cost
        except DataError:
            continue
        if cost:
            costs[model] = cost
    return costs | {o["model"]: o["purchase_cost"] / o["order"] for o in plan.answer["orders"] if o["order"]}


def _line(
    plan: GroupPlan,
    row: Mapping[str, Any],
    other_cost: float | None,
    entry: WorkEntry | None,
    rules: PlanningRules,
) -> OrderLine:
    unit_cost = row["purchase_cost"] / row["order"] if row["order"] else other_cost
    state: OrderState = "waiting" if row["order"] else "nothing"
    quantity, decision, number = row["order"], None, None
    if entry is not None:
        states: dict[str, OrderState] = {CONFIRMED: "confirmed", REJECTED: "rejected", EXPORTED: "exported"}
        state, content = states[entry.kind], entry.content
        quantity = 0 if state == "rejected" else int(content["quantity"])
        unit_cost = content.get("unit_cost") or unit_cost
        number = content.get("number")
        decision = DecisionEntry(
            sequence=entry.sequence, at=written_at(entry), person=entry.person, reason=content.get("reason")
        )
    fits = None if rules.budget is None or not row["order"] else row["running_cost"] <= rules.budget
    numbers = {
        name: row[name]
        for name in (
            "store_id", "model", "on_hand", "on_order", "last_sales", "order_up_to", "transfer_in", "transfer_out",
            "priority", "reason",
        )
    }  # fmt: skip
    rounded = {
        name: round(row[name], 2)
        for name in (
            "demand_mean", "demand_p10", "demand_p90", "lost_without_order", "lost_with_order", "lost_before_delivery",
            "saving",
        )
    }  # fmt: skip
    return OrderLine(
        **numbers,
        **rounded,
        region=plan.regions.get(row["store_id"]),
        supplier=plan.suppliers.get(row["model"]),
        plan_quantity=row["order"],
        unit_cost=None if unit_cost is None else round(unit_cost, 2),
        plan_cost=round(row["purchase_cost"], 2),
        fits_limit=fits,
        state=state,
        quantity=quantity,
        cost=round(quantity * (unit_cost or 0.0), 2),
        decision=decision,
        order_number=number,
    )


def _add(row: StoreOrders, line: OrderLine) -> None:
    row.on_hand += line.on_hand
    row.on_order += line.on_order
    row.demand_mean = round(row.demand_mean + line.demand_mean, 2)
    row.lost_before_delivery = round(row.lost_before_delivery + line.lost_before_delivery, 2)
    if line.state == "nothing":
        return
    setattr(row, f"{line.state}_lines", getattr(row, f"{line.state}_lines") + 1)
    vehicles = line.plan_quantity if line.state == "rejected" else line.quantity
    setattr(row, f"{line.state}_vehicles", getattr(row, f"{line.state}_vehicles") + vehicles)
    if line.state != "rejected":
        setattr(row, f"{line.state}_cost", round(getattr(row, f"{line.state}_cost") + line.cost, 2))
