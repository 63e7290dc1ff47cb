"""What `configs/credit_risk.yaml` may set under `params`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from features.yaml_config import Section
from ml.domain.columns import derived_columns as derived
from ml.domain.credit.points import PointsScale
from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.calibration import METHODS
from ml.estimators.woe_scorecard import WoeScorecard
from ml.params import nested, params_model

BoostedTreesParams = params_model(BoostedTrees, without=("categorical", "monotone"))
WoeScorecardParams = params_model(WoeScorecard, without=("categorical", "monotone"))

# A mortgage-like reference: the burden of a loan is compared at one rate, whatever rate it would later be priced at.
REFERENCE_ANNUAL_RATE = 0.06

DERIVED: dict[str, dict[str, list[str | float]]] = {
    "loan_to_value": {"ratio": ["loan_amount", "vehicle_price"]},
    "down_payment_share": {"ratio": ["down_payment", "vehicle_price"]},
    "instalment": {"instalment": ["loan_amount", "term_months", REFERENCE_ANNUAL_RATE]},
    "payment_to_income": {"ratio": ["instalment", "monthly_income"]},
    "total_monthly_payment": {"sum": ["instalment", "monthly_debt_payment"]},
    "debt_to_income": {"ratio": ["total_monthly_payment", "monthly_income"]},
    "loan_to_monthly_income": {"ratio": ["loan_amount", "monthly_income"]},
}

MONOTONE: dict[str, int] = {
    "loan_to_value": 1,
    "payment_to_income": 1,
    "debt_to_income": 1,
    "employment_months": -1,
    "bureau_score": -1,
    "bureau_enquiries_6m": 1,
    "bureau_delinquencies_24m": 1,
    "bureau_worst_days_past_due": 1,
}


class ReasonText(Section):
    """One reason code: which features speak under it, and its text in both languages.

    Attributes
    ----------
    features : tuple of str
        Feature names, derived ones included.
    zh, en : str
        What the applicant and the officer read.
    """

    features: tuple[str, ...] = Field(min_length=1)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class CreditParams(Section):
    """Parameters of the credit-risk estimator.

    Attributes
    ----------
    estimator : {'boosted_trees', 'woe_scorecard'}
        Which learner.
    boosted_trees, woe_scorecard : mapping
        Constructor parameters of the two, see `ml.estimators`.
    monotone : mapping of str to {-1, 0, 1}
        Direction in which a feature may move the probability of default (boosted trees); added to those of
        `MONOTONE` that the data has, 0 lifts one.
    derived : mapping of str to {operation: arguments}
        Own derived columns, see `ml.domain.columns.derived_columns`; added to those of `DERIVED` that the data allows.
    calibration : str
        How log-odds become probabilities, on the calibration slice.
    points : mapping
        `base_points` at `base_odds` (good to bad) and `points_to_double_odds`.
    target_bad_rate : float
        Bad rate of the approved, as a fraction: sets the approval cut-off.
    maximum_marginal_bad_rate : float or None
        Bad rate at the margin above which an application is declined; None: four times the target.
    reasons : mapping of code to text
        Own reason codes; they replace the built-in codes of the features they name.
    """

    estimator: Literal["boosted_trees", "woe_scorecard"] = "boosted_trees"
    boosted_trees: nested(BoostedTreesParams) = BoostedTreesParams()  # type: ignore[valid-type]
    woe_scorecard: nested(WoeScorecardParams) = WoeScorecardParams()  # type: ignore[valid-type]
    monotone: dict[str, Literal[-1, 0, 1]] = Field(default_factory=dict)
    derived: dict[str, dict[str, list[str | float]]] = Field(default_factory=dict)
    calibration: Literal[METHODS] = "isotonic"  # type: ignore[valid-type]
    points: PointsScale = PointsScale()
    target_bad_rate: float = Field(0.012, gt=0, lt=1)
    maximum_marginal_bad_rate: float | None = Field(None, gt=0, lt=1)
    reasons: dict[str, ReasonText] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _operations(self) -> Self:
        derived.check_derivations(self.derived)
        return self
