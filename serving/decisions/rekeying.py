"""Encrypt the personal parts of the decision log anew by the present key, so that an older key can be given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from serving.decisions.erasure import erase_free_space, erasing
from serving.decisions.log_keys import SALT_BYTES, LogKeys, PersonalPart, UnreadablePart
from serving.decisions.reading import PARTS
from serving.stores import store_errors

CHUNK = 2_000  # personal parts of one transaction, which decisions wait for


class Rekeying(NamedTuple):
    """Result of `rekey_parts`: number of parts encrypted anew, and of those that no key of the service decrypts."""

    parts: int
    unreadable: int


def rekey_parts(engine: sa.Engine, keys: LogKeys, *, progress: Callable[[int], None] = lambda parts: None) -> Rekeying:
    """Encrypt all personal parts of older keys by the first key; the chain stays valid, since digests do not change.

    The parts are replaced in transactions of 2,000, so that decisions are logged in between, and a killed run can be
    repeated: it goes on with the parts that are left. The old ciphertexts are erased from the files at the end.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    keys : LogKeys
        The first key encrypts; the key of each part must be among them, otherwise the part stays as it is.
    progress : callable
        ``(parts) -> None``, called after each transaction with the number of parts encrypted so far.

    Returns
    -------
    Rekeying
        If `unreadable` is 0, only the first key is still needed.

    Raises
    ------
    StoreUnavailable
        The store cannot be read or written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.decisions.appending import append
    >>> from serving.decisions.entries import NewEntry
    >>> from serving.stores import open_store, writing
    >>> old, both = LogKeys({"2025": bytes(32)}), LogKeys({"2026": bytes(range(32)), "2025": bytes(32)})
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with writing(engine) as connection:
    ...         last = append(connection, [NewEntry("decision", "d1", "{}", b"{}")], old)
    ...     rekey_parts(engine, both), rekey_parts(engine, both)
    ...     engine.dispose()
    (Rekeying(parts=1, unreadable=0), Rekeying(parts=0, unreadable=0))
    """
    after = count = unreadable = 0
    with store_errors(engine, "decisions"):
        while True:
            with erasing(engine) as connection:
                query = sa.select(PARTS).where(PARTS.c.sequence > after, PARTS.c.key_id != keys.names[0])
                rows = connection.execute(query.order_by(PARTS.c.sequence).limit(CHUNK)).all()
                if not rows:
                    break
                parts = [_encrypted(PersonalPart(*row), keys) for row in rows]
                for part in (p for p in parts if p is not None):
                    values = {name: value for name, value in part._asdict().items() if name != "sequence"}
                    connection.execute(sa.update(PARTS).where(PARTS.c.sequence == part.sequence).values(values))
            after = rows[-1].sequence
            count += sum(part is not None for part in parts)
            unreadable += sum(part is None for part in parts)
            progress(count)
        erase_free_space(engine)
    return Rekeying(count, unreadable)


def _encrypted(part: PersonalPart, keys: LogKeys) -> PersonalPart | None:
    """Return a part encrypted by the first key; None if it does not decrypt."""
    try:
        plaintext = keys.decrypt(part)
    except UnreadablePart:
        return None
    content: Any = json.loads(plaintext[SALT_BYTES:])
    reference = content.get("reference") if part.reference is not None else None
    return keys.encrypt(part.sequence, plaintext, reference=reference)
