"""Compare a plan of orders with what planners do without it, on the same stock, lead time and demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.deadlines import stop_if_abandoned
from ml.demand_forecast.forecast import Paths
from ml.demand_forecast.planning import CellCosts, OrderQuantities, PlanningRules, cell_costs
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.demand.order_outcomes import OrderOutcomes, order_outcomes

LEVEL = 0.8  # probability of the interval of a saving
LINE = {
    "demand_mean": pl.Float64, "last_sales": pl.Float64, "lost_before_delivery": pl.Float64,
    "lost_without_order": pl.Float64, "lost_with_order": pl.Float64, "expected_cost_yuan": pl.Float64,
    "saving_yuan": pl.Float64, "purchase_cost_yuan": pl.Float64, "priority": pl.Int64,
    "running_cost_yuan": pl.Float64,
}  # fmt: skip
MOVE = {"transfer_cost_yuan": pl.Float64, "saving_yuan": pl.Float64}
COMPARISON = {
    "store_id": pl.String, "policy": pl.String, "order": pl.Int64, "lost_sales": pl.Float64, "unsold": pl.Float64,
    "lost_sales_cost_yuan": pl.Float64, "holding_cost_yuan": pl.Float64, "ordering_cost_yuan": pl.Float64,
    "cost_yuan": pl.Float64, "purchase_cost_yuan": pl.Float64, "saving_yuan": pl.Float64, "saving_low": pl.Float64,
    "saving_high": pl.Float64, "cheaper_probability": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class EvaluatedPlan:
    """A plan with its expected costs, and those of other practices, as returned by `evaluate_plan`.

    Attributes
    ----------
    orders, transfers : DataFrame
        The plan with the columns of `LINE` and `MOVE`.
    comparison : DataFrame
        Columns of `COMPARISON`: one row per store and policy, and for all stores together (`store_id` null).
    """

    orders: pl.DataFrame
    transfers: pl.DataFrame
    comparison: pl.DataFrame


def evaluate_plan(
    plan: OrderQuantities,
    cells: pl.DataFrame,
    blocks: Iterable[tuple[IntArray, Paths]],
    rules: PlanningRules,
    *,
    practices: Mapping[str, FloatArray],
    last_sales: FloatArray,
) -> EvaluatedPlan:
    """Return the expected lost sales and costs of a plan, line by line, and those of other practices on the same paths.

    Stock sells from the start, moved vehicles included; vehicles on order arrive halfway through the lead time, the new
    orders at its end; unmet demand is lost. A lost sale costs its underage, a vehicle unsold at the end of the review
    period its overage. The other practices move no vehicles.

    Parameters
    ----------
    plan : OrderQuantities
        As returned by `ml.demand_forecast.planning.plan_quantities` for `cells`.
    cells : DataFrame
        Stock, as returned by `ml.demand_forecast.planning.checked_cells`.
    blocks : iterable of (ndarray of int, ndarray of shape (n, 3, n_paths))
        Rows of `cells`, and their demand in the first and second half of the lead time and in the review period, such
        as returned by `ml.demand_forecast.demand_spans.demand_in_spans`.
    rules : PlanningRules
        Costs and lead times of the plan.
    practices : mapping of str to ndarray of shape (n_cells,)
        Orders of the practices to compare with by name, as `ml.demand_forecast.order_practices.practice_orders` returns
        them; vehicles.
    last_sales : ndarray of shape (n_cells,)
        Latest sales, vehicles: shown beside each order.

    Returns
    -------
    EvaluatedPlan
        `orders` and `transfers` with costs (yuan), and `comparison`; `saving_yuan` of a practice is its expected cost
        less that of the plan, `saving_low` and `saving_high` its 80 % interval over demand (extended to the expected
        saving where a skewed distribution leaves it outside); `cheaper_probability` is the share of paths on which the
        plan costs less, equal costs counted half.

    Examples
    --------
    One store, no stock, two demanded in the review period; the plan orders two, last month's sales were three.

    >>> from ml.demand_forecast.planning import PlanningRules, plan_quantities
    >>> cells = pl.DataFrame({"store_id": ["a"], "model": ["x"], "on_hand": [0], "on_order": [0], "price": [1e5]})
    >>> plan = plan_quantities(cells, np.array([0.1, 0.9]), np.array([[2.0, 2.0]]), PlanningRules())
    >>> blocks = [(np.array([0]), np.array([[[0.0], [0.0], [2.0]]]))]
    >>> evaluated = evaluate_plan(plan, cells, blocks, PlanningRules(), practices={"last_sales": np.array([3.0])},
    ...     last_sales=np.array([3.0]))
    >>> evaluated.comparison.filter(store_id="a").select("policy", "order", "unsold", "lost_sales").rows()
    [('plan', 2, 0.0, 0.0), ('last_sales', 3, 1.0, 0.0)]
    """
    costs = cell_costs(cells, rules)
    stores = list(dict.fromkeys(cells["store_id"].to_list()))
    place = {name: i for i, name in enumerate(stores)}
    store = np.array([place[name] for name in cells["store_id"].to_list()], dtype=np.int64)
    arrivals = _arrivals(plan, cells, practices)
    lines = {name: np.zeros(cells.height) for name in LINE if name not in ("priority", "running_cost_yuan")}
    sums = {name: _StoreCosts(np.zeros((4, len(stores))), np.zeros((len(stores), 1))) for name in arrivals}
    row_of = {key: i for i, key in enumerate(cells.select("store_id", "model").rows())}
    moves = [(row_of[a, model], row_of[b, model], cars) for model, a, b, cars in plan.transfers.rows()]
    moved = {row for i, j, _ in moves for row in (i, j)}
    demand_of: dict[int, Paths] = {}
    for rows, demand in blocks:
        stop_if_abandoned()
        under, over = costs.underage[rows], costs.overage[rows]
        for name, arriving in arrivals.items():
            sums[name].add(store[rows], order_outcomes(demand, arriving[rows]), under=under, over=over)
        _fill_lines(lines, rows, demand, arrivals["plan"][rows], under=under, over=over)
        demand_of |= {row: demand[i] for i, row in enumerate(rows.tolist()) if row in moved}
    order = plan.orders["order"].to_numpy()
    lines["last_sales"] = np.asarray(last_sales, dtype=np.float64)
    lines["purchase_cost_yuan"] = order * costs.purchase
    lines["saving_yuan"] -= rules.order_cost * order
    orders = plan.orders.with_columns(pl.Series(n, v, dtype=LINE[n]) for n, v in lines.items())
    move_costs = [cars * _move_cost(cells, rules, i, j) for i, j, cars in moves]
    savings = [
        _move_saving(move, demand_of, arrivals["plan"], costs) + rules.order_cost * move[2] - cost
        for move, cost in zip(moves, move_costs, strict=True)
    ]
    transfers = plan.transfers.with_columns(
        pl.Series(n, v, dtype=MOVE[n]) for n, v in zip(MOVE, (move_costs, savings), strict=True)
    )
    moving = _sums(np.array([j for _, j, _ in moves], dtype=np.int64), np.array(move_costs), cells.height)
    orders_of: dict[str, FloatArray] = {}
    for name, arriving in arrivals.items():
        vehicles = arriving[:, -1]
        ordering = rules.order_cost * vehicles + (moving if name == "plan" else 0.0)
        parts = (vehicles, ordering, vehicles * costs.purchase)
        orders_of[name] = np.stack([_sums(store, part, len(stores)) for part in parts])
    plan_paths = sums["plan"].paths + orders_of["plan"][1][:, None]
    rows_of_policies = [
        row for name in arrivals for row in _comparison_rows(name, stores, sums[name], plan_paths, orders_of[name])
    ]
    comparison = pl.DataFrame(rows_of_policies, schema=COMPARISON, orient="row")
    return EvaluatedPlan(_with_priority(orders), transfers, comparison)


def _arrivals(plan: OrderQuantities, cells: pl.DataFrame, practices: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the vehicles of each cell in stock now, arriving halfway through the lead time, and at its end."""
    on_hand, on_order = (cells[c].to_numpy().astype(np.float64) for c in ("on_hand", "on_order"))
    moved = (plan.orders["transfer_in"] - plan.orders["transfer_out"]).to_numpy()
    order = plan.orders["order"].to_numpy().astype(np.float64)
    return {
        "plan": np.column_stack([on_hand + moved, on_order, order]),
        **{name: np.column_stack([on_hand, on_order, vehicles]) for name, vehicles in practices.items()},
    }


def _fill_lines(
    lines: dict[str, FloatArray],
    rows: IntArray,
    demand: Paths,
    arriving: FloatArray,
    *,
    under: FloatArray,
    over: FloatArray,
) -> None:
    """Write the expected figures of the lines `rows`, with their order and without it."""
    with_order = order_outcomes(demand, arriving)
    without = order_outcomes(demand, arriving * np.array([1.0, 1.0, 0.0]))
    cost, cost_without = (o.cost(under, over).mean(axis=1) for o in (with_order, without))
    lines["demand_mean"][rows] = demand.sum(axis=1).mean(axis=1)
    lines["lost_before_delivery"][rows] = with_order.lost_before.mean(axis=1)
    lines["lost_with_order"][rows] = with_order.lost.mean(axis=1)
    lines["lost_without_order"][rows] = without.lost.mean(axis=1)
    lines["expected_cost_yuan"][rows] = cost
    lines["saving_yuan"][rows] = cost_without - cost


def _with_priority(orders: pl.DataFrame) -> pl.DataFrame:
    """Rank the orders by their saving per yuan of purchase, and add up the purchase cost in this sequence."""
    ordered = orders.with_row_index("row").filter(pl.col("order") > 0)
    per_yuan = pl.col("saving_yuan") / pl.max_horizontal("purchase_cost_yuan", 1e-9)
    ranked = ordered.sort(per_yuan, "row", descending=[True, False]).select(
        "row",
        priority=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        running_cost_yuan=pl.col("purchase_cost_yuan").cum_sum(),
    )
    return orders.with_row_index("row").join(ranked, on="row", how="left", maintain_order="left").drop("row")


def _move_cost(cells: pl.DataFrame, rules: PlanningRules, sender: int, receiver: int) -> float:
    same_region = "region" not in cells.columns or cells["region"][sender] == cells["region"][receiver]
    cost = rules.transfer_cost if same_region else rules.transfer_cost_between_regions
    return float(cost or 0.0)


def _move_saving(
    move: tuple[int, int, int], demand_of: Mapping[int, Paths], arriving: FloatArray, costs: CellCosts
) -> float:
    """Return the expected saving, yuan, of a move against an order for the receiver, before the cost of either."""
    sender, receiver, cars = move
    saving = 0.0
    for row, change in ((sender, [cars, 0, 0]), (receiver, [-cars, 0, cars])):
        both = np.stack([arriving[row] + np.array(change), arriving[row]])
        outcomes = order_outcomes(np.stack([demand_of[row]] * 2), both)
        ordered, sent = outcomes.cost(*(np.repeat(c[row], 2) for c in (costs.underage, costs.overage))).mean(axis=1)
        saving += float(ordered - sent)
    return saving


@dataclass
class _StoreCosts:
    """Expected figures of one policy by store, and its costs by store and path."""

    figures: FloatArray  # lost sales, unsold vehicles, cost of both: shape (4, n_stores)
    paths: FloatArray  # yuan, shape (n_stores, n_paths)

    def add(self, store: IntArray, outcomes: OrderOutcomes, *, under: FloatArray, over: FloatArray) -> None:
        lost, unsold = outcomes.lost.mean(axis=1), outcomes.left.mean(axis=1)
        for total, part in zip(self.figures, (lost, unsold, under * lost, over * unsold), strict=True):
            np.add.at(total, store, part)
        cost = outcomes.cost(under, over)
        sums = np.zeros((self.figures.shape[1], cost.shape[1]))
        np.add.at(sums, store, cost)
        self.paths = self.paths + sums


def _comparison_rows(
    policy: str, stores: list[str], sums: _StoreCosts, plan_paths: FloatArray, orders: FloatArray
) -> list[tuple[object, ...]]:
    """Return the rows of a policy by store and in total; `orders` are vehicles, their ordering and purchase cost."""
    (order, ordering, purchase), (lost, unsold, lost_cost, holding) = (
        np.column_stack([v, v.sum(axis=1)]) for v in (orders, sums.figures)
    )
    paths = _with_total(sums.paths + orders[1][:, None])
    saving = paths - _with_total(plan_paths)
    mean = saving.mean(axis=1)
    low, high = np.quantile(saving, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    cheaper = (0.5 * (saving >= 0) + 0.5 * (saving > 0)).mean(axis=1)
    savings = np.column_stack([mean, np.minimum(low, mean), np.maximum(high, mean), cheaper])
    columns = np.column_stack([lost, unsold, lost_cost, holding, ordering, paths.mean(axis=1), purchase]).tolist()
    return [
        (name, policy, round(float(n)), *figures, *([None] * 4 if policy == "plan" else saved))
        for name, n, figures, saved in zip([*stores, None], order, columns, savings.tolist(), strict=True)
    ]


def _sums(place: IntArray, values: FloatArray, size: int) -> FloatArray:
    """Return the sum of the values at each place from 0 to `size` - 1."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)


def _with_total(paths: FloatArray) -> FloatArray:
    return np.vstack([paths, paths.sum(axis=0)])
