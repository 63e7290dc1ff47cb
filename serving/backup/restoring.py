"""`chehang restore`: check an archive and make a home folder of it."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import ConfigError
from serving.backup.archive import (
    CHUNK,
    CONFIGS,
    HEADER,
    HOME,
    MANIFEST,
    ArchivedFile,
    ArchiveError,
    HashingFile,
    check_header,
    safe_path,
)
from serving.backup.work_folder import work_folder

MAX_JSON_BYTES = 256_000_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RestoredHome:
    """A restored home folder, as returned by `restore`.

    Attributes
    ----------
    home : Path
        The folder.
    files : int
        Number of files.
    made_at : str
        Time of the backup, in UTC.
    head : str or None
        Sequence and hash of the last entry of the decision log; None without a log in the archive.
    moved : dict of str to str
        Files that were outside the home: name in the restored home, and earlier path.
    external : list of dict
        Stores that the archive does not contain: `name` of the setting and the `command` that backed it up.
    """

    home: Path
    files: int
    made_at: str
    head: str | None
    moved: dict[str, str]
    external: list[dict[str, str]]


def restore(
    archive: Path,
    to: Path,
    *,
    sha256: str | None = None,
    progress: Progress = lambda done, total: None,
) -> RestoredHome:
    """Make a home folder from an archive, after checking every file in it.

    The folder appears once it is complete: a killed process leaves no part of it.

    Parameters
    ----------
    archive : Path
        File that `serving.backup.writing.back_up` wrote.
    to : Path
        The new home folder: does not exist or is empty.
    sha256 : str, optional
        Checksum of the archive that was noted when it was written; it detects an archive that someone has exchanged.
    progress : callable
        ``(done, total) -> None``, called with numbers of bytes of the archive.

    Returns
    -------
    RestoredHome
        Folder, number of files, head of the decision log, and what the archive does not contain.

    Raises
    ------
    ConfigError
        `to` is not empty or cannot be written, or the archive cannot be read.
    ArchiveError
        The archive is truncated, changed, of a newer version, or has entries that no backup writes.
    """
    target = to.absolute()
    if target.is_symlink():
        raise ConfigError(f"{to}: is a link; name the folder itself")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{to}: is not empty, and a restore overwrites nothing; name a new folder")
    if target.is_dir() and target.is_mount():
        raise ConfigError(f"{to}: is the root of a mounted disk, which cannot be replaced; name a folder in it")
    with _opened(archive, progress) as file, work_folder(target.parent, ".chehang-restore-") as work:
        home = work / HOME
        home.mkdir(mode=0o700)
        reader = _Reader(archive, work)
        with _unreadable(archive):
            reader.read(file)
        if sha256 is not None and file.sha256 != sha256.lower():
            raise ArchiveError(f"{archive}: its SHA-256 is {file.sha256}, not the expected {sha256}: do not use it")
        header, manifest = reader.header, reader.manifest()
        os.sync()
        home.replace(target)
    return RestoredHome(
        home=target,
        files=len(reader.files),
        made_at=str(header["made_at"]),
        head=manifest["head"],
        moved=manifest["moved"],
        external=manifest["external"],
    )


class _Reader:
    """Extracts the entries of an archive in their order, and computes their checksums."""

    def __init__(self, archive: Path, work: Path) -> None:
        self.archive = archive
        self.roots = {HOME: work / HOME, CONFIGS: work / HOME / CONFIGS}
        self.header: dict[str, Any] = {}
        self.files: dict[str, ArchivedFile] = {}
        self._manifest: dict[str, Any] | None = None

    def read(self, file: HashingFile) -> None:
        with gzip.GzipFile(fileobj=file, mode="rb") as compressed:  # type: ignore[arg-type]
            with tarfile.open(fileobj=compressed, mode="r|") as tar:
                for entry in tar:
                    self._add(tar, entry)
            while rest := compressed.read(CHUNK):  # up to the checksum of the compressed data
                if rest.strip(b"\0"):
                    raise ArchiveError(f"{self.archive}: has data after its end: do not use it")

    def _add(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        if not entry.isreg() or self._manifest is not None:
            text = f"has an entry {entry.name[:100]!r} that no backup writes: do not use it"
            raise ArchiveError(f"{self.archive}: {text}")
        if not self.header:
            if entry.name != HEADER:
                raise ArchiveError(f"{self.archive}: is no backup of chehang; name a file that chehang backup wrote")
            self.header = self._json(tar, entry)
            return check_header(self.header)
        if entry.name == MANIFEST:
            self._manifest = self._json(tar, entry)
            return None
        root, path = safe_path(entry.name)
        if entry.name in self.files:
            raise ArchiveError(f"{self.archive}: has two entries {entry.name!r}: do not use it")
        return self._extract(tar, entry, self.roots[root] / path)

    def _json(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> dict[str, Any]:
        source = tar.extractfile(entry)
        assert source is not None and entry.size < MAX_JSON_BYTES
        return dict(json.loads(source.read()))

    def _extract(self, tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
        source = tar.extractfile(entry)
        assert source is not None, "a regular file"
        path.parent.mkdir(parents=True, exist_ok=True)
        hashing = HashingFile(source)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, entry.mode & 0o777 | 0o600), "wb") as out:
            while content := hashing.read(CHUNK):
                out.write(content)
        self.files[entry.name] = ArchivedFile(entry.size, hashing.sha256, entry.mode & 0o777)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, after comparing the files with it."""
        if self._manifest is None:
            raise ArchiveError(f"{self.archive}: is truncated; copy it again, or take another backup")
        expected = {name: ArchivedFile(**entry) for name, entry in self._manifest["files"].items()}
        for name in sorted({*expected, *self.files}):
            if expected.get(name) != self.files.get(name):
                raise ArchiveError(f"{self.archive}: the content of {name} differs from its checksum: do not use it")
        return self._manifest


@contextmanager
def _opened(archive: Path, progress: Progress) -> Iterator[HashingFile]:
    try:
        total = archive.stat().st_size
        with archive.open("rb") as file:
            yield HashingFile(_Counted(file, total, progress))  # type: ignore[arg-type]
    except OSError as e:
        raise ConfigError(f"{archive}: {e.strerror or e}; name a file that chehang backup wrote") from None


class _Counted:
    def __init__(self, file: Any, total: int, progress: Progress) -> None:
        self._file = file
        self._total = total
        self._progress = progress
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        content = bytes(self._file.read(size))
        self._done += len(content)
        self._progress(self._done, self._total)
        return content


@contextmanager
def _unreadable(archive: Path) -> Iterator[None]:
    """Turn the errors of damaged compressed data inside the block into an `ArchiveError`."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, AssertionError) as e:
        text = "is truncated, changed or no backup; copy it again, or take another backup"
        raise ArchiveError(f"{archive}: {text} ({' '.join(str(e).split()) or type(e).__name__})") from None
