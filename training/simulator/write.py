"""Write a sample dealership to a folder atomically."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from features.errors import ConfigError
from features.tables import TABLES
from training.simulator.changes import DEFAULT_CHANGES, Changes
from training.simulator.size import Size

MANIFEST = "manifest.json"
MAKER = "chehang sample dealership"  # identifies our folders
FORMAT = 1
_INSTANT = pl.Datetime("us", "UTC")


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """Return a context with a temporary folder, which replaces `out` on success and is removed on failure.

    An earlier sample dealership in `out` is renamed, replaced and then deleted: at any moment a complete one is on the
    disk.

    Parameters
    ----------
    out : Path
        A path that does not exist, an empty folder, or a folder with a sample dealership and no other files.

    Yields
    ------
    Path
        The temporary folder, next to `out`.

    Raises
    ------
    ConfigError
        `out` is a file, contains other files, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from training.simulator.write import atomic_folder
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with atomic_folder(Path(parent) / "sample") as folder:
    ...         _ = (folder / "manifest.json").write_text("{}")
    ...     [path.name for path in Path(parent).iterdir()]
    ['sample']
    """
    out = out.resolve()
    _check_target(out)
    token = secrets.token_hex(4)
    fresh, old = (out.with_name(f".{out.name}.{kind}-{token}") for kind in ("partial", "old"))
    try:
        fresh.mkdir(parents=True)
        yield fresh
        _replace(out, fresh=fresh, old=old)
    except BrokenPipeError:  # raised by the reader of the progress lines, not by the folder
        raise
    except OSError as e:
        reason = e.strerror or str(e)
        raise ConfigError(
            f"out: must be a folder that can be written, got {out} ({reason}); give another folder"
        ) from e
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check_target(out: Path) -> None:
    rule = "must be a new or empty folder, or one with a sample dealership and no other files"
    try:
        if out.exists() and not out.is_dir():
            raise ConfigError(f"out: {rule}, got the file {out}; give another folder")
        present = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()} if out.exists() else set()
    except OSError as e:
        raise ConfigError(f"out: {rule}, got {out} ({e.strerror}); give another folder") from e
    foreign = sorted(present - _own_files(out))
    if foreign:
        raise ConfigError(f"out: {rule}, got {out}, which contains {foreign[0]!r}; give another folder or empty it")


def _own_files(out: Path) -> set[str]:
    """Return the files that the manifest of a sample dealership lists; none without such a manifest."""
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    if not isinstance(manifest, dict) or manifest.get("maker") != MAKER:
        return set()
    return {MANIFEST, *manifest.get("sha256", {})}


def _replace(out: Path, *, fresh: Path, old: Path) -> None:
    if not out.exists():
        fresh.rename(out)
        return
    out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old)


def select_contract_columns(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of a raw table in the order and types of its contract; columns that the frame lacks are null.

    Parameters
    ----------
    name : str
        Name of a raw table, a key of `features.tables.TABLES`; any other raises KeyError.
    frame : polars.DataFrame
        Columns that the table does not have are dropped.

    Returns
    -------
    polars.DataFrame
        The columns of `features.tables.TABLES[name].columns`.

    Examples
    --------
    >>> import polars as pl
    >>> from training.simulator.write import select_contract_columns
    >>> select_contract_columns("stock", pl.DataFrame({"store_id": ["S1"]})).columns[:3]
    ['store_id', 'model', 'snapshot_at']
    """
    columns = TABLES[name].columns
    return frame.select(
        (pl.col(c) if c in frame.columns else pl.lit(None)).cast(column.dtype).alias(c) for c, column in columns.items()
    )


def cast_instants(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Return the frame with int64 columns of microseconds since 1970 UTC cast to Datetime, for Parquet viewers.

    `columns` are the names of the int64 columns; the others are unchanged.

    Returns
    -------
    polars.DataFrame
        All columns of `frame`, in its order.

    Examples
    --------
    >>> import polars as pl
    >>> from training.simulator.write import cast_instants
    >>> cast_instants(pl.DataFrame({"sold_at": [0]}), ["sold_at"])["sold_at"].dtype
    Datetime(time_unit='us', time_zone='UTC')
    """
    return frame.with_columns(pl.col(c).cast(_INSTANT) for c in columns)


def write_table(folder: Path, name: str, chunks: Iterable[pl.DataFrame]) -> int:
    """Write `<folder>/tables/<name>.parquet` from chunks of a raw table, and return the number of rows.

    Parameters
    ----------
    folder : Path
        An existing folder.
    name : str
        Name of the table, a key of `features.tables.TABLES`; any other raises KeyError.
    chunks : iterable of polars.DataFrame
        Rows of the table; instants as int64 microseconds since 1970 UTC. No file is written if there are no chunks.

    Returns
    -------
    int
        Number of rows.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> from training.simulator.write import write_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(Path(folder), "stock", [pl.DataFrame({"store_id": ["S1", "S2"]})])
    2
    """
    columns = TABLES[name].columns
    instants = [c for c, column in columns.items() if column.unit == "us"]
    frames = (cast_instants(select_contract_columns(name, chunk), instants) for chunk in chunks)
    return _write(folder / "tables" / f"{name}.parquet", frames)


def write_truth(folder: Path, name: str, frame: pl.DataFrame) -> int:
    """Write `<folder>/truth/<name>.parquet` and return the number of rows.

    Parameters
    ----------
    folder : Path
        An existing folder.
    name : str
        Name of the file, such as "demand".
    frame : polars.DataFrame
        As returned by a function of `training.simulator.truth`; columns `*_at` are int64 microseconds since 1970 UTC
        and are written as UTC Datetime.

    Returns
    -------
    int
        Number of rows.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> from training.simulator.write import write_truth
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_truth(Path(folder), "faults", pl.DataFrame({"vehicle_id": ["V1"], "happened_at": [0]}))
    1
    """
    instants = [c for c in frame.columns if c.endswith("_at")]
    return _write(folder / "truth" / f"{name}.parquet", [cast_instants(frame, instants)])


def _write(path: Path, frames: Iterable[pl.DataFrame]) -> int:
    path.parent.mkdir(exist_ok=True)
    rows, writer = 0, None
    try:
        for frame in frames:
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
            rows += frame.height
    finally:
        if writer is not None:
            writer.close()
    return rows


def write_manifest(folder: Path, size: Size, rows: dict[str, int], changes: Changes = DEFAULT_CHANGES) -> None:
    """Write `<folder>/manifest.json`: size, number of rows by table, SHA-256 checksum by Parquet file.

    Parameters
    ----------
    folder : Path
        Folder with the Parquet files, as filled by `write_table` and `write_truth`.
    size : Size
        `training.simulator.Size(stores=1, customers=100, months=3)`, for example.
    rows : dict of str to int
        Number of rows by raw table.
    changes : Changes
        Written if they are not the default.
    """
    files = sorted(p for p in folder.rglob("*.parquet"))
    manifest: dict[str, Any] = {
        "maker": MAKER,
        "format": FORMAT,
        "size": asdict(size),
        **({} if changes == DEFAULT_CHANGES else {"changes": asdict(changes)}),
        "rows": rows,
        "sha256": {p.relative_to(folder).as_posix(): _checksum(p) for p in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
