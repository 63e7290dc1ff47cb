"""Open compressed text files (gz, zst, zip), recognised by their first bytes."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from features.errors import DataError
from features.sources.encodings import HEAD_BYTES

MAX_EXPANSION = 1000  # deflate cannot exceed 1,032: more is no table but a file made to fill the disk
MIN_FREE_BYTES = 1 << 29
_UNCHECKED_BYTES = 1 << 30

_TEXT_SUFFIXES = (".csv", ".txt", ".tsv", ".tab", ".dat")
_OTHER_KINDS = (
    (b"PAR1", "is a Parquet file: use `parquet` instead of `csv`"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook: use `excel` instead of `csv`"),
    (b"BZh", "is compressed with bzip2: unpack it, or compress it as gz, zst or zip"),
    (b"\xfd7zXZ\x00", "is compressed with xz: unpack it, or compress it as gz, zst or zip"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it, or compress the file as gz, zst or zip"),
    (b"Rar!", "is a RAR archive: unpack it, or compress the file as gz, zst or zip"),
    (b"%PDF", "is a PDF document: export the table as CSV or as an Excel workbook"),
    (b"SQLite format 3\x00", "is an SQLite database: use `sql` and `url` instead of `csv`"),
)


def split_member(path: Path) -> tuple[Path, str]:
    """Return the file on disk and the member of a zip archive that a path names.

    Parameters
    ----------
    path : Path
        Such as ``export.csv``, or ``export.zip/sales.csv`` for one file of an archive.

    Returns
    -------
    file : Path
        Path of the file on disk; `path` itself if there is none.
    member : str
        Name of the member; "" without one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     archive = Path(folder, "export.zip")
    ...     archive.touch()
    ...     split_member(archive / "sales.csv")[1]
    'sales.csv'
    """
    archive = next((p for p in path.parents if p.is_file()), None)
    return (path, "") if archive is None or path.exists() else (archive, path.relative_to(archive).as_posix())


def is_compressed(path: Path) -> bool:
    """Return whether the first bytes of a file are those of gz, zst or zip.

    Parameters
    ----------
    path : Path
        An existing file.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = Path(file.name).write_bytes(gzip.compress(b"a,b"))
    ...     is_compressed(Path(file.name))
    True
    """
    with path.open("rb") as file:
        return _kind(file.read(8)) != ""


@contextmanager
def open_bytes(path: Path, *, where: str, member: str = "") -> Iterator[BinaryIO]:
    """Open a text file for reading its bytes; a compressed file is decompressed while it is read.

    Parameters
    ----------
    path : Path
        An existing file.
    where : str
        Name of the source, for error messages.
    member : str
        Name of the file in a zip archive; by default its only CSV file.

    Yields
    ------
    BinaryIO

    Raises
    ------
    DataError
        The file is damaged or of another kind (a workbook, a PDF document, ...), or its archive holds several files.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = Path(file.name).write_bytes(gzip.compress(b"a,b"))
    ...     with open_bytes(Path(file.name), where="leads") as content:
    ...         content.read(100)
    b'a,b'
    """
    with path.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        kind = _kind(head)
        other = next((text for magic, text in _OTHER_KINDS if head.startswith(magic)), None)
        if other is not None:
            raise DataError(f"{where}: {other}")
        if member and kind != "zip":
            raise DataError(f"{where}: {path.name} is no zip archive: correct `csv`")

        def limited(content: Any) -> BinaryIO:
            return cast(BinaryIO, LimitedReader(content, compressed_bytes=path.stat().st_size, where=where))

        try:
            if kind == "gz":
                with gzip.open(file) as unpacked:
                    yield limited(unpacked)
            elif kind == "zst":
                import pyarrow as pa  # slow to import, and rarely needed

                with pa.CompressedInputStream(file, "zstd") as content:
                    yield limited(content)
            elif kind == "zip":
                with zipfile.ZipFile(file) as archive, archive.open(_member(archive, member, where)) as content:
                    yield limited(content)
            else:
                yield file
        except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
            raise _damaged(where, kind, error) from None
        except OSError as error:
            if kind != "zst" or error.errno is not None:
                raise
            raise _damaged(where, kind, error) from None


class LimitedReader:
    """Reads a decompressed file, and stops before it fills the disk.

    Parameters
    ----------
    content : BinaryIO
        Decompressed content.
    compressed_bytes : int
        Size of the compressed file.
    where : str
        Name of the source, for error messages.

    Examples
    --------
    >>> import io
    >>> LimitedReader(io.BytesIO(b"a,b"), compressed_bytes=20, where="leads").read(2)
    b'a,'
    """

    def __init__(self, content: BinaryIO, *, compressed_bytes: int, where: str) -> None:
        self._content, self._compressed_bytes, self._where = content, compressed_bytes, where
        self._size = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes.

        Parameters
        ----------
        size : int
            Number of bytes.

        Returns
        -------
        bytes
            Empty at the end.

        Raises
        ------
        DataError
            The content is more than 1,000 times as large as the file, or less than 512 MiB of the disk for temporary
            files are free.
        """
        chunk = self._content.read(size)
        self._size += len(chunk)
        if self._size > _UNCHECKED_BYTES and self._size > MAX_EXPANSION * self._compressed_bytes:
            raise DataError(f"{self._where}: expands to more than {MAX_EXPANSION:,} times its size, as no table does")
        folder = tempfile.gettempdir()
        if len(chunk) > HEAD_BYTES and shutil.disk_usage(folder).free < MIN_FREE_BYTES:
            raise DataError(
                f"{self._where}: decompressed, it does not fit on the disk of {folder}: free disk space, or set "
                "TMPDIR to a folder on a larger disk"
            )
        return chunk


def _kind(head: bytes) -> str:
    for magic, kind in (
        (b"\x1f\x8b", "gz"),
        (b"\x28\xb5\x2f\xfd", "zst"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
    ):
        if head.startswith(magic):
            return kind
    return ""


def _damaged(where: str, kind: str, error: Exception) -> DataError:
    return DataError(f"{where}: the {kind} file is damaged or incomplete ({error}): copy or export it again")


def _member(archive: zipfile.ZipFile, member: str, where: str) -> zipfile.ZipInfo:
    """Return the member to read: that of the path, the only file, or the only text file."""
    files = [i for i in archive.infolist() if not i.is_dir() and not _is_hidden(i.filename)]
    names = {i.filename for i in files}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise DataError(f"{where}: is a workbook: use `excel` instead of `csv`")
    if member:
        files = [i for i in files if i.filename == member]
        if not files:
            raise DataError(f"{where}: the archive has no `{member}`; it has {_listing(sorted(names))}")
    texts = files if len(files) == 1 else [i for i in files if i.filename.lower().endswith(_TEXT_SUFFIXES)]
    if len(texts) != 1:
        example = next((i.filename for i in texts), "NAME.csv")
        raise DataError(
            f"{where}: the archive has {len(texts)} text files ({_listing(sorted(names))}): name one, as in "
            f"`csv: {Path(archive.filename or where).name}/{example}`"
        )
    if texts[0].flag_bits & 1:
        raise DataError(f"{where}: `{texts[0].filename}` is encrypted: unpack it with its password")
    return texts[0]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _listing(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more if names else "no file"
