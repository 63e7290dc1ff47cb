"""SQLite file of the quality alarms and of the reports of dangerous faults: its tables, reading and changing.

Every change is one exclusive transaction: two processes at the same time, or a process that is killed half-way, leave
the file either unchanged or changed completely.
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

SCHEMA = 2
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
    sa.Column("figures", sa.String, nullable=False),  # JSON: columns of an alarm may be added
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
REPORTS = sa.Table(
    "safety_reports", TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("record_id", sa.String, nullable=False, unique=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("first_listed_at", sa.BigInteger, nullable=False),
    sa.Column("report", sa.String, nullable=False),  # JSON: columns of a report may be added
    sqlite_autoincrement=True,
)  # fmt: skip
REPORT_MOVES = sa.Table(
    "safety_moves", TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("report_id", sa.Integer, sa.ForeignKey("safety_reports.id"), nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.String),
    sa.Column("from_state", sa.String),
    sa.Column("to_state", sa.String, nullable=False),
    sa.Column("note", sa.String),
)  # fmt: skip
CHANGES = sa.Table("changes", TABLES, sa.Column("number", sa.BigInteger, nullable=False))


class AlarmFile:
    """The tables of alarms and safety reports in one SQLite file; `AlarmStore` and `SafetyStore` use it.

    The first change creates the file; until then it reads as empty.

    Parameters
    ----------
    path : Path
        File of the alarm store; need not exist.

    Raises
    ------
    ConfigError
        From `read` and `changing`: the file cannot be read or written, is damaged, or is not an alarm store of this
        version.

    Examples
    --------
    >>> from pathlib import Path
    >>> import tempfile
    >>> alarm = {"model": "A", "component": "brakes", "state": "open", "opened_at": 1, "last_seen_at": 1,
    ...     "figures": "{}"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = AlarmFile(Path(folder, "alarms.db"))
    ...     with file.changing() as connection:
    ...         _ = connection.execute(ALARMS.insert().values(alarm))
    ...     file.read(sa.select(ALARMS.c.id, ALARMS.c.model))
    [{'id': 1, 'model': 'A'}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        # mode=rw: reading must not create a file. Parameters are hidden because they name people.
        url = sa.URL.create("sqlite", database=f"file:{quote(str(self.path))}", query={"mode": "rw", "uri": "true"})
        arguments = {"timeout": WAIT_SECONDS, "isolation_level": None}
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments, hide_parameters=True)

    def read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """Return the rows of a query on the tables of this module as dicts by column; empty without a file."""
        with self._file_errors():
            if not self.path.exists():
                return []
            with self._engine.connect() as connection:
                return (
                    [dict(r) for r in connection.execute(query).mappings()] if self._is_alarm_store(connection) else []
                )

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """Open an exclusive transaction: ``with file.changing() as connection``, a SQLAlchemy connection.

        It waits up to 30 seconds for other transactions. An exception inside the block rolls everything back.
        """
        with self._file_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                if not self._is_alarm_store(connection):
                    TABLES.create_all(connection)
                    # From the clock: a new file must not repeat the change numbers of a deleted one.
                    connection.execute(CHANGES.insert().values(number=now()))
                    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")
                before = _changed_rows(connection)
                yield connection
                if _changed_rows(connection) != before:
                    connection.execute(CHANGES.update().values(number=CHANGES.c.number + 1))
                connection.commit()
                # The file remembers the mode. Setting it does not wait for others: then the next change sets it.
                with suppress(sa.exc.OperationalError):
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def _is_alarm_store(self, connection: sa.Connection) -> bool:
        """Whether the file holds the tables; false for an empty file."""
        number = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        tables = set(sa.inspect(connection).get_table_names())
        if number == 0 and not tables:
            return False
        if not {ALARMS.name, MOVES.name, CHANGES.name} <= tables:  # of every version
            raise ConfigError(
                f"{self.path}: is a database, but not an alarm store; set `store` in fault_alarms.yaml to another file"
            )
        if number != SCHEMA:
            raise ConfigError(
                f"{self.path}: must be an alarm store of version {SCHEMA}, is {number}; use the release that wrote "
                "it, or set `store` in fault_alarms.yaml to another file"
            )
        return True

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DatabaseError, OSError) as e:
            cause = getattr(e, "orig", None) or getattr(e, "strerror", None) or e
            raise ConfigError(
                f"{self.path}: cannot be used as an alarm store: {cause}; make the file and its folder writable, or "
                "set `store` in fault_alarms.yaml to another file"
            ) from None


def now() -> int:
    """Return the present instant (microseconds since 1970 UTC, int64)."""
    return time.time_ns() // 1_000


def _changed_rows(connection: sa.Connection) -> int:
    return int(getattr(connection.connection.driver_connection, "total_changes"))  # noqa: B009
