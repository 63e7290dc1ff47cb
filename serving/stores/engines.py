"""Open a store: connect, set up SQLite for durable writes by several processes, and bring the tables up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from features.errors import ChehangError, ConfigError
from serving.stores.upgrades import NewerStore, pending, upgrade

BUSY_SECONDS = 5
NAMES = ("keys", "decisions", "feedback")


class StoreUnavailable(ChehangError):
    """A store cannot be read or written: free the disk, start the database, or correct its URL."""


def open_store(url: str, name: str) -> sa.Engine:
    """Connect to a store, and create its folder, file and tables or bring them up to date.

    Several processes may open the same store at once. A SQLite file is in WAL mode with ``synchronous=FULL`` (a commit
    is on the disk), is readable by its owner alone, and writers wait up to five seconds for each other. Write through
    `writing`.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of a SQLite file or a PostgreSQL database, which may hold all stores.
    name : {'keys', 'decisions', 'feedback'}
        The store. Its tables have the version in the table `alembic_<name>`.

    Returns
    -------
    sqlalchemy.Engine

    Raises
    ------
    ConfigError
        The URL is invalid, names another kind of database, or the driver is not installed.
    StoreUnavailable
        The database cannot be reached or written, or its tables are of a newer version. No message has the password.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/new/decisions.db", "decisions")
    ...     with engine.connect() as connection:
    ...         connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    ...     engine.dispose()
    'wal'
    """
    address = _address(url, name)
    engine = _engine(address, name)
    try:
        with store_errors(engine, name):
            if address.get_backend_name() == "sqlite":
                _create_file(address, name)
                _use_wal(engine)
            with engine.connect() as connection:
                is_current = not pending(connection, name)
            if not is_current:
                with writing(engine) as connection:
                    if engine.dialect.name == "postgresql":
                        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(crc32(f"chehang {name}".encode()))))
                    upgrade(connection, name)
    except NewerStore:
        engine.dispose()
        text = (
            f"{_shown(engine)} was written by a newer version of the service; start that version, or restore a backup"
        )
        raise StoreUnavailable(f"{name} store: {text}") from None
    except StoreUnavailable:
        engine.dispose()
        raise
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection in a transaction that may write; it commits after the block, or rolls back after an error.

    On SQLite it begins with ``BEGIN IMMEDIATE``, so that what it reads stays true until it commits.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        As returned by `open_store`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with writing(engine) as connection:
    ...         connection.exec_driver_sql("CREATE TABLE notes (text TEXT)").rowcount
    ...     engine.dispose()
    -1
    """
    with writing_connection(engine) as connection, connection.begin():
        yield connection


def writing_connection(engine: sa.Engine) -> sa.Connection:
    """Return a connection whose transactions may write, for a thread that writes often; otherwise use `writing`.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        As returned by `open_store`.
    """
    return engine.connect().execution_options(chehang_writes=True)


@contextmanager
def transaction(connection: sa.Connection) -> Iterator[None]:
    """Run the block in a transaction that may write, for a thread that commits often: a commit costs a third less CPU.

    On SQLite the driver begins and commits. After an error the transaction is rolled back.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        As returned by `writing_connection`, without a transaction.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     connection = writing_connection(engine)
    ...     with transaction(connection):
    ...         cursor = connection.connection.cursor().execute("CREATE TABLE notes (text TEXT)")
    ...     connection.connection.cursor().execute("SELECT count(*) FROM notes").fetchone()
    ...     connection.close()
    ...     engine.dispose()
    (0,)
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        with connection.begin():
            yield
        return
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
        driver.execute("COMMIT")
    except BaseException:
        driver.rollback()
        raise


@contextmanager
def store_errors(engine: sa.Engine, name: str) -> Iterator[None]:
    """Turn the errors of a database inside the block into `StoreUnavailable`, without the password.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        As returned by `open_store`.
    name : str
        The store, for the message.

    Examples
    --------
    >>> import sqlalchemy as sa
    >>> engine = sa.create_engine("sqlite://")
    >>> with store_errors(engine, "keys"), engine.connect() as connection:
    ...     connection.exec_driver_sql("SELECT * FROM api_keys")
    Traceback (most recent call last):
    serving.stores.engines.StoreUnavailable: keys store: sqlite:// cannot be used: no such table: api_keys; ...
    """
    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as e:
        cause = str(e.orig if isinstance(e, DBAPIError) else e).strip().splitlines()
        reason = _without_password(cause[0] if cause else type(e).__name__, engine.url)
        text = f"{_shown(engine)} cannot be used: {reason}; check the URL, free space and rights of the database"
        raise StoreUnavailable(f"{name} store: {text}") from None


def _address(url: str, name: str) -> URL:
    if name not in NAMES:
        raise ValueError(f"name: must be one of {', '.join(NAMES)}, got {name!r}")
    try:
        address = make_url(url)
    except ArgumentError:  # the text may have a password, so it is not quoted
        text = "is not a SQLAlchemy URL; write sqlite:////folder/file.db or postgresql://user:password@host/database"
        raise ConfigError(f"{name}_store: {text}") from None
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise ConfigError(f"{name}_store: must be a sqlite or postgresql URL, got one of {kind}")
    if kind == "sqlite" and (address.database or ":memory:") == ":memory:":
        raise ConfigError(f"{name}_store: must name a file, as in sqlite:////folder/{name}.db: memory is not durable")
    if kind == "postgresql" and address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    return address


def _engine(address: URL, name: str) -> sa.Engine:
    arguments: dict[str, Any] = {"timeout": BUSY_SECONDS}
    if address.get_backend_name() == "postgresql":
        limits = f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout={6 * BUSY_SECONDS}s"
        arguments = {"connect_timeout": BUSY_SECONDS, "options": limits}
    try:
        engine = sa.create_engine(address, connect_args=arguments, pool_pre_ping=address.get_backend_name() != "sqlite")
    except (NoSuchModuleError, ModuleNotFoundError) as e:
        remedy = "install it, for example with: pip install 'psycopg[binary]'"
        raise ConfigError(
            f"{name}_store: the driver of {address.drivername} is not installed ({e}); {remedy}"
        ) from None
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin in `_begin_sqlite`, and include CREATE TABLE
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("chehang_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _create_file(address: URL, name: str) -> None:
    """Create the file for its owner alone; its write-ahead log gets the same rights."""
    path = Path(str(address.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as e:
        text = f"{path}: {e.strerror}; make it writable, or set {name}_store to another URL"
        raise StoreUnavailable(f"{name} store: {text}") from None


def _use_wal(engine: sa.Engine) -> None:
    """Switch to WAL mode, which the file keeps. SQLite does not wait for another process that switches as well."""
    deadline = time.monotonic() + BUSY_SECONDS
    connection = engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as e:
                if "locked" not in str(e) or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)
    finally:
        connection.close()


def _shown(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _without_password(text: str, url: URL) -> str:
    return text.replace(str(url.password), "***") if url.password else text
