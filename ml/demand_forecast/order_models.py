"""Request and answer of `POST /v1/demand_forecast/orders`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.signature import Name, RequestPart

Cars = Annotated[int, Field(ge=0, le=10_000)]  # plans are computed for each number of vehicles up to it


class Position(RequestPart):
    """Stock of one model in one store.

    Attributes
    ----------
    on_hand : int
        Vehicles in the store.
    on_order : int
        Vehicles ordered and not yet delivered.
    price : float or None
        Price, yuan; the latest one in the model's history if omitted.
    """

    store_id: Name
    model: Name
    on_hand: Cars
    on_order: Cars = 0
    price: float | None = Field(None, gt=0, le=1e9, allow_inf_nan=False)


class OrdersRequest(RequestPart):
    """Current stock, and the stores and lead times to plan for.

    Attributes
    ----------
    stock : tuple of Position
        Stores and models to plan; if empty, all of the model, with the stock at the end of its history.
    stores : tuple of str
        Stores to plan; all if empty. Used where `stock` is empty.
    lead_days : float or None
        Days from an order until the vehicle is in the store; that of `order_planning.yaml` if omitted.
    review_days : float or None
        Days between orders; that of `order_planning.yaml` if omitted.
    """

    stock: tuple[Position, ...] = Field((), max_length=5_000, strict=False)
    stores: tuple[Name, ...] = Field((), max_length=1_000, strict=False)
    lead_days: float | None = Field(None, ge=0, le=730)
    review_days: float | None = Field(None, gt=0, le=730)


class Order(BaseModel):
    """Plan for one model in one store; numbers are vehicles, demand is over lead time plus review period.

    Attributes
    ----------
    order_up_to : int
        Vehicles in stock and on order up to which one more is worth its order, before transfers.
    critical_ratio : float
        Probability of meeting all demand at which one more vehicle costs as much as it saves.
    transfer_in, transfer_out, order : int
        Vehicles to receive from, to send to other stores, and to order.
    demand_mean, demand_p10, demand_p50, demand_p90 : float
        Expected demand and quantiles of demand.
    last_sales : float
        Sales of the latest whole periods that cover the review period.
    lost_before_delivery : float
        Expected lost sales before the order arrives: no order prevents them.
    lost_without_order, lost_with_order : float
        Expected lost sales until the next delivery.
    expected_cost : float
        Expected cost of lost sales and unsold vehicles after transfers and orders, yuan.
    saving : float
        Expected saving of the order, yuan.
    purchase_cost : float
        Purchase cost of the order, yuan.
    priority : int or None
        Rank of the order by saving per yuan of purchase cost, from 1; null without an order.
    running_cost : float or None
        Purchase cost of all orders up to this priority, yuan.
    reason : Text
        Why this number, and what happens without the order.
    """

    store_id: str
    model: str
    on_hand: int
    on_order: int
    order_up_to: int
    critical_ratio: float
    transfer_in: int
    transfer_out: int
    order: int
    demand_mean: float
    demand_p10: float
    demand_p50: float
    demand_p90: float
    last_sales: float
    lost_before_delivery: float
    lost_without_order: float
    lost_with_order: float
    expected_cost: float
    saving: float
    purchase_cost: float
    priority: int | None
    running_cost: float | None
    reason: Text


class Transfer(BaseModel):
    """Vehicles of one model to move from one store to another.

    Attributes
    ----------
    transfer_cost : float
        Cost of moving them, yuan.
    saving : float
        Expected saving, yuan, against ordering them for the receiving store, after the cost of the move.
    """

    model: str
    from_store: str
    to_store: str
    quantity: int
    transfer_cost: float
    saving: float


class PolicyCost(BaseModel):
    """Expected result of the plan, or of a practice without forecasts, until the next delivery.

    All are computed on the same stock, lead time and demand. Costs are yuan.

    Attributes
    ----------
    store_id : str or None
        Store; null: all stores of the plan.
    policy : str
        `plan`; `last_sales`: order the sales of the latest whole periods that cover the review period; `safety_stock`:
        order up to mean demand plus safety stock; `no_orders`.
    name : Text
        The policy in words.
    order : int
        Vehicles ordered.
    lost_sales, unsold : float
        Expected vehicles of demand lost, and vehicles unsold at the end of the review period.
    lost_sales_cost, holding_cost, ordering_cost : float
        Cost of lost sales, of unsold vehicles, and of ordering and moving vehicles.
    cost : float
        Sum of the three.
    purchase_cost : float
        Purchase cost of the vehicles ordered.
    saving, saving_low, saving_high : float or None
        What the plan is expected to save against this policy, with its 80 % interval over demand; null for the plan.
    cheaper_probability : float or None
        Probability that the plan costs less than this policy, equal costs counted half; null for the plan.
    """

    store_id: str | None
    policy: str
    name: Text
    order: int
    lost_sales: float
    unsold: float
    lost_sales_cost: float
    holding_cost: float
    ordering_cost: float
    cost: float
    purchase_cost: float
    saving: float | None
    saving_low: float | None
    saving_high: float | None
    cheaper_probability: float | None


class OrdersAnswer(BaseModel):
    """Order plan.

    Attributes
    ----------
    orders : list of Order
        One per store and model.
    transfers : list of Transfer
        Vehicles to move before ordering.
    comparison : list of PolicyCost
        The plan and each practice, by store and for all stores together.
    summary : list of Text
        Sentences: what the plan saves against each practice, and whether the orders fit the budget.
    lead_days, review_days : float
        Days that the plan covers, together.
    first_period : str
        First forecast period; lead time and review period are counted from its start.
    """

    orders: list[Order]
    transfers: list[Transfer]
    comparison: list[PolicyCost]
    summary: list[Text]
    lead_days: float
    review_days: float
    first_period: str
