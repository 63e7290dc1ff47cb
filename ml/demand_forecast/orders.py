"""`POST /v1/demand_forecast/orders`: plan transfers between stores and orders from the champion's forecasts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, cast

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from features.errors import DataError, FeatureError
from features.periods import first_day, period_label
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.planning import OrderPlan, PlanningRules, load_planning_rules, plan_orders
from ml.endpoint import Champions, Endpoint, respond_each_by_rules
from ml.home import model_file
from ml.signature import Name, RequestPart
from ml.store_names import name_examples

FEN = 100
TASK = "demand_forecast"
RULES = "order_planning.yaml"
Cars = Annotated[int, Field(ge=0, le=1_000_000)]


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

    stock: tuple[Position, ...] = Field((), max_length=100_000, strict=False)
    stores: tuple[Name, ...] = Field((), max_length=1_000, strict=False)
    lead_days: float | None = Field(None, ge=0, le=730)
    review_days: float | None = Field(None, gt=0, le=730)


class Order(BaseModel):
    """Plan for one model in one store; numbers are vehicles, demand is over lead time plus review period.

    Attributes
    ----------
    order_up_to : int
        Target of stock plus vehicles on order, before transfers.
    critical_ratio : float
        Probability of meeting all demand at which one more vehicle costs as much as it saves.
    transfer_in, transfer_out, order : int
        Vehicles to receive from, to send to other stores, and to order.
    expected_cost : float
        Expected cost of shortage and surplus after transfers and orders, yuan.
    demand_p10, demand_p50, demand_p90 : float
        Quantiles of demand.
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
    expected_cost: float
    demand_p10: float
    demand_p50: float
    demand_p90: float


class Transfer(BaseModel):
    """Vehicles of one model to move from one store to another."""

    model: str
    from_store: str
    to_store: str
    quantity: int


class OrdersAnswer(BaseModel):
    """Order plan.

    Attributes
    ----------
    orders : list of Order
        One per store and model.
    transfers : list of Transfer
        Vehicles to move before ordering.
    gain : float
        Expected saving compared with no transfers and no orders, yuan.
    lead_days, review_days : float
        Days that the plan covers, together.
    first_period : str
        First forecast period; lead time and review period are counted from its start.
    """

    orders: list[Order]
    transfers: list[Transfer]
    gain: float
    lead_days: float
    review_days: float
    first_period: str


def _example(champions: Champions) -> Mapping[str, Any]:
    estimator = cast("DemandEstimator", champions[TASK].estimator)
    row = int(estimator.series_forecasts.mean.sum(axis=1).argmax())
    store, model = estimator.panel.series.select("store_id", "model").row(row)
    return {"stock": [{"store_id": store, "model": model, "on_hand": 1, "on_order": 0, "price": 150_000.0}]}


def answer(rules: PlanningRules, champions: Champions, request: OrdersRequest) -> OrdersAnswer:
    """Plan orders and transfers for the stock of a request.

    Parameters
    ----------
    rules : PlanningRules
        As returned by `ml.demand_forecast.planning.load_planning_rules`.
    champions : mapping of str to Model
        Models by task: ``{"demand_forecast": ml.champions.load(ml.champions.version_or_champion("demand_forecast"))}``.
    request : OrdersRequest
        Stock and stores. ``ml.demand_forecast.orders.OrdersRequest()`` plans all series, with the stock at the end of
        the model's history.

    Returns
    -------
    OrdersAnswer
        `orders` (one per store and model), `transfers` (vehicles to move), and `gain` (expected saving in yuan).

    Raises
    ------
    FeatureError
        A store or model is not in the champion, or occurs twice; or no stock is recorded.
    DataError
        A price is missing, the champion has no series by store and model, or its horizon is shorter than lead time
        plus review period.
    """
    estimator = cast("DemandEstimator", champions[TASK].estimator)
    changed = {n: v for n in ("lead_days", "review_days") if (v := getattr(request, n)) is not None}
    rules = rules.model_copy(update=changed)
    rows, cells = planning_cells(estimator, request.stock, stores=request.stores)
    plan = plan_for_cells(estimator, rows, cells, rules)
    return OrdersAnswer(
        orders=[Order(**{_field(n): v for n, v in row.items()}) for row in plan.orders.to_dicts()],
        transfers=[Transfer(**{_field(n): v for n, v in row.items()}) for row in plan.transfers.to_dicts()],
        gain=plan.gain,
        lead_days=rules.lead_days,
        review_days=rules.review_days,
        first_period=period_label(estimator.panel.first + estimator.origin, estimator.panel.frequency),
    )


def _field(column: str) -> str:
    return column.removesuffix("_yuan")


def plan_for_cells(
    estimator: DemandEstimator, rows: Sequence[int], cells: pl.DataFrame, rules: PlanningRules
) -> OrderPlan:
    """Plan orders and transfers from an estimator's forecast over lead time plus review period.

    Parameters
    ----------
    estimator : DemandEstimator
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``, with series by `store_id`
        and `model`.
    rows, cells : list of int, and DataFrame
        Series and their stock, as returned by `planning_cells`.
    rules : PlanningRules
        As returned by `ml.demand_forecast.planning.load_planning_rules`.

    Returns
    -------
    OrderPlan
        `orders` and `transfers` (DataFrames, vehicles), and `gain` (yuan).

    Raises
    ------
    DataError
        As `ml.demand_forecast.planning.plan_orders`; or the horizon is shorter than lead time plus review period.

    Examples
    --------
    >>> plan = plan_for_cells(estimator, *planning_cells(estimator, ()), rules)  # doctest: +SKIP
    """
    demand = estimator.cumulative_demand(periods_in_days(estimator, rules.lead_days + rules.review_days))
    return plan_orders(cells, GRID, np.asarray(demand[np.asarray(rows, dtype=np.intp)], dtype=np.float64), rules)


def periods_in_days(estimator: DemandEstimator, days: float) -> float:
    """Convert a number of days, counted from the start of the first forecast period, to periods, not rounded.

    With months, 45 days from 1 February are 1 + 17 / 31 periods.

    Parameters
    ----------
    estimator : DemandEstimator
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``, for example.
    days : float
        Number of days, not below 0.

    Raises
    ------
    DataError
        The horizon is shorter than `days`.
    """
    panel = estimator.panel
    first = panel.first + estimator.origin
    edges = first_day(np.arange(first, first + estimator.params.horizon + 1), panel.frequency)
    since = (edges - edges[0]).astype(np.float64)
    if days > since[-1]:
        raise DataError(
            f"lead time and review period are {days:g} days together, the model forecasts {since[-1]:g} days: reduce "
            "lead_days or review_days, or train with a longer params.horizon"
        )
    return float(np.interp(days, since, np.arange(len(since))))


def planning_cells(
    estimator: DemandEstimator, stock: Sequence[Position], *, stores: Sequence[str] = ()
) -> tuple[list[int], pl.DataFrame]:
    """Return the series to plan and their stock.

    Parameters
    ----------
    estimator : DemandEstimator
        ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator``, with series by `store_id`
        and `model`.
    stock : sequence of Position
        Current stock, such as ``Position(store_id="S1", model="M1", on_hand=2)``; if empty, the stock at the end of the
        estimator's history.
    stores : sequence of str
        Stores to plan where `stock` is empty; all if empty.

    Returns
    -------
    rows : list of int
        Rows of the series in the estimator's panel.
    cells : DataFrame
        `store_id`, `model`, `region` and `brand` if in the panel, `on_hand`, `on_order`, `price` (yuan, null if
        not recorded), in the order of `rows`.

    Raises
    ------
    DataError
        The estimator's series are not by store and model.
    FeatureError
        A store or model is not in the estimator, or occurs twice; or no stock is recorded.
    """
    panel = estimator.panel
    if set(panel.keys) != {"store_id", "model"}:
        raise DataError(
            f"orders need series by store_id and model; the champion's are by {', '.join(panel.keys)}: train with "
            "params.series: [store_id, model]"
        )
    names = panel.series.select("store_id", "model").rows()
    row_of = {tuple(map(str, name)): i for i, name in enumerate(names)}
    price = _latest_price(estimator)
    model_stores = {str(s) for s, _ in names}
    _check_stores({"stores": stores, "stock": [p.store_id for p in stock]}, model_stores)
    if not stock:
        living = np.flatnonzero(~estimator.is_ended)
        rows = [int(i) for i in living if not stores or names[i][0] in stores]
        if not np.isfinite(estimator.on_hand[rows]).any():
            raise FeatureError("stock", "is required: the model was trained without a stock table")
        positions: list[tuple[int, int, float | None]] = [
            (int(np.nan_to_num(estimator.on_hand[i])), 0, None) for i in rows
        ]
    else:
        keys = [(p.store_id, p.model) for p in stock]
        if len(set(keys)) < len(keys):
            raise FeatureError("stock", "has a store and model twice; provide each once")
        if absent_keys := [key for key in keys if key not in row_of]:
            raise FeatureError(
                "stock",
                f"has {len(absent_keys)} pairs of store and model that are not in the model; train with their sales or "
                "remove them",
            )
        rows = [row_of[key] for key in keys]
        positions = [(p.on_hand, p.on_order, p.price) for p in stock]
    cells = panel.series[rows].select(
        [c for c in ("store_id", "model", "region", "brand") if c in panel.series.columns]
    )
    prices = [p if p is not None else _yuan(price[i]) for i, (_, _, p) in zip(rows, positions, strict=True)]
    return rows, cells.with_columns(
        on_hand=pl.Series([h for h, _, _ in positions], dtype=pl.Int64),
        on_order=pl.Series([o for _, o, _ in positions], dtype=pl.Int64),
        price=pl.Series(prices, dtype=pl.Float64),
    )


def _yuan(fen: float) -> float | None:
    return float(fen) / FEN if np.isfinite(fen) and fen > 0 else None


def _check_stores(requested: Mapping[str, Sequence[str]], stores: Collection[str]) -> None:
    for field, names in requested.items():
        if absent := list(dict.fromkeys(s for s in names if s not in stores)):
            raise FeatureError(
                field,
                f"has {len(absent)} {'store that is' if len(absent) == 1 else 'stores that are'} not in the model, "
                f"which has {len(stores):,}{name_examples(absent[0], stores)}; correct or remove it",
            )


def _latest_price(estimator: DemandEstimator) -> Any:
    """Return the latest recorded price of each series, else the median of its model, in fen; NaN if there is none."""
    panel = estimator.panel
    values = panel.drivers.get("price")
    if values is None or not values.shape[1]:
        return np.full(len(panel.sold), np.nan)
    recorded = np.isfinite(values)
    last = values.shape[1] - 1 - recorded[:, ::-1].argmax(axis=1)
    own = np.where(recorded.any(axis=1), values[np.arange(len(values)), last], np.nan)
    by_model = pl.DataFrame({"model": panel.series["model"], "price": own}).with_columns(
        pl.col("price").fill_nan(None).fill_null(pl.col("price").fill_nan(None).median().over("model"))
    )
    return by_model["price"].fill_null(float("nan")).to_numpy()


ORDERS = Endpoint(
    path="orders",
    summary={"zh": "各门店的调拨与采购建议", "en": "Vehicles to transfer between stores, and to order"},
    request=lambda champions: OrdersRequest,
    response=OrdersAnswer,
    respond=respond_each_by_rules(answer),
    example=_example,
    rules=lambda configs, data_set="": load_planning_rules(model_file(configs, RULES, data_set)),
    public_errors=True,
)
