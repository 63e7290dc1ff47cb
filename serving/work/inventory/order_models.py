"""Answers and bodies of the endpoints of orders, purchase orders and transfers; money in yuan."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text

OrderState = Literal["waiting", "confirmed", "rejected", "exported", "nothing"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(max_length=500)]


class Body(BaseModel):
    """A JSON body that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DecisionEntry(BaseModel):
    """What a person has decided about a line.

    Attributes
    ----------
    sequence : int
        Number of the entry, to take it back.
    at : str
        Real time, an ISO instant.
    person, reason : str or None
        Who, and why it differs from the plan.
    """

    sequence: int
    at: str
    person: str | None
    reason: str | None


class OrderLine(BaseModel):
    """Plan and decision for one model in one store.

    Attributes
    ----------
    region, supplier : str or None
        Region of the store and brand of the model.
    on_hand, on_order : int
        Vehicles in stock and on order when the plan begins.
    demand_mean, demand_p10, demand_p90 : float
        Demand over lead time plus review period: mean, and bounds of the 80 % interval.
    order_up_to, transfer_in, transfer_out, plan_quantity : int
        Vehicles, as the plan has them.
    lost_without_order, lost_with_order, lost_before_delivery : float
        Expected lost sales until the next delivery; those before the delivery cannot be prevented by an order.
    unit_cost : float or None
        Purchase cost of one vehicle; None without a price.
    plan_cost, saving : float
        Purchase cost and expected saving of the plan's quantity.
    priority : int or None
        Rank by saving per yuan.
    fits_limit : bool or None
        Whether the order fits the limit, by priority; None without a limit or an order.
    reason : Text
        Why this number.
    state : str
        waiting, confirmed, rejected, exported, or nothing (the plan orders none).
    quantity : int
        Vehicles that count: decided, else planned.
    cost : float
        Purchase cost of `quantity`.
    decision : DecisionEntry or None
        Who decided.
    order_number : str or None
        Number of the purchase order with which it was exported.
    """

    store_id: str
    region: str | None
    supplier: str | None
    model: str
    on_hand: int
    on_order: int
    demand_mean: float
    demand_p10: float
    demand_p90: float
    last_sales: float
    order_up_to: int
    transfer_in: int
    transfer_out: int
    plan_quantity: int
    lost_without_order: float
    lost_with_order: float
    lost_before_delivery: float
    unit_cost: float | None
    plan_cost: float
    saving: float
    priority: int | None
    fits_limit: bool | None
    reason: Text
    state: OrderState
    quantity: int
    cost: float
    decision: DecisionEntry | None = None
    order_number: str | None = None


class StoreOrders(BaseModel):
    """Orders of one store, or of all stores (`store_id` is None).

    Attributes
    ----------
    waiting_orders : int
        Purchase orders, one per store and supplier, with lines that wait for a decision.
    waiting_lines, confirmed_lines, exported_lines, rejected_lines : int
        Lines of one model in each state.
    waiting_vehicles, confirmed_vehicles, exported_vehicles, rejected_vehicles : int
        Vehicles of these lines; of rejected lines those of the plan.
    waiting_cost, confirmed_cost, exported_cost : float
        Purchase cost of them.
    on_hand, on_order : int
        Vehicles of the models of the plan.
    demand_mean : float
        Expected demand over lead time plus review period, vehicles.
    lost_without_orders, lost_with_orders, lost_before_delivery : float
        Expected lost sales until the next delivery; of them those before the vehicles arrive, with the orders.
    saving : float
        What the plan is expected to save against no orders.
    saving_low, saving_high : float or None
        Its 80 % interval.
    """

    store_id: str | None
    region: str | None
    waiting_orders: int = 0
    waiting_lines: int = 0
    waiting_vehicles: int = 0
    waiting_cost: float = 0.0
    confirmed_lines: int = 0
    confirmed_vehicles: int = 0
    confirmed_cost: float = 0.0
    exported_lines: int = 0
    exported_vehicles: int = 0
    exported_cost: float = 0.0
    rejected_lines: int = 0
    rejected_vehicles: int = 0
    on_hand: int = 0
    on_order: int = 0
    demand_mean: float = 0.0
    lost_without_orders: float = 0.0
    lost_with_orders: float = 0.0
    lost_before_delivery: float = 0.0
    saving: float = 0.0
    saving_low: float | None = None
    saving_high: float | None = None


class OrderList(BaseModel):
    """Orders of the plan with their states.

    Attributes
    ----------
    plan : str
        Identifier of the plan, which a decision repeats.
    last_sequence : int
        Number of the last entry, which a decision repeats.
    model_version : int
        Version of the demand champion.
    first_period, stock_period : str
        First period of the plan, and the last one of the history, at whose end the stock was counted.
    begins, arrives : str
        First day of the plan, and the day on which the vehicles are in the store.
    lead_days, review_days : float
        Days from order to store, and between orders: together the plan covers them.
    limit : float or None
        Purchase value that the orders may reach; None: no limit is configured.
    used_limit : float
        Purchase value of the orders of all stores that wait, are confirmed or exported.
    total : StoreOrders
        Of the caller's stores.
    stores : list of StoreOrders
        By store, most waiting value first.
    lines : list of OrderLine
        The lines that the query asks for.
    summary : list of Text
        What the plan saves against other practices, of the whole group; empty for a caller with some stores only.
    """

    plan: str
    last_sequence: int
    model_version: int
    first_period: str
    stock_period: str
    begins: str
    arrives: str
    lead_days: float
    review_days: float
    limit: float | None
    used_limit: float
    total: StoreOrders
    stores: list[StoreOrders]
    lines: list[OrderLine]
    summary: list[Text]


class OrderQuery(BaseModel):
    """Which lines to return.

    Attributes
    ----------
    store_id, supplier : str or None
        Store, and brand of the models.
    state : str or None
        One of the states of `OrderLine`.
    """

    model_config = ConfigDict(extra="forbid")

    store_id: Name | None = None
    supplier: Name | None = None
    state: OrderState | None = None


class DecidedLine(Body):
    """A line to decide on.

    Attributes
    ----------
    quantity : int or None
        Vehicles to order; None: as planned.
    """

    store_id: Name
    model: Name
    quantity: int | None = Field(None, ge=0, le=10_000)


class OrderDecision(Body):
    """A decision about some lines, or about all lines of a store that wait.

    Attributes
    ----------
    plan : str
        `OrderList.plan` that the person has read.
    last_sequence : int
        `OrderList.last_sequence` that the person has read.
    decision : str
        confirm or reject.
    store_id : str or None
        Store whose waiting lines are decided; with it `lines` is empty.
    supplier : str or None
        Limits them to one brand.
    lines : list of DecidedLine
        Single lines.
    reason : str or None
        Required to reject, and to order another number than planned.
    """

    plan: Name
    last_sequence: int = Field(ge=0)
    decision: Literal["confirm", "reject"]
    store_id: Name | None = None
    supplier: Name | None = None
    lines: list[DecidedLine] = Field(default=[], max_length=5_000)
    reason: Reason | None = None


class Written(BaseModel):
    """Entries that were written.

    Attributes
    ----------
    sequences : list of int
        Numbers of the entries.
    lines, vehicles : int
        Lines and vehicles that they are about.
    cost : float
        Purchase cost of the vehicles.
    """

    sequences: list[int]
    lines: int
    vehicles: int
    cost: float


class Undo(Body):
    """Entries to take back.

    Attributes
    ----------
    sequences : list of int
        Numbers of the entries.
    """

    sequences: list[int] = Field(min_length=1, max_length=5_000)


class ExportBody(Body):
    """The confirmed orders of a store to send to suppliers.

    Attributes
    ----------
    store_id : str
        Store.
    supplier : str or None
        One supplier; None: one purchase order for each.
    last_sequence : int
        `OrderList.last_sequence` that the person has read.
    """

    store_id: Name
    supplier: Name | None = None
    last_sequence: int = Field(ge=0)


class PurchaseLine(BaseModel):
    """A line of a purchase order."""

    model: str
    quantity: int
    unit_cost: float | None
    cost: float
    reason: str | None


class PurchaseOrder(BaseModel):
    """What a supplier receives.

    Attributes
    ----------
    number : str
        Number of the order.
    month : str
        Period of the plan, such as `2025-07`.
    arrives : str
        Day on which the vehicles are expected in the store.
    at : str
        Real time of the export, an ISO instant.
    person : str or None
        Who exported it.
    """

    number: str
    store_id: str
    supplier: str | None
    month: str
    arrives: str
    at: str
    person: str | None
    vehicles: int
    cost: float
    lines: list[PurchaseLine]


class PurchaseOrders(BaseModel):
    """Purchase orders, the latest first."""

    orders: list[PurchaseOrder]
