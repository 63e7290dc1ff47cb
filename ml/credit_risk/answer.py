"""Response of the `credit_risk` endpoint: probability of default, score, band and reasons of an application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ml.credit_risk.estimator import CreditRiskEstimator
from ml.domain.credit import reason_codes
from ml.plausibility import FieldWarnings, field_warnings
from ml.requests import MissingFields, columns_of, missing_features, request_model
from ml.signature import STORE, Signature

MAX_DIFFERENCES = 6


class CreditReason(BaseModel):
    """One adverse reason, compared with applicants at the approval cut-off."""

    code: str
    zh: str = Field(description="sentence for the customer, in Chinese")
    en: str = Field(description="sentence for the customer, in English")
    points: float = Field(description="effect on the score in points, below 0")
    share: float = Field(description="share of all adverse reasons, 0 to 1")


class CreditDifference(BaseModel):
    """What one topic adds to the score, compared with applicants at the approval cut-off."""

    code: str
    zh: str = Field(description="topic in Chinese, such as 征信评分")
    en: str = Field(description="topic in English")
    points: int = Field(description="effect on the score; below 0 lowers it")


class CreditRiskAnswer(BaseModel):
    """Score, band and reasons of one application."""

    model_config = ConfigDict(frozen=True)

    application_id: str | None = None
    probability_of_default: float = Field(description="calibrated; the horizon is that of the training labels")
    score: int = Field(description="points; a higher score means less risk")
    band: Literal["approve", "refer", "decline"] = Field(
        description="pre-assessment: approve 预审通过, refer 人工审核, decline 预审拒绝"
    )
    approve_at_most: float = Field(description="approval cut-off: largest probability of default that is approved")
    decline_above: float = Field(description="probability of default above which an application is declined")
    approve_from_score: int | None = Field(description="score at the approval cut-off; null if that is 0 or 1")
    decline_below_score: int | None = Field(
        description="score at the cut-off above which an application is declined; null if that is 0 or 1"
    )
    reasons: list[CreditReason] | None = Field(None, description="at most four, largest first; null without explain")
    differences: list[CreditDifference] | None = Field(
        None, description="topics that lower or raise the score, the largest effects first; null without explain"
    )
    other_points: int | None = Field(
        None,
        description="all other topics and the calibration: with `differences` they add up to `score` less "
        "`approve_from_score`; null without explain, or without that score",
    )
    unseen: list[str] = Field(
        default_factory=list, description="fields whose value does not occur in the training rows; treated as missing"
    )
    missing: MissingFields = []
    warnings: FieldWarnings = []


def request(signature: Signature) -> type[BaseModel]:
    """Return the request model of one application.

    Parameters
    ----------
    signature : Signature
        Fields of an application:
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk")).estimator.signature``.

    Returns
    -------
    type
        Pydantic model with the fields of the signature; amounts in yuan, unknown fields are errors.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> income = Field(name="monthly_income", kind="integer", unit="fen", feature=True)
    >>> request(Signature(fields=(income,)))(monthly_income=15_000.0).monthly_income
    15000.0
    """
    return request_model("CreditRiskRequest", signature)


def respond(
    estimator: CreditRiskEstimator, requests: Sequence[BaseModel], *, explain: bool = True
) -> list[CreditRiskAnswer]:
    """Return the answers to applications, in the order of the requests.

    Parameters
    ----------
    estimator : ml.credit_risk.estimator.CreditRiskEstimator
        Fitted: as returned by its method `fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    requests : sequence of pydantic.BaseModel
        Instances of `request(estimator.signature)`; amounts in yuan.
    explain : bool
        Whether to compute reasons; they take most of the computing time.

    Returns
    -------
    list of CreditRiskAnswer
        `probability_of_default` (0 to 1), `score` (points), `band` ("approve", "refer" or "decline"), the cut-offs and,
        with `explain`, `reasons`.
    """
    ids = [getattr(application, "application_id", None) for application in requests]
    return answers(estimator, columns_of(requests, estimator.signature), ids=ids, explain=explain)


def decision(request: BaseModel, answer: CreditRiskAnswer) -> dict[str, Any]:
    """Return what the decision log keeps of an answer: outcome, store, figures, cut-offs and reasons.

    Parameters
    ----------
    request : pydantic.BaseModel
        Of which the store is read; no other field is copied.
    answer : CreditRiskAnswer
        As returned by `respond`.

    Returns
    -------
    dict
        JSON content: `outcome` is the band; `reasons` is None for an answer without reasons.

    Examples
    --------
    >>> from ml.requests import request_model
    >>> from ml.signature import Field, Signature
    >>> application = request_model("Loan", Signature(fields=(Field(name="store_id", kind="text"),)))(store_id="S0001")
    >>> answer = CreditRiskAnswer(
    ...     probability_of_default=0.02, score=640, band="approve", approve_at_most=0.03, decline_above=0.05,
    ...     approve_from_score=631, decline_below_score=610)
    >>> decision(application, answer)["outcome"], decision(application, answer)["store_id"]
    ('approve', 'S0001')
    """
    return {
        "outcome": answer.band,
        "store_id": getattr(request, STORE, None),
        "probability_of_default": answer.probability_of_default,
        "score": answer.score,
        "approve_at_most": answer.approve_at_most,
        "decline_above": answer.decline_above,
        "reasons": answer.reasons,
    }


def answers(
    estimator: CreditRiskEstimator,
    columns: Mapping[str, Sequence[Any]],
    *,
    ids: Sequence[str | None],
    explain: bool = True,
) -> list[CreditRiskAnswer]:
    """Return the answers to rows of the raw table.

    Parameters
    ----------
    estimator : ml.credit_risk.estimator.CreditRiskEstimator
        Fitted: as returned by its method `fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    columns : mapping of str to sequence
        Columns of `estimator.signature`, one value per row, amounts in fen, such as returned by
        `ml.requests.columns_of`.
    ids : sequence of str or None
        `application_id` of each row.
    explain : bool
        Whether to compute reasons.

    Returns
    -------
    list of CreditRiskAnswer
        In the order of the rows: `probability_of_default` (0 to 1), `score` (points), `band` ("approve", "refer" or
        "decline"), the cut-offs and, with `explain`, `reasons`.
    """
    matrix = estimator.encoder_.transform(columns)
    probability = estimator.probability_of_default(matrix)
    scores, bands = estimator.points(probability).tolist(), estimator.bands(probability).tolist()
    reasons = estimator.reasons(matrix) if explain else None
    effects = estimator.differences(matrix) if explain else None
    approve = estimator.policy_["approve"]
    decline = max(estimator.policy_["decline"], approve)
    approve_score, decline_score = (_score_at(estimator, cut_off) for cut_off in (approve, decline))
    categorical, signature = estimator.encoder_.categorical, estimator.signature
    return [
        CreditRiskAnswer.model_construct(
            application_id=ids[i],
            probability_of_default=round(value, 6),
            score=int(scores[i]),
            band=bands[i],
            approve_at_most=approve,
            decline_above=decline,
            approve_from_score=approve_score,
            decline_below_score=decline_score,
            reasons=None if reasons is None else [_reason(r) for r in reasons[i]],
            **_differences(estimator, effects, i, None if approve_score is None else int(scores[i]) - approve_score),
            unseen=estimator.encoder_.unseen({n: columns[n][i] for n in categorical}),
            missing=missing_features(columns, i, signature),
            warnings=field_warnings(columns, i, signature),
        )
        for i, value in enumerate(probability.tolist())
    ]


def _score_at(estimator: CreditRiskEstimator, probability: float) -> int | None:
    """Return the score of a cut-off; None for one that approves or declines everybody, whose odds are not finite."""
    return int(estimator.points(np.array([probability]))[0]) if 0 < probability < 1 else None


def _reason(reason: reason_codes.Reason) -> CreditReason:
    return CreditReason.model_construct(
        code=reason.code,
        zh=reason.text["zh"],
        en=reason.text["en"],
        points=round(reason.points, 1),
        share=round(reason.share, 4),
    )


def _differences(estimator: CreditRiskEstimator, effects: Any, i: int, distance: int | None) -> dict[str, Any]:
    """Return the largest effects in whole points, and the points that remain to the distance from the cut-off."""
    if effects is None:
        return {}
    points = np.rint(effects[i]).astype(int)
    order = np.argsort(-np.abs(effects[i]), kind="stable")[:MAX_DIFFERENCES]
    shown = [int(j) for j in order if points[j] != 0]
    codes = estimator.groups_.codes
    topics = [estimator.topic(codes[j]) for j in shown]
    differences = [
        CreditDifference(code=codes[j], zh=topic["zh"], en=topic["en"], points=int(points[j]))
        for j, topic in zip(shown, topics, strict=True)
    ]
    rest = None if distance is None else distance - sum(int(points[j]) for j in shown)
    return {"differences": differences, "other_points": rest}
