"""Lazy scans of a table's source: Parquet files, a CSV file, a workbook, a database query or a feedback store."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from features.errors import ChehangError, ConfigError, DataError
from features.sources.bad_lines import ROW as ROW
from features.sources.bad_lines import ReadLog
from features.sources.csv_files import CsvFile, CsvOptions
from features.sources.excel_files import ExcelFile
from features.sources.filters import filter_rows
from features.sources.joins import join_columns, repeated_key, unmatched_rows
from features.sources.lines import ClassifiedLines, LineSource, classify, load_line_rules
from features.sources.table_source import TableSource, Unpivot
from features.sources.unpivot import total_notes, unpivot_rows, unpivoted_columns
from features.tables import TABLES

_FILE_KEYS = ("parquet", "csv", "excel", "sheet", "store")
LINE_COLUMNS = ("component", "fault")


@dataclass(frozen=True)
class Scan:
    """An opened source whose rows have not been read; returned by `open_source`.

    Attributes
    ----------
    where : str
        Table, and path or query, as shown in error messages.
    columns : tuple of str
        Names of the source columns.
    rows : callable
        Returns the rows as a LazyFrame with `__row__`, the position in the source from 0.
    cheap_to_repeat : bool
        True if the rows may be collected several times (Parquet); False if they should be collected once.
    lines : ClassifiedLines or None
        Classes of the free-text lines, where the table's entry has `lines`.
    logs : tuple of ReadLog
        What is noted while the files are read: of the table's own file, if it is text or a workbook, then of the joined
        files. Bad lines are known when `rows` has been called.
    cells_per_row : int
        Number of rows that a row of the source becomes by `unpivot`; `__row__` numbers them row by row.
    """

    where: str
    columns: tuple[str, ...]
    rows: Callable[[], pl.LazyFrame]
    cheap_to_repeat: bool
    lines: ClassifiedLines | None = None
    logs: tuple[ReadLog, ...] = ()
    cells_per_row: int = 1


def open_source(table: str, source: TableSource) -> Scan:
    """Open the source of a table and read its column names, without its rows.

    Parameters
    ----------
    table : str
        Name of the table, for error messages.
    source : TableSource
        The table's entry in sources.yaml: a value of ``features.sources.load_sources(path).tables``.

    Returns
    -------
    Scan
        `columns` has the names of the source columns; ``rows()`` returns the rows as a LazyFrame with `__row__`, the
        position from 0. Columns of a CSV file are String.

    Raises
    ------
    DataError
        A file is missing, unreadable or malformed, a column named by an option does not exist, or the database rejects
        the query.
    ConfigError
        A path is a folder where a file is needed, a database driver is not installed, or the rule file of `lines` is
        invalid.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from features.sources import TableSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "leads.csv")
    ...     _ = file.write_text("id,channel\\nL1,phone\\n")
    ...     scan = open_source("leads", TableSource(csv=str(file)))
    ...     scan.columns, scan.rows().collect().rows()
    (('id', 'channel'), [(0, 'L1', 'phone')])
    """
    scan = _single(table, source)
    scan = _unpivoted(scan, source, source.unpivot) if source.unpivot else scan
    for other in source.join:
        if other.store is not None:
            file = _lead_outcomes(table, other.store.get_secret_value(), other.on[0])
        else:
            file = _single(table, source.model_copy(update={n: getattr(other, n) for n in _FILE_KEYS}))
        # Leads without outcomes are usual; no partner at all is an error.
        scan = _joined(scan, file, other.on, personal=_personal(table, source), is_partial=other.store is not None)
    scan = _combined(scan, source.combine) if source.combine else scan
    return _classified(scan, source, source.lines) if source.lines else scan


def _single(table: str, source: TableSource) -> Scan:
    if source.parquet is not None:
        return _parquet(table, source.parquet)
    if source.csv is not None:
        return _csv(table, Path(source.csv), source)
    if source.excel is not None:
        return _excel(table, Path(source.excel), source)
    if source.store is not None:
        return _store(f"{table}: store", table, source.store.get_secret_value())
    return _query(table, source)


def _unpivoted(scan: Scan, source: TableSource, unpivot: Unpivot) -> Scan:
    """Return the cells of a wide table as rows; the notes name columns and rows that seem to be totals."""
    index, on = unpivoted_columns(scan.columns, unpivot, where=scan.where)
    logs = scan.logs or (ReadLog(),)

    def rows() -> pl.LazyFrame:
        wide = scan.rows() if scan.cheap_to_repeat else scan.rows().collect().lazy()
        for note in total_notes(wide, index, on, source, row=ROW):
            logs[0].add_note(note)
        return unpivot_rows(wide, index, on, unpivot, row=ROW)

    columns = (*index, unpivot.variable, unpivot.value)
    return replace(scan, columns=columns, rows=rows, logs=logs, cells_per_row=len(on))


def _personal(table: str, source: TableSource) -> set[str]:
    """Return the names of the source columns that are personal data by the contract."""
    names = TABLES[table].personal if table in TABLES else frozenset()
    return set(names) | {c.source for n, c in source.columns.items() if c is not None and c.source and n in names}


def _joined(
    scan: Scan, other: Scan, on: tuple[str, ...], *, personal: Collection[str], is_partial: bool = False
) -> Scan:
    """Left-join the columns of another scan; the log of the other file has the rows without a partner."""
    for side in (scan, other):
        if missing := [k for k in on if k not in side.columns]:
            raise DataError(f"{side.where}: has no column `{missing[0]}`, used in `join.on`: correct `join.on`")
    if shared := [c for c in other.columns if c in scan.columns and c not in on]:
        raise DataError(f"{other.where}: column `{shared[0]}` is also in {scan.where}: rename it in one of the files")
    try:
        right = other.rows().drop(ROW)
        repeated = repeated_key(scan.rows(), right, on)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise read_error(other.where, error) from None
    if repeated is not None:
        key, count = repeated
        raise DataError(f"{other.where}: {count} rows have {key}: `join.on` must identify one row; add a column to it")
    logs = other.logs or (ReadLog(),)

    def rows() -> pl.LazyFrame:
        left = scan.rows()
        if logs[0].unmatched is None:
            file = other.where.split(": ", 1)[-1]
            unmatched = unmatched_rows(left, right, on, where=file, personal=personal)
            if not is_partial or unmatched.unmatched == unmatched.rows:
                logs[0].unmatched = unmatched
        return join_columns(left, right, on)

    added = [c for c in other.columns if c not in on]
    cheap, logs_of_both = scan.cheap_to_repeat and other.cheap_to_repeat, (*(scan.logs or (ReadLog(),)), *logs)
    return replace(scan, columns=(*scan.columns, *added), rows=rows, cheap_to_repeat=cheap, logs=logs_of_both)


def _combined(scan: Scan, combine: Mapping[str, tuple[str, ...]]) -> Scan:
    """Add the columns of `combine`."""
    for name, parts in combine.items():
        if name in scan.columns:
            raise DataError(f"{scan.where}: `combine` adds column `{name}`, which the source already has: rename it")
        if missing := [c for c in parts if c not in scan.columns]:
            raise DataError(f"{scan.where}: has no column `{missing[0]}`, used in `combine.{name}`: correct it there")
    combined = [
        pl.concat_str([pl.col(c).cast(pl.String) for c in parts], separator=" ").alias(name)
        for name, parts in combine.items()
    ]
    return replace(scan, columns=(*scan.columns, *combine), rows=lambda: scan.rows().with_columns(combined))


def _classified(scan: Scan, source: TableSource, lines: LineSource) -> Scan:
    """Add `component` and `fault`; each distinct text is classified once."""
    if lines.text not in scan.columns:
        raise DataError(f"{scan.where}: has no column `{lines.text}`, used in `lines.text`: correct it there")
    for name in LINE_COLUMNS:
        if name in scan.columns:
            raise DataError(
                f"{scan.where}: `lines` adds column `{name}`, which the source already has: remove `lines`, "
                "or the column"
            )
    rules = load_line_rules(Path(lines.rules))
    try:
        text = pl.col(lines.text).cast(pl.String)
        texts = filter_rows(scan.rows(), source).select(text.alias("text"))
        counts = texts.group_by("text").len("lines").sort("text").collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise read_error(scan.where, error) from None
    classes = classify(counts["text"].fill_null(""), rules).with_columns(text=counts["text"], lines=counts["lines"])
    line_columns = classes.select(pl.col("text").alias(lines.text), *LINE_COLUMNS).lazy()

    def rows() -> pl.LazyFrame:
        left = scan.rows().with_columns(pl.col(lines.text).cast(pl.String))
        return left.join(line_columns, on=lines.text, how="left", nulls_equal=True, maintain_order="left")

    return replace(scan, columns=(*scan.columns, *LINE_COLUMNS), rows=rows, lines=ClassifiedLines(classes))


def read_error(where: str, error: Exception) -> ChehangError:
    """Convert an error of reading a source to a `ChehangError` in one line, with a remedy; the caller raises it.

    Parameters
    ----------
    where : str
        Table and file for the message, such as "leads: a.csv".
    error : Exception
        Error of reading, such as OSError or a Polars error.

    Returns
    -------
    features.errors.ChehangError
        `error` itself if it is one, otherwise a `DataError`.

    Examples
    --------
    >>> str(read_error("leads: a.csv", OSError("disk error")))
    'leads: a.csv: cannot be read: disk error: if the file is damaged, export it again'
    """
    if isinstance(error, ChehangError):
        return error
    text = (str(error).split("\n\n")[0].splitlines() or [type(error).__name__])[0]
    return DataError(f"{where}: cannot be read: {text}: {_read_remedy(error, text.lower())}")


def _read_remedy(error: Exception, text: str) -> str:
    if isinstance(error, PermissionError) or "permission denied" in text:
        return "give this user permission to read it"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "free disk space, or set TMPDIR to a folder on a larger disk"
    if isinstance(error, FileNotFoundError):
        return "the file was moved while it was read; run the command again"
    if isinstance(error, pl.exceptions.SchemaError | pl.exceptions.SchemaFieldNotFoundError):
        return "export all files of the table with the same types"
    if isinstance(error, OSError) or any(w in text for w in ("parquet", "out of spec", "corrupt", "decompress")):
        return "if the file is damaged, export it again"
    return "export the table again, or map other columns"


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
        # Exports of different months may differ: a column was added, or is integer in one file and float in the next.
        scans = [pl.scan_parquet(f, hive_partitioning=nested, glob=False) for f in files]
        return pl.concat(scans, how="diagonal_relaxed").with_row_index(ROW)

    return Scan(where, tuple(dict.fromkeys(n for s in schemas for n in s)), rows, cheap_to_repeat=True)


def _root(pattern: str) -> Path:
    """Return the part of a path before its first wildcard."""
    path = Path(pattern)
    if path.is_dir():
        return path
    return next(p for p in path.parents if not any(c in str(p) for c in "*?["))


def _parquet_files(where: str, pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        files = sorted(f for f in path.rglob("*.parquet") if not _hidden(f, path))
        if not files:
            raise DataError(f"{where}: the folder has no *.parquet file: correct `parquet`, or add the files")
        return files
    if path.exists():
        return [path]
    files = sorted(f for f in _root(pattern).glob(str(path.relative_to(_root(pattern)))) if f.is_file())
    if not files:
        is_sample = path.parent.parts[-2:] == ("sample", "tables")
        remedy = "make the sample dealership with: chehang sample-data" if is_sample else "add the file"
        raise DataError(f"{where}: no such file: correct `parquet`, or {remedy}")
    return files


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def _not_parquet(where: str, files: list[Path], error: Exception) -> DataError:
    for file in files:
        try:
            with file.open("rb") as opened:
                magic_bytes = opened.read(4)
                has_magic_bytes = magic_bytes in (b"PAR1", b"PARE")
        except OSError as os_error:
            is_refused = isinstance(os_error, PermissionError)
            remedy = "give this user permission to read it" if is_refused else "remove it, or put a Parquet file there"
            return DataError(f"{where}: {file.name}: {os_error.strerror}: {remedy}")
        if not has_magic_bytes:
            is_workbook = magic_bytes in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
            remedy = "use `excel` for a workbook" if is_workbook else "use `csv`, or export it as Parquet"
            return DataError(f"{where}: {file.name} is not a Parquet file: {remedy}")
    return DataError(str(read_error(where, error)))


def _csv(table: str, path: Path, source: TableSource) -> Scan:
    where = f"{table}: {path}"
    contract = TABLES.get(table)
    mapped = mapped_names(source)
    options = CsvOptions(
        encoding=source.encoding,
        states_encoding="encoding" in source.model_fields_set,
        separator=source.separator,
        skip_rows=source.skip_rows,
        null_values=source.null_values,
        names=frozenset(contract.columns if contract else ()) | mapped,
        mapped=mapped,
        shows_text=contract is not None and not contract.personal,
    )
    try:
        file = CsvFile(path, options, where=where)
    except OSError as error:
        raise read_error(where, error) from None
    return Scan(where, file.header.names, file.scan, cheap_to_repeat=False, logs=(file.log,))


def _excel(table: str, path: Path, source: TableSource) -> Scan:
    where = f"{table}: {path}"
    contract = TABLES.get(table)
    mapped = mapped_names(source)
    names = frozenset(contract.columns if contract else ()) | mapped
    try:
        file = ExcelFile(path, source.sheet, names=names, mapped=mapped, skip_rows=source.skip_rows, where=where)
    except OSError as error:
        raise read_error(where, error) from None
    return Scan(where, file.columns, file.scan, cheap_to_repeat=False, logs=(file.log,))


def mapped_names(source: TableSource) -> frozenset[str]:
    """Return the names of source columns that a table's entry in sources.yaml mentions.

    Parameters
    ----------
    source : TableSource
        A value of ``features.sources.load_sources(path).tables``.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> from features.sources import TableSource
    >>> sorted(mapped_names(TableSource(csv="a.csv", columns={"price": "msrp"}, drop={"kind": ["test"]})))
    ['kind', 'msrp']
    """
    columns = (spec.source for spec in source.columns.values() if spec is not None)
    unpivot = source.unpivot
    names = [
        *(name for name in columns if name is not None and not (unpivot and name in (unpivot.variable, unpivot.value))),
        *source.only,
        *source.drop,
        *(name for parts in source.combine.values() for name in parts),
        *(name for file in source.join for name in file.on),
        *((*unpivot.index, *unpivot.on) if unpivot else ()),
        *([source.latest_by] if source.latest_by else []),
        *([source.lines.text] if source.lines else []),
    ]
    return frozenset(names) - set(source.combine)


def _query(table: str, source: TableSource) -> Scan:
    from features.sources.databases import query_columns, read_query  # imports SQLAlchemy

    url, query, where = source.url.get_secret_value() if source.url else "", source.sql or "", f"{table}: query"
    columns = query_columns(url, query, where=where)
    repeated = sorted({c for c in columns if columns.count(c) > 1})
    if repeated:
        raise ConfigError(f"{where}: `sql` returns two columns named `{repeated[0]}`: rename one with AS")

    def rows() -> pl.LazyFrame:
        return read_query(url, query, where=where).lazy().with_row_index(ROW)

    return Scan(where, tuple(columns), rows, cheap_to_repeat=False)


def _store(where: str, table: str, url: str) -> Scan:
    from features.sources.feedback_stores import read_store, store_columns  # imports SQLAlchemy

    columns = store_columns(url, table, where=where)

    def rows() -> pl.LazyFrame:
        return read_store(url, table, columns, where=where).lazy().with_row_index(ROW)

    return Scan(where, tuple(columns), rows, cheap_to_repeat=False)


def _lead_outcomes(table: str, url: str, key: str) -> Scan:
    """Return the outcomes of leads of a store; `lead_id` has the name of the column on which they are joined."""
    from features.sources.feedback_stores import LEAD_OUTCOMES  # imports SQLAlchemy

    scan = _store(f"{table}: store of outcomes", LEAD_OUTCOMES, url)
    columns = tuple(key if name == "lead_id" else name for name in scan.columns)
    return replace(scan, columns=columns, rows=lambda: scan.rows().rename({"lead_id": key}))
