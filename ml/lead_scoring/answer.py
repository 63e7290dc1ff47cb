"""The answer about one lead, as a sales desk reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import logit

from ml.instants import instant
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.reasons import largest
from ml.lead_scoring.request import RequestBatch, read_requests

Trend = Literal["rising", "steady", "falling"]


class LeadReason(BaseModel):
    """One reason, measured against the average lead."""

    code: str
    zh: str
    en: str
    log_odds: float = Field(description="what it adds to the log-odds of a sale")


class LeadReasons(BaseModel):
    """What speaks for a sale and what against, at most three each, largest first."""

    positive: list[LeadReason]
    negative: list[LeadReason]


class LeadScoringAnswer(BaseModel):
    """Chance, grade, worth and reasons of one lead."""

    model_config = ConfigDict(frozen=True)

    lead_id: str | None = None
    as_of: datetime | None = Field(None, description="the moment the score is for; null for data without time")
    conversion_probability: float = Field(description="calibrated, within horizon_days of as_of")
    horizon_days: float
    grade: Literal["A", "B", "C", "D"]
    expected_gross_margin: float | None = Field(description="probability times margin, in yuan; null if none is known")
    calibration: Literal["dealer", "pooled"] = Field(description="whether the dealer had leads enough for its own")
    path: Literal["with_history", "without_history"]
    trend: Trend | None = Field(None, description="against the score trend_days earlier; null for younger leads")
    earlier_probability: float | None = None
    events_ignored: int = Field(0, description="events at or after as_of, which do not count")
    reasons: LeadReasons | None = Field(None, description="null if not asked for")
    unseen: list[str] = Field(
        default_factory=list, description="fields whose value never occurred in training: treated as missing"
    )


def respond(
    estimator: LeadScoringEstimator, requests: Sequence[BaseModel], *, explain: bool = True
) -> list[LeadScoringAnswer]:
    """Answer leads, in their order.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        A fitted one.
    requests : sequence
        Instances of `request(estimator.signature)`.
    explain : bool
        Whether to give reasons and the trend.

    Raises
    ------
    FeatureError
        See `ml.lead_scoring.request.read_requests`.
    """
    asked = read_requests(estimator, requests, trend=explain)
    return answers(estimator, requests, asked, explain=explain)


def answers(
    estimator: LeadScoringEstimator, requests: Sequence[BaseModel], asked: RequestBatch, *, explain: bool
) -> list[LeadScoringAnswer]:
    """Answer leads whose features are built; see `respond`."""
    both = asked.rows if asked.earlier.is_empty() else pl.concat([asked.rows, asked.earlier])
    everything = estimator.predict(both)
    found = everything[: asked.rows.height].to_dicts()
    reasons = _reasons(estimator, asked.rows) if explain else [None] * len(found)
    chances = everything["conversion_probability"][asked.rows.height :].to_list()
    before = dict(zip(asked.earlier["position"].to_list(), chances, strict=True)) if chances else {}
    categorical = estimator.encoder_.categorical
    columns = {n: asked.rows[n].to_list() for n in categorical}
    return [
        LeadScoringAnswer.model_construct(
            lead_id=getattr(requests[i], "lead_id", None),
            as_of=instant(asked.as_of[i]) if asked.as_of else None,
            conversion_probability=round(row["conversion_probability"], 6),
            horizon_days=estimator.params.horizon_days,
            grade=row["grade"],
            expected_gross_margin=_rounded(row["expected_gross_margin"]),
            calibration=row["calibration"],
            path="with_history" if asked.events_before[i] else "without_history",
            trend=_trend(estimator, before.get(i), row["conversion_probability"]),
            earlier_probability=None if i not in before else round(before[i], 6),
            events_ignored=asked.events_ignored[i],
            reasons=reasons[i],
            unseen=estimator.encoder_.unseen({n: v[i] for n, v in columns.items()}),
        )
        for i, row in enumerate(found)
    ]


def _rounded(yuan: float | None) -> float | None:
    return None if yuan is None else round(yuan, 2)


def _trend(estimator: LeadScoringEstimator, before: float | None, now: float) -> Trend | None:
    if before is None:
        return None
    change = float(logit(now) - logit(before))
    if abs(change) < estimator.params.trend_log_odds:
        return "steady"
    return "rising" if change > 0 else "falling"


def _reasons(estimator: LeadScoringEstimator, rows: pl.DataFrame) -> list[LeadReasons]:
    speaking = estimator.reason_map_

    def said(found: list[tuple[int, float]], raising: bool) -> list[LeadReason]:
        words = [(k, speaking.texts[k], e) for k, e in found]
        at: Any = slice(0, 2) if raising else slice(2, 4)
        return [
            LeadReason.model_construct(code=speaking.codes[k], zh=t[at][0], en=t[at][1], log_odds=round(e, 4))
            for k, t, e in words
        ]

    both = [largest(row, speaking) for row in estimator.contributions(rows)]
    return [LeadReasons.model_construct(positive=said(up, True), negative=said(down, False)) for up, down in both]
