"""Stock against sales by store and model, and used cars by days on the lot."""

from __future__ import annotations

from starlette.responses import Response

from serving.desk.page import PageRequest, View
from serving.desk.tables.columns import Choice, TableColumn
from serving.desk.tables.view import TableView

LEVELS_PATH, CARS_PATH = "/desk/stock/levels", "/desk/stock/used-cars"
MAX_CARS = 20_000
ACTIONS = {
    "wholesale": Choice("stock.action.wholesale", "bad"),
    "reprice": Choice("stock.action.reprice", "wait"),
    "transfer": Choice("stock.action.transfer", "accent"),
    "check": Choice("stock.action.check", "wait"),
    "keep": Choice("stock.action.keep"),
}
FIGURES = (
    TableColumn("on_hand", "stock.on_hand", "number", unit="stock.vehicles"),
    TableColumn("sold", "stock.last_sold", "number", unit="stock.vehicles", on_phone=False),
    TableColumn("coefficient", "stock.coefficient", "number", digits=2),
    TableColumn("expected", "stock.expected", "number", unit="stock.vehicles", digits=1, on_phone=False),
    TableColumn("days", "stock.days", "number", unit="stock.days_unit"),
)
BY_STORE = (
    TableColumn("store_id", "stock.store", is_title=True, second="region", link=LEVELS_PATH + "?store={store_id}"),
    *FIGURES,
)
BY_MODEL = (TableColumn("model", "stock.model", is_title=True), *FIGURES)
CARS = (
    TableColumn("model", "stock.car.car", is_title=True),
    TableColumn("store_id", "stock.store", filter="choice", on_phone=False),
    TableColumn("days", "stock.car.days", "number", filter="range"),
    TableColumn("price", "stock.car.price", "money", filter="range"),
    TableColumn("value", "stock.car.value", "money"),
    TableColumn("waiting", "stock.car.waiting", "money", on_phone=False),
    TableColumn("action", "stock.car.action", "state", states=ACTIONS, filter="choice"),
)
FILE = (
    TableColumn("vehicle_id", "stock.car.number"),
    TableColumn("brand", "stock.order.supplier"),
    TableColumn("model", "stock.model"),
    TableColumn("model_year", "stock.car.model_year", "number"),
    TableColumn("mileage_km", "stock.car.mileage", "number"),
    TableColumn("store_id", "stock.store", filter="choice", on_phone=False),
    TableColumn("days", "stock.car.days", "number", unit="stock.days_unit", filter="range"),
    TableColumn("price", "stock.car.price", "money", unit="parts.yuan", filter="range"),
    TableColumn("value", "stock.car.value", "money", unit="parts.yuan"),
    TableColumn("value_low", "stock.car.value_low", "money", unit="parts.yuan", on_phone=False),
    TableColumn("value_high", "stock.car.value_high", "money", unit="parts.yuan", on_phone=False),
    TableColumn("waiting", "stock.car.waiting", "money", unit="parts.yuan", on_phone=False),
    TableColumn("cost", "stock.car.cost", "money", unit="parts.yuan"),
    TableColumn("action", "stock.car.action", "state", states=ACTIONS, filter="choice", second="advice"),
    TableColumn("arithmetic", "stock.car.arithmetic"),
)
SEARCHED = ("model", "vehicle_id", "store_id")


async def show_levels(request: PageRequest) -> View | Response:
    """Answer `GET /desk/stock/levels`: stores, or the models of the chosen store."""
    answer = await request.ask("GET", "/v1/inventory/stock", query={"store_id": request.store_id})
    view = TableView("levels", BY_MODEL if request.store_id else BY_STORE, answer["rows"], default_sort="-days")
    if "export" in request.query:
        return request.export(view, request.query["export"], "stock-days")
    table = view.page(request.query, LEVELS_PATH, request.language, request.text)
    return request.render("stock/levels.html", answer=answer, store_id=request.store_id, levels=table)


async def show_used_cars(request: PageRequest) -> View | Response:
    """Answer `GET /desk/stock/used-cars`: the cars for sale, longest on the lot first."""
    query = {"store_id": request.store_id, "rows": MAX_CARS}
    answer = await request.ask("GET", "/v1/inventory/used_cars", query=query)
    view = TableView("cars", CARS, answer["cars"], default_sort="-days", searched=SEARCHED)
    if "export" in request.query:
        file = TableView("cars", FILE, answer["cars"], default_sort="-days", searched=SEARCHED)
        return request.export(file, request.query["export"], "used-cars")
    number = request.query.get("vehicle_id")
    table = view.page(
        {k: v for k, v in request.query.items() if k not in ("vehicle_id", "notice")},
        CARS_PATH,
        request.language,
        request.text,
    )
    car = next((car for car in answer["cars"] if car["vehicle_id"] == number), None)
    return request.render(
        "stock/used_cars.html",
        answer=answer,
        cars=table,
        car=car or (table.rows[0] if table.rows else None),
        is_chosen=car is not None,
        most=max((c["value_high"] or c["price"] or 0.0 for c in table.rows), default=1.0) or 1.0,
    )
