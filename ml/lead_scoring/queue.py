"""The call queue: whom the desk calls in which order, so that its next hours are worth most."""

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

MAX_LEADS = 1_000


class QueueItem(BaseModel):
    """One call."""

    place: int
    call_at: datetime
    lead_id: str | None
    position: int = Field(description="of the lead in the request, from 0")
    conversion_probability: float = Field(description="if it is called then")
    gain: float = Field(description="what the call adds, in yuan of gross margin, or in sales where none is known")
    waited_hours: float
    grade: Literal["A", "B", "C", "D"]


class Decay(BaseModel):
    """What waiting costs, as learnt: share of the chance left after a day, with its interval."""

    left_after_24_hours: float
    low: float
    high: float
    calls: int = Field(description="first calls it was learnt from")


class QueueAnswer(BaseModel):
    """Calls in order, and what other orders would have brought."""

    model_config = ConfigDict(frozen=True)

    items: list[QueueItem]
    measure: Literal["gross_margin", "sales"]
    gain: float = Field(description="of this order, in yuan or sales")
    gain_newest_first: float
    gain_highest_score_first: float
    decay: Decay | None = Field(description="null where the data cannot support one: then the best leads go first")
    no_decay_reason: str | None
    not_called: list[int] = Field(description="positions of leads beyond the desk's capacity")
    called_already: list[int] = Field(description="positions of leads that had their first call: not queued")


def request(champions: Champions) -> type[BaseModel]:
    """Build the request model: open leads and the desk's capacity."""
    lead = lead_request(champions["lead_scoring"].estimator.signature)
    many: Any = Field(min_length=1, max_length=MAX_LEADS)
    return create_model(
        "CallQueueRequest",
        __config__=ConfigDict(extra="forbid", strict=True, frozen=True),
        as_of=(Instant | None, Field(None, description="now where it is not given; leads may not say otherwise")),
        calls_per_hour=(float, Field(gt=0, le=10_000, allow_inf_nan=False, description="capacity of the desk")),
        hours=(float, Field(8.0, gt=0, le=72, allow_inf_nan=False, description="how long the desk calls from as_of")),
        leads=(list[lead], many),  # type: ignore[valid-type]
    )


def answer(champions: Champions, asked: Any) -> QueueAnswer:
    """Order the calls.

    Raises
    ------
    FeatureError
        The champion was trained on data without time, a lead names another `as_of`, or see `respond`.
    """
    estimator = cast("LeadScoringEstimator", champions["lead_scoring"].estimator)
    if not estimator.timed:
        raise FeatureError("leads", "cannot be queued: the champion learnt from data without time; train it with time")
    if any(lead.as_of is not None and lead.as_of != asked.as_of for lead in asked.leads):
        raise FeatureError("leads", "must not have an as_of of their own that differs from the queue's; leave it out")
    leads = [lead.model_copy(update={"as_of": asked.as_of}) for lead in asked.leads]
    built = read_requests(estimator, leads, trend=False)
    found = answers(estimator, leads, built, explain=False)
    called = [
        i
        for i, lead in enumerate(leads)
        if lead.first_contact_at is not None and lead.first_contact_at <= found[i].as_of
    ]
    waiting = [i for i in range(len(leads)) if i not in set(called)]
    slots = slot_hours(asked.calls_per_hour, max(1, min(len(waiting), int(asked.calls_per_hour * asked.hours))))
    worth = _Worth(estimator, found, built.rows, built.as_of, built.created_at)
    order = worth.best(waiting, slots)
    return QueueAnswer(
        items=[_item(worth, i, k, slots[k]) for k, i in enumerate(order)],
        measure="gross_margin" if worth.known else "sales",
        gain=round(worth.total(order, slots), 4),
        gain_newest_first=round(worth.total(sorted(waiting, key=lambda i: -built.created_at[i]), slots), 4),
        gain_highest_score_first=round(worth.total(sorted(waiting, key=lambda i: -worth.chance[i]), slots), 4),
        decay=_decay(estimator),
        no_decay_reason=estimator.no_response_reason,
        not_called=sorted(set(waiting) - set(order)),
        called_already=called,
    )


def _decay(estimator: LeadScoringEstimator) -> Decay | None:
    curve = estimator.response_
    if curve is None:
        return None
    value, low, high = curve.left["all"]
    return Decay(left_after_24_hours=round(value, 4), low=round(low, 4), high=round(high, 4), calls=curve.calls)


class _Worth:
    """What a call of each lead is worth at any hour from now."""

    def __init__(
        self,
        estimator: LeadScoringEstimator,
        found: Sequence[LeadScoringAnswer],
        rows: pl.DataFrame,
        as_of: Sequence[int],
        created: Sequence[int],
    ) -> None:
        self.found = found
        self.as_of = as_of
        self.curve = estimator.response_
        self.chance = np.array([f.conversion_probability for f in found])
        margin = estimator.margins(rows)
        self.known = bool(np.isfinite(margin).all())
        self.margin = margin if self.known else np.ones(len(found))
        self.waited = (np.array(as_of) - np.array(created)) / HOUR
        names = rows["channel"].to_list() if "channel" in rows.columns else [None] * len(found)
        self.channel: list[str | None] = names
        self._usual = [
            1.0 if self.curve is None else self.curve.usual(c, float(w))
            for c, w in zip(names, self.waited, strict=True)
        ]

    def chances(self, i: int, hours: FloatArray) -> FloatArray:
        """Chance of a sale if the lead is called so many hours from now; an infinite one is never."""
        if self.curve is None:
            return np.where(np.isfinite(hours), self.chance[i], 0.0)
        factor = self.curve.factor(self.channel[i], self.waited[i] + hours)
        return np.asarray(np.minimum(self.chance[i] * factor / self._usual[i], 1.0))

    def gains(self, i: int, hours: FloatArray) -> FloatArray:
        """What the call adds to not calling at all."""
        never = self.chances(i, np.array([np.inf]))[0]
        return np.asarray(self.margin[i] * (self.chances(i, hours) - never))

    def best(self, waiting: Sequence[int], slots: FloatArray) -> list[int]:
        """The leads in order of their slots."""
        if not waiting:
            return []
        if self.curve is None:  # every slot is as good: the most valuable leads go first
            return sorted(waiting, key=lambda i: (-self.margin[i] * self.chance[i], i))[: len(slots)]
        gain = np.array([self.gains(i, slots) for i in waiting])
        return [waiting[k] for k in call_order(gain)]

    def total(self, order: Sequence[int], slots: FloatArray) -> float:
        """Gain of calling in an order, one lead a slot, as far as slots go."""
        return float(sum(self.gains(i, slots[k : k + 1])[0] for k, i in enumerate(order[: len(slots)])))


def _item(worth: _Worth, i: int, place: int, hours: float) -> QueueItem:
    return QueueItem(
        place=place + 1,
        call_at=instant(worth.as_of[i]) + timedelta(hours=float(hours)),
        lead_id=worth.found[i].lead_id,
        position=i,
        conversion_probability=round(float(worth.chances(i, np.array([hours]))[0]), 6),
        gain=round(float(worth.gains(i, np.array([hours]))[0]), 4),
        waited_hours=round(float(worth.waited[i]), 2),
        grade=worth.found[i].grade,
    )
