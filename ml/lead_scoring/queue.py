"""The call queue: the order of calls with the highest expected gain within the capacity of the desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, create_model

from features.aggregations import HOUR
from features.errors import FeatureError
from ml.domain.arrays import FloatArray
from ml.domain.leads.call_queue import call_order, slot_hours
from ml.endpoint import Champions
from ml.instants import Instant, instant
from ml.lead_scoring.answer import LeadScoringAnswer, answers
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.request import read_requests
from ml.lead_scoring.request import request as lead_request
from ml.plausibility import FieldWarnings
from ml.requests import MissingFields

MAX_LEADS = 1_000


class QueueItem(BaseModel):
    """One call of the queue."""

    place: int = Field(description="place in the queue, from 1")
    call_at: datetime
    lead_id: str | None
    position: int = Field(description="position of the lead in the request, from 0")
    conversion_probability: float = Field(description="probability of a sale if the lead is called at call_at")
    gain: float = Field(description="expected gain over no call, in the unit of measure (yuan or sales)")
    waited_hours: float = Field(description="hours from the lead to as_of")
    grade: Literal["A", "B", "C", "D"]
    missing: MissingFields
    warnings: FieldWarnings


class Decay(BaseModel):
    """Estimated effect of waiting, over all channels."""

    left_after_24_hours: float = Field(
        description="share of the probability of a sale that is left if the first call is 24 hours after the lead"
    )
    low: float = Field(description="lower limit of the 95 % interval")
    high: float = Field(description="upper limit of the 95 % interval")
    calls: int = Field(description="number of first calls in the training data")


class QueueAnswer(BaseModel):
    """The calls in their order, and the gains of two other orders for comparison, as returned by `answer`."""

    model_config = ConfigDict(frozen=True)

    items: list[QueueItem]
    measure: Literal["gross_margin", "sales"]
    gain: float = Field(description="expected gain of this order, in the unit of measure (yuan or sales)")
    gain_newest_first: float = Field(description="expected gain if the newest leads are called first")
    gain_highest_score_first: float = Field(description="expected gain if the highest scores are called first")
    decay: Decay | None = Field(description="null if it cannot be estimated: leads are then ordered by expected gain")
    no_decay_reason: str | None = Field(description="why decay is null")
    not_called: list[int] = Field(description="positions of leads that exceed the capacity")
    called_already: list[int] = Field(description="positions of leads that had a first call and are not queued")


def request(champions: Champions) -> type[BaseModel]:
    """Return the pydantic model of a request: open leads and the capacity of the desk.

    Parameters
    ----------
    champions : mapping of str to Champion
        ``{"lead_scoring": ml.champions.load(ml.champions.version_or_champion("lead_scoring"))}``.

    Returns
    -------
    type
        Fields: `as_of` (time of the first call, ISO 8601 with an offset; default: now), `calls_per_hour` (of the whole
        desk), `hours` (of calls from `as_of`; default: 8) and `leads` (1 to 1,000, each as
        `ml.lead_scoring.request.request` returns).
    """
    lead = lead_request(champions["lead_scoring"].estimator.signature)
    limits: Any = Field(min_length=1, max_length=MAX_LEADS)
    return create_model(
        "CallQueueRequest",
        __config__=ConfigDict(extra="forbid", strict=True, frozen=True),
        as_of=(Instant | None, Field(None, description="time of the first call; default: now")),
        calls_per_hour=(
            float,
            Field(gt=0, le=10_000, allow_inf_nan=False, description="calls per hour of the whole desk"),
        ),
        hours=(float, Field(8.0, gt=0, le=72, allow_inf_nan=False, description="hours of calls from as_of")),
        leads=(list[lead], limits),  # type: ignore[valid-type]
    )


def answer(champions: Champions, request: Any) -> QueueAnswer:
    """Return the order of calls for the open leads of a request.

    Parameters
    ----------
    champions : mapping of str to Champion
        ``{"lead_scoring": ml.champions.load(ml.champions.version_or_champion("lead_scoring"))}``.
    request : BaseModel
        Such as ``request(champions).model_validate({"calls_per_hour": 6.0, "leads": [{"lead_id": "L1"}]})`` with the
        required fields of the lead.

    Returns
    -------
    QueueAnswer
        Calls in their order with time, probability of a sale and expected gain (yuan, or sales if margins are
        unknown), and the positions of leads that are not called.

    Raises
    ------
    FeatureError
        The champion's training data have no times, a lead has another `as_of`, or a lead is invalid (see
        `ml.lead_scoring.request.read_requests`).
    """
    estimator = cast("LeadScoringEstimator", champions["lead_scoring"].estimator)
    if not estimator.timed:
        raise FeatureError("leads", "cannot be queued: the training data have no times; map created_at and train again")
    if any(lead.as_of is not None and lead.as_of != request.as_of for lead in request.leads):
        raise FeatureError("leads", "must not have another as_of than the queue; leave it out")
    leads = [lead.model_copy(update={"as_of": request.as_of}) for lead in request.leads]
    batch = read_requests(estimator, leads, trend=False)
    scores = answers(estimator, leads, batch, explain=False)
    called = [
        i
        for i, lead in enumerate(leads)
        if lead.first_contact_at is not None and lead.first_contact_at <= scores[i].as_of
    ]
    waiting = [i for i in range(len(leads)) if i not in set(called)]
    slots = slot_hours(request.calls_per_hour, max(1, min(len(waiting), int(request.calls_per_hour * request.hours))))
    values = _CallValues(estimator, scores, batch.rows, batch.as_of, batch.created_at)
    order = values.best_order(waiting, slots)
    return QueueAnswer(
        items=[_item(values, i, k, slots[k]) for k, i in enumerate(order)],
        measure="gross_margin" if values.has_margins else "sales",
        gain=round(values.total(order, slots), 4),
        gain_newest_first=round(values.total(sorted(waiting, key=lambda i: -batch.created_at[i]), slots), 4),
        gain_highest_score_first=round(values.total(sorted(waiting, key=lambda i: -values.probability[i]), slots), 4),
        decay=_decay(estimator),
        no_decay_reason=estimator.no_response_reason,
        not_called=sorted(set(waiting) - set(order)),
        called_already=called,
    )


def _decay(estimator: LeadScoringEstimator) -> Decay | None:
    curve = estimator.response_
    if curve is None:
        return None
    value, low, high = curve.remaining_after_day["all"]
    return Decay(left_after_24_hours=round(value, 4), low=round(low, 4), high=round(high, 4), calls=curve.calls)


class _CallValues:
    """Probability of a sale and expected gain of calling each lead, by hours from now."""

    def __init__(
        self,
        estimator: LeadScoringEstimator,
        scores: Sequence[LeadScoringAnswer],
        rows: pl.DataFrame,
        as_of: Sequence[int],
        created: Sequence[int],
    ) -> None:
        self.scores = scores
        self.as_of = as_of
        self.curve = estimator.response_
        self.probability = np.array([s.conversion_probability for s in scores])
        margin = estimator.margins(rows)
        self.has_margins = bool(np.isfinite(margin).all())
        self.margin = margin if self.has_margins else np.ones(len(scores))
        self.waited = (np.array(as_of) - np.array(created)) / HOUR
        names = rows["channel"].to_list() if "channel" in rows.columns else [None] * len(scores)
        self.channel: list[str | None] = names
        self._mean_factors = [
            1.0 if self.curve is None else self.curve.mean_factor(c, float(w))
            for c, w in zip(names, self.waited, strict=True)
        ]

    def probabilities(self, i: int, hours: FloatArray) -> FloatArray:
        """Return the probability of a sale if lead `i` is called in `hours` from now (infinite: not called)."""
        if self.curve is None:
            return np.where(np.isfinite(hours), self.probability[i], 0.0)
        factor = self.curve.factor(self.channel[i], self.waited[i] + hours)
        return np.asarray(np.minimum(self.probability[i] * factor / self._mean_factors[i], 1.0))

    def gains(self, i: int, hours: FloatArray) -> FloatArray:
        """Return the expected gain of a call in `hours` from now over no call."""
        without_call = self.probabilities(i, np.array([np.inf]))[0]
        return np.asarray(self.margin[i] * (self.probabilities(i, hours) - without_call))

    def best_order(self, waiting: Sequence[int], slots: FloatArray) -> list[int]:
        """Return the leads in the order of their slots, with the highest total gain."""
        if not waiting:
            return []
        if self.curve is None:  # the gain does not depend on the slot
            return sorted(waiting, key=lambda i: (-self.margin[i] * self.probability[i], i))[: len(slots)]
        gain = np.array([self.gains(i, slots) for i in waiting])
        return [waiting[k] for k in call_order(gain)]

    def total(self, order: Sequence[int], slots: FloatArray) -> float:
        """Return the total gain of calling the leads in this order, one for each slot."""
        return float(sum(self.gains(i, slots[k : k + 1])[0] for k, i in enumerate(order[: len(slots)])))


def _item(values: _CallValues, i: int, place: int, hours: float) -> QueueItem:
    return QueueItem(
        place=place + 1,
        call_at=instant(values.as_of[i]) + timedelta(hours=float(hours)),
        lead_id=values.scores[i].lead_id,
        position=i,
        conversion_probability=round(float(values.probabilities(i, np.array([hours]))[0]), 6),
        gain=round(float(values.gains(i, np.array([hours]))[0]), 4),
        waited_hours=round(float(values.waited[i]), 2),
        grade=values.scores[i].grade,
        missing=values.scores[i].missing,
        warnings=values.scores[i].warnings,
    )
