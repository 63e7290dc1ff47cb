"""Decode CSV files; the error of a wrong `encoding` gives the first invalid byte and, if known, the right encoding."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from features.errors import DataError

CHUNK_BYTES = 1 << 22
HEAD_BYTES = 1 << 20

ENCODINGS = ("utf-8", "gb18030")


def as_utf8(path: Path, encoding: str, *, where: str) -> Path | io.BytesIO:
    """Return the path of a valid UTF-8 file, or the contents of a file in another encoding as UTF-8.

    Parameters
    ----------
    path : Path
        Path of an existing text file.
    encoding : {'utf-8', 'gb18030'}
        Encoding of the file.
    where : str
        Name of the source in error messages.

    Returns
    -------
    Path or BytesIO
        Input of ``pl.scan_csv``: `path` itself for UTF-8, otherwise the converted contents in memory.

    Raises
    ------
    DataError
        The file is not valid in `encoding`. The message gives the byte's position and the encoding that is valid.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a.csv")
    ...     _ = file.write_bytes("型号".encode("gb18030"))
    ...     as_utf8(file, "gb18030", where="a").getvalue().decode()
    '型号'
    """
    if encoding == "utf-8":
        for _ in _texts(path, encoding, where):
            pass
        return path
    content = io.BytesIO()
    for text in _texts(path, encoding, where):
        content.write(text.encode("utf-8"))
    content.seek(0)
    return content


def read_head(path: Path, encoding: str, *, where: str) -> io.BytesIO:
    """Return the complete lines of a text file's first MiB as UTF-8.

    Parameters
    ----------
    path : Path
        An existing file.
    encoding : {'utf-8', 'gb18030'}
        Encoding of the file.
    where : str
        Name of the source in error messages.

    Returns
    -------
    io.BytesIO
        Whole lines in UTF-8.

    Raises
    ------
    features.errors.DataError
        The text is not valid in `encoding`.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = Path(file.name).write_text("a,b")
    ...     read_head(Path(file.name), "utf-8", where="leads").getvalue()
    b'a,b'
    """
    with path.open("rb") as opened:
        start = opened.read(HEAD_BYTES)
        is_truncated = bool(opened.read(1))
    lines = start[: start.rfind(b"\n") + 1] if is_truncated and b"\n" in start else start
    try:
        return io.BytesIO(lines.decode(encoding).encode("utf-8"))
    except UnicodeDecodeError as error:
        raise _decoding_error(path, encoding, error.start, where) from None


def _texts(path: Path, encoding: str, where: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with path.open("rb") as opened:
        while True:
            chunk = opened.read(CHUNK_BYTES)
            position += len(chunk)
            try:
                yield decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # error.object also contains bytes of the chunk before, which the decoder had buffered.
                raise _decoding_error(path, encoding, position - len(error.object) + error.start, where) from None
            if not chunk:
                return


def _decoding_error(path: Path, encoding: str, byte: int, where: str) -> DataError:
    other = next(e for e in ENCODINGS if e != encoding)
    remedy = f"set `encoding: {other}`" if _is_valid(path, other) else "export the file again as UTF-8"
    return DataError(f"{where}: not valid {encoding} at byte {byte}: {remedy}")


def _is_valid(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as opened:
            while opened.read(CHUNK_BYTES):
                pass
    except UnicodeDecodeError:
        return False
    return True
