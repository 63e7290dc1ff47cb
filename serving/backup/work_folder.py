"""A folder for unfinished files beside their destination, which a killed process does not leave for ever."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from features.errors import ConfigError


@contextmanager
def work_folder(beside: Path, prefix: str) -> Iterator[Path]:
    """Yield a new folder that only its owner can read, and delete it after the block.

    Folders that killed processes left there are deleted first: the operating system has released their locks.

    Parameters
    ----------
    beside : Path
        Folder in which it is made; created if it is missing.
    prefix : str
        First part of its name, with a leading dot.

    Raises
    ------
    ConfigError
        The folder cannot be made, or writing inside the block failed, for example because the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with work_folder(Path(folder), ".work-") as own:
    ...         _ = (own / "part").write_text("unfinished")
    ...     list(Path(folder).iterdir())
    []
    """
    own: Path | None = None
    handle = -1
    try:
        beside.mkdir(parents=True, exist_ok=True)
        _clear(beside, prefix)
        new = Path(mkdtemp(prefix=".new-", dir=beside))
        handle = os.open(new, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)  # before it has the name of a work folder
        own = new.rename(beside / new.name.replace(".new-", prefix, 1))
        yield own
    except OSError as e:
        place = e.filename or beside
        text = f"{place}: {e.strerror or e}; free space there, make it writable, or name another place"
        raise ConfigError(text) from None
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
        if handle >= 0:
            os.close(handle)


def _clear(folder: Path, prefix: str) -> None:
    for path in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)
