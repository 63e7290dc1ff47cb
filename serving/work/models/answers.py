"""Answers and bodies of the endpoints of the models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text

ModelState = Literal["no_champion", "worse", "drifted", "quiet", "not_tested", "not_monitored"]
GateState = Literal["champion", "passed", "failed", "outdated", "not_evaluated"]
MAX_REASON = 1_000


class MetricAnswer(BaseModel):
    """A metric on the hold-out rows, with the 95% interval and the same figure of the baseline."""

    name: str
    title: Text
    unit: Text | None
    format: str = Field(description="as in ml.report.formats: share, score, amount, ...")
    direction: Text | None = Field(description="which values are better")
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None


class CheckAnswer(BaseModel):
    """A condition of the promotion gate."""

    name: str
    passed: bool
    detail: str


class VersionRow(BaseModel):
    """A registered version."""

    version: int
    registered_at: str
    data_until: str | None = Field(description="last instant of the training rows")
    metric: MetricAnswer | None = Field(description="primary metric of its report")
    gate: GateState = Field(description="outdated: the gate compared it with another champion")
    checks: list[CheckAnswer]
    evaluated_at: str | None = Field(description="when the gate evaluated it")


class MoveAnswer(BaseModel):
    """A promotion, or a return to the champion before."""

    name: str
    title: Text
    version: int
    previous: int | None
    action: Literal["promote", "rollback"]
    who: str
    at: str
    reason: str
    forced: bool = Field(description="promoted although the gate did not allow it")


class DriftAnswer(BaseModel):
    """Result of the last monitoring run of the champion."""

    month: str
    at: str | None = Field(description="when the run was made")
    alarms: int = Field(description="series that changed by more than chance")
    tested: int
    since: str | None = Field(description="first month of the oldest alarm that lasts")
    first_alarm: Text | None = Field(description="title of the largest alarm")
    first_detail: Text | None
    calibration: float | None = Field(description="observed / predicted in the last months with outcomes")
    calibration_low: float | None = Field(description="95% limits while nothing changes")
    calibration_high: float | None
    advice: list[Text]


class ModelSummary(BaseModel):
    """A model with its champion."""

    name: str
    title: Text
    state: ModelState = Field(description="worse: outcomes; drifted: inputs or predictions")
    champion: VersionRow | None
    promotion: MoveAnswer | None = Field(description="the move that made it champion")
    data_until: str | None
    data_age_days: int | None = Field(description="from the last training row to now")
    challenger: VersionRow | None = Field(description="newest version that was registered after the champion")
    earlier: int | None = Field(description="version to which a rollback returns")
    drift: DriftAnswer | None
    commands: dict[str, str] = Field(description="what to run on the training machine: train, monitor, promote")


class ModelList(BaseModel):
    """All models, and the latest moves of all of them."""

    items: list[ModelSummary]
    moves: list[MoveAnswer] = Field(description="the last first")


class ModelDetail(ModelSummary):
    """A model with its versions and its history."""

    versions: list[VersionRow] = Field(description="the newest first")
    moves: list[MoveAnswer] = Field(description="the last first")
    last_sequence: int = Field(description="of the entries about this model")


class FeatureAnswer(BaseModel):
    """A feature that the model reads."""

    name: str
    title: Text


class TableAnswer(BaseModel):
    """A table from which the version was trained."""

    name: str
    rows: int
    quarantined: int
    fingerprint: str


class CardAnswer(BaseModel):
    """Model card: what the version is for, from which data it was made, and what limits it."""

    question: Text | None
    trained_at: str | None
    git_commit: str | None
    protocol: str
    features: list[FeatureAnswer]
    protected: list[str] = Field(description="attributes that the model must not read")
    limits: list[str]
    tables: list[TableAnswer]
    environment: dict[str, str]
    config: dict[str, Any]


class VersionAnswer(BaseModel):
    """A version with its report and its card."""

    name: str
    title: Text
    is_champion: bool
    row: VersionRow
    metrics: list[MetricAnswer] = Field(description="on the hold-out rows of this version, the primary metric first")
    report: dict[str, Any] = Field(description="as ml.report.report.Report")
    card: CardAnswer


class MonthAnswer(BaseModel):
    """Figure of a month."""

    month: str
    rows: int
    value: float | None
    is_alarm: bool


class SeriesAnswer(BaseModel):
    """A quantity that is watched month by month."""

    name: str
    group: Literal["drift", "performance"]
    title: Text
    unit: Text | None
    format: str
    before: float | None = Field(description="value in the training period or the hold-out rows")
    after: float | None
    low: float | None = Field(description="limits within which 95% of the months lie while nothing changes")
    high: float | None
    detail: Text | None
    reason: Text | None = Field(description="why the last month was not tested")
    effect: float | None
    p_value: float | None
    psi: float | None
    psi_expected: float | None
    is_alarm: bool
    since: str | None
    first_reported: str | None
    months: list[MonthAnswer]


class RunAnswer(BaseModel):
    """A monitoring run."""

    month: str
    version: int
    status: str
    alarms: int
    at: str


class MonitoringAnswer(BaseModel):
    """A monitoring run with all its series."""

    name: str
    title: Text
    version: int
    month: str
    status: str
    reference_first: str
    reference_last: str
    reference_rows: int
    rows: int
    false_alarms_a_month: float
    tested: int
    advice: list[Text]
    source_alarm: Text | None
    not_computed: list[Text]
    notes: list[str]
    series: list[SeriesAnswer]
    runs: list[RunAnswer] = Field(description="the last first")


class MonitoringChoice(BaseModel):
    """Query string: which run; by default the last one of the champion."""

    model_config = ConfigDict(extra="forbid")

    month: str | None = Field(None, pattern=r"^\d{4}-\d{2}$")


class RollBackBody(BaseModel):
    """Return to the champion before."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=MAX_REASON)
    expected_champion: int = Field(ge=1, description="champion that the person saw: 409 if it has changed")


class PromotionBody(BaseModel):
    """Make a version champion."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    reason: str = Field(min_length=1, max_length=MAX_REASON)
    expected_champion: int | None = Field(None, ge=1, description="champion that the person saw; null for none")
    force: bool = Field(False, description="although the gate does not allow it; the history says so")


class ChangeAnswer(BaseModel):
    """What was changed."""

    move: MoveAnswer
    sequence: int | None = Field(description="of the entry; null if the entries could not be written")
