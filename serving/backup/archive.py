"""Format of an archive: a compressed tar file with a header first and a manifest of checksums last."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import IO, Any

from features.errors import ChehangError

FORMAT = 1
HEADER, MANIFEST = "chehang-backup.json", "manifest.json"
HOME, CONFIGS = "home", "configs"
CHUNK = 1 << 20


class ArchiveError(ChehangError):
    """An archive cannot be restored: take another one, or install the version of Chehang that wrote it."""


@dataclass(frozen=True)
class ArchivedFile:
    """An entry of the manifest: size in bytes, SHA-256 and rights of a file."""

    size: int
    sha256: str
    mode: int


class HashingFile(io.RawIOBase):
    """A binary file that computes the SHA-256 of all that is read from it, or written to it, in order.

    >>> import io
    >>> file = HashingFile(io.BytesIO(b"abc"))
    >>> file.read(2), file.read(), file.sha256[:6]
    (b'ab', b'c', 'ba7816')
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the checksum so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; all of them by default."""
        content = self._file.read(size)
        self._hash.update(content)
        return content

    def write(self, content: Any) -> int:
        """Write bytes, and return how many."""
        self._hash.update(content)
        self._file.write(content)
        return len(content)

    def flush(self) -> None:
        """Do nothing: the file is flushed by its owner."""


def add_file(
    tar: tarfile.TarFile, name: str, file: IO[bytes], *, size: int, mode: int, progress: Callable[[int], None]
) -> ArchivedFile:
    """Add `size` bytes of a file to an archive, and return its entry of the manifest.

    Parameters
    ----------
    tar : TarFile
        Open for writing.
    name : str
        Path in the archive.
    file : binary file
        Open for reading.
    size : int
        Bytes to read; a file that grows meanwhile is cut there.
    mode : int
        Rights of the file.
    progress : callable
        Called with the number of bytes of each part.

    Raises
    ------
    OSError
        The file is shorter, or the archive cannot be written.

    Examples
    --------
    >>> import io, tarfile
    >>> with tarfile.open(fileobj=io.BytesIO(), mode="w|") as tar:
    ...     add_file(tar, "home/a", io.BytesIO(b"abc"), size=3, mode=0o600, progress=lambda n: None).sha256[:6]
    'ba7816'
    """
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode & 0o777
    reader = HashingFile(file)
    tar.addfile(entry, _Counted(reader, progress))  # type: ignore[arg-type]
    return ArchivedFile(size, reader.sha256, entry.mode)


class _Counted:
    def __init__(self, file: HashingFile, progress: Callable[[int], None]) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int) -> bytes:
        content = self._file.read(size)
        self._progress(len(content))
        return content


def add_json(tar: tarfile.TarFile, name: str, content: Mapping[str, Any]) -> None:
    """Add a JSON document to an archive.

    >>> import io, tarfile
    >>> with tarfile.open(fileobj=io.BytesIO(), mode="w|") as tar:
    ...     add_json(tar, HEADER, {"format": FORMAT})
    ...     tar.getnames()
    ['chehang-backup.json']
    """
    text = json.dumps(content, ensure_ascii=False, indent=1).encode()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o600
    tar.addfile(entry, io.BytesIO(text))


def check_header(content: Mapping[str, Any]) -> None:
    """Refuse an archive that a newer version has written.

    Parameters
    ----------
    content : mapping
        JSON of the header: `format` (int) and `chehang` (version).

    Raises
    ------
    ArchiveError
        Its format or the version of Chehang is newer.

    Examples
    --------
    >>> check_header({"format": FORMAT, "chehang": "0.0.9"})
    >>> check_header({"format": FORMAT + 1, "chehang": "9.0"})
    Traceback (most recent call last):
    serving.backup.archive.ArchiveError: the archive was written by chehang 9.0 (format 2), but this is chehang ...
    """
    own, theirs = version("chehang"), str(content.get("chehang", ""))
    number = content.get("format")
    if not isinstance(number, int) or number > FORMAT or _numbers(theirs) > _numbers(own):
        text = f"the archive was written by chehang {theirs} (format {number}), but this is chehang {own}"
        raise ArchiveError(f"{text} (format {FORMAT}): install that version, then restore")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def safe_path(name: str) -> tuple[str, str]:
    """Return the root (`home` or `configs`) and the path below it of a file in an archive.

    Parameters
    ----------
    name : str
        Name of an entry.

    Raises
    ------
    ArchiveError
        The name is absolute, leaves its folder, or has another root.

    Examples
    --------
    >>> safe_path("home/artifacts/credit_risk/1")
    ('home', 'artifacts/credit_risk/1')
    >>> safe_path("home/../../etc/passwd")
    Traceback (most recent call last):
    serving.backup.archive.ArchiveError: the archive has an entry 'home/../../etc/passwd' that no backup writes: ...
    """
    root, _, path = name.partition("/")
    parts = path.split("/")
    if root not in (HOME, CONFIGS) or any(p in ("", ".", "..") for p in parts) or "\\" in name or "\0" in name:
        raise ArchiveError(f"the archive has an entry {name[:100]!r} that no backup writes: do not use it")
    return root, path
