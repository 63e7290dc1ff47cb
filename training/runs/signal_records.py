"""Pairs of model and component from the workshop records of a configuration, with or without dates."""

from __future__ import annotations

import polars as pl

from features.errors import DataError
from features.plurals import count_text
from ml.fault_rate.counted import with_models
from ml.fault_rate.job_lines import one_fault_per_day
from ml.fault_rate.params import FaultParams
from training.config import TaskConfig
from training.progress import Progress
from training.studies.surveillance_data import FLEET, RECORDS, on_local_clock
from training.studies.task_tables import read_task_tables

COLUMNS = ("vehicle_id", "job_id", "model", "component", "fault", "serviced_at", "count")


def read_pair_lines(
    config: TaskConfig, *, stratum: str | None = None, progress: Progress | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the faults of the records as lines of a pair, and notes on those left out or merged.

    Parameters
    ----------
    config : TaskConfig
        ``training.config.load_config("fault_rate", path)``; with `time: none` the records need no date, and only lines
        of the same job are merged.
    stratum : str, optional
        Column of the records that becomes `stratum`, such as `model_year`; records without a value are left out.
    progress : callable, optional
        Called with one line of text for each table, such as `print`.

    Returns
    -------
    lines : DataFrame
        `model`, `component`, `count` (events) and, where it was named, the stratum as text.
    notes : tuple of str

    Raises
    ------
    ConfigError, DataError
        The sources lack a table or column, or no record is a fault of a model and a component.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> lines, notes = read_pair_lines(load_config("fault_rate"))  # doctest: +SKIP
    """
    raw = read_task_tables(config, extra={}, progress=progress)
    records = raw.frames[RECORDS].collect()
    columns = [*COLUMNS, *([stratum] if stratum is not None and stratum not in COLUMNS else [])]
    records = records.select(n for n in columns if n in records.columns)
    records = with_models(records, raw.frames[FLEET].collect() if FLEET in raw.frames else None)
    for name in ("model", "component", *([] if stratum is None else [stratum])):
        if name not in records.columns:
            raise DataError(f"{RECORDS}.{name}: the column is missing; map it in sources.yaml")
    faults = records.filter("fault") if "fault" in records.columns else records
    complete = faults.drop_nulls(["model", "component", *([] if stratum is None else [stratum])])
    reasons = {
        "without a fault": records.height - faults.height,
        "without model, component or stratum": faults.height - complete.height,
    }
    notes = [f"left out: {count_text(n, 'record')} {reason}" for reason, n in reasons.items() if n]
    if complete.is_empty():
        raise DataError(
            f"{RECORDS}: no record is a fault of a model and a component ({'; '.join(notes) or 'no records'}); map "
            "model and component, and `fault: {constant: true}` if every row is a fault"
        )
    merged = _merged(on_local_clock(complete, raw.reports[RECORDS].timezone), config)
    lines = merged[0].select("model", "component", count="events", **({} if stratum is None else {stratum: stratum}))
    return lines.with_columns(pl.exclude("count").cast(pl.String)), (*notes, *merged[1])


def _merged(faults: pl.DataFrame, config: TaskConfig) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the faults with their number of `events`; without dates only the lines of a job are merged."""
    if "serviced_at" in faults.columns:
        days = config.params.comeback_days if isinstance(config.params, FaultParams) else 0
        return one_fault_per_day(faults, comeback_days=days)
    undated = faults.with_columns(serviced_at=pl.lit(0, dtype=pl.Int64), vehicle_id=pl.lit(None, dtype=pl.String))
    return one_fault_per_day(undated)
