"""Prediction files: write `.parquet` or `.csv` atomically, and read one table from another file."""

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
    """Check that the name of an output file ends in .parquet or .csv.

    Parameters
    ----------
    out : Path
        Value of the option `--out`.

    Raises
    ------
    ConfigError
        The name has another ending.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_answer_path(Path("answers.parquet"))
    >>> check_answer_path(Path("answers.xlsx"))
    Traceback (most recent call last):
    features.errors.ConfigError: --out answers.xlsx: must end in .parquet or .csv, got '.xlsx'
    """
    if out.suffix not in FORMATS:
        raise ConfigError(f"--out {out}: must end in {' or '.join(FORMATS)}, got '{out.suffix}'")


def replace_source(config: TaskConfig, table: str, data: Path | None) -> SourcesConfig:
    """Return the sources of a configuration, with one table read from another file.

    Parameters
    ----------
    config : TaskConfig
        As returned by ``training.config.load_config("credit_risk")``.
    table : str
        Name of the table, such as 'applications'.
    data : Path or None
        File with the columns and the format (.csv or .parquet) of the configured source of the table; not opened here.
        None leaves the sources as configured. All rows of the file are read: `since`, `before`, `until` and `sample` of
        the table, which limit the rows of training, do not apply to it.

    Returns
    -------
    SourcesConfig
        As returned by `features.sources.load_sources`; pass it to `features.sources.read_tables`.

    Raises
    ------
    ConfigError
        The sources do not read the table from a file of the format of `data`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from training.config import load_config
    >>> sources = replace_source(load_config("credit_risk"), "applications", Path("march.parquet"))
    >>> sources.tables["applications"].parquet
    'march.parquet'
    """
    sources = load_sources(config.sources)
    if data is None:
        return sources
    source = sources.tables.get(table)
    kind = "csv" if data.suffix == ".csv" else "parquet"
    if source is None or getattr(source, kind) is None:
        raise ConfigError(
            f"--data {data}: {config.sources} does not read {table} from a {kind} file, so its column mapping does not "
            "apply; pass a file of the configured format"
        )
    limits = dict.fromkeys(("since", "before", "until", "sample"))
    tables = sources.tables | {table: source.model_copy(update={kind: str(data), **limits})}
    return sources.model_copy(update={"tables": tables})


def write_answers(answers: pl.DataFrame, out: Path) -> None:
    """Write a table to `.parquet` or `.csv` atomically: to a temporary name, then renamed.

    Parameters
    ----------
    answers : DataFrame
        Any columns.
    out : Path
        Ends in .csv (UTF-8, comma, header row), else Parquet is written. Missing folders are
        created; an existing file is replaced.

    Raises
    ------
    ConfigError
        The file could not be written. An existing file is unchanged.

    Examples
    --------
    >>> import polars as pl
    >>> from pathlib import Path
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "march", "answers.csv")
    ...     write_answers(pl.DataFrame({"application_id": ["A1"], "probability": [0.25]}), file)
    ...     file.read_text()
    'application_id,probability\\nA1,0.25\\n'
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
            f"{out}: could not be written ({getattr(e, 'strerror', None) or e}); free disk space or choose another path"
        ) from None
