"""Read personal fields of the decision log; each read is an entry of the log, written before the fields are shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from features.errors import ConfigError
from serving.audit.logged_entries import LoggedEntry
from serving.decisions.appending import append
from serving.decisions.entries import NewEntry
from serving.decisions.log_keys import SALT_BYTES, VARIABLE, LogKeys, UnreadablePart
from serving.decisions.reading import read_parts
from serving.stores import store_errors, writing

PAGE = 1_000


def check_reader(keys: LogKeys | None, who: str | None, why: str | None) -> tuple[LogKeys, str, str]:
    """Return keys, person and reason of a read of personal fields, all of which it needs.

    Raises
    ------
    ConfigError
        The service has no keys, or the person or the reason is missing or blank.

    Examples
    --------
    >>> check_reader(LogKeys({"2026": bytes(32)}), "li.wei", "complaint 17")[1:]
    ('li.wei', 'complaint 17')
    """
    if keys is None:
        raise ConfigError(f"--personal: {VARIABLE} is not set; set it to the keys of the service")
    if not (who or "").strip() or not (why or "").strip():
        raise ConfigError("--personal: needs --who and --why; the log records who read personal fields, and why")
    assert who is not None and why is not None
    return keys, who.strip(), why.strip()


def record_access(engine: sa.Engine, decision_id: str | None, content: Mapping[str, Any]) -> None:
    """Write an access entry, before personal fields are shown.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    decision_id : str or None
        The decision whose fields are read; None for those of many.
    content : mapping
        JSON content: `who`, `why`, and what is read.

    Raises
    ------
    StoreUnavailable
        It cannot be written; then nothing may be shown.
    """
    entry = NewEntry("access", decision_id, json.dumps(content, ensure_ascii=False))
    with store_errors(engine, "decisions"), writing(engine) as connection:
        append(connection, [entry], None)


def with_personal(
    engine: sa.Engine, keys: LogKeys, entries: Iterable[LoggedEntry]
) -> Iterator[tuple[LoggedEntry, Mapping[str, Any] | None]]:
    """Yield entries with their personal fields; None where there are none, or their key is absent.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    keys : LogKeys
        Decrypt the parts.
    entries : iterable of LoggedEntry
        Any number; parts are read a thousand at a time.

    Raises
    ------
    StoreUnavailable
        The store cannot be read.
    """
    remaining = iter(entries)
    while page := list(islice(remaining, PAGE)):
        yield from zip(page, _personal_fields(engine, keys, page), strict=True)


def _personal_fields(
    engine: sa.Engine, keys: LogKeys, page: Sequence[LoggedEntry]
) -> Iterator[Mapping[str, Any] | None]:
    sequences = [logged.entry.sequence for logged in page if logged.has_part]
    with store_errors(engine, "decisions"), engine.connect() as connection:
        parts = read_parts(connection, sequences)
    for logged in page:
        part = parts.get(logged.entry.sequence)
        try:
            yield None if part is None else json.loads(keys.decrypt(part)[SALT_BYTES:])
        except UnreadablePart:
            yield None
