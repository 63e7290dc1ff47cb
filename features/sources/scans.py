"""A table's source opened without reading its rows: Parquet files, a CSV file or a query."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.errors import ChehangError, ConfigError, DataError
from features.sources.config import TableSource
from features.sources.encodings import head, readable
from features.sources.lines import LineSource, Mapped, classify, load_line_rules
from features.sources.values import filtered

LINE_COLUMNS = ("component", "fault")
ROW = "__row__"  # position of a row in its source, from 0


@dataclass(frozen=True)
class Scan:
    """An opened source.

    Attributes
    ----------
    where : str
        How messages name it: the table and its file or query.
    columns : tuple of str
        Names of its columns.
    rows : callable
        The rows, with their position in `__row__`.
    cheap_to_repeat : bool
        Whether the frame may be collected more than once (Parquet), or is read once into memory.
    mapped : Mapped or None
        What was read out of free text.
    """

    where: str
    columns: tuple[str, ...]
    rows: Callable[[], pl.LazyFrame]
    cheap_to_repeat: bool
    mapped: Mapped | None = None


def open_source(table: str, source: TableSource) -> Scan:
    """Open a table's source and learn its column names.

    Raises
    ------
    DataError
        A missing, unreadable or malformed file, a database that refuses.
    ConfigError
        A path of the wrong kind, a database driver that is missing.
    """
    scan = _own(table, source)
    for other in source.join:
        scan = _joined(
            scan, _own(table, source.model_copy(update={"parquet": other.parquet, "csv": other.csv})), other.on
        )
    scan = _combined(scan, source.combine) if source.combine else scan
    return _classified(scan, source, source.lines) if source.lines else scan


def _own(table: str, source: TableSource) -> Scan:
    if source.parquet is not None:
        return _parquet(table, source.parquet)
    if source.csv is not None:
        return _csv(table, Path(source.csv), source)
    return _query(table, source)


def _joined(scan: Scan, other: Scan, on: tuple[str, ...]) -> Scan:
    """The rows of a scan with the columns that another one adds."""
    keys = list(on)
    for side in (scan, other):
        if absent := [k for k in keys if k not in side.columns]:
            raise DataError(f"{side.where}: has no column `{absent[0]}`, which `join.on` names: correct it")
    if both := [c for c in other.columns if c in scan.columns and c not in keys]:
        raise DataError(f"{other.where}: column `{both[0]}` is in {scan.where} too: rename it in one of the files")
    try:
        right = other.rows().drop(ROW)
        left = scan.rows().collect_schema()
        mine = right.collect_schema()
        right = right.with_columns(pl.col(k).cast(left[k], strict=False) for k in keys if mine[k] != left[k])
        twice = right.drop_nulls(keys).group_by(keys).len().filter(pl.col("len") > 1).head(1).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise read_error(other.where, error) from None
    if twice.height:
        row = twice.row(0, named=True)
        who = ", ".join(f"{k} {row[k]}" for k in keys)
        raise DataError(
            f"{other.where}: {row['len']} rows of {who}: `join.on` must name a single row; add a column to it"
        )

    def rows() -> pl.LazyFrame:
        return scan.rows().join(right, on=keys, how="left", maintain_order="left")

    added = [c for c in other.columns if c not in keys]
    return Scan(scan.where, (*scan.columns, *added), rows, scan.cheap_to_repeat and other.cheap_to_repeat)


def _combined(scan: Scan, combine: Mapping[str, tuple[str, ...]]) -> Scan:
    """The rows of a scan with columns put together from several."""
    for name, parts in combine.items():
        if name in scan.columns:
            raise DataError(f"{scan.where}: `combine` makes column `{name}`, which is there already: give another name")
        if absent := [c for c in parts if c not in scan.columns]:
            raise DataError(f"{scan.where}: has no column `{absent[0]}`, which `combine.{name}` names: correct it")
    made = [
        pl.concat_str([pl.col(c).cast(pl.String) for c in parts], separator=" ").alias(name)
        for name, parts in combine.items()
    ]
    return Scan(scan.where, (*scan.columns, *combine), lambda: scan.rows().with_columns(made), scan.cheap_to_repeat)


def _classified(scan: Scan, source: TableSource, lines: LineSource) -> Scan:
    """The rows of a scan with what their text speaks of: each distinct text is looked at once."""
    if lines.text not in scan.columns:
        raise DataError(f"{scan.where}: has no column `{lines.text}`, which `lines.text` names: correct it")
    for name in LINE_COLUMNS:
        if name in scan.columns:
            raise DataError(
                f"{scan.where}: has a column `{name}` of its own, which `lines` would make: remove one of them"
            )
    rules = load_line_rules(Path(lines.rules))
    try:
        text = pl.col(lines.text).cast(pl.String)
        chosen = filtered(scan.rows(), source).select(text.alias("text"))
        counted = chosen.group_by("text").len("lines").sort("text").collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise read_error(scan.where, error) from None
    found = classify(counted["text"].fill_null(""), rules).with_columns(text=counted["text"], lines=counted["lines"])
    looked_up = found.select(pl.col("text").alias(lines.text), *LINE_COLUMNS).lazy()

    def rows() -> pl.LazyFrame:
        left = scan.rows().with_columns(pl.col(lines.text).cast(pl.String))
        return left.join(looked_up, on=lines.text, how="left", nulls_equal=True, maintain_order="left")

    return Scan(scan.where, (*scan.columns, *LINE_COLUMNS), rows, scan.cheap_to_repeat, Mapped(found))


def read_error(where: str, error: Exception) -> ChehangError:
    """What went wrong while reading, in one line, and what to do about it."""
    if isinstance(error, ChehangError):
        return error
    text = (str(error).split("\n\n")[0].splitlines() or [type(error).__name__])[0]
    return DataError(f"{where}: cannot be read: {text}: repair or replace the file, and check its permissions")


def _parquet(table: str, pattern: str) -> Scan:
    where = f"{table}: {pattern}"
    files = _parquet_files(where, pattern)
    nested = any("=" in part for file in files for part in file.relative_to(_root(pattern)).parts[:-1])
    try:
        schemas = [pl.scan_parquet(f, hive_partitioning=nested, glob=False).collect_schema() for f in files]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _not_parquet(where, files, error) from None

    def rows() -> pl.LazyFrame:
        if all(s == schemas[0] for s in schemas):
            return pl.scan_parquet(files, hive_partitioning=nested, glob=False, row_index_name=ROW)
        # Exports of different months differ: a column came later, or is whole numbers in one and not in the next.
        scans = [pl.scan_parquet(f, hive_partitioning=nested, glob=False) for f in files]
        return pl.concat(scans, how="diagonal_relaxed").with_row_index(ROW)

    return Scan(where, tuple(dict.fromkeys(n for s in schemas for n in s)), rows, cheap_to_repeat=True)


def _root(pattern: str) -> Path:
    """The folder above which a path's parts are not part of the table."""
    path = Path(pattern)
    if path.is_dir():
        return path
    fixed = [p for p in path.parents if not any(c in str(p) for c in "*?[")]
    return fixed[0]


def _parquet_files(where: str, pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        found = sorted(f for f in path.rglob("*.parquet") if not _hidden(f, path))
        if not found:
            raise DataError(f"{where}: the folder holds no *.parquet file: correct `parquet`, or write the files")
        return found
    if path.exists():
        return [path]
    found = sorted(f for f in _root(pattern).glob(str(path.relative_to(_root(pattern)))) if f.is_file())
    if not found:
        raise DataError(f"{where}: no such file: correct `parquet`, or write the file")
    return found


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def _not_parquet(where: str, files: list[Path], error: Exception) -> DataError:
    for file in files:
        try:
            with file.open("rb") as opened:
                marked = opened.read(4) in (b"PAR1", b"PARE")
        except OSError as unopened:
            return DataError(f"{where}: {file.name}: {unopened.strerror}: let this user read the file")
        if not marked:
            return DataError(f"{where}: {file.name} is not a Parquet file: use `csv` for text, or write it as Parquet")
    return DataError(str(read_error(where, error)))


def _csv(table: str, path: Path, source: TableSource) -> Scan:
    where = f"{table}: {path}"
    if path.is_dir():
        raise ConfigError(f"{where}: is a folder: `csv` takes one file; use `parquet` for a folder of Parquet files")
    if not path.exists():
        raise DataError(f"{where}: no such file: correct `csv`, or write the file")

    def scan(content: Path | io.BytesIO) -> pl.LazyFrame:
        # Everything as text: types are the contract's business, and mixed types must reach the quarantine.
        return pl.scan_csv(
            content,
            separator=source.separator,
            null_values=list(source.null_values),
            infer_schema=False,
            glob=False,
            row_index_name=ROW,
        )

    def rows() -> pl.LazyFrame:
        frame = scan(readable(path, source.encoding, where=where))
        return frame.filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))  # a blank line is no row

    try:
        columns = scan(head(path, source.encoding, where=where)).collect_schema().names()
    except pl.exceptions.NoDataError:
        raise DataError(f"{where}: has no rows, not even a header line: export it again") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise read_error(where, error) from None
    return Scan(where, tuple(n for n in columns if n != ROW), rows, cheap_to_repeat=False)


def _query(table: str, source: TableSource) -> Scan:
    from features.sources.databases import query_columns, read_query  # imports SQLAlchemy

    url, query = source.url.get_secret_value() if source.url else "", source.sql or ""
    where = f"{table}: query"
    columns = query_columns(url, query, where=where)
    repeated = sorted({c for c in columns if columns.count(c) > 1})
    if repeated:
        raise ConfigError(f"{where}: `sql` returns column `{repeated[0]}` twice: name one of them with AS")

    def rows() -> pl.LazyFrame:
        return read_query(url, query, where=where).lazy().with_row_index(ROW)

    return Scan(where, tuple(columns), rows, cheap_to_repeat=False)
