"""Memory in which the workers of one server count: a file that every worker maps, with a slot for each.

The file has all its blocks from the start. Writing into a mapped file without blocks (a sparse file, as Prometheus'
client library makes) kills the process by SIGBUS as soon as the disk is full; writing into allocated blocks needs no
space. The counts of a worker that dies stay in its slot, and its successor goes on from them.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from features.errors import ConfigError

NUMBERS = 32_768  # 8 bytes each; a counter has one number, a histogram one for each bucket and one for the sum
NAME_BYTES = 524_288
SPILL = 64  # numbers behind those of the series, for series without room; none is wider
_HEADER = 8  # numbers before those of the series: process, series, numbers in use, bytes of names in use, lost series
_PROCESS, _SERIES, _NUMBERS, _NAMES, _LOST = range(5)
_LENGTH = struct.Struct("=H")
SLOT_BYTES = 8 * (_HEADER + NUMBERS + SPILL) + NAME_BYTES


class Slot:
    """The counts of one worker: numbers, and the names of the series that they belong to.

    Parameters
    ----------
    memory : memoryview
        Writable memory of `SLOT_BYTES` bytes, zero for an unused slot.

    Attributes
    ----------
    numbers : memoryview
        Numbers (float64) of all series; the last `SPILL` are those of series for which there was no room.

    Examples
    --------
    >>> slot = Slot(memoryview(bytearray(SLOT_BYTES)))
    >>> position = slot.add("requests\\x1f/healthz", 1)
    >>> slot.numbers[position] += 1
    >>> [(name, slot.numbers[position]) for name, position in slot.series({"requests": 1})]
    [('requests\\x1f/healthz', 1.0)]
    """

    def __init__(self, memory: memoryview) -> None:
        end = 8 * (_HEADER + NUMBERS + SPILL)
        self._header = memory[: 8 * _HEADER].cast("d")
        self.numbers = memory[8 * _HEADER : end].cast("d")
        self._names = memory[end:]

    @property
    def process(self) -> int:
        """Identifier of the process that writes into the slot; 0 for an unused slot."""
        return int(self._header[_PROCESS])

    @process.setter
    def process(self, value: int) -> None:
        """Set the process that writes into the slot from now on."""
        self._header[_PROCESS] = value

    @property
    def lost_series(self) -> int:
        """Number of series that are not counted, because the slot is full."""
        return int(self._header[_LOST])

    @property
    def has_process(self) -> bool:
        """Whether the process of the slot is alive."""
        return self.process > 0 and _is_alive(self.process)

    def add(self, name: str, width: int) -> int:
        """Add a series of `width` numbers, all 0, and return the position of its first number.

        `name` is its family and its label values, joined by the character U+001F; `width` is at most `SPILL`. Without
        room for it, the position of numbers that nobody reads is returned, and `lost_series` counts it.
        """
        text = name.encode()
        position, end = int(self._header[_NUMBERS]), int(self._header[_NAMES])
        if position + width > NUMBERS or end + _LENGTH.size + len(text) > NAME_BYTES or len(text) > 65_535:
            self._header[_LOST] += 1
            return NUMBERS
        self.numbers[position : position + width] = memoryview(bytes(8 * width)).cast("d")
        self._names[end : end + _LENGTH.size + len(text)] = _LENGTH.pack(len(text)) + text
        self._header[_NUMBERS], self._header[_NAMES] = position + width, end + _LENGTH.size + len(text)
        self._header[_SERIES] += 1  # last: another worker may be reading
        return position

    def series(self, widths: dict[str, int]) -> Iterator[tuple[str, int]]:
        """Yield name and position of every series; `widths` has the number of numbers by family."""
        position = start = 0
        for _ in range(int(self._header[_SERIES])):
            (length,) = _LENGTH.unpack(self._names[start : start + _LENGTH.size])
            start += _LENGTH.size
            name = bytes(self._names[start : start + length]).decode()
            yield name, position
            start += length
            position += widths[name.partition("\x1f")[0]]


def make_slot() -> Slot:
    """Return a slot in the memory of this process, for a process that shares its counts with no other."""
    return Slot(memoryview(mmap.mmap(-1, SLOT_BYTES)))


def make_file(path: Path, slots: int) -> None:
    """Write a file of unused slots, all of whose blocks are allocated.

    Parameters
    ----------
    path : Path
        File to write; an existing one is replaced, and processes that have mapped it keep the old one.
    slots : int
        Number of workers that may write at the same time.

    Raises
    ------
    ConfigError
        The file cannot be written, for example because the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     make_file(Path(folder) / "metrics", 1)
    ...     (Path(folder) / "metrics").stat().st_blocks * 512 >= SLOT_BYTES
    True
    """
    size = slots * SLOT_BYTES
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:  # macOS: zeros that are written are blocks too
                file.write(bytes(size))
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        text = f"{path}: {e.strerror}; the metrics need {size / 1e6:.1f} MB: free space there, or set CHEHANG_HOME"
        raise ConfigError(text) from None


def make_server_file(folder: Path, *, workers: int) -> Path:
    """Make the file of one server in its folder, remove those of servers that have ended, and return its path.

    The name contains the identifier of this process, which the server keeps: a second server that is started with the
    same address by mistake does not take the counts away from the first. There are slots for twice the workers, because
    a worker that ends and its successor may live at the same time.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(open_slots(make_server_file(Path(folder), workers=2)))
    4
    """
    for old in folder.glob("metrics-*"):
        if not _is_alive(int(old.name.removeprefix("metrics-").partition(".")[0])):
            old.unlink(missing_ok=True)
    path = folder / f"metrics-{os.getpid()}"
    make_file(path, 2 * workers)
    return path


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def open_slots(path: Path) -> list[Slot]:
    """Map a file written by `make_file` and return its slots."""
    with path.open("r+b") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0))
    return [Slot(memory[start : start + SLOT_BYTES]) for start in range(0, len(memory), SLOT_BYTES)]
