"""Apply the Alembic migrations of a store inside a transaction of the caller."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

MIGRATIONS = Path(__file__).parent / "migrations"
_operations = Lock()  # `alembic.op` belongs to one connection of the process at a time


class NewerStore(Exception):
    """The tables of a store were made by a newer version of the service."""


def pending(connection: sa.Connection, name: str) -> list[Script]:
    """Return the migrations of a store that its database lacks, the earliest first.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of the store's database.
    name : {'keys', 'decisions', 'feedback'}
        The store; its version is in the table `alembic_<name>`.

    Raises
    ------
    NewerStore
        The database has a migration that this version of the service does not have.

    Examples
    --------
    >>> import sqlalchemy as sa
    >>> with sa.create_engine("sqlite://").connect() as connection:
    ...     pending(connection, "decisions")[0].down_revision is None
    True
    """
    try:
        return _pending(_context(connection, name), _scripts(name))
    except CommandError as e:
        raise NewerStore(str(e)) from None


def upgrade(connection: sa.Connection, name: str) -> None:
    """Apply the migrations that the database of a store lacks; the caller locks the database and commits.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of the store's database, in a transaction that no other process can enter.
    name : {'keys', 'decisions', 'feedback'}
        The store; its version is in the table `alembic_<name>`.

    Raises
    ------
    NewerStore
        The database has a migration that this version of the service does not have.

    Examples
    --------
    >>> import sqlalchemy as sa
    >>> with sa.create_engine("sqlite://").begin() as connection:
    ...     upgrade(connection, "decisions")
    ...     pending(connection, "decisions")
    []
    """
    context = _context(connection, name)
    with _operations, Operations.context(context):
        for script in pending(connection, name):
            script.module.upgrade()
            context.stamp(_scripts(name), script.revision)


def _context(connection: sa.Connection, name: str) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": f"alembic_{name}"})


def _scripts(name: str) -> ScriptDirectory:
    return ScriptDirectory(MIGRATIONS, version_locations=[MIGRATIONS / name])


def _pending(context: MigrationContext, scripts: ScriptDirectory) -> list[Script]:
    present = context.get_current_revision()
    if present is not None:
        scripts.get_revision(present)  # raises an error if the revision does not exist
    return list(scripts.iterate_revisions("heads", present or "base"))[::-1]
