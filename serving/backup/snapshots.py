"""Copies of SQLite databases as of one instant, while other processes write them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from features.errors import ConfigError

PAGES = 2_000  # copied between two reports of progress
WAIT_SECONDS = 30  # for a writer of a database that is not in WAL mode


class Snapshots:
    """Open read transactions of several databases, begun one directly after another.

    Each sees its database as of its beginning, however long the copies take. Writers of a database in WAL mode are not
    delayed. The others, which are small, are copied at once, because a writer waits for their readers.

    Parameters
    ----------
    databases : mapping of str to Path
        Files by name. One that refers to another comes before it, so that what it refers to is in the copies.
    folder : Path
        Folder of the copies, which are deleted by the user of this class.

    Raises
    ------
    ConfigError
        A database cannot be read or is damaged, or the disk of `folder` is full.

    Examples
    --------
    >>> import sqlite3
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.db")
    ...     connection = sqlite3.connect(path)
    ...     _ = connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    ...     with snapshots({"a.db": path}, Path(folder)) as begun:
    ...         _ = connection.execute("INSERT INTO t VALUES (2)")
    ...         connection.commit()
    ...         copy = begun.copy("a.db")
    ...     connection.execute("SELECT count(*) FROM t").fetchone(), rows_of(copy, "SELECT count(*) FROM t")
    ((2,), [(1,)])
    """

    def __init__(self, databases: Mapping[str, Path], folder: Path, stack: ExitStack) -> None:
        self._paths = databases
        self._folder = folder
        self._connections: dict[str, sqlite3.Connection] = {}
        self._copies: dict[str, Path] = {}
        for number, (name, path) in enumerate(databases.items()):
            self._copies[name] = folder / f"{number}.db"
            with database_errors(path):
                connection = _opened(path)
                stack.enter_context(closing(connection))
                self._connections[name] = connection
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the transaction begins here
                if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                    self._write(name)
                    connection.rollback()
        self.has_started = True

    def copy(self, name: str, progress: Callable[[int], None] = lambda share: None) -> Path:
        """Write the copy of a database, check it, and return its path; `progress` is called with the bytes copied."""
        if not self._copies[name].exists():
            with database_errors(self._paths[name]):
                self._write(name, progress)
                self._connections[name].rollback()
        return self._copies[name]

    def _write(self, name: str, progress: Callable[[int], None] = lambda share: None) -> None:
        source, path = self._connections[name], self._copies[name]
        page = source.execute("PRAGMA page_size").fetchone()[0]

        def report(status: int, remaining: int, total: int) -> None:
            progress((total - remaining) * page)

        with closing(sqlite3.connect(path)) as target:
            source.backup(target, pages=PAGES, progress=report)
        with closing(sqlite3.connect(path)) as target:
            problem = target.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            text = f"is damaged ({problem}): restore it from an earlier backup; no archive was written"
            raise ConfigError(f"{self._paths[name]} {text}")


@contextmanager
def snapshots(databases: Mapping[str, Path], folder: Path) -> Iterator[Snapshots]:
    """Yield the `Snapshots` of databases; the read transactions end after the block."""
    with ExitStack() as stack:
        yield Snapshots(databases, folder, stack)


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite inside the block into a `ConfigError` that names the database.

    >>> with database_errors(Path("a.db")):
    ...     raise sqlite3.OperationalError("database or disk is full")
    Traceback (most recent call last):
    features.errors.ConfigError: a.db cannot be copied: database or disk is full; free space beside the archive, ...
    """
    try:
        yield
    except sqlite3.Error as e:
        text = "free space beside the archive, or check the rights of the database"
        raise ConfigError(f"{path} cannot be copied: {e}; {text}") from None


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query on a copy of a database; see `Snapshots` for an example."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"  # SQLite reads a file that is write-protected all the same
    return sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None)
