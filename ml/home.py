"""Folders of the product: its own files in `CHEHANG_HOME` (default: `var`), and the configurations."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.errors import ConfigError

INSTALLED_CONFIGS = Path(__file__).parents[1] / "chehang" / "configs"


def home() -> Path:
    """Return the absolute path of the folder with the tracking store, sample data, quarantined rows and tuning results.

    It is the environment variable `CHEHANG_HOME`, or `var` in the working folder. The folder need not exist.

    Raises
    ------
    ConfigError
        The path exists and is not a folder, or it is a link to a folder that does not exist.

    Examples
    --------
    >>> home().is_absolute()
    True
    """
    path = Path(os.environ.get("CHEHANG_HOME") or "var").absolute()
    if path.is_symlink() and not path.exists():
        raise ConfigError(
            f"CHEHANG_HOME: {path} is a link to {path.readlink()}, which does not exist; mount the disk of that "
            "folder, or correct the link"
        )
    if path.exists() and not path.is_dir():
        raise ConfigError(f"CHEHANG_HOME: {path} is not a folder; name a folder that exists or can be created")
    return path


def config_folder() -> Path:
    """Return the folder of the configurations: `configs` in the working folder (relative), or the installed one.

    Configurations refer to `CHEHANG_HOME`, and their relative paths start at their own folder: a relative value of the
    environment variable is made absolute, and with the installed folder it is set. A file that `configs` lacks is not
    looked up in the installed folder, because configurations refer to others in their own folder, such as the sources.

    Examples
    --------
    >>> config_folder().name
    'configs'
    """
    folder = Path("configs")
    is_own = folder.is_dir()
    if not is_own or os.environ.get("CHEHANG_HOME"):
        os.environ["CHEHANG_HOME"] = str(home())
    return folder if is_own else INSTALLED_CONFIGS


def config_file(name: str, path: Path | None = None) -> Path:
    """Return `path`, or the file `name` of `config_folder()` if `path` is None.

    Parameters
    ----------
    name : str
        Path below the folder of the configurations, such as "credit_risk.yaml".
    path : Path, optional
        Path that the user passed; it is returned unchecked.

    Returns
    -------
    Path
        A file that exists, if `path` is None.

    Raises
    ------
    ConfigError
        `path` is None, and the folder has no such file.

    Examples
    --------
    >>> from pathlib import Path
    >>> config_file("credit_risk.yaml", Path("mine.yaml")).name, config_file("credit_risk.yaml").name
    ('mine.yaml', 'credit_risk.yaml')
    """
    folder = config_folder()
    if path is not None:
        return path
    path = folder / name
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file; configurations are read from the folder configs of the working folder, or, if "
            f"there is none, from {INSTALLED_CONFIGS}; add the file to that folder, or pass its path (see --help)"
        )
    return path


def model_file(folder: Path, name: str, data_set: str = "") -> Path:
    """Return the path of a file of rules in a folder: of a data set its own one, if there is one.

    Parameters
    ----------
    folder : Path
        Such as `configs`.
    name : str
        Path of the file below the folder, such as "order_planning.yaml".
    data_set : str
        Key `name` of a configuration; empty for a model without a name.

    Returns
    -------
    Path
        ``folder / "order_planning.north.yaml"`` for the data set `north`, if that file exists; else ``folder / name``,
        which need not exist.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "order_planning.north.yaml").touch()
    ...     [model_file(Path(folder), "order_planning.yaml", name).name for name in ("", "north", "south")]
    ['order_planning.yaml', 'order_planning.north.yaml', 'order_planning.yaml']
    """
    path = folder / name
    own = path.with_name(f"{path.stem}.{data_set}{path.suffix}")
    return own if data_set and own.is_file() else path


def rules_file(name: str, *, beside: Path, path: Path | None = None, data_set: str = "") -> Path | None:
    """Return the file of rules that a run reads: `path`, or the one beside the configuration, or that of `configs`.

    In each folder, the file of the data set comes first: `order_planning.north.yaml` before `order_planning.yaml`.

    Parameters
    ----------
    name : str
        Name of the file, such as "order_planning.yaml".
    beside : Path
        Configuration of the model; the file is looked up in its folder.
    path : Path, optional
        Value of the option `--rules`.
    data_set : str
        Key `name` of the configuration.

    Returns
    -------
    Path or None
        None if neither folder has the file; `missing_rules` is the text about it.

    Raises
    ------
    ConfigError
        `path` is no file.

    Examples
    --------
    >>> from pathlib import Path
    >>> rules_file("order_planning.yaml", beside=Path("elsewhere/demand.yaml")).parent == config_folder()
    True
    >>> rules_file("nothing.yaml", beside=Path("elsewhere/demand.yaml")) is None
    True
    """
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"--rules {path}: no such file; give the path of an existing YAML file")
        return path
    candidates = (model_file(folder, name, data_set) for folder in (beside.parent, config_folder()))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def missing_rules(name: str) -> str:
    """Return where `rules_file` has looked a file up in vain, and the remedy, for messages.

    >>> missing_rules("order_planning.yaml")
    'order_planning.yaml is neither beside the configuration nor in configs/; pass --rules'
    """
    return f"{name} is neither beside the configuration nor in {config_folder()}/; pass --rules"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock of this name inside the block; other processes of this machine wait for it.

    Use it as ``with locked("tuning"): ...``; the name is that of a file ``<home>/locks/<name>.lock``, which is created.
    The operating system releases the lock when the process ends or is killed.

    Raises
    ------
    ConfigError
        The lock file cannot be written below the home folder.
    """
    path = home() / "locks" / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}; make it writable, or set CHEHANG_HOME to a writable folder") from None
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part. Missing folders are created.

    Raises
    ------
    ConfigError
        The file cannot be written; no partial file remains.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "new" / "a.txt", b"text")
    ...     (Path(folder) / "new" / "a.txt").read_text()
    'text'
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
    """Return size (bytes), modification time (ns since 1970) and inode of a file or folder; None if there is none.

    A file that was changed or replaced has another state.

    Examples
    --------
    >>> from pathlib import Path
    >>> file_state(Path("no such file")) is None
    True
    """
    try:
        entry = path.stat()
    except OSError:
        return None
    return entry.st_size, entry.st_mtime_ns, entry.st_ino
