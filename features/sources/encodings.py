"""CSV bytes as UTF-8. A wrong `encoding` is one error that gives the byte and, where it is known, the right one."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from features.errors import DataError

CHUNK = 1 << 22
HEAD = 1 << 20

ENCODINGS = ("utf-8", "gb18030")


def readable(path: Path, encoding: str, *, where: str) -> Path | io.BytesIO:
    """The file itself if it is UTF-8 as said, or its content turned into UTF-8.

    Parameters
    ----------
    path : Path
        A text file.
    encoding : str
        What the configuration says it is: utf-8 or gb18030.
    where : str
        How messages name the source.

    Raises
    ------
    DataError
        A byte that is not `encoding`; the text gives its position and the encoding that does fit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a.csv")
    ...     _ = file.write_bytes("型号".encode("gb18030"))
    ...     readable(file, "gb18030", where="a").getvalue().decode()
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


def head(path: Path, encoding: str, *, where: str) -> io.BytesIO:
    """The file's first whole lines as UTF-8, enough to learn its columns. Errors: as `readable`."""
    with path.open("rb") as opened:
        start = opened.read(HEAD)
        more = bool(opened.read(1))
    whole = start[: start.rfind(b"\n") + 1] if more and b"\n" in start else start
    try:
        return io.BytesIO(whole.decode(encoding).encode("utf-8"))
    except UnicodeDecodeError as error:
        raise _misread(path, encoding, error.start, where) from None


def _texts(path: Path, encoding: str, where: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as opened:
        while True:
            chunk = opened.read(CHUNK)
            done += len(chunk)
            try:
                yield decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # The decoder's own buffer starts where the bytes it still holds began.
                raise _misread(path, encoding, done - len(error.object) + error.start, where) from None
            if not chunk:
                return


def _misread(path: Path, encoding: str, byte: int, where: str) -> DataError:
    other = next(e for e in ENCODINGS if e != encoding)
    remedy = f"set `encoding: {other}`" if _fits(path, other) else "export the file again as UTF-8"
    return DataError(f"{where}: byte {byte} is not {encoding}: {remedy}")


def _fits(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as opened:
            while opened.read(CHUNK):
                pass
    except UnicodeDecodeError:
        return False
    return True
