"""From quantiles of demand to orders and transfers, by the house's costs (`configs/order_planning.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from features.errors import DataError
from features.yaml_config import Section, load_yaml
from ml.domain.arrays import FloatArray
from ml.domain.demand.newsvendor import UnitCosts, between, expected_cost, order_up_to
from ml.domain.demand.transfers import marginal_values, plan_transfers

ORDERS = {
    "store_id": pl.String, "model": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64, "order_up_to": pl.Int64,
    "critical_ratio": pl.Float64, "transfer_in": pl.Int64, "transfer_out": pl.Int64, "order": pl.Int64,
    "expected_cost_yuan": pl.Float64, "demand_p10": pl.Float64, "demand_p50": pl.Float64, "demand_p90": pl.Float64,
}  # fmt: skip
TRANSFERS = {"model": pl.String, "from_store": pl.String, "to_store": pl.String, "quantity": pl.Int64}


class CarCosts(Section):
    """What one car costs if it is missing, and if it stays; see `UnitCosts`.

    Attributes
    ----------
    margin_share, margin : float or None
        Gross margin as a share of the price, or in yuan, which wins.
    cost_share : float or None
        What the car cost the dealer, as a share of its price.
    """

    margin_share: float | None = Field(None, ge=0, lt=1, allow_inf_nan=False)
    margin: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    lost_customer: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    cost_share: float | None = Field(None, gt=0, le=1.5, allow_inf_nan=False)
    floor_plan_rate: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    holding_per_day: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)


DEFAULT = CarCosts(margin_share=0.06, lost_customer=1_500, cost_share=0.94, floor_plan_rate=0.055, holding_per_day=18)


class PlanningRules(Section):
    """How a house orders.

    Attributes
    ----------
    lead_days, review_days : float
        From an order until the car stands in the store, and until the next order.
    costs : CarCosts
        Of every car; single keys replaced by brand, then by model.
    order_cost : float
        Of ordering a car, beside its price, yuan.
    transfer_cost, transfer_cost_between_regions : float
        Of moving a car within a region, and to another one, yuan; None where cars are not moved.
    unknown_stock : {'refuse', 'zero'}
        What to do where nothing is known of a stock.
    """

    lead_days: float = Field(21, ge=0, le=730, allow_inf_nan=False)
    review_days: float = Field(14, gt=0, le=730, allow_inf_nan=False)
    costs: CarCosts = DEFAULT
    by_brand: dict[str, CarCosts] = Field(default_factory=dict)
    by_model: dict[str, CarCosts] = Field(default_factory=dict)
    order_cost: float = Field(600, ge=0, le=1e7, allow_inf_nan=False)
    transfer_cost: float | None = Field(350, ge=0, le=1e7, allow_inf_nan=False)
    transfer_cost_between_regions: float | None = Field(None, ge=0, le=1e7, allow_inf_nan=False)
    unknown_stock: Literal["refuse", "zero"] = "refuse"

    def of(self, model: str, brand: str | None, price: float | None) -> UnitCosts:
        """Costs of one car of a model at a price (yuan).

        Raises
        ------
        DataError
            The price is needed and not known, or a missing car costs nothing.
        """
        found = DEFAULT.model_dump() | _given(self.costs)
        found |= _given(self.by_brand.get(brand or "", CarCosts())) | _given(self.by_model.get(model, CarCosts()))
        if found["margin"] is None and price is None:
            raise DataError(
                f"price: of {model} none is known, and the margin is a share of it; give its price, or "
                f"by_model: {{{model}: {{margin: ...}}}} in order_planning.yaml"
            )
        paid = found["margin"] / found["margin_share"] if price is None and found["margin_share"] else (price or 0.0)
        margin = found["margin"] if found["margin"] is not None else found["margin_share"] * paid
        try:
            return UnitCosts(
                margin, found["lost_customer"], found["cost_share"] * paid, found["floor_plan_rate"],
                found["holding_per_day"],
            )  # fmt: skip
        except ValueError as e:
            raise DataError(f"order_planning.yaml: {model}: {e}") from None


def _given(costs: CarCosts) -> dict[str, Any]:
    given = {n: v for n, v in costs.model_dump().items() if v is not None}
    return given | ({"margin": None} if "margin_share" in given and "margin" not in given else {})


def load_planning_rules(path: Path) -> PlanningRules:
    """Read the rules.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    return load_yaml(path, PlanningRules)


@dataclass(frozen=True)
class OrderPlan:
    """What to do.

    Attributes
    ----------
    orders : DataFrame
        One row for each cell: `store_id`, `model`, `on_hand`, `on_order`, `order_up_to` (before transfers),
        `critical_ratio`, `transfer_in`, `transfer_out`, `order`, `expected_cost_yuan` (of the stock planned),
        `demand_p10`, `demand_p50`, `demand_p90` (of lead time plus review period).
    transfers : DataFrame
        `model`, `from_store`, `to_store`, `quantity`.
    gain : float
        yuan expected over doing nothing.
    """

    orders: pl.DataFrame
    transfers: pl.DataFrame
    gain: float


def plan_orders(cells: pl.DataFrame, levels: FloatArray, quantiles: FloatArray, rules: PlanningRules) -> OrderPlan:
    """Move what is too many, then order what is missing.

    Parameters
    ----------
    cells : DataFrame
        `store_id`, `model`, `on_hand`, `on_order` (whole cars), and where known `region`, `brand`, `price` (yuan).
    levels, quantiles : ndarray of shape (n_levels,) and (n_cells, n_levels)
        Of demand over lead time plus review period.

    Raises
    ------
    DataError
        A cell is there twice, a stock is not known or below 0, or costs cannot be told.

    Examples
    --------
    Of one car a store has four and sells one or two; another has none.

    >>> cells = pl.DataFrame({"store_id": ["a", "b"], "model": ["x", "x"], "on_hand": [4, 0], "on_order": [0, 0],
    ...                       "price": [100_000.0, 100_000.0]})
    >>> plan = plan_orders(cells, np.array([0.1, 0.9]), np.array([[1.0, 2.0], [1.0, 2.0]]), PlanningRules())
    >>> plan.orders["order_up_to"].to_list(), plan.transfers.rows(), plan.orders["order"].to_list()
    ([2, 2], [('x', 'a', 'b', 2)], [0, 0])
    """
    cells = _checked(cells, rules)
    if cells.height == 0:
        return OrderPlan(pl.DataFrame(schema=ORDERS), pl.DataFrame(schema=TRANSFERS), 0.0)
    has_brand, has_price = "brand" in cells.columns, "price" in cells.columns
    costs = [
        rules.of(row["model"], row["brand"] if has_brand else None, row["price"] if has_price else None)
        for row in cells.iter_rows(named=True)
    ]
    underage = np.array([c.underage for c in costs])
    overage = np.array([c.overage(rules.review_days) for c in costs])
    # A car that sells saves the underage, less what it took to order it: the programme below weighs the same.
    ratio = np.clip((underage - rules.order_cost) / (underage + overage), 1e-6, 1 - 1e-6)
    target = order_up_to(levels, quantiles, ratio)
    on_hand, on_order = cells["on_hand"].to_numpy(), cells["on_order"].to_numpy()
    position = on_hand + on_order
    into, out, order = (np.zeros(cells.height, dtype=np.int64) for _ in range(3))
    moved: list[tuple[str, str, str, int]] = []
    gain, store = 0.0, cells["store_id"].to_list()
    regions = cells["region"].fill_null("").to_numpy() if "region" in cells.columns else np.zeros(cells.height)
    by_model: Mapping[Any, pl.DataFrame] = cells.with_row_index("row").partition_by("model", as_dict=True)
    for (model,), mine in by_model.items():
        rows = mine["row"].to_numpy()
        most = int(max(position[rows].max(), target[rows].max())) + 1
        value = marginal_values(levels, quantiles[rows], most=most, underage=underage[rows], overage=overage[rows])
        plan = plan_transfers(
            position[rows], value, order_cost=rules.order_cost, region=regions[rows], movable=on_hand[rows],
            within=_or_never(rules.transfer_cost), beyond=_or_never(rules.transfer_cost_between_regions),
        )  # fmt: skip
        order[rows] = plan.orders
        gain += plan.gain
        for i, j, cars in plan.transfers:
            out[rows[i]] += cars
            into[rows[j]] += cars
            moved.append((model, store[rows[i]], store[rows[j]], cars))
    cost = expected_cost(levels, quantiles, position - out + into + order, underage=underage, overage=overage)
    p10, p50, p90 = between(levels, quantiles, np.array([0.1, 0.5, 0.9])).T
    orders = cells.select("store_id", "model", "on_hand", "on_order").with_columns(
        order_up_to=target, critical_ratio=ratio, transfer_in=into, transfer_out=out, order=order,
        expected_cost_yuan=cost, demand_p10=p10, demand_p50=p50, demand_p90=p90,
    )  # fmt: skip
    return OrderPlan(orders, pl.DataFrame(moved, schema=TRANSFERS, orient="row"), gain)


def _or_never(cost: float | None) -> float:
    return np.inf if cost is None else cost


def _checked(cells: pl.DataFrame, rules: PlanningRules) -> pl.DataFrame:
    def who(bad: pl.DataFrame) -> str:
        return f"store {bad['store_id'][0]}, model {bad['model'][0]}"

    twice = cells.filter(pl.struct("store_id", "model").is_duplicated())
    if twice.height:
        raise DataError(f"stock: {who(twice)} is there twice; give each store and model once")
    unknown = cells.filter(pl.col("on_hand").is_null())
    if unknown.height and rules.unknown_stock == "refuse":
        raise DataError(f"on_hand: of {who(unknown)} it is not known; give it, or set unknown_stock: zero")
    cells = cells.with_columns(pl.col("on_hand", "on_order").fill_null(0).cast(pl.Int64))
    for column in ("on_hand", "on_order"):
        bad = cells.filter(pl.col(column) < 0)
        if bad.height:
            raise DataError(f"{column}: must not be below 0, got {bad[column][0]} of {who(bad)}; correct it")
    return cells
