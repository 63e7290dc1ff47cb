"""Files of quarantined rows, for the people who correct the source."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from features.errors import ConfigError
from features.sources.bad_lines import BadLines
from features.sources.scans import ROW


def write_quarantine(
    path: Path,
    rows: pl.LazyFrame,
    broken: pl.DataFrame,
    *,
    lines: BadLines | None = None,
    cells_per_row: int = 1,
) -> Path | None:
    """Write the rows that break the contract: `source_row` (from 1), `broken_rules`, and their source columns.

    The file is written as a whole or not at all, and only its owner may read it, because it may hold personal data.
    Without broken rows, the file of an earlier run is deleted.

    Parameters
    ----------
    path : Path
        Path of the Parquet file.
    rows : pl.LazyFrame
        The source's rows with their position from 0 in `__row__`, as returned by
        `features.sources.typed_rows.select_mapped`.
    broken : pl.DataFrame
        `__row__` and `broken_rules` (list of String) of the broken rows: `broken` of the result of
        `features.sources.validation.validate_rows`.
    lines : BadLines, optional
        Lines of the source's file that hold no row; the file then has their text in the column `line_text`.
    cells_per_row : int
        Number of rows that a row of the source became (`unpivot`): `source_row` numbers the rows of the source.

    Returns
    -------
    Path or None
        `path`, or None without broken rows.

    Raises
    ------
    ConfigError
        The folder is not writable, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> rows = pl.LazyFrame({"__row__": [0, 1], "VIN": ["LSVA", None]})
    >>> broken = pl.DataFrame({"__row__": [1], "broken_rules": [["vehicle_id: missing value"]]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.read_parquet(write_quarantine(Path(folder, "vehicles.parquet"), rows, broken)).rows()
    [(2, ['vehicle_id: missing value'], None)]
    """
    content = _content(rows, broken, lines, cells_per_row)  # read first, so that later errors are errors of writing
    return write_table(path, content)


def write_table(path: Path, content: pl.DataFrame) -> Path | None:
    """Write a table as CSV or Parquet, by the suffix of `path`; a table without rows deletes the file instead.

    The file is written as a whole or not at all, and only its owner may read it.

    Parameters
    ----------
    path : Path
        `*.csv` for CSV (UTF-8, comma, header line); any other suffix for Parquet. The folder is made; an existing file
        is replaced.
    content : pl.DataFrame
        Any columns.

    Returns
    -------
    Path or None
        `path`, or None for a table without rows.

    Raises
    ------
    ConfigError
        The folder is not writable, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(Path(folder, "lines.csv"), pl.DataFrame({"text": ["brake"]})).read_text()
    'text\\nbrake\\n'
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
            f"{path}: cannot be written: {reason}: free disk space, make its folder writable, or move CHEHANG_HOME"
        ) from None
    return path


def _content(rows: pl.LazyFrame, broken: pl.DataFrame, lines: BadLines | None, cells_per_row: int) -> pl.DataFrame:
    if broken.is_empty():  # the usual case: the rows are not read once more
        source_rows = pl.DataFrame(schema=rows.collect_schema())
    else:
        source_rows = rows.filter(pl.col(ROW).is_in(broken[ROW].implode())).collect()
    new_names = {c: f"{c} (source)" for c in source_rows.columns if c in ("source_row", "broken_rules", "line_text")}
    joined = broken.join(source_rows.rename(new_names), on=ROW, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col(ROW).cast(pl.Int64) // cells_per_row)
    if lines is not None:
        texts = lines.frame.select(
            pl.col(ROW).cast(pl.Int64), pl.concat_list("reason").alias("broken_rules"), line_text="text"
        )
        joined = pl.concat([joined, texts], how="diagonal").sort(ROW)
    return joined.select((pl.col(ROW) + 1).alias("source_row"), pl.exclude(ROW))
