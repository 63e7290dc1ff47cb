"""Print a plan of orders as tables on a terminal."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.table import Table

from features.plurals import count_text
from ml.terminal import out

LINES = 12  # orders printed; the file has all


def print_plan(plan: Any, *, held_out: str | None = None) -> None:
    """Print the total demand by period, the orders of highest priority, and the plan's cost against other practices.

    Parameters
    ----------
    plan : Plan
        As returned by ``training.runs.forecast.forecast(model, config, out=Path("plan.csv"), rules=None)``.
    held_out : str, optional
        Simulated cost on the held-out periods, from `training.runs.order_evidence.held_out_verdict`.
    """
    total = plan.forecasts.filter(level="everything")
    table = Table("period", "expected", "80% interval", title="total demand (vehicles)")
    for row in total.iter_rows(named=True):
        table.add_row(row["period"], f"{row['mean']:,.1f}", f"{row['p10']:,.0f} .. {row['p90']:,.0f}")
    out.print(table)
    if plan.orders is None:
        return
    orders, transfers = plan.orders.orders, plan.orders.transfers
    out.print(_order_table(orders))
    if transfers.height:
        out.print(_transfer_table(transfers))
    out.print(_store_table(plan.orders.comparison))
    moved = int(transfers["quantity"].sum()) if transfers.height else 0
    out.print(f"{count_text(int(orders['order'].sum()), 'vehicle')} to order, {moved:,} to move between stores")
    for text in plan.orders.summary:
        out.print(f"- {text.en}", soft_wrap=True)
    if held_out is not None:
        out.print(f"simulated on the held-out periods of the training: {held_out}", soft_wrap=True)


def _order_table(orders: pl.DataFrame) -> Table:
    table = Table(
        "priority", "store", "model", "in stock", "on order", "expected demand", "order up to", "moved", "order",
        "sales lost without", "with the order", "saves (yuan)", "purchase cost (yuan)",
        title="orders that save most per yuan (vehicles until the next delivery)",
    )  # fmt: skip
    for row in orders.filter(pl.col("order") > 0).sort("priority").head(LINES).iter_rows(named=True):
        moved = row["transfer_in"] - row["transfer_out"]
        table.add_row(
            str(row["priority"]), row["store_id"], row["model"], str(row["on_hand"]), str(row["on_order"]),
            f"{row['demand_mean']:.1f}", str(row["order_up_to"]), f"{moved:+d}" if moved else "", str(row["order"]),
            f"{row['lost_without_order']:.1f}", f"{row['lost_with_order']:.1f}", f"{row['saving_yuan']:,.0f}",
            f"{row['purchase_cost_yuan']:,.0f}",
        )  # fmt: skip
    return table


def _transfer_table(transfers: pl.DataFrame) -> Table:
    table = Table(
        "model", "from", "to", "vehicles", "cost of the move (yuan)", "saves against an order, after its cost (yuan)",
        title="transfers",
    )  # fmt: skip
    for row in transfers.iter_rows(named=True):
        amounts = (f"{row[n]:,.0f}" for n in ("transfer_cost_yuan", "saving_yuan"))
        table.add_row(row["model"], row["from_store"], row["to_store"], str(row["quantity"]), *amounts)
    return table


def _store_table(comparison: pl.DataFrame) -> Table:
    """Return expected results by store: of the plan, and what it saves against each practice."""
    practices = comparison.filter(pl.col("policy") != "plan")["policy"].unique(maintain_order=True).to_list()
    names = dict(comparison.select("policy", "name_en").unique(maintain_order=True).rows())
    table = Table(
        "store", "orders", "purchase cost (yuan)", "lost sales", "unsold",
        *(f"saves against {names[p]} (yuan, 80% interval)" for p in practices),
        title="the plan by store (expected until the next delivery)",
    )  # fmt: skip
    for (store,), rows in comparison.group_by("store_id", maintain_order=True):
        by_policy = {row["policy"]: row for row in rows.iter_rows(named=True)}
        plan = by_policy["plan"]
        savings = (by_policy[p] for p in practices)
        table.add_row(
            store or "all", f"{plan['order']:,}", f"{plan['purchase_cost_yuan']:,.0f}", f"{plan['lost_sales']:,.1f}",
            f"{plan['unsold']:,.1f}",
            *(f"{s['saving_yuan']:,.0f} ({s['saving_low']:,.0f} .. {s['saving_high']:,.0f})" for s in savings),
        )  # fmt: skip
    return table
