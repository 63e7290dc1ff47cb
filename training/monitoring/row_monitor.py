"""Monitoring of row tasks: drift of features and predictions, calibration and performance of ripe outcomes."""

from __future__ import annotations

from datetime import UTC, datetime

from features.errors import DataError
from ml import champions
from ml.bilingual import Text
from ml.instants import instant
from ml.model import Model
from training.config import TaskConfig
from training.monitoring.drift import drift_series
from training.monitoring.months import month_name, month_numbers
from training.monitoring.outcomes import outcome_series
from training.monitoring.rows import MonitoredRows, read_rows
from training.monitoring.rules import MonitorRules
from training.monitoring.series import Findings, MonitoredPeriod
from training.progress import Progress

LATE_MONTHS = 3  # a source whose newest row is older was not meant to be up to date


def row_findings(
    model: Model,
    config: TaskConfig,
    rules: MonitorRules,
    version: champions.Version,
    *,
    as_of: int,
    progress: Progress | None = None,
) -> Findings:
    """Return what is monitored of a row task.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(version)``.
    config : TaskConfig
        With the sources to read and the parameters of the version.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    version : Version
        ``ml.champions.version_or_champion("credit_risk")``.
    as_of : int
        Microseconds since 1970 UTC: later rows and outcomes are not used.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    Findings
        Series that are not judged yet.

    Raises
    ------
    ConfigError, DataError
        The data has no time, no row of the training period, or no complete month after it.
    """
    rows = read_rows(model, config, rules, version, as_of=as_of, progress=progress)
    table = config.definition.tables[0]
    reference = rows.months[rows.is_reference]
    last_trained = month_name(int(reference.max()))
    if rows.new.last < rows.new.first:
        raise DataError(
            f"{table}: no complete month follows the training period, which ends in {last_trained}: run the command "
            "again after the next month, or pass a later --as-of"
        )
    report = progress or (lambda text: None)
    report("comparing features and predictions")
    series = drift_series(rows, rules)
    report(f"comparing {len(rows.ripe.label):,} ripe outcomes")
    outcomes, not_computed = outcome_series(rows, rules, config.labels)
    period = MonitoredPeriod(
        month=month_name(rows.new.last),
        reference_first=month_name(int(reference.min())),
        reference_last=last_trained,
        reference_rows=len(reference),
        rows=int((rows.months == rows.new.last).sum()),
        as_of=instant(as_of).isoformat(timespec="seconds"),
    )
    return Findings(
        period,
        (*series, *outcomes),
        tuple(not_computed),
        (*rows.notes, *_limits(rows)),
        _late_source(rows, table, as_of),
    )


def _limits(rows: MonitoredRows) -> list[str]:
    """Return notes on the reference, missing months and labels."""
    reference = rows.months[rows.is_reference]
    months = len(set(reference.tolist()))
    notes = []
    if months < 12:
        notes.append(
            f"the training period has {months} months: a season of a year looks like drift"
            + ("; how much months differ is not measured with fewer than 6" if months < 6 else "")
        )
    present = set(rows.months.tolist())
    absent = [month_name(m) for m in range(rows.new.first, rows.new.last + 1) if m not in present]
    if absent:
        notes.append(f"no rows in {', '.join(absent[:6])}{' and others' if len(absent) > 6 else ''}")
    return notes


def _late_source(rows: MonitoredRows, table: str, as_of: int) -> Text | None:
    """Return an alarm if the last complete month has no row although the months before it have."""
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    ended = int(month_numbers([min(as_of, now)], timezone="UTC")[0]) - 1
    newest = int(rows.months.max())
    if not newest < ended <= newest + LATE_MONTHS:
        return None
    return Text(
        zh=f"{month_name(ended)} 在 {table} 中没有任何行：请检查数据源",
        en=f"{table} has no row in {month_name(ended)}: check the source",
    )
