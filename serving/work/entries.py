"""Entries of the daily work in the feedback store: assignments, outcomes of calls, confirmed orders, moved alarms.

An entry is added and never changed; what holds now follows from all of them. Another entry takes one back.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic_core import to_json

from serving.asgi import Problem
from serving.decisions.log_keys import SALT_BYTES, VARIABLE, LogKeys, PersonalPart, UnreadablePart
from serving.doors.caller import Caller
from serving.feedback.store import FeedbackStore
from serving.stores import writing

UNDO = "undo"
_REFERENCE = "work_entries"  # binds the encrypted parts to this table
_LOCK = 0x636865_77  # advisory lock of PostgreSQL, so that two writers see each other's entries
ENTRIES = sa.table(
    "work_entries",
    *map(sa.column, ("sequence", "at", "kind", "subject", "store_id", "key_id", "person", "content")),
)
PARTS = sa.table("work_personal", *map(sa.column, ("sequence", "key_id", "nonce", "ciphertext", "reference")))


class NewWorkEntry(NamedTuple):
    """What `WorkEntries.append` writes as one entry.

    Attributes
    ----------
    kind : str
        Noun and what was done, such as `lead.assigned`.
    subject : str
        Identifier of the record, such as a lead id.
    store_id : str or None
        Store of the record; None for the group.
    content : mapping
        JSON object without personal fields.
    personal : mapping, optional
        JSON object of personal fields, which is encrypted.
    """

    kind: str
    subject: str
    store_id: str | None
    content: Mapping[str, Any]
    personal: Mapping[str, Any] | None = None


class WorkEntry(NamedTuple):
    """A row of the table `work_entries`.

    Attributes
    ----------
    sequence : int
        Larger than that of every earlier entry.
    at : int
        Real time of writing (microseconds since 1970 UTC).
    kind, subject, store_id, content
        As in `NewWorkEntry`.
    key_id, person : str or None
        Identifier and name of the key of the person who wrote it; None without doors.
    """

    sequence: int
    at: int
    kind: str
    subject: str
    store_id: str | None
    key_id: str | None
    person: str | None
    content: Mapping[str, Any]


class WorkEntries:
    """The entries of all workers: every read first fetches what others have written.

    Parameters
    ----------
    store : FeedbackStore
        ``serving.feedback.store.FeedbackStore(settings.feedback_store)``.
    keys : LogKeys or None
        Keys that encrypt personal fields; None: entries with personal fields are refused.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     entries = WorkEntries(FeedbackStore(f"sqlite:///{folder}/feedback.db"), None)
    ...     call = NewWorkEntry("lead.called", "L1", "S1", {"outcome": "not_reached"})
    ...     first = entries.append([call], caller=None)[0]
    ...     entries.latest("lead.called")["L1"].content["outcome"]
    'not_reached'
    """

    def __init__(self, store: FeedbackStore, keys: LogKeys | None) -> None:
        self._store = store
        self._keys = keys
        self._lock = Lock()
        self._last = 0
        self._all: list[WorkEntry] = []
        self._undone: set[int] = set()

    @property
    def can_encrypt(self) -> bool:
        """Return whether personal fields can be written."""
        return self._keys is not None

    def append(
        self,
        entries: Sequence[NewWorkEntry],
        *,
        caller: Caller | None,
        expected: Mapping[str, int] | None = None,
    ) -> list[WorkEntry]:
        """Write entries in one transaction that is on the disk when it returns.

        Parameters
        ----------
        entries : sequence of NewWorkEntry
            In the order in which they are numbered.
        caller : Caller or None
            Who writes them.
        expected : mapping of str to int, optional
            By subject: sequence of the last entry that the person has read, 0 for none.

        Raises
        ------
        Problem
            Status 409 (`changed`): somebody else has written an entry of a subject meanwhile; nothing is written.
            503 (`no_log_keys`): personal fields cannot be encrypted. 503 (`feedback_unavailable`): the store cannot be
            written.
        """
        if self._keys is None and any(entry.personal is not None for entry in entries):
            text = f"personal fields are stored encrypted only: set {VARIABLE}, and start the service again"
            raise Problem(503, "no_log_keys", text)
        numbers = self._store.run(lambda engine: self._write(engine, entries, caller, expected or {}))
        return [entry for entry in self._refreshed() if entry.sequence in numbers]

    def of(self, kind: str | None = None, subject: str | None = None) -> list[WorkEntry]:
        """Return the entries that hold, the earliest first.

        Parameters
        ----------
        kind : str, optional
            Kind, or its first part with a dot, such as `lead.`.
        subject : str, optional
            Identifier of the record.
        """
        return [
            entry
            for entry in self._refreshed()
            if entry.kind != UNDO
            and entry.sequence not in self._undone
            and (kind is None or entry.kind == kind or (kind.endswith(".") and entry.kind.startswith(kind)))
            and (subject is None or entry.subject == subject)
        ]

    def history(self, subject: str) -> list[WorkEntry]:
        """Return all entries of a subject, those that were taken back and the taking back included."""
        return [entry for entry in self._refreshed() if entry.subject == subject]

    def latest(self, kind: str) -> dict[str, WorkEntry]:
        """Return the last entry of a kind that holds, by subject."""
        return {entry.subject: entry for entry in self.of(kind)}

    def last_sequence(self, subject: str) -> int:
        """Return the sequence of the last entry of a subject, for `expected`; 0 for none."""
        return max((entry.sequence for entry in self._refreshed() if entry.subject == subject), default=0)

    @property
    def state(self) -> int:
        """Return the sequence of the last entry: a key of caches."""
        self._refreshed()
        return self._last

    def undo(self, sequence: int, *, caller: Caller | None) -> WorkEntry:
        """Take an entry back by another entry.

        Parameters
        ----------
        sequence : int
            Of the entry.
        caller : Caller or None
            Who takes it back.

        Raises
        ------
        Problem
            Status 404: there is no such entry that holds. 409: a later entry of the subject builds on it.
        """
        entry = next((e for e in self.of() if e.sequence == sequence), None)
        if entry is None:
            raise Problem(404, "no_entry", "there is no entry with this number that can be taken back")
        if any(e.kind == entry.kind and e.sequence > sequence for e in self.of(entry.kind, entry.subject)):
            raise Problem(409, "changed", "a later entry follows it; take that one back first")
        undo = NewWorkEntry(UNDO, entry.subject, entry.store_id, {"sequence": sequence, "kind": entry.kind})
        expected = {entry.subject: self.last_sequence(entry.subject)}
        return self.append([undo], caller=caller, expected=expected)[0]

    def personal(self, sequence: int) -> dict[str, Any] | None:
        """Return the personal fields of an entry; None if it has none, or they were purged.

        Raises
        ------
        Problem
            Status 503: the keys are absent, or the fields cannot be decrypted.
        """
        return self.personal_of([sequence]).get(sequence)

    def personal_of(self, sequences: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return the personal fields of entries by sequence, of those that have some."""
        query = sa.select(PARTS).where(PARTS.c.sequence.in_(list(sequences)))
        rows = self._store.run(lambda engine: _rows(engine, query))
        if rows and self._keys is None:
            raise Problem(503, "no_log_keys", f"the personal fields of this record need {VARIABLE}")
        fields = {}
        for row in rows:
            part = PersonalPart(row.sequence, row.key_id, bytes(row.nonce), bytes(row.ciphertext), row.reference)
            try:
                assert self._keys is not None
                fields[part.sequence] = json.loads(self._keys.decrypt(part)[SALT_BYTES:])
            except UnreadablePart:
                text = f"the personal fields of this record cannot be decrypted; add their key to {VARIABLE}"
                raise Problem(503, "unreadable", text) from None
        return fields

    def _write(
        self, engine: sa.Engine, entries: Sequence[NewWorkEntry], caller: Caller | None, expected: Mapping[str, int]
    ) -> set[int]:
        with writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            _check_unchanged(connection, expected)
            last = connection.execute(sa.select(sa.func.max(ENTRIES.c.sequence))).scalar() or 0
            at = time.time_ns() // 1_000
            who = (
                {"key_id": None, "person": None} if caller is None else {"key_id": caller.key_id, "person": caller.name}
            )
            for sequence, entry in enumerate(entries, start=last + 1):
                row = {"sequence": sequence, "at": at, "kind": entry.kind, "subject": entry.subject, **who}
                content = to_json(dict(entry.content)).decode()
                connection.execute(sa.insert(ENTRIES).values(**row, store_id=entry.store_id, content=content))
                if entry.personal is not None and self._keys is not None:
                    plaintext = os.urandom(SALT_BYTES) + to_json(dict(entry.personal))
                    part = self._keys.encrypt(sequence, plaintext, reference=_REFERENCE)
                    connection.execute(sa.insert(PARTS).values(**part._asdict()))
            return set(range(last + 1, last + 1 + len(entries)))

    def _refreshed(self) -> list[WorkEntry]:
        query = sa.select(ENTRIES).where(ENTRIES.c.sequence > self._last).order_by(ENTRIES.c.sequence)
        rows = self._store.run(lambda engine: _rows(engine, query))
        if rows:
            with self._lock:
                new = [WorkEntry(**{**row._mapping, "content": json.loads(row.content)}) for row in rows]
                new = [entry for entry in new if entry.sequence > self._last]
                self._undone |= {int(entry.content["sequence"]) for entry in new if entry.kind == UNDO}
                self._all = [*self._all, *new]
                self._last = max(self._last, new[-1].sequence) if new else self._last
        return self._all


def _rows(engine: sa.Engine, query: sa.Select[Any]) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(query).fetchall()


def _check_unchanged(connection: sa.Connection, expected: Mapping[str, int]) -> None:
    for subject, sequence in expected.items():
        query = sa.select(ENTRIES.c.person).where(ENTRIES.c.subject == subject, ENTRIES.c.sequence > sequence)
        later = connection.execute(query.order_by(ENTRIES.c.sequence.desc()).limit(1)).fetchone()
        if later is not None:
            text = f"{later.person or 'somebody else'} has changed this record meanwhile; read it again, then decide"
            raise Problem(409, "changed", text)
