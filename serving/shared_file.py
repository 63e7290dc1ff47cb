"""Memory that the workers of one server share: rate limits, and counters of changes."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from ml.home import locked, write_atomically

COUNTERS = ("stock",)
ROWS = 1_024  # each has a lock of its own, so that workers seldom wait for each other
CELLS_PER_ROW = 8
_WORD = 8  # bytes of a signed integer
_HEAD = 64  # words before the cells: the layout's number, then the counters
_LAYOUT = 0x43485348_00000001
SIZE = _WORD * (_HEAD + ROWS * CELLS_PER_ROW * 2)
FILE_NAME = "shared.bin"


class SharedFile:
    """A file in the folder of a server that all its workers map into their memory.

    Its blocks are allocated when it is created: a full disk cannot end a worker that writes to it. A worker that is
    killed leaves no lock behind, because the operating system holds them.

    Parameters
    ----------
    path : Path
        The file; it is created if it does not exist.

    Raises
    ------
    ConfigError
        The file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     one, other = SharedFile(Path(folder) / "shared.bin"), SharedFile(Path(folder) / "shared.bin")
    ...     one.increase("stock")
    ...     other.count("stock")
    1
    """

    def __init__(self, path: Path) -> None:
        if not _is_valid(path):
            with locked("shared-file"):
                if not _is_valid(path):
                    create_shared_file(path)
        self._file = path.open("r+b")
        self._words = memoryview(mmap.mmap(self._file.fileno(), SIZE)).cast("q")
        self._threads = Lock()  # locks of files are of the whole process

    def count(self, name: str) -> int:
        """Return how often a counter, one of `COUNTERS`, was increased since the server started."""
        return int(self._words[1 + COUNTERS.index(name)])

    def increase(self, name: str) -> None:
        """Increase a counter, one of `COUNTERS`: all workers see it at once."""
        word = 1 + COUNTERS.index(name)
        with self._locked(0):
            self._words[word] += 1

    def take(self, tag: int, *, interval: int, burst: int, now: int, is_attempt: bool = True) -> int:
        """Take one token from the bucket of `tag`, and return 0, or the time until there is one.

        The generic cell rate algorithm: one word holds the time at which the bucket is full again. A bucket that is
        full needs no cell, so that cells are used again; if all cells of a row are in use, two tags share one.

        Parameters
        ----------
        tag : int
            Number from 1 to 2**63 - 1, such as a part of a digest.
        interval : int
            Nanoseconds in which one token is added.
        burst : int
            Tokens of a full bucket.
        now : int
            Nanoseconds of `time.monotonic_ns`, which all processes of a machine share and no one can set.
        is_attempt : bool
            False: only look whether there is a token.

        Returns
        -------
        int
            Nanoseconds until the next token; 0 if one was taken.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     shared = SharedFile(Path(folder) / "shared.bin")
        ...     [shared.take(7, interval=100, burst=2, now=now) for now in (5_000, 5_000, 5_000, 5_099, 5_100)]
        [0, 0, 100, 1, 0]
        """
        row = tag % ROWS
        words = self._words
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, row + 1)
            try:
                cell = self._cell(row, tag, now)
                full_at: int = max(words[cell + 1], now)
                wait = full_at + interval - burst * interval - now
                if wait > 0:
                    return wait
                if is_attempt:
                    words[cell], words[cell + 1] = tag, full_at + interval
                return 0
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, row + 1)

    def _cell(self, row: int, tag: int, now: int) -> int:
        """Return the place of the cell of a tag: its own, else one whose bucket is full, else the first of the row."""
        words = self._words
        first = _HEAD + row * CELLS_PER_ROW * 2
        if words[first] == tag:
            return first
        free = first
        for cell in range(first, first + CELLS_PER_ROW * 2, 2):
            if words[cell] == tag:
                return cell
            if words[cell + 1] <= now:
                free = cell
        return free

    @contextmanager
    def _locked(self, byte: int) -> Iterator[None]:
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, byte)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)


def create_shared_file(path: Path) -> None:
    """Write a new file with empty buckets and counters of 0, in place of an old one; called at the start of a server.

    Raises
    ------
    ConfigError
        The file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     create_shared_file(Path(folder) / "shared.bin")
    ...     SharedFile(Path(folder) / "shared.bin").count("stock")
    0
    """
    write_atomically(path, _LAYOUT.to_bytes(_WORD, "little") + bytes(SIZE - _WORD))


def _is_valid(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size == SIZE and file.read(_WORD) == _LAYOUT.to_bytes(_WORD, "little")
    except OSError:
        return False
