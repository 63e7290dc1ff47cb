"""Figure of a run of `chehang forecast`: past sales, forecasts with intervals, and orders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.plurals import count_text
from ml.bilingual import Text
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.forecast import GRID, ForecastTable
from ml.demand_forecast.order_plan import OrderPlan
from ml.report.columns import Axis, Column, Interval
from ml.report.figures import draw_sections
from ml.report.sections import Bars, Section, TimeSeries

SHARES = (0.9, 0.8, 0.5)  # nominal coverage of the intervals drawn, the widest first
MAX_SERIES = 5  # series drawn next to the total, one less if orders are drawn
MAX_HISTORY = 36  # periods of history drawn
MAX_MODELS = 12  # models in the bar chart of orders
VEHICLES = Text(zh="辆", en="vehicles")

PERIODS = {"day": Text(zh="日", en="day"), "week": Text(zh="周", en="week"), "month": Text(zh="月", en="month")}

_FORECAST = (
    Column(name="sold", title=Text(zh="实际销量", en="sold"), unit=VEHICLES, format="number"),
    Column(
        name="expected", title=Text(zh="预测", en="expected"), unit=VEHICLES, format="number",
        intervals=tuple(Interval(low=f"low_{s}", high=f"high_{s}", level=s) for s in SHARES),
    ),
)  # fmt: skip
_ORDERS = (
    Column(name="model", title=Text(zh="车型", en="model")),
    Column(name="order", title=Text(zh="采购", en="order"), unit=VEHICLES, format="count"),
    Column(name="on_hand", title=Text(zh="现有库存", en="on hand"), unit=VEHICLES, format="count"),
)


def draw_plan(estimator: DemandEstimator, plan: OrderPlan | None, path: Path, *, store: str | None = None) -> None:
    """Draw the total, the largest series and the orders as a PNG.

    Parameters
    ----------
    estimator : DemandEstimator
        With the forecasts to draw: `ml.champions.load(ml.champions.champion("demand_forecast")).estimator`.
    plan : OrderPlan or None
        Orders, as returned by `ml.demand_forecast.order_plan.plan_for_cells`; None to draw forecasts only.
    path : Path
        The PNG file; it is overwritten.
    store : str, optional
        Value of `store_id` to draw; all stores if omitted.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    panel = estimator.panel
    last = panel.name(panel.periods - 1)
    draw_sections(
        plan_sections(estimator, plan, store=store),
        path,
        title="Demand and orders" if store is None else f"Demand and orders of store {store}",
        subtitle=f"sales until {last}",
        columns=3,
    )


def plan_sections(estimator: DemandEstimator, plan: OrderPlan | None, *, store: str | None = None) -> list[Section]:
    """Return the sections of the figure: total and largest series as time series, and orders by model.

    Parameters
    ----------
    estimator : DemandEstimator
        With the forecasts to draw: `ml.champions.load(ml.champions.champion("demand_forecast")).estimator`.
    plan : OrderPlan or None
        Orders, as returned by `ml.demand_forecast.order_plan.plan_for_cells`; None for forecasts only.
    store : str, optional
        Value of `store_id` to draw; all stores if omitted.

    Returns
    -------
    list of Section
        A `TimeSeries` for the total, then one for each of up to five series (vehicles per period: past sales, expected
        demand, intervals); last, `Bars` of orders and stock by model if there is a plan.
    """
    panel = estimator.panel
    is_shown = np.ones(len(panel.sold), dtype=bool)
    if store is not None:
        is_shown = (panel.series["store_id"] == store).to_numpy()
    largest = np.argsort(-np.where(is_shown, estimator.series_forecasts.mean.sum(axis=1), -1.0), kind="stable")
    limit = MAX_SERIES if plan is None else MAX_SERIES - 1
    sections: list[Section] = [_total(estimator, store)]
    for row in map(int, largest[: min(limit, int(is_shown.sum()))]):
        name = ", ".join(str(v) for v in panel.series.select(panel.keys).row(row))
        order = None if plan is None else _order_of(plan, estimator, row)
        zh, en = (name, name) if order is None else (f"{name}：采购 {order} 辆", f"{name}: order {order}")
        sections.append(
            _fan(estimator, panel.sold[row], estimator.series_forecasts, row, f"series_{row}", Text(zh=zh, en=en))
        )
    return sections if plan is None else [*sections, _orders(plan, store)]


def _total(estimator: DemandEstimator, store: str | None) -> TimeSeries:
    columns = () if store is None else ("store_id",)
    level_index, node = estimator.nodes.get((columns, () if store is None else (store,)), estimator.nodes[((), ())])
    level = estimator.levels[level_index]
    sold = np.nansum(estimator.panel.sold[level.code == node], axis=0)
    title = Text(zh="全部车型", en="everything" if not level.columns else f"store {store}, all models")
    return _fan(estimator, sold, estimator.level_forecasts[level_index], node, "total", title)


def _fan(
    estimator: DemandEstimator, sold: Any, forecasts: ForecastTable, row: int, name: str, title: Text
) -> TimeSeries:
    panel, unit = estimator.panel, PERIODS[estimator.panel.frequency]
    return TimeSeries(
        name=name,
        title=title,
        columns=(Column(name="period", title=unit), *_FORECAST),
        y=Axis(title=Text(zh=f"每{unit.zh}销量", en=f"sales per {unit.en}"), unit=VEHICLES, format="number"),
        drawn=("expected", "sold"),
        rows=(
            *({"period": panel.name(t), "sold": float(sold[t])} for t in range(panel.periods)[-MAX_HISTORY:]),
            *(
                {"period": panel.name(panel.periods + h), **_expected(forecasts, row, h)}
                for h in range(forecasts.mean.shape[1])
            ),
        ),
    )


def _expected(forecasts: ForecastTable, row: int, h: int) -> dict[str, float]:
    limits = {
        f"{end}_{share}": float(forecasts.quantiles[row][h, np.abs(GRID - p).argmin()])
        for share in SHARES
        for end, p in (("low", (1 - share) / 2), ("high", (1 + share) / 2))
    }
    return {"expected": float(forecasts.mean[row][h]), **limits}


def _order_of(plan: OrderPlan, estimator: DemandEstimator, row: int) -> int | None:
    keys = estimator.panel.keys
    name = dict(zip(keys, estimator.panel.series.select(keys).row(row), strict=True))
    orders = plan.orders.filter(store_id=name.get("store_id"), model=name.get("model"))
    return int(orders["order"][0]) if orders.height else None


def _orders(plan: OrderPlan, store: str | None) -> Bars:
    """Orders and stock by model, of one store or all."""
    rows = plan.orders if store is None else plan.orders.filter(store_id=store)
    order, received, sent = (int(rows[c].sum()) for c in ("order", "transfer_in", "transfer_out"))
    by_model = rows.group_by("model").agg(pl.col("order", "on_hand").sum())
    largest = by_model.sort("order", "model", descending=[True, False]).head(MAX_MODELS)
    zh, en = (
        (f"调拨 {received:,} 辆", f"{received:,} moved")
        if store is None
        else (f"调入 {received:,} 辆，调出 {sent:,} 辆", f"{received:,} received, {sent:,} sent")
    )
    return Bars(
        name="orders",
        title=Text(zh=f"各车型采购：{order:,} 辆，{zh}", en=f"Orders by model: {count_text(order, 'vehicle')}, {en}"),
        columns=_ORDERS,
        y=Axis(title=Text(zh="数量", en="number"), unit=VEHICLES, format="count"),
        drawn=("order", "on_hand"),
        rows=tuple(largest.to_dicts()),
    )
