"""List decisions by period, outcome, store, model, key and reference, the latest first."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import sqlalchemy as sa

from serving.decisions.entries import Entry
from serving.decisions.reading import ENTRIES, PARTS


class Filters(NamedTuple):
    """Which decisions to list; None does not filter.

    Attributes
    ----------
    since, until : int or None
        Time of the entry in microseconds since 1970, UTC: from `since`, before `until`.
    outcome, key_id : str or None
        Outcome of the decision, and id of the key that asked for it.
    stores : collection of str or None
        One of these stores; an empty one lists nothing.
    model : str or None
        Name of the model, such as `credit_risk.north`.
    version : int or None
        Its version; only with `model`.
    references : collection of str or None
        Digests of the caller's reference, as returned by `LogKeys.reference_digests`.
    before : int or None
        Only entries with a lower sequence: the last one of the page before.
    """

    since: int | None = None
    until: int | None = None
    outcome: str | None = None
    key_id: str | None = None
    stores: Collection[str] | None = None
    model: str | None = None
    version: int | None = None
    references: Collection[str] | None = None
    before: int | None = None


def list_decisions(connection: sa.Connection, filters: Filters, *, limit: int) -> list[Entry]:
    """Return decisions that match all filters, the latest first.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        To the decision store.
    filters : Filters
        Which decisions.
    limit : int
        Most entries.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.stores import open_store
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with engine.connect() as connection:
    ...         print(list_decisions(connection, Filters(outcome="decline"), limit=10))
    ...     engine.dispose()
    []
    """
    dialect = connection.dialect.name
    query = sa.select(ENTRIES).where(ENTRIES.c.kind == "decision")
    conditions: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
        "since": lambda value: ENTRIES.c.at >= value,
        "until": lambda value: ENTRIES.c.at < value,
        "before": lambda value: ENTRIES.c.sequence < value,
        "outcome": lambda value: _text(dialect, "outcome") == value,
        "key_id": lambda value: _text(dialect, "key_id") == value,
        "stores": lambda value: _text(dialect, "store_id").in_(list(value)),
        "references": lambda value: ENTRIES.c.sequence.in_(
            sa.select(PARTS.c.sequence).where(PARTS.c.reference.in_(list(value)))
        ),
    }
    for name, condition in conditions.items():
        if (value := getattr(filters, name)) is not None:
            query = query.where(condition(value))
    if filters.model is not None:
        version = _version(dialect, filters.model)
        query = query.where(version.is_not(None) if filters.version is None else version == str(filters.version))
    return [Entry(*row) for row in connection.execute(query.order_by(ENTRIES.c.sequence.desc()).limit(limit))]


def _text(dialect: str, field: str) -> sa.ColumnElement[str]:
    """Return a text field of the content, in the words of the index on the store."""
    if dialect == "sqlite":
        return sa.literal_column(f"json_extract(content, '$.{field}')", sa.Text)
    return sa.literal_column(f"((content::json) ->> '{field}')", sa.Text)


def _version(dialect: str, model: str) -> sa.ColumnElement[str]:
    if dialect == "sqlite":
        return sa.cast(sa.func.json_extract(ENTRIES.c.content, f'$.models."{model}".version'), sa.Text)
    path = [sa.cast(part, sa.Text) for part in ("models", model, "version")]
    return sa.func.json_extract_path_text(sa.cast(ENTRIES.c.content, sa.JSON), *path)
