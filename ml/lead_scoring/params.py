"""Parameters of lead scoring: the section `params` of `configs/lead_scoring.yaml`."""

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
    """Fixed lowest probability of the grades A, B and C; the rest is D. They keep grades comparable over time."""

    A: float = Field(0.40, gt=0, lt=1)
    B: float = Field(0.25, gt=0, lt=1)
    C: float = Field(0.12, gt=0, lt=1)

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if not self.A > self.B > self.C:
            raise ValueError(f"grades must fall from A to C, got A {self.A:g}, B {self.B:g}, C {self.C:g}")
        return self


class LeadText(Section):
    """Reason texts for features: if they raise the probability of a sale, and if they lower it, in two languages."""

    features: tuple[str, ...] = Field(min_length=1)
    zh_raises: str
    en_raises: str
    zh_lowers: str
    en_lowers: str


class LeadParams(Section):
    """Parameters of `lead_scoring`; ``LeadParams()`` has the defaults, a wrong value raises `pydantic.ValidationError`.

    Attributes
    ----------
    horizon_days : float
        The label is 1 if the lead buys within this many days after it is scored.
    rescore_days : tuple of float
        Days after creation at which leads that are still open become further training rows, so that scores of older
        leads are calibrated.
    boosted_trees : params of BoostedTrees
        Hyperparameters of the learner.
    derived : mapping
        Further derived columns, such as ``{"price_gap": {"difference": ["budget", "price"]}}``;
        `ml.domain.columns.derived_columns` lists the operations.
    calibration : str
        Method that maps log-odds to probabilities, fitted to the calibration rows; one of
        `ml.estimators.calibration.METHODS`.
    dealer : str
        Column with the dealer or store.
    dealer_calibration_rows : int
        Minimum number of calibration rows of a dealer for its own calibration shift.
    rates : tuple of tuples of str, or None
        Groups of columns whose conversion rates, shrunken and cross-fitted, are features. None: dealer, channel, dealer
        and channel, campaign, and model, if the data have these columns.
    margin_by : str
        Column by which the mean gross margin of a sale is estimated, with shrinkage.
    capacity_per_day : float or None
        Calls of the whole desk on a working day. The limits of the grades are estimated on the calibration rows: A has
        as many new leads as the desk can call on the day they come in, B, C and D a third each of the others. None: the
        limits are fixed.
    calls_per_lead : float
        Calls that a lead needs on average; the desk can call ``capacity_per_day / calls_per_lead`` new leads a day.
    working_days_per_week : int
        Working days of the desk in a week.
    grades : Grades or None
        Fixed lowest probabilities of the grades, in place of `capacity_per_day`. None with `capacity_per_day` None:
        the defaults of `Grades`.
    events_after_as_of : {'refuse', 'ignore'}
        Whether a request with events after its `as_of` is an error, or the events are ignored and counted.
    trend_days : float
        Days between the score and the earlier score that the trend compares it with.
    trend_log_odds : float
        Lowest absolute change of the log-odds that is a rising or falling trend.
    channel_months : float
        Months before the last training row that the table of channels covers.
    cost_per_lead_ceiling : float
        Yuan per lead above which a channel has an alert.
    reasons : mapping of code to LeadText
        Reason texts of the dealership; they replace the built-in reasons of their features.
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
    capacity_per_day: float | None = Field(None, gt=0, le=100_000, allow_inf_nan=False)
    calls_per_lead: float = Field(1, ge=1, le=100, allow_inf_nan=False)
    working_days_per_week: int = Field(7, ge=1, le=7)
    grades: Grades | None = None
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
            raise ValueError(f"rescore_days: each must be above 0 and at most 365 days, got {list(value)}")
        return value

    @model_validator(mode="after")
    def _one_rule_for_grades(self) -> Self:
        if self.grades is not None and self.capacity_per_day is not None:
            raise ValueError(
                "set capacity_per_day (grades sized to the desk) or grades (fixed limits), not both, got "
                f"{self.capacity_per_day:g} and {self.grades.A:g}, {self.grades.B:g}, {self.grades.C:g}; remove one"
            )
        return self

    @property
    def fixed_grades(self) -> Grades:
        """Return the fixed limits of the grades, which hold without `capacity_per_day`."""
        return Grades() if self.grades is None else self.grades

    @model_validator(mode="after")
    def _operations(self) -> Self:
        derived.check_derivations(self.derived)
        return self
