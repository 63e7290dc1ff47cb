"""Plan orders and transfers from an estimator's forecasts, with their expected costs and those of other practices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.errors import DataError
from features.periods import first_day
from ml.bilingual import Text
from ml.demand_forecast.demand_spans import demand_in_spans
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.order_comparison import evaluate_plan
from ml.demand_forecast.order_practices import practice_orders
from ml.demand_forecast.order_texts import affordability_text, line_text, practice_names, saving_text
from ml.demand_forecast.planning import PlanningRules, checked_cells, plan_quantities


@dataclass(frozen=True)
class OrderPlan:
    """Orders and transfers with their expected costs, as returned by `plan_for_cells`.

    Attributes
    ----------
    orders : DataFrame
        One row per store and model: the fields of `Order`, amounts with the suffix `_yuan`, `reason_zh` and
        `reason_en`.
    transfers : DataFrame
        The fields of `Transfer`, amounts with the suffix `_yuan`.
    comparison : DataFrame
        The fields of `PolicyCost`, amounts with the suffix `_yuan`, `name_zh` and `name_en`.
    summary : tuple of Text
        What the plan saves against each practice, and whether the orders fit the budget.
    """

    orders: pl.DataFrame
    transfers: pl.DataFrame
    comparison: pl.DataFrame
    summary: tuple[Text, ...]


def plan_for_cells(
    estimator: DemandEstimator, rows: Sequence[int], cells: pl.DataFrame, rules: PlanningRules
) -> OrderPlan:
    """Plan orders and transfers from an estimator's forecast over lead time plus review period, and compare their cost.

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
        `orders`, `transfers` and `comparison` (DataFrames), and `summary` (sentences).

    Raises
    ------
    DataError
        As `ml.demand_forecast.planning.checked_cells` and `cell_costs`; or the horizon is shorter than lead time plus
        review period.

    Examples
    --------
    >>> plan = plan_for_cells(estimator, *planning_cells(estimator, ()), rules)  # doctest: +SKIP
    """
    cells, series = checked_cells(cells, rules), np.asarray(rows, dtype=np.intp)
    days = rules.lead_days + rules.review_days
    protection = periods_in_days(estimator, days)
    ends = [*(periods_in_days(estimator, d) for d in (rules.lead_days / 2, rules.lead_days)), protection]
    demand = estimator.cumulative_demand(ends[-1])
    plan = plan_quantities(cells, GRID, np.asarray(demand[series], dtype=np.float64), rules)
    practices = practice_orders(
        estimator, series, (cells["on_hand"] + cells["on_order"]).to_numpy().astype(np.float64),
        ratio=plan.orders["critical_ratio"].to_numpy(), protection=ends[-1], days=rules.review_days,
    )  # fmt: skip
    evaluated = evaluate_plan(
        plan, cells, demand_in_spans(estimator, series, ends), rules,
        practices=practices.orders, last_sales=practices.orders["last_sales"],
    )  # fmt: skip
    names = practice_names(practices.last_periods, estimator.panel.frequency)
    reasons = [line_text(line, days=days) for line in evaluated.orders.iter_rows(named=True)]
    comparison = evaluated.comparison
    totals = {row["policy"]: row for row in comparison.filter(pl.col("store_id").is_null()).iter_rows(named=True)}
    summary = [saving_text(totals[name], names[name]) for name in practices.orders]
    return OrderPlan(
        _with_texts(evaluated.orders, "reason", reasons),
        evaluated.transfers,
        _with_texts(comparison, "name", [names[p] for p in comparison["policy"]]),
        (*summary, affordability_text(evaluated.orders, rules.budget)),
    )


def _with_texts(table: pl.DataFrame, name: str, texts: Sequence[Text]) -> pl.DataFrame:
    return table.with_columns(
        pl.Series(f"{name}_zh", [t.zh for t in texts], dtype=pl.String),
        pl.Series(f"{name}_en", [t.en for t in texts], dtype=pl.String),
    )


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
