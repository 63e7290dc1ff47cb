"""What each channel costs and brings, by last and by first touch, with an alert above the house's ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from features.errors import FeatureError
from ml.endpoint import Champions
from ml.instants import instant
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.signature import RequestPart


class ChannelsRequest(RequestPart):
    """The ceiling to hold costs against."""

    cost_per_lead_ceiling: float | None = Field(
        None, ge=0, le=1e9, allow_inf_nan=False, description="yuan a lead; the configuration's where it is not given"
    )


class Estimate(BaseModel):
    """A figure and its 95 % credible interval."""

    value: float
    low: float
    high: float


class Touch(BaseModel):
    """A channel's leads, what they cost and brought; amounts in yuan, null where they are not known."""

    leads: float
    sales: float
    conversion_rate: Estimate
    cost_per_lead: Estimate | None
    cost_per_sale: Estimate | None
    margin_per_lead: Estimate | None
    net_margin_per_lead: Estimate | None


class ChannelRow(BaseModel):
    """One channel, side by side: as the last touch before the lead, and as the first that its customers had."""

    channel: str
    last_touch: Touch | None
    first_touch: Touch | None
    alert: Literal["above", "perhaps_above", "below"] | None = Field(
        description="cost per lead (last touch) against the ceiling; perhaps: the interval holds it; null: unknown"
    )


class ChannelsAnswer(BaseModel):
    """The table of channels, the dearest lead first."""

    model_config = ConfigDict(frozen=True)

    since: datetime | None
    until: datetime | None = Field(description="the last lead that counts: what the champion learnt from")
    cost_per_lead_ceiling: float
    channels: list[ChannelRow]


def answer(champions: Champions, request: ChannelsRequest) -> ChannelsAnswer:
    """The champion's table.

    Raises
    ------
    FeatureError
        The leads it learnt from had no channel.
    """
    estimator = cast("LeadScoringEstimator", champions["lead_scoring"].estimator)
    learnt = estimator.value_tables_["channels"]
    if learnt is None:
        raise FeatureError("channel", "is not known of the leads learnt from; map it in the sources and train")
    ceiling = request.cost_per_lead_ceiling
    if ceiling is None:
        ceiling = estimator.params.cost_per_lead_ceiling
    touches = {t: {row["channel"]: row for row in learnt.get(t, ())} for t in ("last_touch", "first_touch")}
    names = sorted({*touches["last_touch"], *touches["first_touch"]})
    rows = [_row(name, {t: found.get(name) for t, found in touches.items()}, ceiling) for name in names]
    return ChannelsAnswer(
        since=None if learnt["from"] is None else instant(learnt["from"]),
        until=None if learnt["until"] is None else instant(learnt["until"]),
        cost_per_lead_ceiling=ceiling,
        channels=sorted(rows, key=_dearest_first),
    )


def _dearest_first(row: ChannelRow) -> tuple[float, str]:
    cost = row.last_touch.cost_per_lead if row.last_touch else None
    return (-cost.value if cost else 1.0, row.channel)


def _row(name: str, touches: Mapping[str, Mapping[str, Any] | None], ceiling: float) -> ChannelRow:
    last, first = (
        None if t is None else Touch.model_validate({k: _shown(v) for k, v in t.items() if k != "channel"})
        for t in (touches["last_touch"], touches["first_touch"])
    )
    cost = last.cost_per_lead if last else None
    alert: Literal["above", "perhaps_above", "below"] | None = None
    if cost is not None:
        alert = "above" if cost.low > ceiling else "perhaps_above" if cost.high > ceiling else "below"
    return ChannelRow(channel=name, last_touch=last, first_touch=first, alert=alert)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: round(float(value[k]), 4) for k in ("value", "low", "high")}
    return round(value, 1) if isinstance(value, float) else value
