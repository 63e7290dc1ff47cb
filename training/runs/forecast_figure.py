"""A plan as a picture: what was sold, what is expected, and what is ordered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib import rc_context
from matplotlib.figure import Figure

from ml.demand_forecast.estimator import DemandEstimator, Told
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.planning import OrderPlan
from training.pictures import chinese_fonts, save_figure

BANDS = ((0.05, 0.95, 0.15), (0.1, 0.9, 0.2), (0.25, 0.75, 0.3))
SHOWN = 5  # series drawn beside the total
LONGEST = 36  # periods of history drawn


def draw_plan(estimator: DemandEstimator, plan: OrderPlan | None, path: Path, *, store: str | None = None) -> None:
    """Draw the total and the largest series (of one store) with their quantiles, and the orders.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    with rc_context({"font.family": ["DejaVu Sans", *chinese_fonts()]}):
        _draw(estimator, plan, path, store)


def _draw(estimator: DemandEstimator, plan: OrderPlan | None, path: Path, store: str | None) -> None:
    panel = estimator.panel
    mine = np.ones(len(panel.sold), dtype=bool)
    if store is not None:
        mine = (panel.series["store_id"] == store).to_numpy()
    order = np.argsort(-np.where(mine, estimator.told.mean.sum(axis=1), -1.0), kind="stable")
    rows = [int(r) for r in order[: min(SHOWN, int(mine.sum()))]]
    figure = Figure(figsize=(13, 8), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    if plan is not None:
        rows = rows[:4]
        _orders(panels[5], plan, store)
    _total(panels[0], estimator, store)
    for axes, row in zip(panels[1:], rows, strict=False):
        name = ", ".join(str(v) for v in panel.series.select(panel.keys).row(row))
        placed = None if plan is None else _order_of(plan, estimator, row)
        _fan(axes, estimator, panel.sold[row], estimator.told, row, name, placed)
    for axes in panels[1 + len(rows) : 5 if plan is not None else 6]:
        axes.set_axis_off()
    first = panel.name(panel.periods - 1)
    figure.suptitle(f"demand_forecast: known until {first}{'' if store is None else f', store {store}'}", fontsize=10)
    save_figure(figure, path)


def _total(axes: Any, estimator: DemandEstimator, store: str | None) -> None:
    columns = () if store is None else ("store_id",)
    place = estimator.nodes.get((columns, () if store is None else (store,)), estimator.nodes[((), ())])
    level = estimator.levels[place[0]]
    sold = np.nansum(estimator.panel.sold[level.code == place[1]], axis=0)
    name = "everything" if not level.columns else f"store {store}, all models"
    _fan(axes, estimator, sold, estimator.of_levels[place[0]], place[1], name, None)


def _fan(axes: Any, estimator: DemandEstimator, sold: Any, of: Told, row: int, name: str, order: int | None) -> None:
    panel = estimator.panel
    begin = max(0, panel.periods - LONGEST)
    past = np.arange(begin, panel.periods)
    ahead = np.arange(panel.periods, panel.periods + of.mean.shape[1])
    axes.plot(past, sold[begin:], color="k", linewidth=1, label="sold")
    for low, high, alpha in BANDS:
        edges = [of.quantiles[row][:, np.abs(GRID - p).argmin()] for p in (low, high)]
        axes.fill_between(ahead, *edges, color="tab:blue", alpha=alpha, linewidth=0, label=f"{high - low:.0%}")
    axes.plot(ahead, of.mean[row], "o-", color="tab:blue", markersize=3, linewidth=1, label="expected")
    if order is not None:
        axes.bar([panel.periods], [order], width=0.6, color="tab:orange", alpha=0.7, label=f"order {order}")
    ticks = np.linspace(begin, ahead[-1], 5).astype(int)
    axes.set(title=name, xticks=ticks, ylim=(0, None))
    axes.set_xticklabels([panel.name(int(t)) for t in ticks], fontsize=7)
    axes.legend(fontsize=6, loc="upper left")


def _order_of(plan: OrderPlan, estimator: DemandEstimator, row: int) -> int | None:
    of = dict(zip(estimator.panel.keys, estimator.panel.series.select(estimator.panel.keys).row(row), strict=True))
    mine = plan.orders.filter(store_id=of.get("store_id"), model=of.get("model"))
    return int(mine["order"][0]) if mine.height else None


def _orders(axes: Any, plan: OrderPlan, store: str | None) -> None:
    """What to order: of one store by model, else by model over all stores."""
    rows = plan.orders if store is None else plan.orders.filter(store_id=store)
    by_model = (
        rows.group_by("model")
        .agg(pl.col("order", "on_hand", "transfer_in").sum())
        .sort("order", "model", descending=[True, False])
        .head(12)
    )
    places = np.arange(by_model.height)
    axes.bar(places - 0.2, by_model["on_hand"], width=0.4, color="0.7", label="on hand")
    axes.bar(places + 0.2, by_model["order"], width=0.4, color="tab:orange", label="order")
    moved = int(plan.transfers["quantity"].sum()) if plan.transfers.height else 0
    axes.set(title=f"Orders by model ({int(rows['order'].sum())} cars; {moved} moved)", xticks=places)
    axes.set_xticklabels(by_model["model"].to_list(), rotation=40, fontsize=7, ha="right")
    axes.legend(fontsize=7)
