"""Run of `chehang monitor`: judge the series of a task, keep the run, and write its report."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ml import champions
from ml.instants import microseconds
from ml.problem import AmountProblem, BinaryProblem, PanelProblem, Problem, RankingProblem, SurveillanceProblem
from training.config import TaskConfig
from training.monitoring.advice import advice_of
from training.monitoring.history import record_run, run_folder
from training.monitoring.panel_monitor import panel_findings
from training.monitoring.ranking_monitor import ranking_findings
from training.monitoring.row_monitor import row_findings
from training.monitoring.rules import MonitorRules
from training.monitoring.series import Findings, MonitorResult
from training.monitoring.surveillance_monitor import surveillance_findings
from training.progress import Progress

_UNSAFE = re.compile(r"[^\w\-. /]")  # in names of MLflow's metrics
MONITORS: dict[type[Problem], Callable[..., Findings]] = {
    BinaryProblem: row_findings,
    AmountProblem: row_findings,
    PanelProblem: panel_findings,
    SurveillanceProblem: surveillance_findings,
    RankingProblem: ranking_findings,
}


def monitor(
    config: TaskConfig,
    rules: MonitorRules,
    *,
    version: champions.Version,
    as_of: datetime | None = None,
    progress: Progress | None = None,
) -> MonitorResult:
    """Compare the last complete month with the training period of a version, and ripe outcomes with its hold-out rows.

    Parameters
    ----------
    config : TaskConfig
        ``training.config.load_config("credit_risk")``, with the parameters of the version.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    version : Version
        ``ml.champions.version_or_champion("credit_risk")``.
    as_of : datetime, optional
        With UTC offset: look at the data as of this instant; default: now.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    MonitorResult
        `status`, `exit_code`, `alarms`, `advice`; nothing is written.

    Raises
    ------
    ConfigError, DataError
        A table cannot be read, the data has no time, or there is no complete month after the training.

    Examples
    --------
    Needs the tables of the sources.

    >>> from ml import champions
    >>> from training.config import load_config
    >>> version = champions.version_or_champion("credit_risk")  # doctest: +SKIP
    >>> monitor(load_config("credit_risk"), MonitorRules(), version=version).status  # doctest: +SKIP
    'quiet'
    """
    at = microseconds(as_of or datetime.now(UTC))
    model = champions.load(version)
    findings = MONITORS[type(model.task.problem)](model, config, rules, version, as_of=at, progress=progress)
    return judged(findings, rules, task=config.task, version=version.number)


def judged(findings: Findings, rules: MonitorRules, *, task: str, version: int) -> MonitorResult:
    """Return the result of findings: alarms at a level that keeps the expected number of false alarms.

    Each of S tested series of a group raises a false alarm in a month with at most the probability of its level, so
    that the expected number over all of them is at most S times the level, whatever their dependence (Bonferroni).

    Parameters
    ----------
    findings : Findings
        As returned by `training.monitoring.row_monitor.row_findings`.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    task : str
        Name of the model.
    version : int
        Version that is watched.

    Returns
    -------
    MonitorResult
        `levels` are the significance levels of the series, by group.
    """
    tested = Counter(s.group for s in findings.series if s.is_tested)
    # Features are many and outcomes few: each group has the same share of the false alarms.
    levels = {group: rules.false_alarms_a_month / len(tested) / number for group, number in tested.items()}
    series = tuple(s.judged(levels.get(s.group, 0.0)) for s in findings.series)
    result = MonitorResult(task, version, replace(findings, series=series), levels, rules.false_alarms_a_month)
    ripe = [s.months[-1].month for s in series if s.group == "performance" and s.is_tested]
    advice = advice_of(
        result.alarms, task=task, source_alarm=findings.source_alarm, ripe_month=max(ripe, default=None),
        tested=tested.total(),
    )  # fmt: skip
    return replace(result, advice=advice)


def keep(result: MonitorResult) -> tuple[MonitorResult, Path]:
    """Add a run to the history in the home folder, write its report and its JSON, and log both to MLflow.

    Parameters
    ----------
    result : MonitorResult
        As returned by `monitor`.

    Returns
    -------
    result : MonitorResult
        With the time of the first report of each alarm.
    folder : Path
        With `monitor.json`, `report.json`, `report.html`, `report.zh.html` and `report.png`.

    Raises
    ------
    ConfigError
        A file cannot be written.
    """
    from training.monitoring.report import write_files

    period = result.findings.period
    alarms = {s.name: s.since or period.month for s in result.alarms}
    first = record_run(result.task, version=result.version, month=period.month, status=result.status, alarms=alarms)
    result = replace(result, first_reported=first)
    folder = run_folder(result.task) / period.month
    write_files(result, folder)
    _log(result, folder)
    return result, folder


def _log(result: MonitorResult, folder: Path) -> None:
    """Log effects and p-values of all series to MLflow, with the files of the report."""
    from training.tracking import log_monitoring

    metrics: dict[str, float] = {"alarms": float(len(result.alarms))}
    for series in result.findings.series:
        last = series.last
        if last is not None and last.p_value is not None and math.isfinite(last.effect):
            name = _UNSAFE.sub("_", series.name)
            metrics |= {f"{name}/effect": last.effect, f"{name}/p_value": last.p_value}
    month = result.findings.period.month
    tags = {"chehang.kind": "monitor", "chehang.version": str(result.version), "chehang.status": result.status}
    log_monitoring(result.task, name=f"monitor {month}", metrics=metrics, tags=tags, attachments=folder)
