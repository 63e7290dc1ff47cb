"""Read the tables of a feedback store, which the service fills with the events and the stock that it receives.

A store has a table or a view for each of `features.sources.table_source.STORE_TABLES`, with the columns of its contract
in the contract's units, so that no column needs a mapping. `lead_outcomes` has the outcomes of leads alone, which are
joined to leads of another source.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy.engine import make_url

from features.contracts import Column
from features.errors import DataError
from features.sources.databases import read_query, resolve_url
from features.tables import LEADS, TABLES

DEFAULT = "feedback"
LEAD_OUTCOMES = "lead_outcomes"
OWN_FEATURES = "own_features"  # column of `vehicles`: a JSON object of the dealership's own columns
SENT_BY = {
    "vehicles": "PUT /v1/stock",
    "leads": "POST /v1/events (type lead)",
    "loan_outcomes": "POST /v1/events (types repaid and defaulted)",
    "lead_outcomes": "POST /v1/events (types called, answered, sold and lost)",
    "exposures": "POST /v1/events (type shown)",
    "events": "POST /v1/events (view, compare, order and so on)",
}


def store_url(text: str, *, folder: Path | None = None) -> str:
    """Return the SQLAlchemy URL of a feedback store, with its password.

    Parameters
    ----------
    text : str
        A SQLAlchemy URL, or "feedback": the store of the service, which is the environment variable
        `CHEHANG_FEEDBACK_STORE`, or else the file `feedback.db` in `CHEHANG_HOME` (default: the folder `var`).
    folder : Path, optional
        Folder of the configuration file, for a relative path of SQLite in `text`.

    Raises
    ------
    ValueError
        The text is not a SQLAlchemy URL. The message does not quote it, because it may contain a password.

    Examples
    --------
    >>> from pathlib import Path
    >>> store_url("sqlite:///north.db", folder=Path("/data"))
    'sqlite:////data/north.db'
    """
    configured = os.environ.get("CHEHANG_FEEDBACK_STORE", "")
    if text != DEFAULT or configured:
        url = resolve_url(text, folder=folder) if text != DEFAULT else resolve_url(configured)
        is_bare = make_url(url).drivername == "postgresql"  # the service has the driver psycopg
        return url.replace("postgresql://", "postgresql+psycopg://", 1) if is_bare else url
    return f"sqlite:///{Path(os.environ.get('CHEHANG_HOME') or 'var').absolute() / 'feedback.db'}"


def store_columns(url: str, table: str, *, where: str) -> list[str]:
    """Return the columns of a table of a store that have a value in some row.

    Parameters
    ----------
    url : str
        As returned by `store_url`.
    table : str
        One of `features.sources.table_source.STORE_TABLES`, or `LEAD_OUTCOMES`.
    where : str
        Name of the source in error messages.

    Raises
    ------
    DataError
        The store does not exist, cannot be read, or has no rows of this table yet.
    """
    columns = _contract(table)
    counts = [f'count("{name}") AS n{i}' for i, name in enumerate(columns)]
    rows, *filled = _query(url, f"SELECT count(*), {', '.join(counts)} FROM {table}", where).row(0)
    if not rows:
        raise DataError(f"{where}: {_shown(url)} has no rows of `{table}` yet: send some with {SENT_BY[table]}")
    names = [name for (name, column), n in zip(columns.items(), filled, strict=True) if n or column.required]
    return [*names, *_own_features(url, table, where)]


def read_store(url: str, table: str, columns: Sequence[str], *, where: str) -> pl.DataFrame:
    """Return the rows of a table of a store, instants as UTC datetimes.

    Parameters
    ----------
    url : str
        As returned by `store_url`.
    table : str
        One of `features.sources.table_source.STORE_TABLES`, or `LEAD_OUTCOMES`.
    columns : sequence of str
        As returned by `store_columns`.
    where : str
        Name of the source in error messages.

    Returns
    -------
    DataFrame
        Types of the contract, with datetimes for instants; own features as they were sent.

    Raises
    ------
    DataError
        The store does not exist or cannot be read.
    """
    contract = _contract(table)
    own = [name for name in columns if name not in contract]
    names = [name for name in columns if name in contract]
    further = [OWN_FEATURES] if own else []
    selected = ", ".join(f'"{name}"' for name in [*names, *further])
    rows = _query(url, f"SELECT {selected} FROM {table}", where)
    frame = rows.select(_typed(name, contract[name]) for name in names)
    if not own:
        return frame
    content = [json.loads(text) if text else {} for text in rows[OWN_FEATURES].to_list()]
    return frame.with_columns(pl.Series(name, [c.get(name) for c in content], strict=False) for name in own)


def _own_features(url: str, table: str, where: str) -> list[str]:
    if table != "vehicles":
        return []
    texts = _query(url, f"SELECT DISTINCT {OWN_FEATURES} FROM vehicles WHERE {OWN_FEATURES} IS NOT NULL", where)
    return sorted({name for text in texts.to_series().to_list() for name in json.loads(text)})


def _contract(table: str) -> dict[str, Column]:
    """Return the columns of a table of the store; of `lead_outcomes` the key and the outcomes of leads."""
    if table == LEAD_OUTCOMES:
        return {n: c for n, c in LEADS.columns.items() if n == "lead_id" or n in LEADS.outcomes}
    return dict(TABLES[table].columns)


def _typed(name: str, column: Column) -> pl.Expr:
    if column.unit == "us":
        return pl.col(name).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
    return pl.col(name).cast(column.dtype)


def _query(url: str, query: str, where: str) -> pl.DataFrame:
    address: Any = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).is_file():
        raise DataError(
            f"{where}: there is no feedback store {address.database}: send events or stock to the service, which makes "
            "it, or set `store` or CHEHANG_FEEDBACK_STORE to the address of the service's store"
        )
    try:
        return read_query(url, query, where=where)
    except DataError as error:
        if any(text in str(error) for text in ("no such table", "does not exist")):
            raise DataError(
                f"{where}: {_shown(url)} is no feedback store of this version: send events or stock to the service, "
                "which makes or updates its tables, or correct `store`"
            ) from None
        raise


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


class StockRevision(NamedTuple):
    """Numbers of the changes of the pushed stock; returned by `stock_revision`.

    Attributes
    ----------
    listings : int
        Number of pushes that changed rows of `vehicles`.
    states : int
        Number of pushes that took vehicles off offer, or put them back.
    """

    listings: int
    states: int


def _exists(url: str) -> bool:
    """Return whether a store was made: a SQLite file exists, a database is asked anyway."""
    address = make_url(url)
    return address.get_backend_name() != "sqlite" or Path(str(address.database)).is_file()


def stock_revision(url: str, *, where: str) -> StockRevision | None:
    """Return the revision of the pushed stock, which grows with every push; None if there is no store yet.

    Parameters
    ----------
    url : str
        As returned by `store_url`.
    where : str
        Name of the source in error messages.

    Raises
    ------
    DataError
        The store cannot be read.
    """
    if not _exists(url):
        return None
    return StockRevision(*_query(url, "SELECT listings, states FROM stock_head", where).row(0))


def last_work_entry(url: str, *, where: str) -> int | None:
    """Return the number of the last entry of the desk; None if there is no store yet.

    Parameters
    ----------
    url : str
        As returned by `store_url`.
    where : str
        Name of the source in error messages.

    Raises
    ------
    DataError
        The store cannot be read.
    """
    if not _exists(url):
        return None
    return int(_query(url, "SELECT coalesce(max(sequence), 0) FROM work_entries", where).row(0)[0])


def work_entries(url: str, noun: str, *, where: str) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Return the entries of the desk about one kind of record, and those that take entries back.

    Parameters
    ----------
    url : str
        As returned by `store_url`.
    noun : str
        First part of the kind, such as `rule`.
    where : str
        Name of the source in error messages.

    Returns
    -------
    list of (int, str, str, dict)
        Sequence, kind, subject and content, the earliest first.

    Raises
    ------
    DataError
        The store does not exist or cannot be read.
    """
    query = (
        "SELECT sequence, kind, subject, CAST(content AS TEXT) AS content FROM work_entries "
        f"WHERE kind LIKE '{noun}.%' OR kind = 'undo' ORDER BY sequence"
    )
    return [(s, kind, subject, json.loads(text)) for s, kind, subject, text in _query(url, query, where).rows()]


def vehicles_off_offer(url: str, *, where: str) -> frozenset[str]:
    """Return the vehicles that a push marked as sold, reserved or deleted, whatever other sources say.

    Parameters
    ----------
    url : str
        As returned by `store_url`.
    where : str
        Name of the source in error messages.

    Raises
    ------
    DataError
        The store does not exist or cannot be read.
    """
    return frozenset(_query(url, "SELECT vehicle_id FROM stock_states", where)["vehicle_id"].to_list())
