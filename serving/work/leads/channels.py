"""`GET /v1/leads/channels`: what a lead and a customer cost by channel, and what the next yuan brings where."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.work.routing import WorkRequest, WorkRoute


class Figure(BaseModel):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class ChannelFigures(BaseModel):
    """A channel by last touch; amounts in yuan, null if the data lack them."""

    channel: str
    leads: int
    sales: int
    conversion_rate: Figure
    cost_per_lead: Figure | None
    cost_per_sale: Figure | None = Field(description="acquisition cost of a customer who bought")
    net_margin_per_lead: Figure | None
    alert: Literal["above", "perhaps_above", "below"] | None
    verdict: Literal["spend_more", "keep", "spend_less", "unclear"] = Field(
        description="by the net margin of a lead against that of all channels: above or below with its whole interval"
    )


class ChannelTable(BaseModel):
    """Answer of `GET /v1/leads/channels`, the highest net margin of a lead first."""

    since: str | None
    until: str | None
    cost_per_lead_ceiling: float
    weights: Text | None
    overall_net_margin: float | None = Field(description="yuan per lead, mean over the channels' leads")
    best: str | None = Field(description="channel with the highest net margin of those to spend more on")
    items: list[ChannelFigures]


def get_channels(request: WorkRequest) -> ChannelTable:
    """Answer `GET /v1/leads/channels`: ask `/v1/lead_scoring/channels`, and compare the channels."""
    answer = request.ask("POST", "/v1/lead_scoring/channels", {})
    rows = [(row, row["last_touch"]) for row in answer["channels"] if row["last_touch"] is not None]
    priced = [t for _, t in rows if t["net_margin_per_lead"] is not None]
    leads = sum(t["weighted_leads"] for t in priced)
    overall = sum(t["net_margin_per_lead"]["value"] * t["weighted_leads"] for t in priced) / leads if leads else None
    items = [_figures(row, touch, overall) for row, touch in rows]
    items.sort(key=lambda i: -i.net_margin_per_lead.value if i.net_margin_per_lead else 1.0)
    more = [i.channel for i in items if i.verdict == "spend_more"]
    return ChannelTable(
        since=answer["since"],
        until=answer["until"],
        cost_per_lead_ceiling=answer["cost_per_lead_ceiling"],
        weights=answer["weights"],
        overall_net_margin=overall,
        best=more[0] if more else None,
        items=items,
    )


def _figures(row: dict[str, Any], touch: dict[str, Any], overall: float | None) -> ChannelFigures:
    names = ("leads", "sales", "conversion_rate", "cost_per_lead", "cost_per_sale", "net_margin_per_lead")
    verdict = verdict_of(touch["net_margin_per_lead"], touch["cost_per_lead"], overall)
    return ChannelFigures(
        channel=row["channel"], alert=row["alert"], verdict=verdict, **{name: touch[name] for name in names}
    )  # fmt: skip


def verdict_of(
    net: dict[str, float] | None, cost: dict[str, float] | None, overall: float | None
) -> Literal["spend_more", "keep", "spend_less", "unclear"]:
    """Return where money should go: by the interval of the net margin of a lead; free channels are kept.

    >>> verdict_of({"value": 900, "low": 700, "high": 1100}, {"value": 40, "low": 39, "high": 41}, 500)
    'spend_more'
    >>> verdict_of({"value": 900, "low": 400, "high": 1100}, {"value": 40, "low": 39, "high": 41}, 500)
    'keep'
    """
    if net is None or overall is None or cost is None:
        return "unclear"
    if cost["low"] <= 0:
        return "keep"
    if net["low"] > overall:
        return "spend_more"
    return "spend_less" if net["high"] < overall else "keep"


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads/channels",
        {"zh": "给出各渠道的获客成本、成交率与投放建议", "en": "Return cost, conversion and verdict of each channel"},
        get_channels, ChannelTable,
    ),
)  # fmt: skip
