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
        Faults reported since the first test week, and their expected value at the normal rate of the model.
    log_evidence : float
        Natural logarithm of the e-value.
    """

    evaluated_on: date
    count: float
    expected: float
    log_evidence: float


class Option(BaseModel):
    """One way of inspecting the same vehicles over the same horizon. Money in yuan, discounted to today.

    Attributes
    ----------
    name : {'call_in_now', 'with_next_service', 'each_at_its_best'}
        Moment of the inspection; the last takes the better of the two for each vehicle.
    visits, days : float
        Vehicles expected to be inspected, and mean days until then.
    avoided, avoided_low, avoided_high : float
        Faults avoided within the horizon: mean, 5% and 95% quantile over the posterior of the rate ratio.
    cost, benefit, net, net_low, net_high : float or None
        Of the inspections, of the avoided faults, their difference and its 5% and 95% quantile; None where no fault
        cost is known.
    break_even_months : float or None
        Months after which the benefits have paid the cost; None where they do not within the horizon.
    break_even_cost : float or None
        Cost of one inspection at which the option just pays.
    """

    name: Literal["call_in_now", "with_next_service", "each_at_its_best"]
    visits: float
    days: float
    avoided: float
    avoided_low: float
    avoided_high: float
    cost: float | None
    benefit: float | None
    net: float | None
    net_low: float | None
    net_high: float | None
    break_even_months: float | None
    break_even_cost: float | None


class Plan(BaseModel):
    """Whether and which of the affected vehicles to inspect, over the time for which a repair lasts.

    Attributes
    ----------
    verdict : {'call_in_now', 'with_next_service', 'not_worth_on_cost', 'inspect_all'} or None
        'inspect_all' for a safety component, whatever it costs; None where no fault cost is known.
    text : Text
        The verdict with its reason, in Chinese and English.
    years : float
        Horizon of faults and money: `repair_years` of the rules.
    vehicles, to_inspect, call_in : int
        Affected vehicles in service; those to inspect; and those of them to call in now, the others being inspected at
        their next service.
    faults : float
        Faults expected of all affected vehicles within the horizon, without a campaign.
    options : list of Option
        Compared on the vehicles to inspect, or on all affected ones where none pays; the last is the plan itself.
    complaints_avoided, customers_kept : float
        Of the plan: avoided faults times `complaint_probability` and `customer_loss_probability` of the rules.
    break_even_value, break_even_value_all : float or None
        Yuan that one avoided fault must be worth, repair and everything else, so that inspecting the first vehicle
        pays, and inspecting all affected ones.
    parts_weeks, parts_to_stock : int
        Parts that suffice for inspections and faults of the first weeks, with the probability `parts_service_level` of
        the rules.
    """

    verdict: Literal["call_in_now", "with_next_service", "not_worth_on_cost", "inspect_all"] | None
    text: Text
    years: float
    vehicles: int
    to_inspect: int
    call_in: int
    faults: float
    options: list[Option]
    complaints_avoided: float
    customers_kept: float
    break_even_value: float | None
    break_even_value_all: float | None
    parts_weeks: int
    parts_to_stock: int


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
    model_year_from, model_year_until : int or None
        First and last affected model year; None where builds are known by their date, or all are affected alike.
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
    model_year_from: int | None
    model_year_until: int | None
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
        Faults reported since the first test week, and their expected value at the normal rate of the model.
    expected_weekly : float
        Expected faults per week, mean of the last 13 weeks.
    rate_ratio, low, high : float
        Fault rate over the normal rate of the model: posterior mean and 90% credible limits.
    own_ratio : float
        Normal rate of the model over the baseline rate of the component: 1.2 for a model that fails 20% more often than
        the others, without a fault.
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
    own_ratio: float
    log_evidence: float
    alarm_threshold: float
    alarm: bool
    evidence: list[Week] = []


class RaisedCell(BaseModel):
    """Component of a model that failed more often than that of the other models from the start.

    Its higher rate is its normal rate: it raises no alarm, and is listed instead.

    Attributes
    ----------
    count, expected : float
        Faults of the reference weeks, and their expected value at the rate of the other models.
    rate_ratio, low, high : float
        Fault rate over that of the other models: posterior mean and 90% credible limits.
    """

    model: str
    component: str
    count: int
    expected: float
    rate_ratio: float
    low: float
    high: float


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
    raised : list of RaisedCell
        Matching components above those of the other models in the reference weeks already; the expected number of
        wrong ones among all cells is at most `false_alarm_rate`.
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
    raised: list[RaisedCell]
    cell: Cell | None
    notes: list[str]
