"""Costs and margins by channel, attributed to the last and to the first touch, with alerts above a cost ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from features.errors import FeatureError
from ml.bilingual import Text
from ml.endpoint import Champions
from ml.instants import instant
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.signature import RequestPart


class ChannelsRequest(RequestPart):
    """Request for the table of channels; `ChannelsRequest()` uses the ceiling of the model's configuration."""

    cost_per_lead_ceiling: float | None = Field(
        None,
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        description="yuan per lead; default: cost_per_lead_ceiling of the model's configuration",
    )


class Estimate(BaseModel):
    """A figure with its 95 % credible interval."""

    value: float
    low: float
    high: float


class Touch(BaseModel):
    """Leads, sales, costs and margins of a channel.

    The conversion rate is a fraction (0 to 1), and amounts are in yuan, null if the data lack them. The net margin is
    the margin minus the cost.
    """

    leads: int = Field(description="number of leads whose outcome is known")
    sales: int = Field(description="number of these leads that bought")
    weighted_leads: float = Field(
        description="leads with the weights that make up for those whose outcome is not known yet; see weights"
    )
    weighted_sales: float = Field(description="sales with the same weights")
    conversion_rate: Estimate
    cost_per_lead: Estimate | None
    cost_per_sale: Estimate | None
    margin_per_lead: Estimate | None
    net_margin_per_lead: Estimate | None


class ChannelRow(BaseModel):
    """One channel, with leads attributed by last touch (channel of the lead) and by first touch (first event)."""

    channel: str
    last_touch: Touch | None
    first_touch: Touch | None
    alert: Literal["above", "perhaps_above", "below"] | None = Field(
        description="cost per lead (last touch) relative to the ceiling; perhaps_above: the 95 % interval includes the "
        "ceiling; null: the cost is unknown"
    )


class ChannelsAnswer(BaseModel):
    """The table of channels, the highest cost per lead (last touch, yuan) first, as returned by `answer`."""

    model_config = ConfigDict(frozen=True)

    since: datetime | None = Field(description="time of the first lead in the table; null if the leads have no times")
    until: datetime | None = Field(description="time of the last lead in the table, the end of the training data")
    cost_per_lead_ceiling: float
    weights: Text | None = Field(description="why weighted counts differ from counts; null if they do not")
    channels: list[ChannelRow]


def answer(champions: Champions, request: ChannelsRequest) -> ChannelsAnswer:
    """Return the table of channels from the champion's training data.

    Parameters
    ----------
    champions : mapping of str to Champion
        ``{"lead_scoring": ml.champions.load(ml.champions.version_or_champion("lead_scoring"))}``.
    request : ChannelsRequest
        Such as ``ChannelsRequest(cost_per_lead_ceiling=50.0)``.

    Returns
    -------
    ChannelsAnswer
        Period, ceiling (yuan per lead) and one row for each channel, with 95 % intervals.

    Raises
    ------
    FeatureError
        The training data of the champion have no channel.
    """
    estimator = cast("LeadScoringEstimator", champions["lead_scoring"].estimator)
    table = estimator.value_tables_["channels"]
    if table is None:
        raise FeatureError("channel", "is missing in the training data; map it in the sources and train again")
    ceiling = request.cost_per_lead_ceiling
    if ceiling is None:
        ceiling = estimator.params.cost_per_lead_ceiling
    touches = {t: {row["channel"]: row for row in table.get(t, ())} for t in ("last_touch", "first_touch")}
    names = sorted({*touches["last_touch"], *touches["first_touch"]})
    rows = [_row(name, {t: by_channel.get(name) for t, by_channel in touches.items()}, ceiling) for name in names]
    return ChannelsAnswer(
        since=None if table["from"] is None else instant(table["from"]),
        until=None if table["until"] is None else instant(table["until"]),
        cost_per_lead_ceiling=ceiling,
        weights=_weights_text(touches["last_touch"].values(), estimator.params.horizon_days),
        channels=sorted(rows, key=_highest_cost_first),
    )


def _weights_text(rows: Iterable[Mapping[str, Any]], horizon_days: float) -> Text | None:
    """Return why weighted counts differ from counts, with both totals; None if they do not."""
    table = list(rows)
    leads, sales = (sum(row[n] for row in table) for n in ("leads", "sales"))
    weighted_leads, weighted_sales = (sum(row[n] for row in table) for n in ("weighted_leads", "weighted_sales"))
    if abs(weighted_leads - leads) < 0.05 and abs(weighted_sales - sales) < 0.05:
        return None
    days, stands_for = f"{horizon_days:g}", (f"{weighted_leads:,.1f}", f"{weighted_sales:,.1f}")
    return Text(
        zh=f"{leads:,} 条线索结果已知，其中 {sales:,} 条成交。"
        f"最后 {days} 天的线索中，成交的已知，未成交的要满 {days} 天才知道；"
        "因此结果已知的线索按同类线索中结果已知的比例加权，"
        f"合计相当于 {stands_for[0]} 条线索、{stands_for[1]} 次成交。成交率、成本与毛利均按加权数计算",
        en=f"the outcome of {leads:,} leads is known, {sales:,} of them bought. "
        f"Of the leads of the last {days} days, sales are known at once, and other outcomes only after {days} days. "
        "Leads with a known outcome therefore stand for those without: together for "
        f"{stands_for[0]} leads and {stands_for[1]} sales, from which rates, costs and margins are computed",
    )


def _highest_cost_first(row: ChannelRow) -> tuple[float, str]:
    cost = row.last_touch.cost_per_lead if row.last_touch else None
    return (-cost.value if cost else 1.0, row.channel)


def _row(name: str, touches: Mapping[str, Mapping[str, Any] | None], ceiling: float) -> ChannelRow:
    last, first = (
        None if t is None else Touch.model_validate({k: _rounded(v) for k, v in t.items() if k != "channel"})
        for t in (touches["last_touch"], touches["first_touch"])
    )
    cost = last.cost_per_lead if last else None
    alert: Literal["above", "perhaps_above", "below"] | None = None
    if cost is not None:
        alert = "above" if cost.low > ceiling else "perhaps_above" if cost.high > ceiling else "below"
    return ChannelRow(channel=name, last_touch=last, first_touch=first, alert=alert)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: round(float(value[k]), 4) for k in ("value", "low", "high")}
    return round(value, 1) if isinstance(value, float) else value
