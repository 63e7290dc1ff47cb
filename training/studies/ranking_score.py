"""Batch scoring of `recommendation`: the best vehicles in stock for every customer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from features.engines import collect, to_engine
from features.errors import ConfigError
from features.sources import read_tables
from ml.home import home
from ml.model import Model
from training.answer_files import replace_source
from training.config import TaskConfig
from training.progress import Progress

CUSTOMERS = "customers"
BATCH_ROWS = 5_000


def score_customers(
    model: Model,
    config: TaskConfig,
    *,
    data: Path | None,
    as_of: datetime | None,
    rules: Path | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """List the ten best vehicles in stock for every customer.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
    config : TaskConfig
        ``training.config.load_config("recommendation")``; its sources hold `customers` and the current stock.
    data : Path or None
        Existing file (`.parquet` or `.csv`) that replaces the source of `customers`; None for the source itself.
    as_of : None
        Must be None: lists are made from the current stock.
    rules : Path, optional
        Merchandising rules; default: `recommendation_rules.yaml` in the folder of the sources, if it exists.
    progress : callable, optional
        Called with one line of text for each batch, such as `print`.

    Returns
    -------
    DataFrame
        `customer_id`, `path` (source of the list: `customer`, `session`, `profile`, `cold` or `off`), `vehicle_id` and
        `place` (from 1), one row per customer and listed vehicle.

    Raises
    ------
    DataError
        The table cannot be read.
    ConfigError
        `as_of` is not None, or the sources lack `customers`.

    Examples
    --------
    >>> from ml import champions
    >>> from training.config import load_config
    >>> model = champions.load(champions.champion("recommendation"))  # doctest: +SKIP
    >>> frame = score_customers(model, load_config("recommendation"), data=None, as_of=None)  # doctest: +SKIP
    """
    if as_of is not None:
        raise ConfigError(f"--as-of: lists are made from the current stock, got {as_of:%Y-%m-%d}; leave the option out")
    report = progress or (lambda text: None)
    raw = read_tables(
        replace_source(config, CUSTOMERS, data),
        [CUSTOMERS],
        quarantine_folder=home() / "quarantine" / f"{model.task.name}-score",
        progress=progress,
    )
    files = {"rules": rules, "sources": config.sources}
    model.task.refresh(config.sources.parent, data_set=config.name or "", **files)(model.estimator)
    customers = collect(to_engine(raw.frames, "polars")[CUSTOMERS])
    parts = []
    for begin in range(0, customers.height, BATCH_ROWS):
        batch = customers[begin : begin + BATCH_ROWS]
        pages = pl.concat([batch.select("customer_id"), model.estimator.predict(batch)], how="horizontal")
        place = pl.int_range(pl.len(), dtype=pl.Int64).over("customer_id") + 1
        parts.append(pages.explode("vehicles").rename({"vehicles": "vehicle_id"}).with_columns(place=place))
        report(f"{begin + batch.height:,} of {customers.height:,} customers")
    empty = {"customer_id": pl.String, "path": pl.String, "vehicle_id": pl.String, "place": pl.Int64}
    return pl.concat(parts) if parts else pl.DataFrame(schema=empty)
