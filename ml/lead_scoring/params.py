"""What `configs/lead_scoring.yaml` may set under `params`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from features.yaml_config import Section
from ml.domain.columns import derived_columns as derived
from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.calibration import METHODS
from ml.params import nested, params_model

BoostedTreesParams = params_model(BoostedTrees, without=["categorical", "monotone"])


class Grades(Section):
    """Least probability of each grade; below the last it is D. Absolute, so that a grade means the same every month."""

    A: float = Field(0.40, gt=0, lt=1)
    B: float = Field(0.25, gt=0, lt=1)
    C: float = Field(0.12, gt=0, lt=1)

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if not self.A > self.B > self.C:
            raise ValueError(f"grades must fall from A to C, got A {self.A:g}, B {self.B:g}, C {self.C:g}")
        return self


class LeadText(Section):
    """Own words for features: what is said when they raise the chance of a sale, and when they lower it."""

    features: tuple[str, ...] = Field(min_length=1)
    zh_raises: str
    en_raises: str
    zh_lowers: str
    en_lowers: str


class LeadParams(Section):
    """Parameters of `lead_scoring`.

    Attributes
    ----------
    horizon_days : float
        A lead converts if it buys within so many days from the moment it is scored.
    rescore_days : tuple of float
        Days after creation at which leads still open are learnt from once more, so that a score later on is right too.
    boosted_trees : params of BoostedTrees
        The learner.
    derived : mapping
        More derived columns, see `ml.domain.columns.derived_columns`.
    calibration : str
        How log-odds become probabilities, on the calibration slice.
    dealer : str
        Column that names the dealer or store.
    dealer_calibration_rows : int
        Leads of the calibration slice that a dealer needs to be calibrated by itself.
    rates : tuple of tuples of str, or None
        Groups whose conversion rates, shrunken and cross-fitted, are features; None: the dealer, the channel, both
        together, the campaign and the model, as far as there are such columns.
    margin_by : str
        Column by which the gross margin of a sale is learnt, shrunken.
    grades : Grades
        Thresholds of probability.
    events_after_as_of : {'refuse', 'ignore'}
        What a request's events after its `as_of` are: an error, or passed over and counted.
    trend_days : float
        How far back the score lies that a trend compares with.
    trend_log_odds : float
        Least change of the log-odds that is called rising or falling.
    channel_months : float
        How far back leads count for the table of channels.
    cost_per_lead_ceiling : float
        Yuan a lead above which a channel raises an alert.
    reasons : mapping of code to LeadText
        Own words; they replace the built-in codes of the features they name.
    """

    horizon_days: float = Field(30, gt=0, le=3_650)
    rescore_days: tuple[float, ...] = (3, 7, 14)
    boosted_trees: nested(BoostedTreesParams) = BoostedTreesParams()  # type: ignore[valid-type]
    derived: dict[str, dict[str, list[str | float]]] = Field(default_factory=dict)
    calibration: Literal[METHODS] = "beta"  # type: ignore[valid-type]
    dealer: str = "store_id"
    dealer_calibration_rows: int = Field(200, ge=20)
    rates: tuple[tuple[str, ...], ...] | None = None
    margin_by: str = "model"
    grades: Grades = Grades()
    events_after_as_of: Literal["refuse", "ignore"] = "refuse"
    trend_days: float = Field(7, gt=0, le=365)
    trend_log_odds: float = Field(0.2, gt=0)
    channel_months: float = Field(12, gt=0)
    cost_per_lead_ceiling: float = Field(50, ge=0)
    reasons: dict[str, LeadText] = Field(default_factory=dict)

    @field_validator("rescore_days")
    @classmethod
    def _later(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < day <= 365 for day in value):
            raise ValueError(f"rescore_days must lie above 0 and be at most 365, got {list(value)}")
        return value

    @model_validator(mode="after")
    def _operations(self) -> Self:
        derived.check_derivations(self.derived)
        return self
