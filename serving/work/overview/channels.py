"""Cost and conversion of leads by channel."""

from __future__ import annotations

import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.work.overview.estimates import Change, Estimate, change, share
from serving.work.overview.key_figures import Scope, cost_per_lead, cost_per_sale
from serving.work.overview.periods import Period
from serving.work.overview.texts import PROBLEMS


class ChannelFigures(BaseModel):
    """Leads of one channel whose horizon ended in the period."""

    channel: str | None = Field(description="null: the leads name no channel")
    leads: int
    sales: int
    conversion: Estimate
    conversion_before: Estimate | None
    change: Change | None
    cost_per_lead: Estimate | None = Field(description="yuan; null if no cost is recorded")
    cost_per_sale: Estimate | None = Field(description="yuan; null without costs or without sales")


def channel_figures(scope: Scope, period: Period) -> tuple[list[ChannelFigures], Text | None]:
    """Return the channels, the likeliest to sell first, and what is missing.

    Parameters
    ----------
    scope : Scope
        Whose leads.
    period : Period
        As returned by `serving.work.overview.periods.period_named`.
    """
    leads, before = scope.leads(period), scope.leads(period.before())
    if leads.is_empty():
        return [], PROBLEMS["no_leads"]
    earlier = before.partition_by("channel", as_dict=True)
    rows = [
        _row(name, group, earlier.get((name,)))
        for (name,), group in leads.partition_by("channel", as_dict=True).items()
    ]
    has_costs = any(row.cost_per_lead is not None for row in rows)
    rows.sort(key=lambda row: (-row.conversion.value, row.channel or ""))
    return rows, None if has_costs else PROBLEMS["no_costs"]


def _row(name: object, leads: pl.DataFrame, before: pl.DataFrame | None) -> ChannelFigures:
    sales = int(leads["is_sale"].sum())
    now = share(sales, leads.height)
    earlier = None if before is None else share(int(before["is_sale"].sum()), before.height)
    assert now is not None, "a group has rows"
    return ChannelFigures(
        channel=None if name is None else str(name),
        leads=leads.height,
        sales=sales,
        conversion=now,
        conversion_before=earlier,
        change=change(now, earlier),
        cost_per_lead=cost_per_lead(leads),
        cost_per_sale=cost_per_sale(leads),
    )
