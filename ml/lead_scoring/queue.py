"""The call queue: the order of calls with the highest expected gain within opening hours and capacity of the desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from features.errors import FeatureError
from ml.bilingual import Text
from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import FloatArray
from ml.domain.leads.opening_hours import Interval, call_times
from ml.endpoint import Champions
from ml.instants import Instant
from ml.lead_scoring.answer import LeadReasons, LeadScoringAnswer, answers, lead_reasons
from ml.lead_scoring.call_values import CallValues
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.queue_texts import comparison_text, no_calls_text, notice_text, place_text
from ml.lead_scoring.request import read_requests
from ml.lead_scoring.request import request as lead_request
from ml.lead_scoring.sales_desk import DeskChanges, DeskRules
from ml.lead_scoring.words import DIGITS
from ml.plausibility import FieldWarnings
from ml.requests import MissingFields

MAX_LEADS = 1_000
MAX_DAYS = 31
HOUR = 3_600  # seconds


class QueueItem(BaseModel):
    """One call of the queue. Gains are over no call, in the unit of measure (yuan or sales)."""

    place: int = Field(description="place in the queue, from 1")
    call_at: datetime = Field(description="in the time zone of the desk")
    lead_id: str | None
    position: int = Field(description="position of the lead in the request, from 0")
    conversion_probability: float = Field(description="probability of a sale if the lead is called at call_at")
    probability_without_call: float | None = Field(
        description="probability of a sale if nobody calls the lead; null if the effect of waiting is not estimated"
    )
    gain: float = Field(description="expected gain of the call at call_at")
    gain_if_first: float = Field(description="expected gain if this were the first call of the queue")
    loss_per_hour: float = Field(description="expected gain lost if the lead waits an hour after the first call")
    why: Text = Field(description="why the lead has this place")
    waited_hours: float = Field(description="hours from the lead to as_of")
    hours_at_call: float = Field(description="hours from the lead to call_at, closed hours among them")
    grade: Literal["A", "B", "C", "D"]
    reasons: LeadReasons
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

    as_of: datetime = Field(description="in the time zone of the desk")
    desk_open: bool = Field(description="whether as_of is inside the opening hours")
    notice: Text | None = Field(description="when the desk opens, if it is closed at as_of")
    items: list[QueueItem]
    measure: Literal["gross_margin", "sales"]
    gain: float = Field(description="expected gain of this order, in the unit of measure (yuan or sales)")
    gain_newest_first: float = Field(description="expected gain if the newest leads are called first")
    gain_highest_score_first: float = Field(description="expected gain if the highest scores are called first")
    comparison: Text = Field(description="the three orders in words")
    lost_by_waiting: float = Field(description="what the calls of the queue would gain more if each were the first")
    gain_not_called: float = Field(description="expected gain of the leads in not_called, if each were called first")
    decay: Decay | None = Field(description="null if it cannot be estimated: leads are then ordered by expected gain")
    no_decay_reason: str | None = Field(description="why decay is null")
    not_called: list[int] = Field(description="positions of leads that exceed the capacity")
    called_already: list[int] = Field(description="positions of leads that had a first call and are not queued")


def request(champions: Champions) -> type[BaseModel]:
    """Return the pydantic model of a request: open leads, and what differs from the rules of the desk.

    Parameters
    ----------
    champions : mapping of str to Champion
        ``{"lead_scoring": ml.champions.load(ml.champions.version_or_champion("lead_scoring"))}``.

    Returns
    -------
    type
        Fields: `as_of` (ISO 8601 with an offset; default: now), `days` (open days to plan; default: 1, or as many as
        `hours` need), `hours` (opening hours to plan), `leads` (1 to 1,000, each as `ml.lead_scoring.request.request`
        returns), and those of `ml.lead_scoring.sales_desk.DeskChanges`.
    """
    lead = lead_request(champions["lead_scoring"].estimator.signature)
    limits: Any = Field(min_length=1, max_length=MAX_LEADS)
    days: Any = Field(None, ge=1, le=MAX_DAYS, description="open days to plan; default: 1, or as many as hours need")
    hours: Any = Field(None, ge=0, le=500, allow_inf_nan=False, description="opening hours to plan, from as_of")
    return create_model(
        "CallQueueRequest",
        __base__=DeskChanges,
        as_of=(Instant | None, Field(None, description="calls begin then, or when the desk opens; default: now")),
        days=(int | None, days),
        hours=(float | None, hours),
        leads=(list[lead], limits),  # type: ignore[valid-type]
    )


def answer(rules: DeskRules, champions: Champions, request: Any) -> QueueAnswer:
    """Return the order of calls for the open leads of a request.

    Parameters
    ----------
    rules : DeskRules
        ``ml.lead_scoring.sales_desk.load_desk_rules(Path("configs/sales_desk.yaml"))``.
    champions : mapping of str to Champion
        ``{"lead_scoring": ml.champions.load(ml.champions.version_or_champion("lead_scoring"))}``.
    request : BaseModel
        Such as ``request(champions).model_validate({"calls_per_hour": 6.0, "leads": [{"lead_id": "L1"}]})`` with the
        required fields of the lead.

    Returns
    -------
    QueueAnswer
        Calls in their order with time, probability of a sale, expected gain (yuan, or sales if margins are unknown) and
        what is lost by waiting, and the positions of leads that are not called.

    Raises
    ------
    FeatureError
        The champion's training data have no times, a lead has another `as_of`, the opening hours of the request are not
        in order, or a lead is invalid (see `ml.lead_scoring.request.read_requests`).
    """
    estimator = cast("LeadScoringEstimator", champions["lead_scoring"].estimator)
    if not estimator.timed:
        raise FeatureError("leads", "cannot be queued: the training data have no times; map created_at and train again")
    if any(lead.as_of is not None and lead.as_of != request.as_of for lead in request.leads):
        raise FeatureError("leads", "must not have another as_of than the queue; leave it out")
    desk = rules.replaced(request)
    as_of = datetime.now(UTC) if request.as_of is None else request.as_of
    leads = [lead.model_copy(update={"as_of": as_of}) for lead in request.leads]
    batch = read_requests(estimator, leads, trend=False)
    scores = answers(estimator, leads, batch, explain=False)
    called = [i for i, lead in enumerate(leads) if lead.first_contact_at is not None and lead.first_contact_at <= as_of]
    waiting = sorted({*range(len(leads))} - {*called})
    planned = _planned_days(desk, request, as_of)
    times = call_times(
        planned,
        calls_per_hour=desk.calls_per_hour,
        capacity_per_day=estimator.params.capacity_per_day if desk.capacity_per_day is None else desk.capacity_per_day,
        hours=request.hours,
        at_most=len(waiting),
    )
    slots = np.array([(t - as_of).total_seconds() / HOUR for t in times])
    values = CallValues(estimator, scores, batch.rows, as_of=batch.as_of, created=batch.created_at)
    order = values.best_order(waiting, slots)
    not_called = sorted({*waiting} - {*order})
    first = float(slots[0]) if len(slots) else 0.0
    measure: Literal["gross_margin", "sales"] = "gross_margin" if values.has_margins else "sales"
    digits = DIGITS[measure]
    totals = [
        round(values.total(o, slots), digits)
        for o in (
            order,
            sorted(waiting, key=lambda i: -batch.created_at[i]),
            sorted(waiting, key=lambda i: -values.probability[i]),
        )
    ]
    zone = ZoneInfo(desk.timezone)
    opening = planned[0][0][0] if planned else None
    is_open = opening is not None and opening <= as_of
    notice = notice_text(as_of.astimezone(zone), opening and opening.astimezone(zone), is_open=is_open)
    return QueueAnswer(
        as_of=as_of.astimezone(zone),
        desk_open=is_open,
        notice=notice,
        items=_items(
            values,
            order,
            slots,
            call_times=[t.astimezone(zone) for t in times],
            scores=scores,
            reasons=lead_reasons(estimator, leads, batch, positions=order),
            measure=measure,
        ),
        measure=measure,
        gain=totals[0],
        gain_newest_first=totals[1],
        gain_highest_score_first=totals[2],
        comparison=comparison_text(*totals, measure=measure) if order else no_calls_text(len(waiting)),
        lost_by_waiting=round(sum(values.gain(i, first) for i in order) - values.total(order, slots), digits),
        gain_not_called=round(sum(values.gain(i, first) for i in not_called), digits),
        decay=_decay(estimator),
        no_decay_reason=estimator.no_response_reason,
        not_called=not_called,
        called_already=called,
    )


def _planned_days(desk: DeskRules, request: Any, as_of: datetime) -> list[list[Interval]]:
    """Return the opening intervals of the open days that a request plans."""
    days = request.days or (1 if request.hours is None else MAX_DAYS)
    return desk.hours.days(as_of, count=days)


def _items(
    values: CallValues,
    order: Sequence[int],
    slots: FloatArray,
    *,
    call_times: Sequence[datetime],
    scores: Sequence[LeadScoringAnswer],
    reasons: Sequence[LeadReasons],
    measure: str,
) -> list[QueueItem]:
    dearer, first, digits = values.dearer(order, slots), float(slots[0]) if len(slots) else 0.0, DIGITS[measure]
    items = []
    for k, (i, hours) in enumerate(zip(order, slots.tolist(), strict=False)):
        stop_if_abandoned()
        gain, at_first, hour_later = (values.gain(i, h) for h in (hours, first, first + 1))
        chance, no_call = values.probabilities(i, np.array([hours, np.inf])).tolist()
        without = None if values.curve is None else float(no_call)
        why = place_text(
            place=k + 1, dearer=dearer[k], first=at_first, gain=gain, loss_per_hour=at_first - hour_later,
            measure=measure, chances=None if without is None else (chance, without),
        )  # fmt: skip
        items.append(
            QueueItem(
                place=k + 1,
                call_at=call_times[k],
                lead_id=scores[i].lead_id,
                position=i,
                conversion_probability=round(chance, 6),
                probability_without_call=None if without is None else round(without, 6),
                gain=round(gain, digits),
                gain_if_first=round(at_first, digits),
                loss_per_hour=round(at_first - hour_later, digits),
                why=why,
                waited_hours=round(float(values.waited[i]), 2),
                hours_at_call=round(float(values.waited[i]) + hours, 2),
                grade=scores[i].grade,
                reasons=reasons[k],
                missing=scores[i].missing,
                warnings=scores[i].warnings,
            )
        )
    return items


def _decay(estimator: LeadScoringEstimator) -> Decay | None:
    curve = estimator.response_
    if curve is None:
        return None
    value, low, high = curve.remaining_after_day["all"]
    return Decay(left_after_24_hours=round(value, 4), low=round(low, 4), high=round(high, 4), calls=curve.calls)
