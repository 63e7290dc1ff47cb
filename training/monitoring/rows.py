"""Rows of a row task for monitoring: reference, new months, predictions of the champion, and ripe outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from features.aggregations import DAY
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.sources import RawTables
from ml import champions
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.instants import local_day
from ml.model import Model
from ml.problem import RowProblem
from ml.signature import STORE
from training.config import TaskConfig
from training.monitoring.months import MonthlyRows, month_numbers, new_months
from training.monitoring.rules import MonitorRules
from training.progress import Progress
from training.studies.own_columns import hide_own, own_names, restore_own
from training.studies.row_report import TEST_ROWS
from training.studies.task_tables import read_task_tables

MONTH_DAYS = 365.25 / 12
LABEL = "label"


@dataclass(frozen=True)
class Outcomes:
    """Predictions with their outcomes, in time order.

    Attributes
    ----------
    rows : DataFrame
        Features and segments.
    months : ndarray of int
        Months since January 1970.
    label : ndarray
        0 and 1, or amounts in yuan.
    predictions : DataFrame
        Of the champion.
    """

    rows: pl.DataFrame
    months: IntArray
    label: FloatArray
    predictions: pl.DataFrame

    @property
    def prediction(self) -> FloatArray:
        """Return the first column of the predictions: the probability or the amount in yuan."""
        return np.asarray(self.predictions.to_series(0).to_numpy(), dtype=np.float64)

    def filter(self, mask: BoolArray) -> Outcomes:
        """Return the rows where a mask is true."""
        keep = pl.Series(mask)
        return Outcomes(self.rows.filter(keep), self.months[mask], self.label[mask], self.predictions.filter(keep))


@dataclass(frozen=True)
class MonitoredRows(MonthlyRows):
    """Rows of a row task with their months, as returned by `read_rows`.

    Attributes
    ----------
    model : Model
        The version that is watched.
    frame : DataFrame
        Key, `as_of`, features and segments of every row before the instant of the run, in time order.
    predictions : DataFrame
        Predictions of the version for each row.
    ripe : Outcomes
        New rows after the hold-out rows whose outcome window has closed.
    holdout : Outcomes or None
        Hold-out rows of the version; None if they were not stored.
    notes : tuple of str
        Limits of the data.
    segments : tuple of str
        Columns by which outcomes are judged as well.
    """

    model: Model
    frame: pl.DataFrame
    predictions: pl.DataFrame
    ripe: Outcomes
    holdout: Outcomes | None
    notes: tuple[str, ...]
    segments: tuple[str, ...]


def read_rows(
    model: Model,
    config: TaskConfig,
    rules: MonitorRules,
    version: champions.Version,
    *,
    as_of: int,
    progress: Progress | None = None,
) -> MonitoredRows:
    """Read the rows of the training period and of the months after it, with predictions and ripe outcomes.

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
        Microseconds since 1970 UTC: later rows, and outcomes whose window closes later, are not used.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    MonitoredRows
        Rows in time order.

    Raises
    ------
    ConfigError
        The data has no time.
    DataError
        A table cannot be read, the sources have no row of the training period, or a feature of the model is missing.
    """
    task, problem = model.task, model.task.problem
    assert isinstance(problem, RowProblem)
    trained_until = model.card["data"]["last_training_instant"]
    if config.timeless or trained_until is None:
        raise ConfigError(f"time: {config.task} has no time, so there are no months to compare; map a time column")
    raw = read_task_tables(config, extra={task.tables[0]: config.extra_features}, progress=progress)
    frame, notes = _labelled(model, config, raw, as_of)
    if frame.is_empty():
        raise DataError(f"{task.tables[0]}: no row lies before the instant of the run; check the source or --as-of")
    timezone = raw.reports[task.tables[0]].timezone
    instants = frame["as_of"].to_numpy()
    is_reference = instants <= trained_until
    if not is_reference.any():
        raise DataError(
            f"{task.tables[0]}: no row of the training period of version {model.version} is left in the source, so "
            "there is nothing to compare with; keep those rows in the source, or train a version on the rows there are"
        )
    _check_features(model, frame)
    (progress or (lambda text: None))(f"predicting {frame.height:,} rows with version {model.version}")
    predictions = model.estimator.predict(frame)
    new = new_months(instants, trained_until=trained_until, as_of=as_of, timezone=timezone)
    months = month_numbers(instants, timezone=timezone)
    holdout = _holdout(model, version, timezone)
    last_holdout = int(holdout.rows["as_of"].max()) if holdout is not None else trained_until  # type: ignore[arg-type]
    first_after = int(month_numbers([last_holdout], timezone=timezone)[0]) + 1
    label = frame[LABEL].cast(pl.Float64).fill_null(np.nan).to_numpy()
    is_ripe = np.isfinite(label) & (months >= first_after) & (months <= new.last)
    ripe = Outcomes(frame, months, label, predictions).filter(is_ripe)
    columns = rules.segments if rules.segments is not None else (*config.segments, STORE)
    segments = tuple(n for n in dict.fromkeys(columns) if n in frame.columns)
    absent = [n for n in rules.segments or () if n not in frame.columns]
    notes.append(f"the newest row is of {local_day(int(instants.max()), timezone)}")
    notes += [f"segments: {task.tables[0]} has no column '{n}'" for n in absent]
    return MonitoredRows(
        months, is_reference, new, model, frame, predictions, ripe, holdout, (*notes, *new.notes), segments
    )


def _labelled(model: Model, config: TaskConfig, raw: RawTables, as_of: int) -> tuple[pl.DataFrame, list[str]]:
    """Return key, `as_of`, features and `label` of all rows, in time order; the label is null while it is not ripe."""
    task, problem = model.task, model.task.problem
    assert isinstance(problem, RowProblem)
    own, key = own_names(config), [*task.table.key, "as_of"]
    tables = to_engine(hide_own(raw.frames, task.tables[0], own), "polars")
    labels = collect(problem.build_spine(tables, config.params))
    if "is_test_row" in labels.columns:
        labels = labels.filter(pl.col("is_test_row"))
    labels = labels.filter(pl.col("as_of") < as_of).select(*key, LABEL)
    if len(task.tables) > 1:  # outcomes have a table of their own: rows without an outcome are rows too
        time = str(task.table.time)
        every = tables[task.tables[0]].select(*task.table.key, nw.col(time).alias("as_of"))
        spine = every.filter(nw.col("as_of") < as_of)
        labels = collect(spine).join(labels, on=key, how="left")
    else:
        spine = to_engine({"spine": labels.select(key).lazy()}, "polars")["spine"]
    columns = restore_own(collect(problem.features(spine, tables)), own)
    hidden = [n for n in columns.columns if n == LABEL]
    frame = columns.drop(hidden).join(labels, on=key, how="inner").sort("as_of", *task.table.key)
    ripe, notes = _ripe_from(frame, config, raw)
    return frame.with_columns(pl.when(pl.Series(ripe <= as_of)).then(pl.col(LABEL)).alias(LABEL)), notes


def _ripe_from(frame: pl.DataFrame, config: TaskConfig, raw: RawTables) -> tuple[IntArray, list[str]]:
    """Return the instant at which the outcome window of each row closes."""
    days = getattr(config.params, "horizon_days", None)
    begin = frame["as_of"].to_numpy()
    if days is not None:
        return begin + int(days * DAY), []
    months = getattr(config.params, "outcome_window_months", None)
    tables = config.definition.tables
    if len(tables) == 1:
        return begin, []  # the label is a fact of the row itself, such as the price of a car
    key = list(config.definition.table.key)
    columns = raw.frames[tables[-1]].collect_schema().names()
    instants = [n for n in ("observed_at", "originated_at") if n in columns]
    dates = frame.select(key).join(raw.frames[tables[-1]].select(*key, *instants).collect(), on=key, how="left")
    observed: Any = (
        dates["observed_at"] if "observed_at" in instants else pl.Series([None] * frame.height, dtype=pl.Int64)
    )
    start = dates["originated_at"].fill_null(frame["as_of"]) if "originated_at" in instants else frame["as_of"]
    if months is None:
        if "observed_at" in instants:
            return observed.fill_null(frame["as_of"]).to_numpy(), []
        note = "outcomes count as soon as they are recorded: set params.outcome_window_months, or map observed_at"
        return begin, [note]
    closing = start + int(months * MONTH_DAYS * DAY)
    return observed.fill_null(closing).to_numpy(), []


def _check_features(model: Model, frame: pl.DataFrame) -> None:
    table = model.task.tables[0]
    absent = [f.name for f in model.estimator.signature.fields if f.feature and f.name not in frame.columns]
    if absent:
        raise DataError(
            f"{table}.{absent[0]}: is a feature of the model, but the table has no such column; map it in the sources"
        )


def _holdout(model: Model, version: champions.Version, timezone: str) -> Outcomes | None:
    """Return the hold-out rows that are stored with the version."""
    with champions.report_files(version) as folder:
        path = Path(folder) / TEST_ROWS
        if not path.is_file():
            return None
        rows = pl.read_parquet(path)
    label = rows[LABEL].cast(pl.Float64).to_numpy()
    columns: Mapping[str, Any] = {n: rows[n] for n in rows.columns if n not in (LABEL, "group")}
    frame = pl.DataFrame(columns)
    months = month_numbers(frame["as_of"].to_numpy(), timezone=timezone)
    return Outcomes(frame, months, label, model.estimator.predict(frame))
