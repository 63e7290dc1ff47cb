"""Request and response of `POST /v1/fault_rate`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.signature import Name, RequestPart, Signature

Day = Annotated[date, Field(strict=False, ge=date(1920, 1, 1), lt=date(2100, 1, 1))]
State = Literal["open", "acknowledged", "campaign", "closed"]


class FaultRequest(RequestPart):
    """Filter on the quality alarms; without any field, all of them.

    Attributes
    ----------
    model, component : str or None
        Alarms of this model, of this component. With both, the response also has the state of this cell, with or
        without an alarm.
    since, until : date or None
        First and last day (both included) on which the alarm was detected.
    states : tuple of str
        Only alarms in one of these states: 'open', 'acknowledged', 'campaign', 'closed'; empty for every state.
    """

    model: Name | None = None
    component: Name | None = None
    since: Day | None = None
    until: Day | None = None
    states: tuple[State, ...] = Field((), max_length=4, strict=False)


def request(signature: Signature) -> type[BaseModel]:
    """Return `ml.fault_rate.request.FaultRequest`, the same for every version; `signature` is not read.

    Called by `ml.endpoint.task_endpoint`.
    """
    return FaultRequest


class Week(BaseModel):
    """Cumulative figures of a cell at the end of one test week.

    Attributes
    ----------
    evaluated_on : date
        The day after the week; the figures contain the faults reported before it.
    count, expected : float
        Faults reported since the first test week, and their expected value at the baseline rate.
    log_evidence : float
        Natural logarithm of the e-value.
    """

    evaluated_on: date
    count: float
    expected: float
    log_evidence: float


class Plan(BaseModel):
    """Effect of inspecting the affected vehicles, over the next `days` days.

    Attributes
    ----------
    vehicles : int
        Affected vehicles in service.
    faults : float
        Expected faults without an inspection campaign.
    avoided, avoided_low, avoided_high : float
        Faults that the campaign avoids: mean, 5% and 95% quantile.
    expected_visits : float
        Vehicles expected to visit the workshop when invited.
    parts_to_stock : int
        Parts for the inspected vehicles and the remaining faults, sufficient with the probability
        `parts_service_level` of the rules.
    campaign_cost, avoided_cost : float or None
        Cost of the campaign and of the faults that it avoids (yuan); None where no fault cost is known.
    inspect_all : bool
        Whether lives depend on the component: all vehicles are inspected, whatever the cost.
    """

    days: int
    vehicles: int
    faults: float
    avoided: float
    avoided_low: float
    avoided_high: float
    expected_visits: float
    parts_to_stock: int
    campaign_cost: float | None
    avoided_cost: float | None
    inspect_all: bool


class Alarm(BaseModel):
    """Quality alarm: a component of a model with an elevated fault rate.

    Attributes
    ----------
    alarm_id, state : int, str or None
        Id and state in the alarm store; None before the weekly run has recorded the alarm.
    detected_on : date
        First day on which the log evidence reached the alarm threshold.
    built_from, built_until : date or None
        Affected builds, from the first day and before the second; None where all builds are affected alike.
    count, expected : float
        Observed faults of the affected builds, and their expected value at the baseline rate.
    rate_ratio, low, high : float
        Fault rate over its baseline: posterior mean and 90% credible limits, shrunk towards 1; therefore not exactly
        `count / expected`.
    probability_notable : float
        Posterior probability that the rate ratio exceeds 1.5.
    log_evidence, alarm_threshold : float
        Highest log evidence so far, and the log evidence at which the cell raises an alarm.
    plan : Plan or None
        None without a fleet table.
    text : Text
        The alarm as a sentence, in Chinese and English.
    evidence : list of Week
        Week by week; empty unless the request has `explain=true`.
    """

    alarm_id: int | None
    state: State | None
    model: str
    component: str
    detected_on: date
    built_from: date | None
    built_until: date | None
    count: int
    expected: float
    rate_ratio: float
    low: float
    high: float
    probability_notable: float
    log_evidence: float
    alarm_threshold: float
    plan: Plan | None
    text: Text
    evidence: list[Week] = []


class Cell(BaseModel):
    """State of one component of one model, with or without an alarm.

    Attributes
    ----------
    count, expected : float
        Faults reported since the first test week, and their expected value at the baseline rate.
    expected_weekly : float
        Expected faults per week, mean of the last 13 weeks.
    rate_ratio, low, high : float
        Fault rate over its baseline: posterior mean and 90% credible limits.
    log_evidence, alarm_threshold : float
        Highest log evidence so far, and the log evidence at which the cell raises an alarm.
    alarm : bool
        Whether the log evidence has reached the threshold.
    evidence : list of Week
        Week by week; empty unless the request has `explain=true`.
    """

    model: str
    component: str
    count: float
    expected: float
    expected_weekly: float
    rate_ratio: float
    low: float
    high: float
    log_evidence: float
    alarm_threshold: float
    alarm: bool
    evidence: list[Week] = []


class FaultAnswer(BaseModel):
    """Quality alarms that match the request, the strongest evidence first.

    Attributes
    ----------
    basis : {'exposure', 'reports'}
        Denominator of the fault rates: vehicles in service, or workshop visits where there is no fleet table.
    tested_from, data_until : date
        First day of the test weeks, and last day of the reports.
    cells_tested : int
        Number of cells: components of models.
    false_alarm_rate : float
        Family-wise false-alarm rate: upper limit of the probability of one or more false alarms among all cells.
    alarms : list of Alarm
        Matching alarms.
    cell : Cell or None
        State of the requested cell; None unless the request names a model and a component.
    notes : list of str
        Records that were left out, and why.
    """

    basis: Literal["exposure", "reports"]
    tested_from: date
    data_until: date
    cells_tested: int
    false_alarm_rate: float
    alarms: list[Alarm]
    cell: Cell | None
    notes: list[str]
