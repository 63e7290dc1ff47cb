"""`chehang backup`: write a home folder into one archive while the service runs."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from features.errors import ConfigError
from serving.backup.archive import (
    CONFIGS,
    FORMAT,
    HEADER,
    HOME,
    MANIFEST,
    ArchivedFile,
    HashingFile,
    add_file,
    add_json,
)
from serving.backup.snapshots import Snapshots, rows_of, snapshots
from serving.backup.sources import DECISIONS, External, Sources, config_files, home_files, is_database
from serving.backup.work_folder import work_folder

LEVEL = 3  # of compression: higher levels save 3 % of space and take twice as long
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BackupResult:
    """An archive, as returned by `back_up`.

    Attributes
    ----------
    path : Path
        The archive.
    sha256 : str
        Its checksum, 64 hexadecimal digits; note it elsewhere.
    bytes, files : int
        Its size, and the number of files in it.
    head : str or None
        Sequence and hash of the last entry of the decision log in the archive; None without a log.
    moved : dict of str to str
        Files from outside the home: name in the restored home, and present path.
    external : list of External
        Stores that the archive does not contain.
    """

    path: Path
    sha256: str
    bytes: int
    files: int
    head: str | None
    moved: dict[str, str]
    external: list[External]


def back_up(sources: Sources, to: Path, *, progress: Progress = lambda done, total: None) -> BackupResult:
    """Write an archive of databases, files and configurations.

    All databases are read as of one instant, the decision log before the models, so that every model version that the
    log names is in the archive with its files. The archive appears under its name once it is complete.

    Parameters
    ----------
    sources : Sources
        As returned by `serving.backup.sources.sources_of`.
    to : Path
        The archive; must not exist, and lies outside the home folder.
    progress : callable
        ``(done, total) -> None``, called with numbers of bytes while they are read.

    Returns
    -------
    BackupResult
        Path, checksum and size of the archive, and what is not in it.

    Raises
    ------
    ConfigError
        The archive exists or cannot be written, or a database cannot be read. No archive is left.
    """
    target = to.absolute()
    if target.exists() or target.is_symlink():
        raise ConfigError(f"{to}: already exists, and a backup overwrites nothing; name a new file")
    if target.is_relative_to(sources.home) or target.resolve().is_relative_to(sources.home.resolve()):
        raise ConfigError(f"{to}: lies in the home folder, with which it would be lost; name a file on another disk")
    with work_folder(target.parent, ".chehang-backup-") as work:
        part = work / "archive"
        with _compressed(part) as (tar, hashing), snapshots(sources.databases, work) as begun:
            writer = _Writer(tar, _total(sources), progress)
            header = {"format": FORMAT, "chehang": version("chehang"), "home": str(sources.home)}
            add_json(tar, HEADER, {**header, "made_at": datetime.now(UTC).isoformat(timespec="seconds")})
            head = _add_databases(writer, begun, sources)
            _add_files(writer, sources)
            content = {"head": head, "moved": sources.moved, "files": {n: asdict(f) for n, f in writer.files.items()}}
            add_json(tar, MANIFEST, {**content, "external": [asdict(e) for e in sources.external]})
        if target.exists():
            raise ConfigError(f"{to}: another process wrote this file meanwhile; it is unchanged, name a new file")
        part.replace(target)
        _sync(target.parent)
    size = target.stat().st_size
    return BackupResult(target, hashing.sha256, size, len(writer.files), head, sources.moved, sources.external)


@dataclass
class _Writer:
    tar: tarfile.TarFile
    total: int
    progress: Progress
    done: int = 0
    files: dict[str, ArchivedFile] = field(default_factory=dict)

    def add(self, name: str, path: Path, *, mode: int | None = None) -> None:
        with path.open("rb") as f:
            status = os.fstat(f.fileno())
            rights = status.st_mode if mode is None else mode
            self.files[name] = add_file(self.tar, name, f, size=status.st_size, mode=rights, progress=self._advance)

    def _advance(self, count: int) -> None:
        self.done += count
        self.progress(self.done, max(self.total, self.done))


@contextmanager
def _compressed(path: Path) -> Iterator[tuple[tarfile.TarFile, HashingFile]]:
    """Yield an archive for writing and the file below it; both are on the disk after the block."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        hashing = HashingFile(file)
        with (
            gzip.GzipFile(filename="", fileobj=hashing, mode="wb", compresslevel=LEVEL, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            yield tar, hashing
        file.flush()
        os.fsync(file.fileno())


def _total(sources: Sources) -> int:
    """Return about how many bytes will be read."""
    paths = [*sources.databases.values(), *sources.files.values(), *config_files(sources.configs)]
    return sum(path.stat().st_size for path in paths) + sum(
        path.stat().st_size for path in home_files(sources.home) if not is_database(path)
    )


def _add_databases(writer: _Writer, begun: Snapshots, sources: Sources) -> str | None:
    """Add the copies of the databases, and return the head of the decision log."""
    head = None
    for name, path in sources.databases.items():
        copy = begun.copy(name)
        if name == DECISIONS:
            head = _head(copy)
        writer.add(f"{HOME}/{name}", copy, mode=path.stat().st_mode)
        copy.unlink()
    return head


def _head(copy: Path) -> str | None:
    tables = {row[0] for row in rows_of(copy, "SELECT name FROM sqlite_master")}
    rows = rows_of(copy, "SELECT sequence, hash FROM decision_head") if "decision_head" in tables else []
    return f"{rows[0][0]}:{rows[0][1]}" if rows else None


def _add_files(writer: _Writer, sources: Sources) -> None:
    for path in home_files(sources.home):
        name = path.relative_to(sources.home).as_posix()
        if name not in sources.databases and not is_database(path):
            _add_if_present(writer, f"{HOME}/{name}", path)
    for name, path in sources.files.items():
        _add_if_present(writer, f"{HOME}/{name}", path)
    for path in config_files(sources.configs):
        _add_if_present(writer, f"{CONFIGS}/{path.relative_to(sources.configs).as_posix()}", path)


def _add_if_present(writer: _Writer, name: str, path: Path) -> None:
    try:
        writer.add(name, path)
    except FileNotFoundError:  # a working file that another process has deleted since the folder was listed
        return


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
