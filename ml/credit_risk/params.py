"""Section `params` of `configs/credit_risk.yaml`."""

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

# All loans are compared at one rate: the rate offered later depends on the predicted risk.
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
    """One reason code: its features and its sentence in both languages.

    Attributes
    ----------
    features : tuple of str
        Features whose contributions are added under this code, including derived features.
    zh, en : str
        Sentence that a finance officer can say to the customer.
    """

    features: tuple[str, ...] = Field(min_length=1)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class CreditParams(Section):
    """Parameters of `CreditRiskEstimator`.

    Attributes
    ----------
    estimator : {'boosted_trees', 'woe_scorecard'}
        Model class.
    boosted_trees, woe_scorecard : mapping
        Constructor parameters of `ml.estimators.boosted_trees.BoostedTrees` and
        `ml.estimators.woe_scorecard.WoeScorecard`.
    monotone : mapping of str to {-1, 0, 1}
        Monotonicity constraints of the probability of default by feature (boosted trees): -1 falling, 1 rising, 0 none.
        They extend and override `MONOTONE`.
    derived : mapping of str to {operation: arguments}
        Additional derived columns, such as ``{"loan_to_value": {"ratio": ["loan_amount", "vehicle_price"]}}``;
        `ml.domain.columns.derived_columns` lists the operations. They extend and override `DERIVED`.
    calibration : str
        Calibration method, one of `ml.estimators.calibration.METHODS`; fitted on held-out rows.
    points : PointsScale
        `base_points` at `base_odds` (good to bad) and `points_to_double_odds`.
    target_bad_rate : float
        Maximum bad rate of all approved applications, a fraction; sets the approval cut-off.
    maximum_marginal_bad_rate : float or None
        Maximum bad rate at the decline cut-off, a fraction; None for four times the target.
    outcome_window_months : int or None
        Months after payout within which a default counts; the horizon of the probability of default. None if unknown.
    reasons : mapping of str to ReasonText
        Additional reason codes; they replace the built-in codes of their features.
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
    outcome_window_months: int | None = Field(None, ge=1, le=120)
    reasons: dict[str, ReasonText] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_derivations(self) -> Self:
        derived.check_derivations(self.derived)
        return self
