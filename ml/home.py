"""Where the product keeps its own files (`CHEHANG_HOME`, by default `var`), and where configurations are looked for."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.errors import ConfigError

INSTALLED_CONFIGS = Path(__file__).parents[1] / "chehang" / "configs"


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


def config_folder() -> Path:
    """Return the folder of the configurations: `configs` of the working folder, or else the one that is installed.

    The two are never mixed: a configuration names others beside it, such as the sources.
    """
    folder = Path("configs")
    if folder.is_dir():
        return folder
    os.environ["CHEHANG_HOME"] = str(home())  # installed configurations name places under it, and lie elsewhere
    return INSTALLED_CONFIGS


def config_file(name: str, path: Path | None = None) -> Path:
    """Return the path of a configuration: `path` where it is given, or else `name` in `config_folder`.

    Raises
    ------
    ConfigError
        Nobody gave a path, and the folder has no such file.
    """
    if path is not None:
        return path
    path = config_folder() / name
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file; configurations come from the folder configs where the command is started, or, "
            f"without one, from {INSTALLED_CONFIGS}; add the file there, or name another one (see --help)"
        )
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


def write_atomically(path: Path, content: bytes) -> None:
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


def file_state(path: Path) -> tuple[int, int, int] | None:
    """Return size, time of change (ns) and inode, by which a changed file is known; None where there is none."""
    try:
        entry = path.stat()
    except OSError:
        return None
    return entry.st_size, entry.st_mtime_ns, entry.st_ino
