"""State of every cell that a version of `fault_rate` tests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from features.errors import ConfigError
from features.periods import clock_instants
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.rate_ratios import rate_ratio_interval
from ml.instants import instant, microseconds
from ml.model import Model
from training.config import TaskConfig
from training.progress import Progress


def score_cells(
    model: Model, config: TaskConfig, *, data: Path | None, as_of: datetime | None, progress: Progress | None = None
) -> pl.DataFrame:
    """Return the evidence on every cell at the end of the version's last week, or of an earlier one.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate"))``.
    config : TaskConfig
        Not read; ``training.config.load_config("fault_rate")``, for example.
    data : Path or None
        Must be None: cells are those of the version; `chehang alarms` tests other records.
    as_of : datetime or None
        Aware, with time zone: the last week that ended by this instant; None for the version's last week.
    progress : callable, optional
        Not called: the figures are stored with the version.

    Returns
    -------
    DataFrame
        `model`, `component`, `as_of` (end of the week, in the time zone of the records), cumulative `count` and
        `expected` faults, `rate_ratio` with its 90% interval `low` and `high`, `log_evidence` and `alarm_threshold`
        (natural logarithms), and `detected_on` (day; null where the evidence stayed below the threshold).

    Raises
    ------
    ConfigError
        `data` is given, or no week ended by `as_of`.

    Examples
    --------
    >>> from ml import champions
    >>> from training.config import load_config
    >>> model = champions.load(champions.champion("fault_rate"))  # doctest: +SKIP
    >>> frame = score_cells(model, load_config("fault_rate"), data=None, as_of=None)  # doctest: +SKIP
    """
    if data is not None:
        raise ConfigError("--data: the cells are those of the version; to test other records run: chehang alarms")
    snapshot = cast("FaultEstimator", model.estimator).snapshot
    days = snapshot.evaluation_days
    ends = clock_instants(days.astype("datetime64[us]").astype(np.int64), timezone=snapshot.timezone)
    week = len(days) - 1 if as_of is None else int(np.searchsorted(ends, microseconds(as_of), side="right")) - 1
    if week < 0:
        raise ConfigError(f"--as-of: the first week that this version tests ends on {days[0]}; give a later instant")
    over = snapshot.log_e[:, : week + 1] >= snapshot.alarm_threshold[:, None]
    first = np.where(over.any(axis=1), over.argmax(axis=1), -1)
    count, expected = snapshot.count[:, week], snapshot.expected[:, week]
    ratio, low, high = rate_ratio_interval(snapshot, np.arange(len(count)), count, expected)
    return snapshot.cells.with_columns(
        pl.lit(instant(int(ends[week]))).dt.convert_time_zone(snapshot.timezone).alias("as_of"),
        count=pl.Series(count),
        expected=pl.Series(expected),
        rate_ratio=pl.Series(ratio),
        low=pl.Series(low),
        high=pl.Series(high),
        log_evidence=pl.Series(snapshot.log_e[:, : week + 1].max(axis=1)),
        alarm_threshold=pl.Series(snapshot.alarm_threshold),
        detected_on=pl.Series([days[w].item() if w >= 0 else None for w in first], dtype=pl.Date),
    )
