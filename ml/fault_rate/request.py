"""A question about faults, and its answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.signature import Name, RequestPart, Signature

Day = Annotated[date, Field(strict=False, ge=date(1970, 1, 2), lt=date(2100, 1, 1))]
State = Literal["open", "acknowledged", "campaign", "closed"]


class FaultRequest(RequestPart):
    """Which alarms are asked for; all of them where nothing is given.

    Attributes
    ----------
    model, component : str or None
        Of the alarms; both together also tell how the two stand without one.
    since, until : date or None
        Days between which (both included) the alarm was first known.
    states : tuple of str
        Only alarms in one of these states of the store; empty for any.
    """

    model: Name | None = None
    component: Name | None = None
    since: Day | None = None
    until: Day | None = None
    states: tuple[State, ...] = Field((), max_length=4, strict=False)


def request(signature: Signature) -> type[BaseModel]:
    """The request model: the same for every version."""
    return FaultRequest


class Week(BaseModel):
    """What one week told: faults known by its end of those since the watch began, those expected, and the evidence."""

    evaluated_on: date
    count: float
    expected: float
    log_evidence: float


class Plan(BaseModel):
    """What calling in the vehicles of an alarm brings over the days to come.

    Attributes
    ----------
    vehicles : int
        In service, of the builds concerned.
    faults, avoided : float
        If nothing is done, and how many fewer if they are called in; `low` and `high` are 5 and 95 % quantiles.
    expected_visits : float
        Vehicles that come.
    parts_to_stock : int
        For those and for the faults that are left, enough with the chance that the rules ask for.
    campaign_cost, avoided_cost : float or None
        yuan; None where no cost is known.
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


class Alarm(BaseModel):
    """A component of a model that fails more than it should.

    Attributes
    ----------
    alarm_id, state : int, str or None
        In the store of alarms; None until the weekly run has recorded it.
    detected_on : date
        First day on which it was known.
    built_from, built_until : date or None
        Builds concerned, from the one until (not on) the other; None where all are alike.
    count, expected : float
        Faults of those builds, and those to be expected.
    rate_ratio, low, high : float
        How many times the usual rate, with a 90 % credible interval.
    probability_notable : float
        That the ratio exceeds 1.5.
    log_evidence, alarm_threshold : float
        The strongest_cell evidence so far, and the one that raises the alarm.
    plan : Plan or None
        None where the fleet is not known.
    evidence : list of Week
        Only where reasons were asked for.
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
    """How a component of a model stands, with an alarm or without.

    Attributes
    ----------
    count, expected : float
        Faults known of those since the watch began, and those to be expected.
    rate_ratio, low, high : float
        How many times the usual rate, with a 90 % credible interval.
    expected_weekly : float
        Faults to be expected in a week as of late.
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
    """The alarms asked for, the strongest_cell first.

    Attributes
    ----------
    basis : {'exposure', 'reports'}
        What faults are compared with: vehicles in the field, or, without a fleet table, reports alone.
    tested_from, data_until : date
        First day watched, and last day whose reports are known.
    cells_tested : int
        Components of models that are watched.
    false_alarm_rate : float
        Chance of any false alarm among them, promised.
    """

    basis: Literal["exposure", "reports"]
    tested_from: date
    data_until: date
    cells_tested: int
    false_alarm_rate: float
    alarms: list[Alarm]
    cell: Cell | None
    notes: list[str]
