"""Where the product keeps its own files: `CHEHANG_HOME`, by default `var` in the working folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.errors import ConfigError


def home() -> Path:
    """Absolute path of the folder for the tracking store, the sample dealership, quarantine and tuning.

    Raises
    ------
    ConfigError
        Something that is no folder is in its place.
    """
    path = Path(os.environ.get("CHEHANG_HOME") or "var").absolute()
    if path.exists() and not path.is_dir():
        raise ConfigError(f"CHEHANG_HOME: {path} is not a folder; name a folder that is, or that can be made")
    return path


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock that other processes of this machine wait for; the system frees it if the holder is killed.

    Raises
    ------
    ConfigError
        The home folder cannot be written.
    """
    path = home() / "locks" / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}; make it writable or set CHEHANG_HOME to a folder that is") from None
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises
    ------
    ConfigError
        It cannot be written; nothing is left behind.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        part.replace(path)
    except OSError as e:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: {e.strerror}; free space there or choose another place") from None
