"""`/v1/inventory`: the figures of stock planning at a glance; a part that cannot be computed is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.inventory.forecast_answer import forecast
from serving.work.inventory.forecast_models import ForecastPeriod, ForecastQuery
from serving.work.inventory.order_models import Name, OrderList, OrderQuery, StoreOrders
from serving.work.inventory.orders import list_orders
from serving.work.inventory.stock_levels import StockLevel, StockQuery, stock
from serving.work.inventory.transfers import StoreQuery, list_transfers
from serving.work.inventory.used_car_models import UsedCarQuery
from serving.work.inventory.used_cars import used_cars
from serving.work.routing import WorkRequest, WorkRoute

Answer = TypeVar("Answer")


class InventoryQuery(BaseModel):
    """Which stores.

    Attributes
    ----------
    store_id : str or None
        One store; None: all of the caller.
    """

    model_config = ConfigDict(extra="forbid")

    store_id: Name | None = None


class OrdersAtAGlance(BaseModel):
    """Orders of the present plan.

    Attributes
    ----------
    first_period, begins, arrives : str
        First period of the plan, its first day, and the day on which its vehicles are in the store.
    limit : float or None
        Purchase value that orders may reach, yuan; None: no limit is configured.
    used_limit : float
        Purchase value of the orders of all stores, yuan.
    total : StoreOrders
        Sums over the store, or over the stores of the caller.
    stores : list of StoreOrders
        The same by store, most waiting value first.
    summary : list of Text
        What the plan of the group saves against other practices.
    """

    first_period: str
    begins: str
    arrives: str
    lead_days: float
    review_days: float
    limit: float | None
    used_limit: float
    total: StoreOrders
    stores: list[StoreOrders]
    summary: list[Text]
    stock_period: str
    model_version: int


class TransfersAtAGlance(BaseModel):
    """Transfers that wait: how many, vehicles, and saving in yuan."""

    waiting: int
    vehicles: int
    saving: float


class UsedCarsAtAGlance(BaseModel):
    """Used cars for sale: all, beyond 60 days and beyond 180; a month of waiting for all of them, yuan."""

    count: int
    ageing: int
    long: int
    waiting: float
    asking: float


class PartProblem(BaseModel):
    """A part of the answer that could not be computed: its name, an error code and the reason."""

    part: str
    code: str
    message: str


class InventoryAnswer(BaseModel):
    """Stock planning at a glance.

    Attributes
    ----------
    orders, transfers, forecast, stock, used_cars
        None if `problems` names the part.
    last_sold : float or None
        Vehicles sold in the last period of the history.
    """

    orders: OrdersAtAGlance | None
    transfers: TransfersAtAGlance | None
    forecast: ForecastPeriod | None
    last_sold: float | None
    stock: StockLevel | None
    used_cars: UsedCarsAtAGlance | None
    problems: list[PartProblem]


def overview(request: WorkRequest) -> InventoryAnswer:
    """Return the figures of stock planning for the stores of the caller.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    """
    problems: list[PartProblem] = []
    store: str | None = request.parameters.store_id
    if store is not None:
        request.check_store(store)

    def part(name: str, respond: Callable[[WorkRequest], Answer], parameters: BaseModel) -> Answer | None:
        try:
            return respond(_with(request, parameters))
        except Problem as problem:
            problems.append(PartProblem(part=name, code=problem.code, message=problem.message))
            return None

    orders = part("orders", list_orders, OrderQuery(store_id=store))
    transfers = part("transfers", list_transfers, StoreQuery(store_id=store))
    ahead = part("forecast", forecast, ForecastQuery(store_id=store))
    level = part("stock", stock, StockQuery(store_id=store))
    cars = part("used_cars", used_cars, UsedCarQuery(store_id=store, rows=1))
    return InventoryAnswer(
        orders=None if orders is None else _of_store(orders, store),
        transfers=None
        if transfers is None
        else TransfersAtAGlance(waiting=transfers.waiting, vehicles=transfers.vehicles, saving=transfers.saving),
        forecast=ahead.forecast[0] if ahead is not None and ahead.forecast else None,
        last_sold=ahead.history[-1].sold if ahead is not None and ahead.history else None,
        stock=None if level is None or level.source == "none" else level.total,
        used_cars=None
        if cars is None
        else UsedCarsAtAGlance(**{n: getattr(cars, n) for n in UsedCarsAtAGlance.model_fields}),
        problems=problems,
    )


def _of_store(orders: OrderList, store: str | None) -> OrdersAtAGlance:
    glance = OrdersAtAGlance(**{n: getattr(orders, n) for n in OrdersAtAGlance.model_fields})
    if store is None:
        return glance
    rows = [row for row in orders.stores if row.store_id == store]
    total = rows[0] if rows else StoreOrders(store_id=store, region=None)
    return glance.model_copy(update={"stores": rows, "total": total, "summary": []})


def _with(request: WorkRequest, parameters: BaseModel) -> WorkRequest:
    return WorkRequest(request.context, {}, parameters, None, request.caller, request.scope)


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory",
        {"zh": "库存与采购概览", "en": "Stock planning at a glance"},
        overview,
        InventoryAnswer,
        parameters=InventoryQuery,
    ),
)
