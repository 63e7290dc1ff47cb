"""Read tables from a database by SQLAlchemy URL. Error messages never show the password."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from features.errors import ConfigError, DataError

BATCH_ROWS = 100_000
CONNECT_SECONDS = 10

_NUMBERS = (bool, int, float, Decimal)


def resolve_url(text: str, *, folder: Path | None = None) -> str:
    """Check a SQLAlchemy URL and return it with its password; a relative SQLite path is resolved against `folder`.

    No database is opened.

    Parameters
    ----------
    text : str
        SQLAlchemy URL, ``dialect://user:password@host:port/database``.
    folder : Path, optional
        Folder of the configuration file; without it a relative path stays as it is.

    Returns
    -------
    str
        URL with its password, for `sqlalchemy.create_engine`.

    Raises
    ------
    ValueError
        The text is not a SQLAlchemy URL. The message does not quote it, because it may contain a password.

    Examples
    --------
    >>> from pathlib import Path
    >>> resolve_url("sqlite:///crm.db", folder=Path("/data"))
    'sqlite:////data/crm.db'
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("is not a SQLAlchemy URL; write dialect://user:password@host:port/database") from None
    if url.get_backend_name() == "sqlite" and url.database and folder is not None:
        url = url.set(database=str(folder / url.database))
    return url.render_as_string(hide_password=False)


def query_columns(url: str, query: str, *, where: str) -> list[str]:
    """Return the column names of a query without fetching a row.

    Parameters
    ----------
    url : str
        SQLAlchemy URL, ``dialect://user:password@host:port/database``; SQLite files are opened read-only.
    query : str
        SELECT statement.
    where : str
        Name of the source in error messages.

    Returns
    -------
    list of str
        In the order of the query; names may repeat.

    Raises
    ------
    DataError
        The database cannot be reached, or rejects the user or the query.
    ConfigError
        The URL's driver is not installed, or the SQLite file does not exist.

    Examples
    --------
    >>> query_columns("sqlite://", "SELECT 1 AS a, 'x' AS b", where="leads")
    ['a', 'b']
    """
    with _cursor(url, query, where) as cursor:
        return list(cursor.keys())


def read_query(url: str, query: str, *, where: str) -> pl.DataFrame:
    """Return all rows of a query, fetched in batches of 100,000.

    Parameters
    ----------
    url : str
        SQLAlchemy URL, ``dialect://user:password@host:port/database``; SQLite files are opened read-only.
    query : str
        SELECT statement.
    where : str
        Name of the source in error messages.

    Returns
    -------
    DataFrame
        The columns of the query. A column of mixed number types is Float64, one of other mixed types String; without
        rows all columns are Null.

    Raises
    ------
    DataError
        The database cannot be reached, or rejects the user or the query.
    ConfigError
        The URL's driver is not installed, or the SQLite file does not exist.

    Examples
    --------
    >>> read_query("sqlite://", "SELECT 1 AS a, 'x' AS b", where="t").rows()
    [(1, 'x')]
    """
    with _cursor(url, query, where) as cursor:
        names = list(cursor.keys())
        batches = [_frame(names, rows) for rows in cursor.partitions(BATCH_ROWS)]
    return _concatenated(batches) if batches else pl.DataFrame(schema=dict.fromkeys(names, pl.Null))


@contextmanager
def _cursor(url: str, query: str, where: str) -> Iterator[sa.CursorResult[Any]]:
    address, connected = make_url(url), False
    try:
        engine = _engine(address, where)
        try:
            with engine.connect() as connection:
                connected = True
                options = {"stream_results": True}
                if engine.dialect.name == "postgresql":
                    connection = connection.execution_options(postgresql_readonly=True)
                # no_parameters: otherwise a percent sign in the query starts a placeholder.
                yield connection.execution_options(no_parameters=True, **options).exec_driver_sql(query)
        finally:
            engine.dispose()
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"{where}: the driver of `{address.drivername}` is not installed ({error}): install it, for example "
            "pip install 'psycopg[binary]' for postgresql+psycopg"
        ) from None
    except DBAPIError as error:
        raise DataError(_failure(address, where, str(error.orig), connected=connected)) from None
    except SQLAlchemyError as error:
        raise DataError(_failure(address, where, str(error), connected=connected)) from None


def _engine(url: URL, where: str) -> sa.Engine:
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        if not Path(str(url.database)).is_file():
            raise ConfigError(f"{where}: there is no SQLite file {url.database}: correct the path in `url`")
        # Read-only: a wrong path must not create a database, and a query must not change one.
        url = url.set(database=f"file:{quote(str(url.database))}", query={**url.query, "mode": "ro", "uri": "true"})
    if url.get_backend_name() in ("postgresql", "mysql", "mariadb") and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)


def _failure(url: URL, where: str, reason: str, *, connected: bool) -> str:
    reason = " ".join(reason.split())
    for secret in {url.password, quote(str(url.password or ""), safe="")}:
        reason = reason.replace(str(secret), "***") if secret else reason
    masked_url = url.render_as_string(hide_password=True)
    remedy = (
        "correct `sql`, which must be a SELECT from existing tables and columns that this user may read"
        if connected
        else "check that the database is running, and the host, port, user, password and database in `url`"
    )
    return f"{where}: {masked_url}: {reason}: {remedy}"


def _frame(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    return pl.DataFrame([_series(n, list(v)) for n, v in zip(names, zip(*rows, strict=True), strict=True)])


def _series(name: str, values: list[Any]) -> pl.Series:
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null)
    if len(kinds) == 1 and kinds <= {*_NUMBERS, str, bytes, dt.date}:
        return pl.Series(name, values)
    if kinds == {dt.datetime} and len({v.tzinfo is None for v in values if v is not None}) == 1:
        return pl.Series(name, values)
    if kinds <= {int, float, Decimal}:
        return pl.Series(name, [None if v is None else float(v) for v in values], dtype=pl.Float64)
    return pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String)


def _concatenated(batches: list[pl.DataFrame]) -> pl.DataFrame:
    """Concatenate batches; a column whose type differs becomes Float64 if all are numeric, text otherwise."""
    casts: Any = {}
    for name in batches[0].columns:
        types = {b.schema[name] for b in batches} - {pl.Null()}
        if len(types) > 1:
            casts[name] = pl.Float64 if all(t.is_numeric() for t in types) else pl.String
        elif types:
            casts[name] = types.pop()
    return pl.concat([b.cast(casts) for b in batches])
