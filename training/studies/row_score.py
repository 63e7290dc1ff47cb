"""Batch predictions for the rows of a table, with the same features as in training."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.sources import RawTables, read_tables
from ml.home import home
from ml.instants import microseconds
from ml.model import Model
from ml.problem import RowProblem
from training.answer_files import replace_source
from training.config import TaskConfig
from training.progress import Progress
from training.studies.own_columns import hide_own, own_names, restore_own


def score_rows(
    model: Model, config: TaskConfig, *, data: Path | None, as_of: datetime | None, progress: Progress | None = None
) -> pl.DataFrame:
    """Predict every row of the task's first table.

    Parameters
    ----------
    model : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    config : TaskConfig
        ``training.config.load_config("credit_risk")``, of the task of `model`; its sources are read.
    data : Path or None
        Existing file (`.parquet` or `.csv`) to read in place of that table, with the columns and format of its
        configured source; None to read the source.
    as_of : datetime or None
        With UTC offset. Predict as of this instant instead of each row's own, and only rows that existed and were open
        then.
    progress : callable, optional
        Called with one line of text for each table, such as `print`.

    Returns
    -------
    DataFrame
        Key of the table, `as_of` (UTC datetime) if `as_of` is set, and the columns of `model.estimator.predict` (the
        first is the probability, or the amount in yuan); a row for each row of the table, in its order.

    Raises
    ------
    DataError
        A feature of the model is missing in the table, or in some of its rows although it never was in training.
    ConfigError
        `as_of` is set, and the predictions of the task do not depend on time; or the table has no configured source of
        the format of `data`.

    Examples
    --------
    >>> from ml import champions
    >>> from training.config import load_config
    >>> model = champions.load(champions.champion("lead_scoring"))  # doctest: +SKIP
    >>> frame = score_rows(model, load_config("lead_scoring"), data=None, as_of=None)  # doctest: +SKIP
    """
    problem = model.task.problem
    assert isinstance(problem, RowProblem)
    if as_of is not None and (config.timeless or not problem.closing_columns):
        raise ConfigError(f"--as-of: the predictions of {model.task.name} do not depend on time; omit --as-of")
    raw = read_score_tables(model, config, data=data, progress=progress)
    at = None if as_of is None else microseconds(as_of)
    return predict_rows(model, config, raw, as_of=at, closing=problem.closing_columns)


def read_score_tables(
    model: Model, config: TaskConfig, *, data: Path | None, progress: Progress | None = None
) -> RawTables:
    """Read and validate the tables that the predictions of a model need.

    Parameters
    ----------
    model : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    config : TaskConfig
        ``training.config.load_config("credit_risk")``, of the task of `model`; its sources are read.
    data : Path or None
        Existing file to read in place of the task's first table; None to read the source.
    progress : callable, optional
        Called with one line of text for each table, such as `print`.

    Returns
    -------
    RawTables
        `frames` (LazyFrame by table) and `reports` (row counts by table).

    Raises
    ------
    DataError, ConfigError
        A table cannot be read.
    """
    table = model.task.tables[0]
    sources = replace_source(config, table, data)
    return read_tables(
        sources,
        [table, *(n for n in model.task.optional_tables if n in sources.tables)],
        extra={table: config.extra_features},
        quarantine_folder=home() / "quarantine" / f"{model.task.name}-score",
        undated=(table,) if config.timeless else (),
        joins=model.task.entry.joins,
        targets=model.task.entry.targets,
        progress=progress,
    )


def predict_rows(
    model: Model, config: TaskConfig, raw: RawTables, *, as_of: int | None, closing: Sequence[str]
) -> pl.DataFrame:
    """Predict every row of the task's first table.

    Parameters
    ----------
    model : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    config : TaskConfig
        ``training.config.load_config("credit_risk")``, of the task of `model`.
    raw : RawTables
        As returned by `read_score_tables`.
    as_of : int or None
        Microseconds since 1970 UTC: predict as of this instant, and only rows that existed and were open then.
    closing : sequence of str
        Columns with the instant at which a row is no longer open.

    Returns
    -------
    DataFrame
        As `score_rows` returns it.

    Raises
    ------
    DataError
        A feature of the model is missing in the table, or in some of its rows although it never was in training.
    """
    table = model.task.tables[0]
    rows = _featured(model, raw, as_of, own_names(config), closing)
    absent = [f.name for f in model.estimator.signature.fields if f.feature and f.name not in rows.columns]
    if absent:
        raise DataError(
            f"{table}.{absent[0]}: is a feature of the model, but the table has no such column; map it in the sources"
        )
    needed = (
        [f.name for f in model.estimator.signature.fields if f.required and rows[f.name].null_count()]
        if rows.height
        else []
    )
    if needed:
        raise DataError(
            f"{table}.{needed[0]}: is missing in some rows, but never was in training; fill it in or train again"
        )
    key = [*model.task.table.key, *(["as_of"] if as_of is not None else [])]
    predictions: pl.DataFrame = pl.concat([rows.select(key), model.estimator.predict(rows)], how="horizontal")
    if as_of is not None:
        predictions = predictions.with_columns(_in_zone("as_of", raw.reports[table].timezone))
    return predictions


def _in_zone(column: str, timezone: str) -> pl.Expr:
    return pl.from_epoch(column, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)


def _featured(
    model: Model, raw: RawTables, as_of: int | None, own: Sequence[str], closing: Sequence[str]
) -> pl.DataFrame:
    """Return key, `as_of` and features of the rows of the first table, in the order of the table."""
    task, time, problem = model.task, model.task.table.time, model.task.problem
    assert isinstance(problem, RowProblem)
    frames = to_engine(hide_own(raw.frames, task.tables[0], own), "polars")
    rows = frames[task.tables[0]]
    names = rows.collect_schema().names()
    if as_of is not None:
        rows = rows.filter(nw.col(str(time)) <= as_of)
        for column in [c for c in closing if c in names]:
            rows = rows.filter(nw.col(column).is_null() | (nw.col(column) >= as_of))
        instant: Any = nw.lit(as_of, dtype=nw.Int64)
    else:
        instant = nw.col(str(time)) if time in names else nw.lit(0, dtype=nw.Int64)
    spine = rows.select(*task.table.key, instant.alias("as_of"))
    keys = collect(spine)
    columns = restore_own(collect(problem.features(spine, frames)), own)
    return keys.join(columns, on=keys.columns, how="left", maintain_order="left")
