"""The rows that break the contract, kept in a file for whoever has to put them right."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from features.errors import ConfigError
from features.sources.scans import ROW


def write_quarantine(path: Path, rows: pl.LazyFrame, broken: pl.DataFrame) -> Path | None:
    """Write the broken rows as the source has them, with `source_row` and `broken_rules` in front.

    The file appears whole or not at all, is readable by its owner alone (it may hold personal data), and one from an
    earlier run is removed when no row is broken.

    Parameters
    ----------
    path : Path
        The Parquet file.
    rows : pl.LazyFrame
        The source's rows with their position in `__row__`.
    broken : pl.DataFrame
        `__row__` and `broken_rules`.

    Returns
    -------
    Path or None
        The file, if there is one.

    Raises
    ------
    ConfigError
        The folder cannot be written to, or its disk is full.
    """
    return write_beside(path, _content(rows, broken))  # read first: what fails from here on is the writing


def write_beside(path: Path, content: pl.DataFrame) -> Path | None:
    """Write a table, Parquet or CSV by its name, whole and for its owner alone; one without rows removes the file.

    Raises
    ------
    ConfigError
        The folder cannot be written to, or its disk is full.
    """
    try:
        if content.is_empty():
            path.unlink(missing_ok=True)
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp", delete=False) as file:
            partial = Path(file.name)
        try:
            if path.suffix == ".csv":
                content.write_csv(partial)
            else:
                content.write_parquet(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).rsplit("IO error: ", 1)[-1]
        raise ConfigError(
            f"{path}: cannot be written: {reason}: free space on its disk, or choose a folder this user may write to"
        ) from None
    return path


def _content(rows: pl.LazyFrame, broken: pl.DataFrame) -> pl.DataFrame:
    taken = rows.filter(pl.col(ROW).is_in(broken[ROW].implode())).collect()
    clash = {c: f"{c} (source)" for c in taken.columns if c in ("source_row", "broken_rules")}
    joined = broken.join(taken.rename(clash), on=ROW, how="left", maintain_order="left")
    return joined.select((pl.col(ROW).cast(pl.Int64) + 1).alias("source_row"), pl.exclude(ROW))
