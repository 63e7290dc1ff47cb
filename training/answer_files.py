"""Files of answers: `.parquet` or `.csv`, written whole, and a file of rows in place of a configured source."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import polars as pl

from features.errors import ConfigError
from features.sources import SourcesConfig, load_sources
from training.config import TaskConfig

FORMATS = (".parquet", ".csv")


def check_answer_path(out: Path) -> None:
    """Refuse a file that answers cannot be written to.

    Raises
    ------
    ConfigError
        Its name ends in something else than .parquet or .csv.
    """
    if out.suffix not in FORMATS:
        raise ConfigError(f"--out {out}: must end in {' or '.join(FORMATS)}, got '{out.suffix}'")


def replace_source(config: TaskConfig, table: str, data: Path | None) -> SourcesConfig:
    """Return the configured sources, with one table read from another file of the same shape.

    Raises
    ------
    ConfigError
        The table's source is no file of that format.
    """
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
