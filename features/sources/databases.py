"""Tables read from a database by SQLAlchemy URL. The connection only reads, and no message shows its password."""

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

ROWS_A_BATCH = 100_000
CONNECT_SECONDS = 10

_NUMBERS = (bool, int, float, Decimal)


def checked_url(text: str, *, folder: Path | None = None) -> str:
    """The URL, a relative SQLite path made relative to `folder`.

    Raises
    ------
    ValueError
        Not a SQLAlchemy URL. The text does not repeat it: it may hold a password.

    Examples
    --------
    >>> checked_url("sqlite:///crm.db", folder=Path("/data"))
    'sqlite:////data/crm.db'
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("not a SQLAlchemy URL: write dialect://user:password@host:port/database") from None
    if url.get_backend_name() == "sqlite" and url.database and folder is not None:
        url = url.set(database=str(folder / url.database))
    return url.render_as_string(hide_password=False)


def query_columns(url: str, query: str, *, where: str) -> list[str]:
    """Names of the columns a query returns, without fetching a row.

    Parameters
    ----------
    url, query : str
        SQLAlchemy URL and SELECT.
    where : str
        How messages name the source.

    Raises
    ------
    DataError
        The database does not answer, refuses the user or the query; the password is never shown.
    ConfigError
        The URL's driver is not installed, or the SQLite file does not exist.
    """
    with _result(url, query, where) as result:
        return list(result.keys())


def read_query(url: str, query: str, *, where: str) -> pl.DataFrame:
    """All rows of a query, fetched in batches; a column of mixed types becomes text.

    Parameters, errors: as `query_columns`.

    Examples
    --------
    >>> read_query("sqlite://", "SELECT 1 AS a, 'x' AS b", where="t").rows()
    [(1, 'x')]
    """
    with _result(url, query, where) as result:
        names = list(result.keys())
        batches = [_frame(names, rows) for rows in result.partitions(ROWS_A_BATCH)]
    return _joined(batches) if batches else pl.DataFrame(schema=dict.fromkeys(names, pl.Null))


@contextmanager
def _result(url: str, query: str, where: str) -> Iterator[sa.CursorResult[Any]]:
    address, connected = make_url(url), False
    try:
        engine = _engine(address, where)
        try:
            with engine.connect() as connection:
                connected = True
                options = {"stream_results": True}
                if engine.dialect.name == "postgresql":
                    connection = connection.execution_options(postgresql_readonly=True)
                # no_parameters: a percent sign in the query is a percent sign.
                yield connection.execution_options(no_parameters=True, **options).exec_driver_sql(query)
        finally:
            engine.dispose()
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"{where}: no driver for `{address.drivername}` ({error}): install it, for example "
            "pip install 'psycopg[binary]' for postgresql+psycopg"
        ) from None
    except DBAPIError as error:
        raise DataError(_refusal(address, where, str(error.orig), connected=connected)) from None
    except SQLAlchemyError as error:
        raise DataError(_refusal(address, where, str(error), connected=connected)) from None


def _engine(url: URL, where: str) -> sa.Engine:
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        if not Path(str(url.database)).is_file():
            raise ConfigError(f"{where}: no SQLite file at {url.database}: correct `url`")
        # Opened read-only: a wrong path must not create a database, nor a query change one.
        url = url.set(database=f"file:{quote(str(url.database))}", query={**url.query, "mode": "ro", "uri": "true"})
    if url.get_backend_name() in ("postgresql", "mysql", "mariadb") and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)


def _refusal(url: URL, where: str, reason: str, *, connected: bool) -> str:
    reason = " ".join(reason.split())
    for secret in {url.password, quote(str(url.password or ""), safe="")}:
        reason = reason.replace(str(secret), "***") if secret else reason
    shown = url.render_as_string(hide_password=True)
    remedy = (
        "check the tables and columns that `sql` names, and that the user may read them"
        if connected
        else "check that the database runs, and host, port, user, password and database in `url`"
    )
    return f"{where}: {shown}: {reason}: {remedy}"


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


def _joined(batches: list[pl.DataFrame]) -> pl.DataFrame:
    """One frame; a column whose type changes between batches becomes Float64 if all numbers, text otherwise."""
    casts: Any = {}
    for name in batches[0].columns:
        types = {b.schema[name] for b in batches} - {pl.Null()}
        if len(types) > 1:
            casts[name] = pl.Float64 if all(t.is_numeric() for t in types) else pl.String
        elif types:
            casts[name] = types.pop()
    return pl.concat([b.cast(casts) for b in batches])
