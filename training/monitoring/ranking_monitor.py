"""Monitoring of recommendations: drift of the events, and clicks on the vehicles that were shown."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl

from features.errors import ConfigError, DataError
from features.sources import load_sources, read_tables
from features.tables import EVENTS, EXPOSURES
from ml import champions
from ml.bilingual import Text
from ml.home import home
from ml.instants import instant
from ml.labels import unit_label
from ml.model import Model
from ml.recommendation.params import RecommendationParams
from ml.report.columns import Axis, axis
from training.config import TaskConfig
from training.monitoring.drift import month_series
from training.monitoring.months import MonthlyRows, month_name, month_numbers, new_months
from training.monitoring.ratios import RatioRows, ratio_series
from training.monitoring.rules import MonitorRules
from training.monitoring.series import Findings, MonitoredPeriod, MonitoredSeries
from training.progress import Progress
from training.studies.task_tables import read_task_tables

MAX_ROWS = 400_000  # of the events; a larger sample finds drift that does not matter
_RATE = axis("展示后被选择的比例", "choices / vehicles shown", "share")


def ranking_findings(
    model: Model,
    config: TaskConfig,
    rules: MonitorRules,
    version: champions.Version,
    *,
    as_of: int,
    progress: Progress | None = None,
) -> Findings:
    """Return drift of the events since the training, and the rate of choices of shown vehicles.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(version)``.
    config : TaskConfig
        With the sources to read and the parameters of the version.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    version : Version
        ``ml.champions.version_or_champion("recommendation")``.
    as_of : int
        Microseconds since 1970 UTC: later events are not used.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    Findings
        Series that are not judged yet.

    Raises
    ------
    ConfigError, DataError
        The data has no time, the events cannot be read, or no complete month follows the training.
    """
    trained_until = model.card["data"]["last_training_instant"]
    if config.timeless or trained_until is None:
        raise ConfigError(f"time: {config.task} has no time, so there are no months to compare; map a time column")
    raw = read_task_tables(config, extra={}, progress=progress)
    events = raw.frames["events"].filter(pl.col(config.time) < as_of).collect().sort(config.time, maintain_order=True)
    timezone = raw.reports["events"].timezone
    sample = events.sample(MAX_ROWS, seed=0).sort(config.time) if events.height > MAX_ROWS else events
    instants = sample[config.time].to_numpy()
    is_reference = instants <= trained_until
    if not is_reference.any():
        raise DataError(
            "events: no event of the training period is left in the source; keep those events in the source"
        )
    new = new_months(instants, trained_until=trained_until, as_of=as_of, timezone=timezone)
    if new.last < new.first:
        raise DataError(
            f"events: no complete month follows the training, which ends on {instant(trained_until).date()}: run the "
            "command again after the next month, or pass a later --as-of"
        )
    months = month_numbers(instants, timezone=timezone)
    rows = MonthlyRows(months, is_reference, new)
    series = _drift(sample, rows, config, rules)
    outcomes, not_computed, notes = _choices(events, config, rules, rows, trained_until, as_of, timezone)
    reference = months[is_reference]
    period = MonitoredPeriod(
        month=month_name(new.last),
        reference_first=month_name(int(reference.min())),
        reference_last=month_name(int(reference.max())),
        reference_rows=len(reference),
        rows=int((months == new.last).sum()),
        as_of=instant(as_of).isoformat(timespec="seconds"),
    )
    return Findings(period, (*series, *outcomes), tuple(not_computed), (*new.notes, *notes))


def _drift(events: pl.DataFrame, rows: MonthlyRows, config: TaskConfig, rules: MonitorRules) -> list[MonitoredSeries]:
    hidden = EVENTS.references | EVENTS.personal
    series = []
    for name, contract in EVENTS.columns.items():
        if name not in events.columns or name in hidden or contract.unit == "us" or events[name].is_null().all():
            continue
        title = Axis(title=config.labels.column(name), unit=unit_label(contract.unit), format="number")
        series.append(month_series(f"feature.{name}", events[name], rows, rules, axis=title))
    return series


def _choices(
    events: pl.DataFrame,
    config: TaskConfig,
    rules: MonitorRules,
    rows: MonthlyRows,
    trained_until: int,
    as_of: int,
    timezone: str,
) -> tuple[list[MonitoredSeries], list[Text], list[str]]:
    """Return the rate of choices of shown vehicles, or why it is not computed."""
    sources = load_sources(config.sources)
    if EXPOSURES.name not in sources.tables or not {"request_id", "vehicle_id"} <= set(events.columns):
        text = Text(
            zh="展示后被选择的比例：数据源没有 exposures，或事件没有 request_id",
            en="choices of shown vehicles: the sources have no exposures, or events no request_id",
        )
        return [], [text], []
    raw = read_tables(sources, [EXPOSURES.name], quarantine_folder=home() / "quarantine" / f"{config.task}-monitor")
    exposures = raw.frames[EXPOSURES.name].filter(pl.col("shown_at") < as_of).collect()
    grades = list(cast("RecommendationParams", config.params).grades)
    chosen = events.filter(pl.col("event_type").is_in(grades)) if "event_type" in events.columns else events
    keys = ["request_id", "vehicle_id"]
    rewards = chosen.select(keys).drop_nulls().unique().with_columns(reward=pl.lit(1.0))
    exposures = exposures.join(rewards, on=keys, how="left", maintain_order="left")
    at = exposures["shown_at"].to_numpy()
    months = month_numbers(at, timezone=timezone)
    ratio = RatioRows(exposures["reward"].fill_null(0.0).to_numpy(), np.ones(len(at)), months)
    reference, new = (
        ratio.filter(at <= trained_until),
        ratio.filter((months >= rows.new.first) & (months <= rows.new.last)),
    )
    if not len(reference.months) or not len(new.months):
        text = Text(
            zh="展示后被选择的比例：训练期或之后的月份没有展示记录",
            en="choices of shown vehicles: no exposures in the training period, or none after it",
        )
        return [], [text], []
    series = ratio_series(
        "choices", reference, new, sorted(set(new.months.tolist())), rules, axis=_RATE,
        floor=rules.smallest_rate_change, alarm="lower",
    )  # fmt: skip
    return [series], [], list(raw.key_notes)
