"""The overview of stock planning, and the orders of a store: confirm, change, reject, take back, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.stock_workbook import XLSX, purchase_workbook
from serving.desk.formats import format_money_wan
from serving.desk.page import PageRequest, View
from serving.desk.tables.columns import Choice, TableColumn
from serving.desk.tables.view import TableView

STATES = {
    "waiting": Choice("stock.state.waiting", "wait"),
    "confirmed": Choice("stock.state.confirmed", "good"),
    "exported": Choice("stock.state.exported", "accent"),
    "rejected": Choice("stock.state.rejected"),
    "nothing": Choice("stock.state.nothing"),
}
STORES = (
    TableColumn("store_id", "stock.store", link="/desk/stock/orders/{store_id}", is_title=True, second="region"),
    TableColumn("waiting_vehicles", "stock.waiting", "number", unit="stock.vehicles"),
    TableColumn("waiting_cost", "stock.waiting_cost", "money", unit="parts.yuan"),
    TableColumn("decided_vehicles", "stock.decided", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("on_hand", "stock.on_hand", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("demand_mean", "stock.demand", "number", unit="stock.vehicles", digits=1, on_phone=False),
    TableColumn("lost_without_orders", "stock.lost_without", "number", unit="stock.vehicles", digits=1, on_phone=False),
    TableColumn("lost_with_orders", "stock.lost_with", "number", unit="stock.vehicles", digits=1, on_phone=False),
    TableColumn("saving", "stock.saving", "money", unit="parts.yuan", on_phone=False),
)
LINES = (
    TableColumn("model", "stock.model", is_title=True),
    TableColumn("on_hand", "stock.on_hand", "number"),
    TableColumn("demand_mean", "stock.demand", "number", digits=1),
    TableColumn("lost_without_order", "stock.lost", "number", digits=1, on_phone=False),
    TableColumn("quantity", "stock.quantity", "number"),
    TableColumn("cost", "stock.cost", "money", unit="parts.yuan"),
    TableColumn("state", "stock.state", "state", states=STATES, filter="choice"),
)
FILE = (
    TableColumn("store_id", "stock.store"),
    TableColumn("supplier", "stock.order.supplier"),
    TableColumn("model", "stock.model"),
    TableColumn("on_hand", "stock.on_hand", "number", unit="stock.vehicles"),
    TableColumn("on_order", "stock.on_order", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("demand_mean", "stock.demand", "number", unit="stock.vehicles", digits=1),
    TableColumn("lost_without_order", "stock.lost_without", "number", unit="stock.vehicles", digits=1, on_phone=False),
    TableColumn("lost_with_order", "stock.lost_with", "number", unit="stock.vehicles", digits=1, on_phone=False),
    TableColumn("plan_quantity", "stock.plan_quantity", "number", unit="stock.vehicles"),
    TableColumn("quantity", "stock.quantity", "number", unit="stock.vehicles"),
    TableColumn("unit_cost", "stock.unit_cost", "money", unit="parts.yuan", on_phone=False),
    TableColumn("cost", "stock.cost", "money", unit="parts.yuan"),
    TableColumn("state", "stock.state", "state", states=STATES, filter="choice"),
)


async def show_overview(request: PageRequest) -> View | Response:
    """Answer `GET /desk/stock`: what waits, and the stores with the most waiting value first."""
    overview = await request.ask("GET", "/v1/inventory", query={"store_id": request.store_id})
    orders = overview["orders"]
    rows = [
        row | {"decided_vehicles": row["confirmed_vehicles"] + row["exported_vehicles"]}
        for row in (orders["stores"] if orders else [])
    ]
    view = TableView("stores", STORES, rows, default_sort="-waiting_cost")
    if "export" in request.query:
        return request.export(view, request.query["export"], "orders-by-store")
    return request.render(
        "stock/overview.html",
        overview=overview,
        orders=orders,
        headline=heading(request, orders),
        stores=view.page(request.query, "/desk/stock", request.language, request.text),
        store_id=request.store_id,
        first_waiting=next((row["store_id"] for row in rows if row["waiting_orders"]), None),
    )


def heading(request: PageRequest, orders: Mapping[str, Any] | None) -> str:
    """Return what waits for a decision, as the heading of a page.

    Parameters
    ----------
    request : PageRequest
        For the language.
    orders : mapping or None
        `total`, `limit` and `used_limit` of `/v1/inventory/orders`; None: they cannot be planned.
    """
    if orders is None:
        return request.text("stock.title.none")
    total, limit = orders["total"], orders["limit"]
    if total["waiting_orders"]:
        key = "stock.title.waiting"
        if limit is not None:
            key = "stock.title.waiting.within" if orders["used_limit"] <= limit else "stock.title.waiting.over"
        return request.text(
            key,
            orders=total["waiting_orders"],
            vehicles=total["waiting_vehicles"],
            cost=_wan(request, total["waiting_cost"]),
        )
    if total["confirmed_lines"]:
        return request.text(
            "stock.title.confirmed",
            vehicles=total["confirmed_vehicles"],
            cost=_wan(request, total["confirmed_cost"]),
        )
    return request.text("stock.title.done")


async def show_store(request: PageRequest, *, refusal: Problem | None = None) -> View | Response:
    """Answer `GET /desk/stock/orders/{store_id}`: the orders of a store.

    Parameters
    ----------
    request : PageRequest
        Of the page, or of the form that was refused.
    refusal : Problem, optional
        Why a decision about one line was refused; its form is shown again with what was typed.
    """
    store_id = request.path["store_id"]
    orders = await request.ask("GET", "/v1/inventory/orders", query={"store_id": store_id})
    issued = await request.ask("GET", "/v1/inventory/purchase_orders", query={"store_id": store_id})
    total = next((row for row in orders["stores"] if row["store_id"] == store_id), None)
    if total is None:
        raise Problem(404, "not_found", "the plan has no models of this store")
    path = f"/desk/stock/orders/{quote(store_id)}"
    view = TableView("lines", LINES, orders["lines"])
    if "export" in request.query:
        return request.export(
            TableView("lines", FILE, orders["lines"]), request.query["export"], f"orders-{_ascii(store_id)}"
        )
    model = request.field("model") or request.query.get("model")
    chosen = next((line for line in orders["lines"] if line["model"] == model), None)
    query = {name: value for name, value in request.query.items() if name not in ("done", "notice")}
    table = view.page(query, path, request.language, request.text)
    ordered = [line for line in table.rows if line["state"] != "nothing"]
    fields = [] if refusal is None else [detail["field"].rsplit(".", 1)[-1] for detail in refusal.details]
    return request.render(
        "stock/store.html",
        status=200 if refusal is None else refusal.status,
        errors={name: request.text(f"stock.error.{name}") for name in fields if name in ("quantity", "reason")},
        typed={name: request.field(name) for name in ("quantity", "reason")},
        orders=orders,
        total=total,
        store_id=store_id,
        path=path,
        headline=heading(request, orders | {"total": total}),
        lines=table,
        line=chosen or next(iter(ordered or table.rows), None),
        is_chosen=chosen is not None,
        done=_done(request, orders["lines"]),
        issued=issued["orders"],
        numbers=request.query.get("issued", ""),
    )


async def decide(request: PageRequest) -> View | Response:
    """Answer `POST /desk/stock/orders/{store_id}`: confirm or reject a line, or confirm all lines that wait."""
    try:
        return await _decide(request)
    except Problem as problem:
        names = {detail["field"].rsplit(".", 1)[-1] for detail in problem.details}
        if problem.status == 422 and request.field("model") and names & {"quantity", "reason"}:
            return await show_store(request, refusal=problem)
        raise


async def _decide(request: PageRequest) -> Response:
    store_id = request.path["store_id"]
    body: dict[str, Any] = {
        "plan": request.field("plan"),
        "last_sequence": _number(request, "last_sequence") or 0,
        "decision": request.field("decision"),
        "reason": request.field("reason") or None,
    }
    model = request.field("model")
    if model:
        quantity = _number(request, "quantity") if body["decision"] == "confirm" else None
        body["lines"] = [{"store_id": store_id, "model": model, "quantity": quantity}]
    else:
        body["store_id"] = store_id
    written = await request.ask("POST", "/v1/inventory/orders", body)
    query = {"done": ",".join(map(str, written["sequences"][:500]))} | ({"model": model} if model else {})
    return request.redirect(f"/desk/stock/orders/{quote(store_id)}?{urlencode(query)}")


async def undo(request: PageRequest) -> Response:
    """Answer `POST /desk/stock/orders/{store_id}/undo`: take decisions back."""
    sequences = [int(n) for n in request.field("sequences").split(",") if n.isdecimal()]
    await request.ask("POST", "/v1/inventory/orders/undo", {"sequences": sequences})
    return request.redirect(f"/desk/stock/orders/{quote(request.path['store_id'])}", notice="stock.notice.undone")


async def export(request: PageRequest) -> Response:
    """Answer `POST /desk/stock/orders/{store_id}/export`: issue purchase orders, then offer their file."""
    store_id = request.path["store_id"]
    body = {"store_id": store_id, "last_sequence": _number(request, "last_sequence") or 0}
    answer = await request.ask("POST", "/v1/inventory/purchase_orders", body)
    numbers = ",".join(order["number"] for order in answer["orders"])
    return request.redirect(f"/desk/stock/orders/{quote(store_id)}?{urlencode({'issued': numbers})}")


async def download(request: PageRequest) -> Response:
    """Answer `GET /desk/stock/orders/{store_id}/file`: purchase orders as one workbook, a sheet for each."""
    store_id = request.path["store_id"]
    answer = await request.ask("GET", "/v1/inventory/purchase_orders", query={"store_id": store_id})
    numbers = set(request.query.get("numbers", "").split(",")) - {""}
    orders = [order for order in answer["orders"] if not numbers or order["number"] in numbers]
    if not orders:
        raise Problem(404, "not_found", "there is no such purchase order")
    content = purchase_workbook(orders[::-1], request.language, request.text, request.clock.timezone)
    name = orders[0]["number"] if len(orders) == 1 else f"purchase-orders-{store_id}-{orders[0]['month']}"
    return request.download(content, f"{_ascii(name)}.xlsx", XLSX)


def _done(request: PageRequest, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what the person has just decided, if nothing follows it; the address holds the numbers."""
    numbers = {n for n in request.query.get("done", "").split(",") if n.isdecimal()}
    own = [line for line in lines if line["decision"] and str(line["decision"]["sequence"]) in numbers]
    if not own or any(line["state"] == "exported" for line in own):
        return None
    sequences = ",".join(str(line["decision"]["sequence"]) for line in own)
    is_rejected = own[0]["state"] == "rejected"
    return {
        "sequences": sequences,
        "lines": len(own),
        "vehicles": sum(line["plan_quantity"] if is_rejected else line["quantity"] for line in own),
        "is_rejected": is_rejected,
    }


def _number(request: PageRequest, name: str) -> int | None:
    text = request.field(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        details = [{"field": name, "rule": "int_parsing", "message": "must be a whole number, not below 0"}]
        raise Problem(422, "invalid", f"{name}: must be a whole number, not below 0", details)
    return int(text)


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in text)


def _wan(request: PageRequest, value: float) -> str:
    return format_money_wan(value, request.language)
