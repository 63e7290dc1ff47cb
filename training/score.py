"""`chehang score`: a file of rows in, a file of answers out."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.sources import RawTables, SourcesConfig, load_sources, read_tables
from ml.home import home
from ml.instants import microseconds
from ml.model import Model
from ml.problem import PanelProblem, RankingProblem, RowProblem, SurveillanceProblem
from training.config import TaskConfig
from training.studies.row_data import Say

FORMATS = (".parquet", ".csv")
CUSTOMERS = "customers"
PAGES_AT_ONCE = 5_000
CLOSED = ("converted_at", "closed_at")  # a lead that is over is not scored any more


def score(
    model: Model,
    config: TaskConfig,
    *,
    data: Path | None,
    out: Path,
    as_of: datetime | None = None,
    progress: Say | None = None,
) -> int:
    """Answer every row of the task's first table, read through the configured source, and write the answers whole.

    Parameters
    ----------
    model : Model
        From the registry.
    config : TaskConfig
        Its source says how the table's columns are mapped and checked.
    data : Path, optional
        Another file of the same shape in place of the source's own.
    out : Path
        `.parquet` or `.csv`; the table's key, then the answers.
    as_of : datetime, optional
        Answer as of this moment instead of each row's own, and only rows that were there and open then.

    Returns
    -------
    int
        Rows written. A task that ranks answers every customer with `place` and `vehicle_id`, ten rows each.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    check_out(out)
    if data is not None and out.resolve() == data.resolve():
        raise ConfigError(f"--out {out}: is the file that --data reads; give another")
    problem = model.task.problem
    if isinstance(problem, RankingProblem):
        if as_of is not None:
            raise ConfigError("--as-of: pages are made from the stock as it stands; leave it out")
        return _pages(model, config, data=data, out=out, progress=progress)
    if as_of is not None and (config.timeless or not model.task.optional_tables):
        raise ConfigError(f"--as-of: the answers of {model.task.name} do not change with time here; leave it out")
    if isinstance(problem, SurveillanceProblem):
        raise ConfigError(f"{model.task.name} watches what comes: write its alarms with: chehang alarms --out {out}")
    if isinstance(problem, PanelProblem):
        raise ConfigError(
            f"{model.task.name} answers what comes next: write its plan with: chehang forecast --out {out}"
        )
    table = model.task.tables[0]
    sources = _source(config, table, data)
    raw = read_tables(
        sources,
        [table, *(n for n in model.task.optional_tables if n in sources.tables)],
        extra={table: config.extra_features},
        quarantine_folder=home() / "quarantine" / f"{model.task.name}-score",
        timeless=(table,) if config.timeless else (),
        progress=progress,
    )
    rows = _featured(model, raw, table, None if as_of is None else microseconds(as_of))
    absent = [f.name for f in model.estimator.signature.fields if f.feature and f.name not in rows.columns]
    if absent:
        raise DataError(
            f"{table}.{absent[0]}: no such column, and the model was trained with it; map it in the sources"
        )
    needed = (
        [f.name for f in model.estimator.signature.fields if f.required and rows[f.name].null_count()]
        if rows.height
        else []
    )
    if needed:
        raise DataError(
            f"{table}.{needed[0]}: is empty in some rows, and was never empty in training; fill it or retrain"
        )
    key = [*model.task.table.key, *(["as_of"] if as_of is not None else [])]
    answers = pl.concat([rows.select(key), model.estimator.predict(rows)], how="horizontal")
    if as_of is not None:
        answers = answers.with_columns(pl.from_epoch("as_of", time_unit="us").dt.replace_time_zone("UTC"))
    write_answers(answers, out)
    return int(answers.height)


def check_out(out: Path) -> None:
    """Refuse a file that answers cannot be written to.

    Raises
    ------
    ConfigError
        Its name ends in something else than .parquet or .csv.
    """
    if out.suffix not in FORMATS:
        raise ConfigError(f"--out {out}: must end in {' or '.join(FORMATS)}, got '{out.suffix}'")


def _pages(model: Model, config: TaskConfig, *, data: Path | None, out: Path, progress: Say | None) -> int:
    """The ten best vehicles in stock for every customer: one row each, with the path that the answer took."""
    say = progress or (lambda text: None)
    raw = read_tables(
        _source(config, CUSTOMERS, data),
        [CUSTOMERS],
        quarantine_folder=home() / "quarantine" / f"{model.task.name}-score",
        progress=progress,
    )
    if model.task.follow is not None:
        model.task.follow(config.sources.parent)(model.estimator)
    rows = collect(to_engine(raw.frames, "polars")[CUSTOMERS])
    parts = []
    for begin in range(0, rows.height, PAGES_AT_ONCE):
        some = rows[begin : begin + PAGES_AT_ONCE]
        found = model.estimator.predict(some)
        pages = pl.concat([some.select("customer_id"), found], how="horizontal")
        place = pl.int_range(pl.len(), dtype=pl.Int64).over("customer_id") + 1
        parts.append(pages.explode("vehicles").rename({"vehicles": "vehicle_id"}).with_columns(place=place))
        say(f"{begin + some.height:,} of {rows.height:,} customers")
    empty = {"customer_id": pl.String, "path": pl.String, "vehicle_id": pl.String, "place": pl.Int64}
    answers = pl.concat(parts) if parts else pl.DataFrame(schema=empty)
    write_answers(answers, out)
    return int(answers.height)


def _featured(model: Model, raw: RawTables, table: str, as_of: int | None) -> pl.DataFrame:
    """The rows of the table with the features that training computed, in the table's own order."""
    task, problem, time = model.task, model.task.problem, model.task.table.time
    assert isinstance(problem, RowProblem)
    frames = to_engine(raw.frames, "polars")
    rows = frames[table]
    names = rows.collect_schema().names()
    if as_of is not None:
        rows = rows.filter(nw.col(str(time)) <= as_of)
        for closed in [c for c in CLOSED if c in names]:
            rows = rows.filter(nw.col(closed).is_null() | (nw.col(closed) >= as_of))
        moment: Any = nw.lit(as_of, dtype=nw.Int64)
    else:
        moment = nw.col(str(time)) if time in names else nw.lit(0, dtype=nw.Int64)
    spine = rows.select(*task.table.key, moment.alias("as_of"))
    keys = collect(spine)
    return keys.join(collect(problem.features(spine, frames)), on=keys.columns, how="left", maintain_order="left")


def _source(config: TaskConfig, table: str, data: Path | None) -> SourcesConfig:
    """The configured sources, with one table read from another file of the same shape."""
    sources = load_sources(config.sources)
    if data is None:
        return sources
    source = sources.tables.get(table)
    kind = "csv" if data.suffix == ".csv" else "parquet"
    if source is None or getattr(source, kind) is None:
        raise ConfigError(
            f"--data {data}: the source of {table} in {config.sources} is not {kind}; give a file like it"
        )
    tables = sources.tables | {table: source.model_copy(update={kind: str(data)})}
    return sources.model_copy(update={"tables": tables})


def write_answers(answers: pl.DataFrame, out: Path) -> None:
    """Write a table whole: under another name, then renamed.

    Raises
    ------
    ConfigError
        It could not be written.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".csv":
            answers.write_csv(part)
        else:
            answers.write_parquet(part)
        part.replace(out)
    except (OSError, pl.exceptions.ComputeError) as e:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(
            f"{out}: {getattr(e, 'strerror', None) or e}; free space there or choose another place"
        ) from None
