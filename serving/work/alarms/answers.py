"""Answers of `GET /v1/alarms` and `GET /v1/alarms/{alarm_id}`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from ml.bilingual import Text

State = Literal["open", "acknowledged", "watched", "campaign", "closed"]


class Figures(BaseModel):
    """Faults of the affected builds against those expected; the digits agree with each other."""

    count: int = Field(description="reported faults")
    expected: float = Field(description="at the normal rate of the model, one decimal")
    ratio: float = Field(description="count / expected, one decimal")
    shrunk: float = Field(description="ratio after shrinkage towards 1 (posterior mean), one decimal")
    low: float = Field(description="5% limit of `shrunk`")
    high: float = Field(description="95% limit of `shrunk`")


class Builds(BaseModel):
    """Affected builds; all null where all builds are affected alike."""

    built_from: str | None = Field(description="first day")
    built_until: str | None = Field(description="last day, included")
    model_year_from: int | None
    model_year_until: int | None


class AlarmRow(BaseModel):
    """A quality alarm of the list, or a component that is near to one."""

    id: int | None = Field(description="null: not in the alarm store")
    model: str
    component: str
    component_name: Text
    is_safety: bool = Field(description="no cost decides about it")
    state: State | None = Field(description="null without an alarm in the store")
    figures: Figures
    odds: float = Field(description="odds of a raised fault rate now, such as 6 for 6 to 1")
    detected_on: str | None = Field(description="day on which the odds first reached `odds_threshold`")
    moved_at: str | None = Field(description="instant of the last move")
    moved_by: str | None


class AlarmList(BaseModel):
    """Quality alarms of all states, the safety components and the open ones first."""

    items: list[AlarmRow]
    near: list[AlarmRow] = Field(description="components without an alarm whose odds are at least 1 to 10")
    open: int = Field(description="alarms that are open")
    not_closed: int
    components: int = Field(description="components of models that are tested each week")
    odds_threshold: float = Field(description="an alarm is raised from these odds on, such as 20 for 20 to 1")
    false_alarms: float = Field(description="probability of one or more false alarms, all components together")
    data_until: str = Field(description="last day of the reports")
    typical: dict[str, str] | None = Field(description="model and component of usual size, to ask about the power")
    problem: str | None = Field(description="why states are missing: the alarm store cannot be read")


class WeekRow(BaseModel):
    """Evidence at the end of a week."""

    week_end: str = Field(description="last day of the week")
    odds: float
    count: float = Field(description="faults of all builds since the first tested week")
    expected: float


class BuildRow(BaseModel):
    """Faults of the vehicles of a half-year of builds, over all records."""

    built_from: str
    built_until: str = Field(description="last day of the half-year")
    count: int
    expected: float
    ratio: float
    affected: bool


class Move(BaseModel):
    """A move of an alarm or report in the alarm store."""

    at: str
    by: str | None = Field(description="null: the weekly run")
    from_state: str | None
    to_state: str
    note: str | None


class Deed(BaseModel):
    """The last entry that holds of one kind of deed, such as the report to the maker."""

    sequence: int
    at: str
    person: str | None
    store_id: str | None
    content: dict[str, object]


class AlarmDetail(AlarmRow):
    """A component of a model: its evidence week by week, affected builds, plan, and what was done."""

    builds: Builds
    probability_notable: float | None = Field(description="of a rate above 1.5 times the normal one")
    odds_threshold: float
    data_until: str
    tested_from: str
    weeks: list[WeekRow]
    build_periods: list[BuildRow]
    accounted_for: list[str] = Field(description="what the expected faults take into account: age, distance, ...")
    model_level: float = Field(description="normal rate of the model over that of all models")
    plan: dict[str, object] | None = Field(description="as in /v1/fault_rate; null without a fleet table")
    moves: list[Move]
    next_states: list[State] = Field(description="states to which it may be moved")
    reported: Deed | None = Field(description="last report to the maker")
    sale_stopped: list[Deed] = Field(description="stops of sale that hold, by store")
    owners_notified: Deed | None
    sequence: int = Field(description="last entry: send it back with a move")
    notes: list[str]
