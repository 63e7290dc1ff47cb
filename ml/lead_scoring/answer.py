"""Answers about leads: probability of a sale, grade, expected margin, trend and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import logit

from ml.deadlines import stop_if_abandoned
from ml.instants import instant
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.lead_facts import LeadFacts, last_events
from ml.lead_scoring.reason_texts import reason_text
from ml.lead_scoring.reasons import Reason, strongest
from ml.lead_scoring.request import RequestBatch, other_fields, read_requests
from ml.plausibility import FieldWarnings, field_warnings
from ml.requests import MissingFields, columns_of, missing_features

Trend = Literal["rising", "steady", "falling"]


class LeadReason(BaseModel):
    """A fact of the lead that moves its score, relative to the average lead, and what the desk can do with it."""

    code: str
    zh: str
    en: str
    log_odds: float = Field(description="contribution to the log-odds of a sale")


class LeadReasons(BaseModel):
    """At most three reasons that raise the probability of a sale and three that lower it, the strongest first."""

    positive: list[LeadReason]
    negative: list[LeadReason]
    other_log_odds: float = Field(
        description="sum of the contributions that are not listed: weaker ones, and those that nobody can act on"
    )


class LeadScoringAnswer(BaseModel):
    """Probability of a sale, grade, expected margin and reasons for one lead, as returned by `respond`."""

    model_config = ConfigDict(frozen=True)

    lead_id: str | None = None
    as_of: datetime | None = Field(None, description="time of the score; null if the leads have no times")
    conversion_probability: float = Field(description="calibrated probability of a sale within horizon_days of as_of")
    horizon_days: float
    grade: Literal["A", "B", "C", "D"]
    expected_gross_margin: float | None = Field(
        description="probability times the expected margin of a sale, in yuan; null if no margins are known"
    )
    calibration: Literal["dealer", "pooled"] = Field(
        description="dealer: calibrated on the leads of this dealer; pooled: on those of all dealers"
    )
    path: Literal["with_history", "without_history"] = Field(description="whether the customer has events before as_of")
    trend: Trend | None = Field(
        None, description="change of the score over the last trend_days; null for leads that are younger"
    )
    earlier_probability: float | None = Field(None, description="probability trend_days earlier")
    events_ignored: int = Field(0, description="number of events at or after as_of, which are not used")
    reasons: LeadReasons | None = Field(None, description="null if the request has explain=false")
    unseen: list[str] = Field(
        default_factory=list, description="fields with a value that the training data lack; treated as missing"
    )
    missing: MissingFields = []
    warnings: FieldWarnings = []


def respond(
    estimator: LeadScoringEstimator, requests: Sequence[BaseModel], *, explain: bool = True
) -> list[LeadScoringAnswer]:
    """Score leads.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.
    requests : sequence
        Instances of ``ml.lead_scoring.request.request(estimator.signature)``.
    explain : bool
        Whether answers have reasons and the trend.

    Returns
    -------
    list of LeadScoringAnswer
        In the order of the requests: probability of a sale (0 to 1), grade, expected margin (yuan), trend and reasons.

    Raises
    ------
    FeatureError
        Two leads have the same `lead_id`, a lead was created after `as_of`, or it has events after `as_of` and
        `events_after_as_of` is 'refuse'.
    """
    batch = read_requests(estimator, requests, trend=explain)
    return answers(estimator, requests, batch, explain=explain)


def answers(
    estimator: LeadScoringEstimator, requests: Sequence[BaseModel], batch: RequestBatch, *, explain: bool
) -> list[LeadScoringAnswer]:
    """Score leads whose features are computed. Called by `respond` and by the call queue.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.
    requests : sequence
        Instances of ``ml.lead_scoring.request.request(estimator.signature)``.
    batch : RequestBatch
        As returned by ``ml.lead_scoring.request.read_requests(estimator, requests, trend=explain)``.
    explain : bool
        Whether answers have reasons for the score.

    Returns
    -------
    list of LeadScoringAnswer
        In the order of the requests; with a trend if `batch` has the earlier features.
    """
    rows = batch.rows if batch.earlier.is_empty() else pl.concat([batch.rows, batch.earlier])
    predictions = estimator.predict(rows)
    current = predictions[: batch.rows.height].to_dicts()
    reasons = lead_reasons(estimator, requests, batch, positions=range(len(current))) if explain else None
    probabilities = predictions["conversion_probability"][batch.rows.height :].to_list()
    earlier = dict(zip(batch.earlier["position"].to_list(), probabilities, strict=True)) if probabilities else {}
    categorical = estimator.encoder_.categorical
    columns = {n: batch.rows[n].to_list() for n in categorical}
    signature = estimator.signature
    features, others = columns_of(requests, signature), other_fields(estimator)
    return [
        LeadScoringAnswer.model_construct(
            lead_id=getattr(requests[i], "lead_id", None),
            as_of=instant(batch.as_of[i]) if batch.as_of else None,
            conversion_probability=round(row["conversion_probability"], 6),
            horizon_days=estimator.params.horizon_days,
            grade=row["grade"],
            expected_gross_margin=_rounded(row["expected_gross_margin"]),
            calibration=row["calibration"],
            path="with_history" if batch.events_before[i] else "without_history",
            trend=_trend(estimator, earlier.get(i), row["conversion_probability"]),
            earlier_probability=None if i not in earlier else round(earlier[i], 6),
            events_ignored=batch.events_ignored[i],
            reasons=None if reasons is None else reasons[i],
            unseen=estimator.encoder_.unseen({n: v[i] for n, v in columns.items()}),
            missing=[
                *missing_features(features, i, signature),
                *(n for n in others if getattr(requests[i], n) is None),
            ],
            warnings=field_warnings(features, i, signature),
        )
        for i, row in enumerate(current)
    ]


def _rounded(yuan: float | None) -> float | None:
    return None if yuan is None else round(yuan, 2)


def _trend(estimator: LeadScoringEstimator, earlier: float | None, current: float) -> Trend | None:
    if earlier is None:
        return None
    change = float(logit(current) - logit(earlier))
    if abs(change) < estimator.params.trend_log_odds:
        return "steady"
    return "rising" if change > 0 else "falling"


def lead_reasons(
    estimator: LeadScoringEstimator,
    requests: Sequence[BaseModel],
    batch: RequestBatch,
    *,
    positions: Sequence[int],
) -> list[LeadReasons]:
    """Return the reasons for the scores of some leads. Called by `answers` and by the call queue.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.
    requests : sequence
        Instances of ``ml.lead_scoring.request.request(estimator.signature)``.
    batch : RequestBatch
        As returned by ``ml.lead_scoring.request.read_requests(estimator, requests, trend=False)``.
    positions : sequence of int
        Positions of the leads in `requests`.

    Returns
    -------
    list of LeadReasons
        In the order of `positions`.
    """
    if not len(positions):
        return []
    rows = batch.rows[list(positions)]
    reasons = []
    for i, row, contributions in zip(positions, rows.to_dicts(), estimator.contributions(rows), strict=True):
        stop_if_abandoned()
        facts = _facts(estimator, requests[i], row, batch, i)
        raising, lowering, other = strongest(contributions, estimator.reason_map_, partial(reason_text, facts))
        reasons.append(
            LeadReasons.model_construct(
                positive=[_lead_reason(r) for r in raising],
                negative=[_lead_reason(r) for r in lowering],
                other_log_odds=round(other, 4),
            )
        )
    return reasons


def _lead_reason(reason: Reason) -> LeadReason:
    text = reason.text
    return LeadReason.model_construct(code=reason.code, zh=text.zh, en=text.en, log_odds=round(reason.log_odds, 4))


def _facts(
    estimator: LeadScoringEstimator, request: BaseModel, row: Mapping[str, Any], batch: RequestBatch, i: int
) -> LeadFacts:
    as_of = batch.as_of[i] if batch.as_of else None
    events, vehicles = last_events(getattr(request, "events", ()), as_of)
    return LeadFacts(
        row=row,
        as_of=as_of,
        created_at=batch.created_at[i] if batch.created_at else None,
        last_events=events,
        vehicles_7d=vehicles,
        rates=estimator.lead_rates_,
        signature=estimator.signature,
        form=estimator.form,
        horizon_days=estimator.params.horizon_days,
    )
