"""`/v1/inventory/purchase_orders`: confirmed orders as suppliers receive them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from serving.asgi import Problem
from serving.work.entries import NewWorkEntry, WorkEntry
from serving.work.inventory.group_plan import GroupPlan, group_plan
from serving.work.inventory.order_lines import EXPORTED, order_subject, written_at
from serving.work.inventory.order_models import (
    ExportBody,
    Name,
    OrderLine,
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrders,
)
from serving.work.inventory.orders import all_lines
from serving.work.routing import WorkRequest, WorkRoute

ISSUED = "purchase_order.issued"


class PurchaseOrderQuery(BaseModel):
    """Which purchase orders to return.

    Attributes
    ----------
    store_id, number : str or None
        Store, and number of one order.
    """

    model_config = ConfigDict(extra="forbid")

    store_id: Name | None = None
    number: Name | None = None


def list_purchase_orders(request: WorkRequest) -> PurchaseOrders:
    """Return the purchase orders that were exported, the latest first.

    Parameters
    ----------
    request : WorkRequest
        With a `PurchaseOrderQuery`.
    """
    query: PurchaseOrderQuery = request.parameters
    if query.store_id is not None:
        request.check_store(query.store_id)
    exported = [
        entry
        for entry in request.context.entries.of(EXPORTED)
        if (request.stores is None or entry.store_id in request.stores)
        and query.store_id in (None, entry.store_id)
        and query.number in (None, entry.content["number"])
    ]
    return PurchaseOrders(orders=purchase_orders(exported)[::-1])


def export(request: WorkRequest) -> PurchaseOrders:
    """Issue one purchase order per supplier for the confirmed orders of a store; these can then not be taken back.

    Parameters
    ----------
    request : WorkRequest
        With an `ExportBody`.

    Raises
    ------
    Problem
        Status 409: no confirmed order waits for its export, or one has changed meanwhile.
    """
    body: ExportBody = request.body
    request.check_store(body.store_id)
    plan, entries = group_plan(request), request.context.entries
    lines = [
        line
        for line in all_lines(request, plan)
        if line.store_id == body.store_id and line.state == "confirmed" and body.supplier in (None, line.supplier)
    ]
    lines = [line for line in lines if line.quantity > 0]
    if not lines:
        text = "no confirmed order of this store waits for its export; confirm one first"
        raise Problem(409, "nothing_confirmed", text)
    month = str(plan.answer["first_period"])
    prefix = f"PO{month.replace('-', '')}-{body.store_id}-"
    issued = sum(entry.subject.startswith(prefix) for entry in entries.of(ISSUED))
    new: list[NewWorkEntry] = []
    expected: dict[str, int] = {}
    for place, supplier in enumerate(sorted({line.supplier or "" for line in lines}), start=issued + 1):
        number = f"{prefix}{place:02d}"
        own = [line for line in lines if (line.supplier or "") == supplier]
        content = {"supplier": supplier or None, "vehicles": sum(line.quantity for line in own)}
        new.append(NewWorkEntry(ISSUED, number, body.store_id, content))
        expected[number] = 0
        for line in own:
            subject = order_subject(plan, line.store_id, line.model)
            expected[subject] = body.last_sequence
            new.append(NewWorkEntry(EXPORTED, subject, line.store_id, _content(plan, line, number)))
    written = entries.append(new, caller=request.caller, expected=expected)
    return PurchaseOrders(orders=purchase_orders([entry for entry in written if entry.kind == EXPORTED]))


def purchase_orders(exported: Sequence[WorkEntry]) -> list[PurchaseOrder]:
    """Return purchase orders in the order in which they were exported.

    Parameters
    ----------
    exported : sequence of WorkEntry
        Entries of the kind `purchase_order.exported`.

    Examples
    --------
    >>> content = {"number": "PO202507-S1-01", "model": "X", "quantity": 2, "unit_cost": 9e4, "reason": None,
    ...     "supplier": "B", "month": "2025-07", "arrives": "2025-07-22"}
    >>> orders = purchase_orders([WorkEntry(1, 0, "purchase_order.exported", "a/S1/X", "S1", None, "Li", content)])
    >>> orders[0].vehicles, orders[0].cost
    (2, 180000.0)
    """
    by_number: dict[str, list[WorkEntry]] = {}
    for entry in exported:
        by_number.setdefault(str(entry.content["number"]), []).append(entry)
    return [_purchase_order(number, entries) for number, entries in by_number.items()]


def _purchase_order(number: str, entries: Sequence[WorkEntry]) -> PurchaseOrder:
    lines = [
        PurchaseLine(
            model=e.content["model"],
            quantity=e.content["quantity"],
            unit_cost=e.content["unit_cost"],
            cost=round(e.content["quantity"] * (e.content["unit_cost"] or 0.0), 2),
            reason=e.content["reason"],
        )
        for e in sorted(entries, key=lambda e: str(e.content["model"]))
    ]
    first = entries[0]
    return PurchaseOrder(
        number=number,
        store_id=first.store_id or "",
        supplier=first.content["supplier"],
        month=first.content["month"],
        arrives=first.content["arrives"],
        at=written_at(first),
        person=first.person,
        vehicles=sum(line.quantity for line in lines),
        cost=round(sum(line.cost for line in lines), 2),
        lines=lines,
    )


def _content(plan: GroupPlan, line: OrderLine, number: str) -> dict[str, object]:
    return {
        "basis": plan.basis,
        "number": number,
        "month": plan.answer["first_period"],
        "arrives": plan.arrival.isoformat(),
        "model": line.model,
        "supplier": line.supplier,
        "quantity": line.quantity,
        "plan_quantity": line.plan_quantity,
        "unit_cost": line.unit_cost,
        "reason": None if line.decision is None else line.decision.reason,
    }


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory/purchase_orders",
        {"zh": "已导出的采购订单", "en": "Purchase orders that were exported"},
        list_purchase_orders,
        PurchaseOrders,
        parameters=PurchaseOrderQuery,
    ),
    WorkRoute(
        "POST",
        "/v1/inventory/purchase_orders",
        {
            "zh": "将一家门店已确认的采购行开成采购订单",
            "en": "Issue purchase orders for the confirmed orders of a store",
        },
        export,
        PurchaseOrders,
        body=ExportBody,
        example={"store_id": "S0001", "last_sequence": 12},
    ),
)
