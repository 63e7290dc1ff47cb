"""Erase what was deleted or replaced in the decision store from its files, which databases keep by default."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from serving.stores import StoreUnavailable, writing
from serving.stores.engines import BUSY_SECONDS

ERASE_SECONDS = 30  # how long to wait for readers of the old pages


@contextmanager
def erasing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection in a transaction that may write; SQLite overwrites what it deletes or replaces with zeros.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.stores import open_store
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with erasing(engine) as connection:
    ...         connection.exec_driver_sql("PRAGMA secure_delete").scalar()
    ...     engine.dispose()
    1
    """
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        yield connection


def erase_free_space(engine: sa.Engine) -> None:
    """Rewrite the files of the store without what was deleted or replaced before.

    SQLite rebuilds its file and empties the write-ahead log; PostgreSQL rebuilds the table of personal parts. Decisions
    wait meanwhile. Backups, PostgreSQL's own write-ahead log and copies of the disk are not reached.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.

    Raises
    ------
    StoreUnavailable
        Another process still reads the old pages after 30 seconds.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM (FULL) personal_parts")
            connection.exec_driver_sql("RESET statement_timeout")
        return
    raw = engine.raw_connection()  # in no transaction, as VACUUM needs it
    try:
        raw.cursor().execute("VACUUM")
        _empty_wal(raw.cursor())
    finally:
        raw.close()


def _empty_wal(cursor: DBAPICursor) -> None:
    deadline = time.monotonic() + ERASE_SECONDS
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        while cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > deadline:
                text = "other processes read it, so that removed parts are still in its write-ahead log"
                raise StoreUnavailable(f"decisions store: {text}; run the command again when they have finished")
            time.sleep(0.1)
    finally:
        cursor.execute(f"PRAGMA busy_timeout={1_000 * BUSY_SECONDS}")
