"""Monitored quantities with their monthly figures, and the result of a monitoring run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from ml.bilingual import Text
from ml.report.columns import Axis

Group = Literal["drift", "performance"]
Status = Literal["quiet", "not tested", "drift", "performance"]
EXIT_CODES: Mapping[Status, int] = {"quiet": 0, "not tested": 0, "drift": 3, "performance": 4}


@dataclass(frozen=True)
class MonthFigure:
    """Figure of one month.

    Attributes
    ----------
    month : str
        Such as '2026-01': the last of the months that were compared together.
    rows : int
        Rows of the month.
    value : float or None
        In the unit of the series; None without rows.
    p_value : float or None
        Probability of a change at least as large while nothing changes; None if the rows were too few to compare.
    effect : float
        Size of the change in the measure of `MonitoredSeries.floor`.
    is_alarm : bool
        Whether the change is significant and large enough; set by `MonitoredSeries.judged`.
    """

    month: str
    rows: int
    value: float | None
    p_value: float | None = None
    effect: float = 0.0
    is_alarm: bool = False


@dataclass(frozen=True)
class MonitoredSeries:
    """A quantity that is watched month by month.

    Attributes
    ----------
    name : str
        Such as 'feature.bureau_score', 'score', 'calibration', 'calibration.channel=online' or 'metric.roc_auc'.
    group : {'drift', 'performance'}
        What an alarm means.
    axis : Axis
        Name of the quantity, its unit and format.
    before : float or None
        Value in the reference.
    months : tuple of MonthFigure
        In time order, the month that is judged last.
    floor : float
        Smallest effect that raises an alarm.
    low, high : float or None
        Limits within which 95 % of the months lie while nothing changes.
    detail : Text or None
        The change in words, such as 'mean 0.27 before, 0.15 now'.
    psi, psi_expected : float or None
        Population stability index of the last month, and its expected value without drift at this number of rows.
    reason : Text or None
        Why the last month was not tested.
    """

    name: str
    group: Group
    axis: Axis
    before: float | None
    months: tuple[MonthFigure, ...]
    floor: float
    low: float | None = None
    high: float | None = None
    detail: Text | None = None
    psi: float | None = None
    psi_expected: float | None = None
    reason: Text | None = None

    @property
    def last(self) -> MonthFigure | None:
        """Return the figure of the month that is judged, or None without one."""
        return self.months[-1] if self.months else None

    @property
    def is_tested(self) -> bool:
        """Return whether the last month was tested."""
        return self.last is not None and self.last.p_value is not None

    @property
    def is_alarm(self) -> bool:
        """Return whether the last month raised an alarm."""
        return self.last is not None and self.last.is_alarm

    @property
    def since(self) -> str | None:
        """Return the first month of the alarm that lasts to the last month; a month without a test does not end it."""
        if not self.is_alarm:
            return None
        first = self.months[-1].month
        for figure in reversed(self.months):
            if figure.is_alarm:
                first = figure.month
            elif figure.p_value is not None:
                break
        return first

    def judged(self, level: float) -> Self:
        """Return the series with its alarms at a significance level, a probability.

        >>> from ml.report.columns import axis
        >>> months = (MonthFigure("2026-01", 100, 0.4, p_value=0.001, effect=0.3),)
        >>> series = MonitoredSeries("score", "drift", axis("分数", "score", "score"), 0.2, months, floor=0.1)
        >>> series.judged(0.01).is_alarm, series.judged(0.0001).is_alarm
        (True, False)
        """

        def judge(figure: MonthFigure) -> MonthFigure:
            is_alarm = figure.p_value is not None and figure.p_value <= level and abs(figure.effect) >= self.floor
            return replace(figure, is_alarm=is_alarm)

        return replace(self, months=tuple(judge(figure) for figure in self.months))

    def as_dict(self) -> dict[str, Any]:
        """Return the series for JSON, with `is_alarm` and `since`."""
        content = asdict(self) | {"axis": self.axis.model_dump(mode="json")}
        for key in ("detail", "reason"):
            text = getattr(self, key)
            content[key] = None if text is None else text.model_dump()
        return content | {"is_tested": self.is_tested, "is_alarm": self.is_alarm, "since": self.since}


@dataclass(frozen=True)
class MonitoredPeriod:
    """Periods that were compared.

    Attributes
    ----------
    month : str
        Month that is judged, such as '2026-01'.
    reference_first, reference_last : str
        First and last month of the reference.
    reference_rows, rows : int
        Rows of the reference, and of the month.
    as_of : str
        Instant of the run's view of the data, ISO 8601: later rows and outcomes are not used.
    """

    month: str
    reference_first: str
    reference_last: str
    reference_rows: int
    rows: int
    as_of: str


@dataclass(frozen=True)
class Findings:
    """What the monitor of one kind of problem returns, before it is judged.

    Attributes
    ----------
    period : MonitoredPeriod
        Periods that were compared.
    series : tuple of MonitoredSeries
        Not judged yet.
    not_computed : tuple of Text
        What is not computed, and why.
    notes : tuple of str
        Limits of the data.
    source_alarm : Text or None
        Why the source must be checked, such as a month without rows.
    """

    period: MonitoredPeriod
    series: tuple[MonitoredSeries, ...]
    not_computed: tuple[Text, ...] = ()
    notes: tuple[str, ...] = ()
    source_alarm: Text | None = None


@dataclass(frozen=True)
class MonitorResult:
    """Result of a monitoring run, as returned by `training.monitoring.run.monitor`.

    Attributes
    ----------
    task : str
        Name of the model.
    version : int
        Version that is watched.
    findings : Findings
        Its series are judged.
    levels : mapping of str to float
        Significance level of each series, by group.
    false_alarms_a_month : float
        Expected number while nothing changes, over all series.
    advice : tuple of Text
        What to do.
    first_reported : mapping of str to str
        Time (ISO 8601) of the first run that reported each alarm that lasts, by series.
    """

    task: str
    version: int
    findings: Findings
    levels: Mapping[Group, float]
    false_alarms_a_month: float
    advice: tuple[Text, ...] = ()
    first_reported: Mapping[str, str] = field(default_factory=dict)

    @property
    def alarms(self) -> Sequence[MonitoredSeries]:
        """Return the series with an alarm in the last month, the largest effect first."""
        alarms = [s for s in self.findings.series if s.is_alarm]
        return sorted(alarms, key=lambda s: (s.group == "drift", -abs(s.months[-1].effect) / (s.floor or 1)))

    @property
    def status(self) -> Status:
        """Return 'performance' if an outcome is worse, 'drift' if anything drifted, else 'quiet' or 'not tested'."""
        if any(s.group == "performance" for s in self.alarms):
            return "performance"
        if self.alarms or self.findings.source_alarm:
            return "drift"
        return "quiet" if any(s.is_tested for s in self.findings.series) else "not tested"

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command: 0 quiet or not tested, 3 drift, 4 performance worse."""
        return EXIT_CODES[self.status]

    def as_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        findings = self.findings
        return {
            "task": self.task,
            "version": self.version,
            "status": self.status,
            "exit_code": self.exit_code,
            "period": asdict(findings.period),
            "levels": dict(self.levels),
            "false_alarms_a_month": self.false_alarms_a_month,
            "series_tested": sum(s.is_tested for s in findings.series),
            "alarms": [{**_alarm(s), "first_reported": self.first_reported.get(s.name)} for s in self.alarms],
            "source_alarm": None if findings.source_alarm is None else findings.source_alarm.model_dump(),
            "advice": [text.model_dump() for text in self.advice],
            "not_computed": [text.model_dump() for text in findings.not_computed],
            "notes": list(findings.notes),
            "series": [s.as_dict() for s in findings.series],
        }


def _alarm(series: MonitoredSeries) -> dict[str, Any]:
    last = series.months[-1]
    return {
        "name": series.name,
        "group": series.group,
        "title": series.axis.title.model_dump(),
        "unit": None if series.axis.unit is None else series.axis.unit.model_dump(),
        "before": series.before,
        "after": last.value,
        "effect": last.effect,
        "p_value": last.p_value,
        "since": series.since,
        "detail": None if series.detail is None else series.detail.model_dump(),
    }
