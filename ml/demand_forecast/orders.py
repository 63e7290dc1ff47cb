"""`POST /v1/demand_forecast/orders`: plan transfers between stores and orders from the champion's forecasts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import polars as pl
from pydantic import BaseModel

from features.errors import DataError, FeatureError
from features.periods import period_label
from features.plurals import count_text
from ml.bilingual import Text
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.order_models import Order, OrdersAnswer, OrdersRequest, PolicyCost, Position, Transfer
from ml.demand_forecast.order_plan import plan_for_cells
from ml.demand_forecast.planning import PlanningRules, load_planning_rules
from ml.endpoint import Champions, Endpoint, respond_each_by_rules
from ml.home import model_file
from ml.store_names import name_examples

FEN = 100
TASK = "demand_forecast"
RULES = "order_planning.yaml"
Record = TypeVar("Record", bound=BaseModel)


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
        `orders` (one per store and model), `transfers` (vehicles to move), `comparison` with other practices (yuan) and
        `summary`.

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
        orders=[_record(Order, row) for row in plan.orders.to_dicts()],
        transfers=[_record(Transfer, row) for row in plan.transfers.to_dicts()],
        comparison=[_record(PolicyCost, row) for row in plan.comparison.to_dicts()],
        summary=list(plan.summary),
        lead_days=rules.lead_days,
        review_days=rules.review_days,
        first_period=period_label(estimator.panel.first + estimator.origin, estimator.panel.frequency),
    )


def _record(record: type[Record], row: Mapping[str, Any]) -> Record:
    """Return a row of a table as part of the answer: amounts without their unit, texts in both languages."""
    fields = {name.removesuffix("_yuan"): value for name, value in row.items()}
    texts = {name.removesuffix("_zh") for name in fields if name.endswith("_zh")}
    for name in texts:
        fields[name] = Text(zh=fields.pop(f"{name}_zh"), en=fields.pop(f"{name}_en"))
    return record(**fields)


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
                f"has {count_text(len(absent_keys), 'pair')} of store and model not in the model, such as store "
                f"{absent_keys[0][0]} with model {absent_keys[0][1]}; correct them, or train with their sales",
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
    long_list="stock",
)
