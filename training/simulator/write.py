"""Writing a sample dealership to a folder: whole or not at all."""

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
from training.simulator.size import Size

MANIFEST = "manifest.json"
MAKER = "chehang sample dealership"
FORMAT = 1
_INSTANT = pl.Datetime("us", "UTC")


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the place of `out` when the block ends well, and vanishes otherwise.

    A folder that an earlier run made is set aside, replaced and then removed, so that at any moment either the old or
    the new one is complete on the disk.

    Parameters
    ----------
    out : Path
        A path that does not exist, an empty folder, or a folder that holds a sample dealership and nothing else.

    Raises
    ------
    ConfigError
        `out` is something else, or cannot be written.
    """
    out = out.resolve()
    _check_target(out)
    token = secrets.token_hex(4)
    fresh, old = (out.with_name(f".{out.name}.{kind}-{token}") for kind in ("partial", "old"))
    try:
        fresh.mkdir(parents=True)
        yield fresh
        _replace(out, fresh=fresh, old=old)
    except BrokenPipeError:  # of whoever reads our progress, not of the folder
        raise
    except OSError as e:
        reason = e.strerror or str(e)
        raise ConfigError(f"out: must be a folder that can be written, got {out} ({reason}); give another") from e
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check_target(out: Path) -> None:
    rule = "must be a new or empty folder, or one that holds a sample dealership and nothing else"
    try:
        if out.exists() and not out.is_dir():
            raise ConfigError(f"out: {rule}, got the file {out}; give another")
        present = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()} if out.exists() else set()
    except OSError as e:
        raise ConfigError(f"out: {rule}, got {out} ({e.strerror}); give another") from e
    foreign = sorted(present - _own_files(out))
    if foreign:
        raise ConfigError(f"out: {rule}, got {out}, which holds {foreign[0]!r}; give another or empty it yourself")


def _own_files(out: Path) -> set[str]:
    """Files that a manifest in the folder says are ours; none without a manifest of ours."""
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
    """Give a frame the columns of a table's contract: its order and types, null where the frame has no such column.

    Examples
    --------
    >>> select_contract_columns("stock", pl.DataFrame({"store_id": ["S1"]})).columns[:3]
    ['store_id', 'model', 'snapshot_at']
    """
    columns = TABLES[name].columns
    return frame.select(
        (pl.col(c) if c in frame.columns else pl.lit(None)).cast(column.dtype).alias(c) for c, column in columns.items()
    )


def cast_instants(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Cast instants (us) to date-times in UTC: Parquet files are looked at by people too."""
    return frame.with_columns(pl.col(c).cast(_INSTANT) for c in columns)


def write_table(folder: Path, name: str, chunks: Iterable[pl.DataFrame]) -> int:
    """Write a raw table piece by piece; returns its rows."""
    columns = TABLES[name].columns
    shown = [c for c, column in columns.items() if column.unit == "us"]
    frames = (cast_instants(select_contract_columns(name, chunk), shown) for chunk in chunks)
    return _write(folder / "tables" / f"{name}.parquet", frames)


def write_truth(folder: Path, name: str, frame: pl.DataFrame) -> int:
    """Write a table of the truth; returns its rows."""
    shown = [c for c in frame.columns if c.endswith("_at")]
    return _write(folder / "truth" / f"{name}.parquet", [cast_instants(frame, shown)])


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


def write_manifest(folder: Path, size: Size, rows: dict[str, int]) -> None:
    """Write what was made: size, rows of each table, checksum of each file."""
    files = sorted(p for p in folder.rglob("*.parquet"))
    manifest: dict[str, Any] = {
        "maker": MAKER,
        "format": FORMAT,
        "size": asdict(size),
        "rows": rows,
        "sha256": {p.relative_to(folder).as_posix(): _checksum(p) for p in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
