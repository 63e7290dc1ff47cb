"""Transfers between stores: confirm, change, reject, take back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from serving.desk.page import PageRequest, View
from serving.desk.tables.columns import Choice, TableColumn
from serving.desk.tables.view import TableView

PATH = "/desk/stock/transfers"
STATES = {
    "waiting": Choice("stock.state.waiting", "wait"),
    "confirmed": Choice("stock.state.confirmed", "good"),
    "rejected": Choice("stock.state.rejected"),
}
COLUMNS = (
    TableColumn("model", "stock.model", is_title=True, second="supplier"),
    TableColumn("from_store", "stock.transfer.from", filter="choice"),
    TableColumn("to_store", "stock.transfer.to", filter="choice"),
    TableColumn("quantity", "stock.transfer.quantity", "number"),
    TableColumn("saving", "stock.transfer.saving", "money"),
    TableColumn("state", "stock.state", "state", states=STATES, filter="choice"),
    TableColumn("act", "stock.decision", sortable=False),
)
FILE = (
    TableColumn("model", "stock.model"),
    TableColumn("supplier", "stock.order.supplier"),
    TableColumn("from_store", "stock.transfer.from", filter="choice"),
    TableColumn("to_store", "stock.transfer.to", filter="choice"),
    TableColumn("quantity", "stock.transfer.quantity", "number", unit="stock.vehicles"),
    TableColumn("transfer_cost", "stock.transfer.cost", "money", unit="parts.yuan", on_phone=False),
    TableColumn("saving", "stock.transfer.saving", "money", unit="parts.yuan"),
    TableColumn("state", "stock.state", "state", states=STATES, filter="choice"),
)


async def show_transfers(request: PageRequest) -> View | Response:
    """Answer `GET /desk/stock/transfers`."""
    answer = await request.ask("GET", "/v1/inventory/transfers", query={"store_id": request.store_id})
    view = TableView("transfers", COLUMNS, answer["transfers"])
    if "export" in request.query:
        return request.export(TableView("transfers", FILE, answer["transfers"]), request.query["export"], "transfers")
    done = {n for n in request.query.get("done", "").split(",") if n.isdecimal()}
    own = [row for row in answer["transfers"] if row["decision"] and str(row["decision"]["sequence"]) in done]
    query = {name: value for name, value in request.query.items() if name not in ("done", "notice")}
    stores = None if request.caller is None else request.caller.stores
    waiting = [row for row in answer["transfers"] if row["state"] == "waiting"]
    return request.render(
        "stock/transfers.html",
        answer=answer,
        transfers=view.page(query, PATH, request.language, request.text),
        done=",".join(str(row["decision"]["sequence"]) for row in own),
        done_count=len(own),
        deciding=lambda row: _is_own(row, stores),
        can_confirm_all=request.may("orders:write") and bool(waiting) and all(_is_own(row, stores) for row in waiting),
    )


def _is_own(row: Mapping[str, Any], stores: frozenset[str] | None) -> bool:
    return stores is None or {row["from_store"], row["to_store"]} <= stores


async def decide(request: PageRequest) -> Response:
    """Answer `POST /desk/stock/transfers`: confirm or reject one transfer, or confirm all that wait."""
    text = request.field("quantity")
    body: dict[str, Any] = {
        "plan": request.field("plan"),
        "last_sequence": int(request.field("last_sequence")) if request.field("last_sequence").isdecimal() else 0,
        "decision": request.field("decision"),
        "reason": request.field("reason") or None,
    }
    if request.field("model"):
        choice = {name: request.field(name) for name in ("model", "from_store", "to_store")}
        has_quantity = text.isdecimal() and body["decision"] == "confirm"
        body["transfers"] = [{**choice, "quantity": int(text) if has_quantity else None}]
    else:
        answer = await request.ask("GET", "/v1/inventory/transfers", query={"store_id": request.store_id})
        names = ("model", "from_store", "to_store")
        body["transfers"] = [{n: row[n] for n in names} for row in answer["transfers"] if row["state"] == "waiting"]
    written = await request.ask("POST", "/v1/inventory/transfers", body)
    return request.redirect(f"{PATH}?done={','.join(map(str, written['sequences'][:500]))}")


async def undo(request: PageRequest) -> Response:
    """Answer `POST /desk/stock/transfers/undo`: take decisions back."""
    sequences = [int(n) for n in request.field("sequences").split(",") if n.isdecimal()]
    await request.ask("POST", "/v1/inventory/orders/undo", {"sequences": sequences})
    return request.redirect(PATH, notice="stock.notice.undone")
