"""`POST /v1/demand_forecast/orders`: what to move between stores and what to order, from the champion's forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from features.errors import DataError, FeatureError
from features.periods import first_day, label
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.planning import OrderPlan, PlanningRules, load_planning_rules, plan_orders
from ml.endpoint import Champions, Endpoint, respond_each_by_rules
from ml.signature import Name, RequestPart

FEN = 100
TASK = "demand_forecast"
RULES = "order_planning.yaml"
Cars = Annotated[int, Field(ge=0, le=1_000_000)]


class Position(RequestPart):
    """What one store has of one model.

    Attributes
    ----------
    on_order : int
        Cars on their way.
    price : float or None
        yuan; the last known if not given.
    """

    store_id: Name
    model: Name
    on_hand: Cars
    on_order: Cars = 0
    price: float | None = Field(None, gt=0, le=1e9, allow_inf_nan=False)


class OrdersRequest(RequestPart):
    """Stock as it stands.

    Attributes
    ----------
    stock : tuple of Position
        Whose orders are asked for; empty for all, with the stock that the model last saw.
    stores : tuple of str
        Only these stores order; with empty `stock`.
    lead_days, review_days : float or None
        In place of those of the rules.
    """

    stock: tuple[Position, ...] = Field((), max_length=100_000, strict=False)
    stores: tuple[Name, ...] = Field((), max_length=1_000, strict=False)
    lead_days: float | None = Field(None, ge=0, le=730)
    review_days: float | None = Field(None, gt=0, le=730)


class Order(BaseModel):
    """What one store does about one model; demand is that of lead time plus review period."""

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
    """Cars to move."""

    model: str
    from_store: str
    to_store: str
    quantity: int


class OrdersAnswer(BaseModel):
    """The plan.

    Attributes
    ----------
    gain : float
        yuan expected over leaving everything where it is and ordering nothing.
    """

    orders: list[Order]
    transfers: list[Transfer]
    gain: float
    lead_days: float
    review_days: float
    first_period: str


def _example(champions: Champions) -> Mapping[str, Any]:
    estimator = cast("DemandEstimator", champions[TASK].estimator)
    row = int(estimator.told.mean.sum(axis=1).argmax())
    store, model = estimator.panel.series.select("store_id", "model").row(row)
    return {"stock": [{"store_id": store, "model": model, "on_hand": 1, "on_order": 0, "price": 150_000.0}]}


def answer(rules: PlanningRules, champions: Champions, request: OrdersRequest) -> OrdersAnswer:
    """Plan for what the request says is in stock.

    Raises
    ------
    DataError
        A series is not known, given twice, or its stock or price is not known; or the horizon is too short.
    """
    estimator = cast("DemandEstimator", champions[TASK].estimator)
    changed = {n: v for n in ("lead_days", "review_days") if (v := getattr(request, n)) is not None}
    rules = rules.model_copy(update=changed)
    rows, cells = cells_of(estimator, request.stock, stores=request.stores)
    plan = order_plan(estimator, rows, cells, rules)
    return OrdersAnswer(
        orders=[Order(**{_plain(n): v for n, v in row.items()}) for row in plan.orders.to_dicts()],
        transfers=[Transfer(**{_plain(n): v for n, v in row.items()}) for row in plan.transfers.to_dicts()],
        gain=plan.gain,
        lead_days=rules.lead_days,
        review_days=rules.review_days,
        first_period=label(estimator.panel.first + estimator.origin, estimator.panel.frequency),
    )


def _plain(name: str) -> str:
    return name.removesuffix("_yuan")


def order_plan(estimator: DemandEstimator, rows: Sequence[int], cells: pl.DataFrame, rules: PlanningRules) -> OrderPlan:
    """Orders and transfers of some series, from what they sell over lead time plus review period."""
    days = rules.lead_days + rules.review_days
    sums = estimator.over(periods_of(estimator, days))
    return plan_orders(cells, GRID, np.asarray(sums[np.asarray(rows, dtype=np.intp)], dtype=np.float64), rules)


def periods_of(estimator: DemandEstimator, days: float) -> float:
    """How many periods from the origin on so many days are."""
    panel = estimator.panel
    first = panel.first + estimator.origin
    edges = first_day(np.arange(first, first + estimator.params.horizon + 1), panel.frequency)
    since = (edges - edges[0]).astype(np.float64)
    if days > since[-1]:
        raise DataError(
            f"lead time and review period take {days:g} days, the model looks {since[-1]:g} ahead: shorten lead_days "
            "or review_days, or train with a longer params.horizon"
        )
    return float(np.interp(days, since, np.arange(len(since))))


def cells_of(
    estimator: DemandEstimator, stock: Sequence[Position], *, stores: Sequence[str] = ()
) -> tuple[list[int], pl.DataFrame]:
    """Rows of the panel that are planned for, and their positions."""
    panel = estimator.panel
    if set(panel.keys) != {"store_id", "model"}:
        raise DataError(
            f"orders need series by store_id and model; the champion's are by {', '.join(panel.keys)}: train with "
            "params.series: [store_id, model]"
        )
    names = panel.series.select("store_id", "model").rows()
    place = {tuple(map(str, name)): i for i, name in enumerate(names)}
    price = _last_price(estimator)
    if not stock:
        known = {s for s, _ in names}
        if absent := [s for s in stores if s not in known]:
            raise FeatureError("stores", f"has {len(absent)} that the model does not know")
        living = np.flatnonzero(~estimator.ended)
        rows = [int(i) for i in living if not stores or names[i][0] in stores]
        if not np.isfinite(estimator.on_hand[rows]).any():
            raise FeatureError("stock", "is needed: the model was trained without a table of stock")
        given: list[tuple[int, int, float | None]] = [(int(np.nan_to_num(estimator.on_hand[i])), 0, None) for i in rows]
    else:
        asked = [(p.store_id, p.model) for p in stock]
        if len(set(asked)) < len(asked):
            raise FeatureError("stock", "names a store and model twice")
        unknown = [name for name in asked if name not in place]
        if unknown:
            raise FeatureError(
                "stock",
                f"names {len(unknown)} pairs of store and model that are not known; train with their sales",
            )
        rows = [place[name] for name in asked]
        given = [(p.on_hand, p.on_order, p.price) for p in stock]
    cells = panel.series[rows].select(
        [c for c in ("store_id", "model", "region", "brand") if c in panel.series.columns]
    )
    prices = [p if p is not None else _yuan(price[i]) for i, (_, _, p) in zip(rows, given, strict=True)]
    return rows, cells.with_columns(
        on_hand=pl.Series([h for h, _, _ in given], dtype=pl.Int64),
        on_order=pl.Series([o for _, o, _ in given], dtype=pl.Int64),
        price=pl.Series(prices, dtype=pl.Float64),
    )


def _yuan(fen: float) -> float | None:
    return float(fen) / FEN if np.isfinite(fen) and fen > 0 else None


def _last_price(estimator: DemandEstimator) -> Any:
    """Last known price of each series, or else of its model; fen."""
    panel = estimator.panel
    values = panel.drivers.get("price")
    if values is None or not values.shape[1]:
        return np.full(len(panel.sold), np.nan)
    known = np.isfinite(values)
    last = values.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    own = np.where(known.any(axis=1), values[np.arange(len(values)), last], np.nan)
    by_model = pl.DataFrame({"model": panel.series["model"], "price": own}).with_columns(
        pl.col("price").fill_nan(None).fill_null(pl.col("price").fill_nan(None).median().over("model"))
    )
    return by_model["price"].fill_null(float("nan")).to_numpy()


ORDERS = Endpoint(
    path="orders",
    summary={"zh": "各门店应调拨与订购多少车", "en": "What to move between stores, and what to order"},
    request=lambda champions: OrdersRequest,
    response=OrdersAnswer,
    respond=respond_each_by_rules(answer),
    example=_example,
    rules=lambda configs: load_planning_rules(configs / RULES),
    public_errors=True,
)
