"""Plan orders and transfers from demand quantiles and the dealership's costs (`configs/order_planning.yaml`)."""

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
from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import FloatArray
from ml.domain.demand.newsvendor import UnitCosts, interpolate_quantiles, order_up_to
from ml.domain.demand.transfers import marginal_values, plan_transfers

QUANTITIES = {
    "store_id": pl.String, "model": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64, "order_up_to": pl.Int64,
    "critical_ratio": pl.Float64, "transfer_in": pl.Int64, "transfer_out": pl.Int64, "order": pl.Int64,
    "demand_p10": pl.Float64, "demand_p50": pl.Float64, "demand_p90": pl.Float64,
}  # fmt: skip
MOVES = {"model": pl.String, "from_store": pl.String, "to_store": pl.String, "quantity": pl.Int64}


class CarCosts(Section):
    """Costs of one vehicle too few and one too many; None keeps the value of the more general rule.

    Attributes
    ----------
    margin_share, margin : float or None
        Gross margin of a sale as a share of the price, or in yuan; the amount takes precedence.
    lost_customer : float or None
        Further cost of a lost sale, yuan: later service, insurance, the next purchase.
    cost_share : float or None
        Purchase cost of the vehicle as a share of its price.
    floor_plan_rate : float or None
        Yearly interest rate of the floor plan, a fraction.
    holding_per_day : float or None
        Cost of space, insurance and ageing, yuan per vehicle and day.
    """

    margin_share: float | None = Field(None, ge=0, lt=1, allow_inf_nan=False)
    margin: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    lost_customer: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    cost_share: float | None = Field(None, gt=0, le=1.5, allow_inf_nan=False)
    floor_plan_rate: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    holding_per_day: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)


DEFAULT = CarCosts(margin_share=0.06, lost_customer=1_500, cost_share=0.94, floor_plan_rate=0.055, holding_per_day=18)


class PlanningRules(Section):
    """Lead times and costs of ordering; `ml.demand_forecast.planning.PlanningRules()` has the defaults.

    ``ml.demand_forecast.planning.load_planning_rules(Path("configs/order_planning.yaml"))`` reads them from a file.

    Attributes
    ----------
    lead_days : float
        Days from an order until the vehicle is in the store.
    review_days : float
        Days between orders.
    costs : CarCosts
        Costs of every vehicle.
    by_brand, by_model : mapping of str to CarCosts
        Costs that replace single values of `costs`; those of the model take precedence.
    order_cost : float
        Cost of ordering a vehicle in addition to its price, yuan.
    budget : float or None
        Purchase value that the orders of one plan may reach, yuan; the plan says which lines fit it, and is not cut.
    transfer_cost, transfer_cost_between_regions : float or None
        Cost of moving a vehicle within a region and to another region, yuan; None if vehicles are not moved.
    unknown_stock : {'refuse', 'zero'}
        Whether a missing stock is an error or counts as 0.
    """

    lead_days: float = Field(21, ge=0, le=730, allow_inf_nan=False)
    review_days: float = Field(14, gt=0, le=730, allow_inf_nan=False)
    costs: CarCosts = DEFAULT
    by_brand: dict[str, CarCosts] = Field(default_factory=dict)
    by_model: dict[str, CarCosts] = Field(default_factory=dict)
    order_cost: float = Field(600, ge=0, le=1e7, allow_inf_nan=False)
    budget: float | None = Field(None, gt=0, le=1e13, allow_inf_nan=False)
    transfer_cost: float | None = Field(350, ge=0, le=1e7, allow_inf_nan=False)
    transfer_cost_between_regions: float | None = Field(None, ge=0, le=1e7, allow_inf_nan=False)
    unknown_stock: Literal["refuse", "zero"] = "refuse"

    def unit_costs(self, model: str, brand: str | None, price: float | None) -> UnitCosts:
        """Return the costs of one vehicle, yuan.

        `model` and `brand` without costs of their own get those of every vehicle.

        Parameters
        ----------
        model : str
            Model of the vehicle, looked up in `by_model`.
        brand : str or None
            Brand, looked up in `by_brand`.
        price : float or None
            Price, yuan; None if not recorded.

        Returns
        -------
        UnitCosts
            `underage` (cost of a lost sale, yuan) and ``overage(days)`` (cost of a vehicle unsold after so many days).

        Raises
        ------
        DataError
            The price is missing although the margin is a share of it, or margin and lost customer are both 0.

        Examples
        --------
        >>> costs = PlanningRules().unit_costs("x", None, 100_000.0)  # margin 6 %, lost customer 1,500 yuan
        >>> costs.underage, round(costs.overage(14))
        (7500.0, 450)
        """
        rule = DEFAULT.model_dump() | _set_costs(self.costs)
        rule |= _set_costs(self.by_brand.get(brand or "", CarCosts()))
        rule |= _set_costs(self.by_model.get(model, CarCosts()))
        if rule["margin"] is None and price is None:
            raise DataError(
                f"price: model {model} has none, and its margin is a share of the price; provide the price, or set "
                f"by_model: {{{model}: {{margin: ...}}}} in order_planning.yaml"
            )
        paid = rule["margin"] / rule["margin_share"] if price is None and rule["margin_share"] else (price or 0.0)
        margin = rule["margin"] if rule["margin"] is not None else rule["margin_share"] * paid
        try:
            return UnitCosts(
                margin, rule["lost_customer"], rule["cost_share"] * paid, rule["floor_plan_rate"],
                rule["holding_per_day"],
            )  # fmt: skip
        except ValueError as e:
            raise DataError(f"order_planning.yaml: {model}: {e}") from None


def _set_costs(costs: CarCosts) -> dict[str, Any]:
    """Return the costs that are set; a margin share resets an amount inherited from a more general rule."""
    values = {n: v for n, v in costs.model_dump().items() if v is not None}
    return values | ({"margin": None} if "margin_share" in values and "margin" not in values else {})


def load_planning_rules(path: Path) -> PlanningRules:
    """Read the planning rules from a YAML file such as `configs/order_planning.yaml`.

    Keys of the file are the attributes of `PlanningRules`; a key that is left out has its default.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is invalid; the message names file, key, rule and value.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "order_planning.yaml")
    ...     _ = path.write_text("{lead_days: 30, costs: {margin_share: 0.05}}")
    ...     load_planning_rules(path).lead_days
    30.0
    """
    return load_yaml(path, PlanningRules)


@dataclass(frozen=True)
class OrderQuantities:
    """Numbers of vehicles to move and to order, as returned by `plan_quantities`.

    Attributes
    ----------
    orders : DataFrame
        One row per store and model: `store_id`, `model`, `on_hand`, `on_order`, `order_up_to` (vehicles in stock and on
        order up to which one more is worth its order), `critical_ratio`, `transfer_in`, `transfer_out`, `order`,
        `demand_p10`, `demand_p50`, `demand_p90` (vehicles over lead time plus review period).
    transfers : DataFrame
        `model`, `from_store`, `to_store`, `quantity`.
    """

    orders: pl.DataFrame
    transfers: pl.DataFrame


@dataclass(frozen=True)
class CellCosts:
    """Costs of one vehicle of each store and model, yuan, as returned by `cell_costs`.

    Attributes
    ----------
    underage, overage : ndarray of shape (n_cells,)
        Cost of a lost sale, and of a vehicle unsold until the next review.
    purchase : ndarray of shape (n_cells,)
        Purchase cost.
    """

    underage: FloatArray
    overage: FloatArray
    purchase: FloatArray

    def critical_ratio(self, order_cost: float) -> FloatArray:
        """Return the probability of meeting all demand at which one more vehicle costs as much as it saves.

        A sold vehicle saves its underage less its order cost, as in the linear programme of the plan.

        Parameters
        ----------
        order_cost : float
            Cost of ordering a vehicle in addition to its price, yuan.

        Returns
        -------
        ndarray of shape (n_cells,)
            Above 0 and below 1.

        Examples
        --------
        >>> CellCosts(np.array([1_000.0]), np.array([100.0]), np.array([9e4])).critical_ratio(120.0).round(3).tolist()
        [0.8]
        """
        return np.clip((self.underage - order_cost) / (self.underage + self.overage), 1e-6, 1 - 1e-6)


def cell_costs(cells: pl.DataFrame, rules: PlanningRules) -> CellCosts:
    """Return the costs of one vehicle of each store and model.

    Parameters
    ----------
    cells : DataFrame
        `model`, and optionally `brand` and `price` (yuan).
    rules : PlanningRules
        As returned by `load_planning_rules`; ``PlanningRules()`` has the defaults.

    Raises
    ------
    DataError
        Unit costs cannot be computed, see `PlanningRules.unit_costs`.

    Examples
    --------
    >>> import polars as pl
    >>> costs = cell_costs(pl.DataFrame({"model": ["x"], "price": [100_000.0]}), PlanningRules())
    >>> costs.underage.tolist(), costs.purchase.tolist()
    ([7500.0], [94000.0])
    """
    has_brand, has_price = "brand" in cells.columns, "price" in cells.columns
    costs = [
        rules.unit_costs(row["model"], row["brand"] if has_brand else None, row["price"] if has_price else None)
        for row in cells.iter_rows(named=True)
    ]
    return CellCosts(
        np.array([c.underage for c in costs]),
        np.array([c.overage(rules.review_days) for c in costs]),
        np.array([c.cost for c in costs]),
    )


def plan_quantities(
    cells: pl.DataFrame, levels: FloatArray, quantiles: FloatArray, rules: PlanningRules
) -> OrderQuantities:
    """Plan transfers of surplus vehicles, and orders of those still missing, at the least expected cost.

    Parameters
    ----------
    cells : DataFrame
        `store_id`, `model`, `on_hand`, `on_order` (vehicles), and optionally `region`, `brand`, `price` (yuan), as
        returned by `checked_cells`.
    levels : ndarray of shape (n_levels,)
        Quantile levels, increasing.
    quantiles : ndarray of shape (n_cells, n_levels)
        Demand over lead time plus review period, vehicles, in the order of `cells`.
    rules : PlanningRules
        As returned by `load_planning_rules`; ``PlanningRules()`` has the defaults.

    Returns
    -------
    OrderQuantities
        `orders` (one row per row of `cells`, vehicles) and `transfers`; empty tables for empty `cells`.

    Raises
    ------
    DataError
        Unit costs cannot be computed.

    Examples
    --------
    One store has four vehicles of a model and sells one or two; another store has none.

    >>> import numpy as np
    >>> import polars as pl
    >>> cells = pl.DataFrame({"store_id": ["a", "b"], "model": ["x", "x"], "on_hand": [4, 0], "on_order": [0, 0],
    ...                       "price": [100_000.0, 100_000.0]})
    >>> plan = plan_quantities(cells, np.array([0.1, 0.9]), np.array([[1.0, 2.0], [1.0, 2.0]]), PlanningRules())
    >>> plan.orders["order_up_to"].to_list(), plan.transfers.rows(), plan.orders["order"].to_list()
    ([2, 2], [('x', 'a', 'b', 2)], [0, 0])
    """
    if cells.height == 0:
        return OrderQuantities(pl.DataFrame(schema=QUANTITIES), pl.DataFrame(schema=MOVES))
    costs = cell_costs(cells, rules)
    ratio = costs.critical_ratio(rules.order_cost)
    most = order_up_to(levels, quantiles, ratio)
    on_hand, on_order = cells["on_hand"].to_numpy(), cells["on_order"].to_numpy()
    position = on_hand + on_order
    target, into, out, order = (np.zeros(cells.height, dtype=np.int64) for _ in range(4))
    transfers: list[tuple[str, str, str, int]] = []
    store = cells["store_id"].to_list()
    regions = cells["region"].fill_null("").to_numpy() if "region" in cells.columns else np.zeros(cells.height)
    by_model: Mapping[Any, pl.DataFrame] = cells.with_row_index("row").partition_by("model", as_dict=True)
    for (model,), model_cells in by_model.items():
        stop_if_abandoned()
        rows = model_cells["row"].to_numpy()
        max_cars = int(max(position[rows].max(), most[rows].max())) + 1
        value = marginal_values(
            levels, quantiles[rows], max_cars=max_cars, underage=costs.underage[rows], overage=costs.overage[rows]
        )
        plan = plan_transfers(
            position[rows], value, order_cost=rules.order_cost, region=regions[rows], movable=on_hand[rows],
            within=_or_infinite(rules.transfer_cost), beyond=_or_infinite(rules.transfer_cost_between_regions),
        )  # fmt: skip
        order[rows], target[rows] = plan.orders, (value > rules.order_cost).sum(axis=1)
        for i, j, cars in plan.transfers:
            out[rows[i]] += cars
            into[rows[j]] += cars
            transfers.append((model, store[rows[i]], store[rows[j]], cars))
    p10, p50, p90 = interpolate_quantiles(levels, quantiles, np.array([0.1, 0.5, 0.9])).T
    orders = cells.select("store_id", "model", "on_hand", "on_order").with_columns(
        order_up_to=target, critical_ratio=ratio, transfer_in=into, transfer_out=out, order=order,
        demand_p10=p10, demand_p50=p50, demand_p90=p90,
    )  # fmt: skip
    return OrderQuantities(orders, pl.DataFrame(transfers, schema=MOVES, orient="row"))


def _or_infinite(cost: float | None) -> float:
    return np.inf if cost is None else cost


def checked_cells(cells: pl.DataFrame, rules: PlanningRules) -> pl.DataFrame:
    """Return the stock without missing numbers.

    Parameters
    ----------
    cells : DataFrame
        `store_id`, `model`, `on_hand`, `on_order` (vehicles); other columns are returned unchanged.
    rules : PlanningRules
        `unknown_stock`: whether a missing stock is an error or 0.

    Raises
    ------
    DataError
        A store and model occurs twice, or a stock is missing or negative.

    Examples
    --------
    >>> import polars as pl
    >>> cells = pl.DataFrame({"store_id": ["a"], "model": ["x"], "on_hand": [4], "on_order": [None]})
    >>> checked_cells(cells, PlanningRules())["on_order"].to_list()
    [0]
    """

    def name(rows: pl.DataFrame) -> str:
        return f"store {rows['store_id'][0]}, model {rows['model'][0]}"

    duplicates = cells.filter(pl.struct("store_id", "model").is_duplicated())
    if duplicates.height:
        raise DataError(f"stock: {name(duplicates)} occurs twice; provide each store and model once")
    missing = cells.filter(pl.col("on_hand").is_null())
    if missing.height and rules.unknown_stock == "refuse":
        raise DataError(f"on_hand: {name(missing)} has no value; provide it, or set unknown_stock: zero")
    cells = cells.with_columns(pl.col("on_hand", "on_order").fill_null(0).cast(pl.Int64))
    for column in ("on_hand", "on_order"):
        negative = cells.filter(pl.col(column) < 0)
        if negative.height:
            raise DataError(
                f"{column}: must not be negative, got {negative[column][0]} for {name(negative)}; correct the stock"
            )
    return cells
