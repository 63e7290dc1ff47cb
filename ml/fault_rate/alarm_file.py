"""The SQLite file that alarms are kept in: its tables, and reading and changing them whole.

Every change is one transaction that waits for the one before it, so that two processes at once, or one that is killed
half-way, leave the file as it was or as it should be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from features.errors import ConfigError

SCHEMA = 1
WAIT_SECONDS = 30

TABLES = sa.MetaData()
ALARMS = sa.Table(
    "alarms", TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("component", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.Column("figures", sa.String, nullable=False),  # JSON: what a watch tells may grow
    sqlite_autoincrement=True,
)  # fmt: skip
sa.Index("one_not_closed", ALARMS.c.model, ALARMS.c.component, unique=True, sqlite_where=ALARMS.c.state != "closed")
MOVES = sa.Table(
    "moves", TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("alarm_id", sa.Integer, sa.ForeignKey("alarms.id"), nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.String),
    sa.Column("from_state", sa.String),
    sa.Column("to_state", sa.String, nullable=False),
    sa.Column("note", sa.String),
)  # fmt: skip
CHANGES = sa.Table("changes", TABLES, sa.Column("number", sa.BigInteger, nullable=False))


class AlarmFile:
    """Tables in a file, which is made with the first change; until then it reads as empty.

    Both methods raise ConfigError where the file cannot be used, is damaged, or is not ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        # mode=rw: to look must not make a file. Parameters are hidden because they name people.
        url = sa.URL.create("sqlite", database=f"file:{quote(str(self.path))}", query={"mode": "rw", "uri": "true"})
        arguments = {"timeout": WAIT_SECONDS, "isolation_level": None}
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments, hide_parameters=True)

    def read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self._told():
            if not self.path.exists():
                return []
            with self._engine.connect() as connection:
                return [dict(r) for r in connection.execute(query).mappings()] if self._ours(connection) else []

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """One transaction that waits for those of others; whoever leaves it by an error has changed nothing."""
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                if not self._ours(connection):
                    TABLES.create_all(connection)
                    # From the clock: a file made anew must not repeat the numbers of one that was deleted.
                    connection.execute(CHANGES.insert().values(number=now()))
                    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")
                before = _changed_rows(connection)
                yield connection
                if _changed_rows(connection) != before:
                    connection.execute(CHANGES.update().values(number=CHANGES.c.number + 1))
                connection.commit()
                # Kept in the file once set. It does not wait for others: then the next change sets it.
                with suppress(sa.exc.OperationalError):
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def _ours(self, connection: sa.Connection) -> bool:
        """Whether the file holds our tables; false for an empty one."""
        number = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        tables = set(sa.inspect(connection).get_table_names())
        if number == 0 and not tables:
            return False
        if not set(TABLES.tables) <= tables:
            raise ConfigError(f"{self.path}: is a database, but not a store of alarms; name another file")
        if number != SCHEMA:
            raise ConfigError(
                f"{self.path}: must be a store of version {SCHEMA}, is {number}; use the release that wrote it, "
                "or name another file"
            )
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DatabaseError, OSError) as e:
            why = getattr(e, "orig", None) or getattr(e, "strerror", None) or e
            raise ConfigError(
                f"{self.path}: cannot be used as a store of alarms: {why}; make it and its folder writable, or name "
                "another file"
            ) from None


def now() -> int:
    """This moment (us)."""
    return time.time_ns() // 1_000


def _changed_rows(connection: sa.Connection) -> int:
    return int(getattr(connection.connection.driver_connection, "total_changes"))  # noqa: B009
