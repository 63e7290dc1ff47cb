"""The answer to one application, as a finance officer or another system reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.credit_risk.estimator import CreditRiskEstimator
from ml.domain.credit import reason_codes
from ml.signature import Signature, columns_of, request_model


class CreditReason(BaseModel):
    """One adverse reason, measured against applicants at the approval cut-off."""

    code: str
    zh: str
    en: str
    points: float = Field(description="what the reason costs, in points of the score")
    share: float = Field(description="its share of everything adverse, 0 to 1")


class CreditRiskAnswer(BaseModel):
    """Score, band and reasons of one application."""

    model_config = ConfigDict(frozen=True)

    application_id: str | None = None
    probability_of_default: float = Field(description="calibrated, within the observation window of the training data")
    score: int = Field(description="points; more is safer")
    band: Literal["approve", "refer", "decline"]
    approve_at_most: float = Field(description="approval cut-off: highest probability of default that is approved")
    decline_above: float = Field(description="probability of default above which an application is declined")
    reasons: list[CreditReason] | None = Field(None, description="at most four, largest first; null if not asked for")
    unseen: list[str] = Field(
        default_factory=list, description="fields whose value never occurred in training: treated as missing"
    )


def request(signature: Signature) -> type[BaseModel]:
    """Build the request model of one application."""
    return request_model("CreditRiskRequest", signature)


def respond(
    estimator: CreditRiskEstimator, requests: Sequence[BaseModel], *, explain: bool = True
) -> list[CreditRiskAnswer]:
    """Answer applications, in their order.

    Parameters
    ----------
    estimator : CreditRiskEstimator
        A fitted one.
    requests : sequence
        Instances of `request(estimator.signature)`.
    explain : bool
        Whether to give reasons; they cost most of the time.
    """
    ids = [getattr(asked, "application_id", None) for asked in requests]
    return answers(estimator, columns_of(requests, estimator.signature), ids=ids, explain=explain)


def answers(
    estimator: CreditRiskEstimator,
    columns: Mapping[str, Sequence[Any]],
    *,
    ids: Sequence[str | None],
    explain: bool = True,
) -> list[CreditRiskAnswer]:
    """Answer rows of the raw table's columns; see `respond`."""
    matrix = estimator.encoder_.transform(columns)
    probability = estimator.probability_of_default(matrix)
    scores, bands = estimator.points(probability).tolist(), estimator.bands(probability).tolist()
    reasons = estimator.reasons(matrix) if explain else None
    approve = estimator.policy_["approve"]
    decline = max(estimator.policy_["decline"], approve)
    categorical = estimator.encoder_.categorical
    return [
        CreditRiskAnswer.model_construct(
            application_id=ids[i],
            probability_of_default=round(value, 6),
            score=int(scores[i]),
            band=bands[i],
            approve_at_most=approve,
            decline_above=decline,
            reasons=None if reasons is None else [_reason(r) for r in reasons[i]],
            unseen=estimator.encoder_.unseen({n: columns[n][i] for n in categorical}),
        )
        for i, value in enumerate(probability.tolist())
    ]


def _reason(found: reason_codes.Reason) -> CreditReason:
    return CreditReason.model_construct(
        code=found.code,
        zh=found.text["zh"],
        en=found.text["en"],
        points=round(found.points, 1),
        share=round(found.share, 4),
    )
