"""Entries of the decision log and their hashes."""

from __future__ import annotations

import hashlib
import json
from json.encoder import encode_basestring
from typing import Literal, NamedTuple

Kind = Literal["decision", "override", "access", "purge"]
START = "0" * 64  # hash before the first entry


class NewEntry(NamedTuple):
    """What `serving.decisions.appending.append` writes as one entry.

    Attributes
    ----------
    kind : {'decision', 'override', 'access', 'purge'}
        A decision, an officer's decision in place of it, a read of personal fields, or their removal.
    decision_id : str or None
        The decision that the entry is about; None for a purge.
    content : str
        JSON object without personal fields.
    personal : bytes or None
        JSON object of personal fields, such as the inputs, which are encrypted.
    reference : str or None
        The caller's own reference, such as an application number; only with `personal`.
    """

    kind: Kind
    decision_id: str | None
    content: str
    personal: bytes | None = None
    reference: str | None = None


class Entry(NamedTuple):
    """A row of the table `decision_entries`.

    Attributes
    ----------
    sequence : int
        1, 2, ... without a gap.
    at : int
        Time of writing in microseconds since 1970, UTC, by the clock of the server; a clock that was set back shows.
    kind, decision_id, content
        As in `NewEntry`.
    personal_digest : str or None
        SHA-256 of a random salt and the personal JSON, in hexadecimal digits; None without a personal part.
    previous, hash : str
        Hash of the entry before (64 zeros for the first) and of this one: `hash_of` its other columns.
    """

    sequence: int
    at: int
    kind: str
    decision_id: str | None
    content: str
    personal_digest: str | None
    previous: str
    hash: str


class Head(NamedTuple):
    """Sequence and hash of the last entry: the row of the table `decision_head`.

    >>> str(Head(12, "ab" * 32))[:10]
    '12:abababa'
    """

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


def hash_of(
    sequence: int,
    at: int,
    kind: str,
    decision_id: str | None,
    content: str,
    personal_digest: str | None,
    previous: str,
) -> str:
    """Return the SHA-256 of an entry's columns as a JSON array without blanks, in UTF-8; 64 hexadecimal digits.

    Parameters
    ----------
    sequence, at, kind, decision_id, content, personal_digest, previous
        Columns of an `Entry`, in this order.

    Examples
    --------
    >>> import hashlib
    >>> text = '[1,5,"purge",null,"{}",null,"00"]'
    >>> hash_of(1, 5, "purge", None, "{}", None, "00") == hashlib.sha256(text.encode()).hexdigest()
    True
    """
    try:  # the columns one by one: a third less time than the encoder of any value
        texts = [
            "null" if text is None else encode_basestring(text)
            for text in (kind, decision_id, content, personal_digest, previous)
        ]
        array = f"[{sequence:d},{at:d},{','.join(texts)}]"
    except (TypeError, ValueError):  # somebody changed the type of a value
        array = _canonical([sequence, at, kind, decision_id, content, personal_digest, previous])
    return hashlib.sha256(array.encode()).hexdigest()


_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
