"""What a backup contains: databases, files of the home folder, configurations, and what is elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from features.errors import ConfigError
from ml.champions import embedded_database, store_uri
from ml.fault_rate.rules import load_alarm_rules
from serving.settings import STORES, Settings

# Working files, made anew: metrics of running servers, locks, and rows of the last run that broke a contract. Those
# hold personal data in clear text. The configurations have a folder of their own in the archive.
LEFT_OUT = ("serving", "locks", "quarantine", "configs")
FEEDBACK, DECISIONS, KEYS, MODELS = "feedback.db", "decisions.db", "keys.db", "mlflow.db"
_NAMES = {"feedback_store": FEEDBACK, "decision_store": DECISIONS, "key_store": KEYS}
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class External:
    """A store that the archive does not contain.

    Attributes
    ----------
    name : str
        Setting that names it, such as `decision_store`.
    when : {'before', 'after'}
        Whether to back it up before or after the archive is written: the log before the models that it names.
    command : str
        What to run, without a password.
    """

    name: str
    when: Literal["before", "after"]
    command: str


@dataclass(frozen=True)
class Sources:
    """What a backup reads, as returned by `sources_of`.

    Attributes
    ----------
    home, configs : Path
        Home folder and folder of the configurations.
    databases : dict of str to Path
        SQLite files by their names in the restored home, in the order in which they must be read: what refers to
        another one comes before it.
    moved : dict of str to str
        Those of them, and files, that are outside the home: name in the restored home, and present path.
    files : dict of str to Path
        Further files outside the home that belong to it.
    external : list of External
        Stores on servers.
    """

    home: Path
    configs: Path
    databases: dict[str, Path]
    moved: dict[str, str]
    files: dict[str, Path]
    external: list[External]


def sources_of(home: Path, settings: Settings) -> Sources:
    """Return what a backup reads, by the settings of the service and ``MLFLOW_TRACKING_URI``.

    Parameters
    ----------
    home : Path
        As returned by `ml.home.home`.
    settings : Settings
        As returned by `serving.settings.load_settings`: URLs of the stores, and the folder of the configurations.

    Raises
    ------
    ConfigError
        The home folder does not exist, or a URL is invalid.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from serving.settings import load_settings
    >>> settings = load_settings(environment={"CHEHANG_DECISION_STORE": "postgresql://log:secret@db/chehang"})
    >>> with TemporaryDirectory() as folder:
    ...     sources_of(Path(folder), settings).external[0].command
    'pg_dump --format=custom --file=decisions.dump postgresql://log@db/chehang'
    """
    if not home.is_dir():
        raise ConfigError(f"CHEHANG_HOME: {home} does not exist; set CHEHANG_HOME to the folder of the service")
    stores: dict[str, Path | None] = {}
    external = []
    for setting in ("feedback_store", "decision_store", "key_store"):
        assert setting in STORES
        path, command = _located(setting, getattr(settings, setting))
        stores[_NAMES[setting]] = path
        external += [External(setting, "before", command)] if command else []
    path, command = (embedded_database(), "") if embedded_database() else _located("MLFLOW_TRACKING_URI", store_uri())
    stores[MODELS] = path
    external += [External("MLFLOW_TRACKING_URI", "after", command)] if command else []
    alarms, files = _alarm_files(settings.configs)
    inside = {p.relative_to(home).as_posix(): p for p in home_files(home) if is_database(p)}
    named = {name: path for name, path in stores.items() if path is not None and path.is_file()}
    others = {n: p for n, p in inside.items() if n not in stores} | {p.name: p for p in alarms if not _within(p, home)}
    databases = {n: named[n] for n in (FEEDBACK, DECISIONS, KEYS) if n in named} | others
    databases |= {MODELS: named[MODELS]} if MODELS in named else {}
    outside = {p.name: p for p in files if not _within(p, home)}
    moved = {n: str(p) for n, p in (databases | outside).items() if not _within(p, home)}
    return Sources(home, settings.configs, databases, moved, outside, external)


def home_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a home folder in order of their paths, through links, without working and hidden files.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("locks/a.lock", "artifacts/m/1", ".part", "plan.csv"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(parents=True, exist_ok=True)
    ...         path.touch()
    ...     [p.name for p in home_files(Path(folder))]
    ['1', 'plan.csv']
    """
    yield from _walk(folder, LEFT_OUT, ())


def config_files(folder: Path) -> Iterator[Path]:
    """Yield the files of the folder of the configurations in order of their paths, without hidden files.

    >>> "serving.yaml" in [p.name for p in config_files(Path("configs"))]
    True
    """
    yield from _walk(folder, (), ())


def _walk(folder: Path, left_out: tuple[str, ...], above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in above:  # a link to a folder that contains it
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in left_out:
            continue
        if path.is_dir():
            yield from _walk(path, (), (*above, identity))
        elif path.is_file() and not _is_journal(path):
            yield path


def is_database(path: Path) -> bool:
    """Return whether a file is a SQLite database.

    >>> is_database(Path("README.md"))
    False
    """
    try:
        with path.open("rb") as f:
            return f.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _is_journal(path: Path) -> bool:
    """Whether SQLite keeps the file beside a database; the database is read through SQLite."""
    base, _, suffix = path.name.rpartition("-")
    return suffix in ("wal", "shm", "journal") and path.with_name(base).is_file()


def _within(path: Path, folder: Path) -> bool:
    return path.absolute().is_relative_to(folder) or path.resolve().is_relative_to(folder.resolve())


def _located(setting: str, url: str) -> tuple[Path | None, str]:
    """Return the file of a SQLite store, or the command that backs up a store on a server."""
    if url.startswith(("http://", "https://", "databricks")):
        return None, "back up the database and the files of the MLflow server where it runs"
    try:
        address = make_url(url)
    except ArgumentError:
        raise ConfigError(f"{setting}: is not a SQLAlchemy URL, such as sqlite:////folder/file.db") from None
    if address.get_backend_name() == "sqlite":
        return Path(str(address.database)).absolute(), ""
    kind = address.get_backend_name()
    # Without the query, which may have a password too.
    plain = URL.create(kind, address.username, None, address.host, address.port, address.database)
    if kind == "postgresql":
        name = _NAMES.get(setting, MODELS).removesuffix(".db")
        return None, f"pg_dump --format=custom --file={name}.dump {plain.render_as_string()}"
    return None, f"back up {plain.render_as_string()} with the tools of that database"


def _alarm_files(configs: Path) -> tuple[list[Path], list[Path]]:
    """Return the alarm stores and the snapshots that the rules of the configurations name, if they exist."""
    stores: set[Path] = set()
    snapshots: set[Path] = set()
    for path in configs.glob("fault_alarms*.yaml"):
        _, _, data_set = path.stem.partition(".")
        rules = load_alarm_rules(path, data_set=data_set)
        stores |= {Path(os.path.normpath(rules.store))}
        snapshots |= {Path(os.path.normpath(rules.snapshot))}
    return sorted(p for p in stores if p.is_file()), sorted(p for p in snapshots if p.is_file())
