"""The best vehicles in stock for every customer."""

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
PAGES_AT_ONCE = 5_000


def score_customers(
    model: Model, config: TaskConfig, *, data: Path | None, as_of: datetime | None, progress: Progress | None = None
) -> pl.DataFrame:
    """List the ten best vehicles in stock for every customer.

    Parameters
    ----------
    data : Path, optional
        A file in place of `customers`.
    as_of : datetime, optional
        Refused: lists are made from the stock as it stands.

    Returns
    -------
    DataFrame
        `customer_id`, `path` (which knowledge of the customer the list uses), `vehicle_id` and `place`, from 1.

    Raises
    ------
    DataError, ConfigError
        The table cannot be read, or `as_of` is given.
    """
    if as_of is not None:
        raise ConfigError("--as-of: pages are made from the stock as it stands; leave it out")
    say = progress or (lambda text: None)
    raw = read_tables(
        replace_source(config, CUSTOMERS, data),
        [CUSTOMERS],
        quarantine_folder=home() / "quarantine" / f"{model.task.name}-score",
        progress=progress,
    )
    model.task.refresh(config.sources.parent)(model.estimator)
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
    return answers
