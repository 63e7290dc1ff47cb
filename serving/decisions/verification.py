"""Verify the decision log: recompute the hash chain, compare it with the head, and check the personal parts.

A change of one entry breaks the chain where it was made. Who can rewrite the whole database could also compute the
whole chain anew: only the sequence and hash of an entry that were noted elsewhere show that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from serving.decisions.entries import START, Entry, Head, hash_of
from serving.decisions.log_keys import LogKeys, PersonalPart, UnreadablePart, personal_digest
from serving.decisions.purge import PurgedRange, purged_ranges
from serving.decisions.reading import ENTRIES, HEAD, PARTS
from serving.stores import store_errors

FaultKind = Literal["altered", "missing", "shortened", "reordered", "personal_altered", "personal_missing"]
Progress = Callable[[int, int], None]
MAX_LISTED = 20  # faults that a result lists; it counts all
BATCH = 2_000  # entries read at once
NEAR = 10_000  # places to either side at which an entry is looked for that was moved
_ROWS = sa.select(ENTRIES, PARTS).select_from(ENTRIES.outerjoin(PARTS, ENTRIES.c.sequence == PARTS.c.sequence))
_ENDS = sa.select(
    HEAD.c.id,
    HEAD.c.sequence,
    HEAD.c.hash,
    sa.select(sa.func.min(ENTRIES.c.sequence)).scalar_subquery(),
    sa.select(sa.func.max(ENTRIES.c.sequence)).scalar_subquery(),
).select_from(sa.select(sa.literal(1)).subquery().outerjoin(HEAD, HEAD.c.id.is_not(None)))
_ORPHANS = sa.select(PARTS.c.sequence).where(
    ~sa.exists(sa.select(ENTRIES.c.sequence).where(ENTRIES.c.sequence == PARTS.c.sequence))
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the log.

    Attributes
    ----------
    sequence : int
        The first entry that it concerns.
    kind : str
        'altered', 'missing', 'shortened' (missing at the end), 'reordered', 'personal_altered' or 'personal_missing'.
    message : str
        What is wrong, in English.
    """

    sequence: int
    kind: FaultKind
    message: str


@dataclass
class Verification:
    """Result of `verify_log`.

    Attributes
    ----------
    entries : int
        Entries that were read.
    first, last : Head or None
        Sequence and hash of the first and the last entry; None in an empty log. Note the last one elsewhere, for the
        next verification.
    first_at, last_at : int or None
        Their times, in microseconds since 1970 in UTC.
    parts, verified_parts : int
        Entries whose personal part is stored, and those among them whose digest was recomputed.
    purged_parts : int
        Entries whose personal part a purge removed.
    unread_parts : dict of str to int
        Personal parts whose key the service does not have, by name of the key; they were not checked.
    faults : list of Fault
        The first 20 faults, by sequence.
    fault_count : int
        Number of all faults.
    """

    entries: int = 0
    first: Head | None = None
    last: Head | None = None
    first_at: int | None = None
    last_at: int | None = None
    parts: int = 0
    verified_parts: int = 0
    purged_parts: int = 0
    unread_parts: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    @property
    def is_whole(self) -> bool:
        """Return whether the log has no fault."""
        return self.fault_count == 0

    def as_dict(self) -> dict[str, Any]:
        """Return the result as dict for JSON, with `whole`."""
        ends = {"first": self.first, "last": self.last}
        heads = {name: None if head is None else head._asdict() for name, head in ends.items()}
        return {"whole": self.is_whole, **asdict(self), **heads}

    def add(self, sequence: int, kind: FaultKind, message: str) -> None:
        """Count a fault, and list it if it is one of the first 20."""
        self.fault_count += 1
        if len(self.faults) < MAX_LISTED:
            self.faults.append(Fault(sequence, kind, message))


def verify_log(
    engine: sa.Engine,
    *,
    keys: LogKeys | None = None,
    expect: Head | None = None,
    progress: Progress = lambda sequence, end: None,
) -> Verification:
    """Recompute the decision log from its first entry to the last, while the service may write.

    Entries are read in batches, so that a log of any length fits in memory. Entries that are written after the start
    are not read.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the store, as returned by ``serving.stores.open_store(url, "decisions")``.
    keys : LogKeys, optional
        Keys of the log; without them, personal parts are counted but not checked.
    expect : Head, optional
        Sequence and hash of an entry as noted elsewhere; the log must still have it.
    progress : callable
        ``(sequence, end) -> None``, called after each batch with the last entry that was read and the last of the log.

    Returns
    -------
    Verification
        `is_whole` is True if nothing is wrong; otherwise `faults` has what is wrong, the first place first.

    Raises
    ------
    StoreUnavailable
        The store cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.decisions.appending import append
    >>> from serving.decisions.entries import NewEntry
    >>> from serving.stores import open_store, writing
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/decisions.db", "decisions")
    ...     with writing(engine) as connection:
    ...         last = append(connection, [NewEntry("decision", "d1", "{}"), NewEntry("decision", "d2", "{}")], None)
    ...     verification = verify_log(engine, expect=last)
    ...     engine.dispose()
    >>> verification.is_whole, verification.entries, verification.last == last
    (True, 2, True)
    """
    with store_errors(engine, "decisions"):
        return _Walk(engine, keys, expect).result(progress)


class _End(NamedTuple):
    """The row of the head (None if there is none), and the first and last sequence of the entries."""

    id: int | None
    sequence: int | None
    hash: str | None
    first: int | None
    last: int | None


class _Walk:
    """One pass over the log: the place that comes next, the hash before it, and what was wrong so far."""

    def __init__(self, engine: sa.Engine, keys: LogKeys | None, expect: Head | None) -> None:
        self.engine = engine
        self.keys = keys
        self.expect = expect
        self.verification = Verification()
        self.place = 1
        self.previous: str | None = START  # None after a fault that says nothing about the entry behind it
        self.purges: list[PurgedRange] = []
        self.end = 0

    def result(self, progress: Progress) -> Verification:
        with self.engine.connect() as connection:
            ends = [_End(*row) for row in connection.execute(_ENDS)]
            self.purges = purged_ranges(connection, after=0)
        start, self.end = ends[0].first or 1, ends[0].last or 0
        for batch in self._batches(start - 1):
            for entry, part in batch:
                self.verification.parts += part is not None
                if self._check_entry(entry):
                    self._check_part(entry, part)
            progress(batch[-1][0].sequence, self.end)
        self._check_end(ends)
        with self.engine.connect() as connection:
            for (sequence,) in connection.execute(_ORPHANS):
                text = "a personal part belongs to no entry: it was added, or its entry is missing"
                self.verification.add(sequence, "personal_altered", text)
        self.verification.faults.sort(key=lambda fault: fault.sequence)
        return self.verification

    def _batches(self, after: int) -> Iterator[Sequence[tuple[Entry, PersonalPart | None]]]:
        width = len(Entry._fields)
        while True:
            query = _ROWS.where(ENTRIES.c.sequence > after, ENTRIES.c.sequence <= self.end)
            with self.engine.connect() as connection:  # one transaction for each, so that none stays open for long
                rows = connection.execute(query.order_by(ENTRIES.c.sequence).limit(BATCH)).all()
            if not rows:
                return
            yield [(Entry(*r[:width]), None if r[width] is None else PersonalPart(*r[width:])) for r in rows]
            after = rows[-1][0]

    def _check_entry(self, entry: Entry) -> bool:
        """Check hash and link; return whether the columns of the entry match its hash."""
        v, sequence = self.verification, entry.sequence
        if sequence > self.place:
            v.add(self.place, "missing", f"missing: {_span(self.place, sequence - 1)}; entry {sequence} follows")
            self.previous = None
        is_consistent = _hash_at(sequence, entry) == entry.hash
        if sequence < 1:
            v.add(sequence, "altered", f"an entry has the number {sequence}, but the first one is 1")
        elif not is_consistent:
            self._add_inconsistent(entry)
        elif self.previous is not None and entry.previous != self.previous:
            before = f" or entry {sequence - 1}" if sequence > 1 else ""
            v.add(sequence, "altered", f"it does not follow the entry before it: this entry{before} was rewritten")
        if self.expect is not None and sequence == self.expect.sequence and entry.hash != self.expect.hash:
            text = f"its hash is {entry.hash}, but {self.expect.hash} was noted: it or earlier entries were rewritten"
            v.add(sequence, "altered", text)
        self.place, self.previous = sequence + 1, entry.hash if is_consistent else None
        v.entries += 1
        v.last, v.last_at = Head(sequence, entry.hash), entry.at
        if v.first is None:
            v.first, v.first_at = v.last, entry.at
        return is_consistent

    def _add_inconsistent(self, entry: Entry) -> None:
        sequence = entry.sequence
        near = range(max(1, sequence - NEAR), min(self.end, sequence + NEAR) + 1)
        if self.verification.fault_count >= MAX_LISTED:
            near = range(0)
        origin = next((n for n in near if _hash_at(n, entry) == entry.hash), None)
        if origin is None:
            self.verification.add(sequence, "altered", "its columns do not match its hash")
        else:
            self.verification.add(sequence, "reordered", f"what stands in its place was written as entry {origin}")

    def _check_part(self, entry: Entry, part: PersonalPart | None) -> None:
        v = self.verification
        if part is None:
            if entry.personal_digest is not None and self._is_purged(entry):
                v.purged_parts += 1
            elif entry.personal_digest is not None:
                v.add(entry.sequence, "personal_missing", "its personal part is missing, and no purge removed it")
        elif entry.personal_digest is None:
            v.add(entry.sequence, "personal_altered", "it has a personal part, but was written without one")
        elif self.keys is not None:
            self._check_digest(self.keys, part, entry.personal_digest)

    def _check_digest(self, keys: LogKeys, part: PersonalPart, digest: str) -> None:
        v = self.verification
        if part.key_id not in keys.names:
            if not any(_opens(keys, part._replace(key_id=name)) for name in keys.names):
                v.unread_parts[part.key_id] = v.unread_parts.get(part.key_id, 0) + 1
            else:
                v.add(part.sequence, "personal_altered", f"its personal part names another key, '{part.key_id}'")
            return
        try:
            is_same = personal_digest(keys.decrypt(part)) == digest
        except (UnreadablePart, TypeError):  # TypeError: SQLite takes a value of any type
            text = f"its personal part does not decrypt: it was altered, or the key '{part.key_id}' is another one"
            v.add(part.sequence, "personal_altered", text)
            return
        v.verified_parts += 1
        if not is_same:
            v.add(part.sequence, "personal_altered", "its personal part does not match its digest: it was replaced")

    def _is_purged(self, entry: Entry) -> bool:
        if not any(p.covers(entry) for p in self.purges):  # perhaps a purge runs at this moment
            newest = max((p.entry for p in self.purges), default=0)
            with self.engine.connect() as connection:
                self.purges += purged_ranges(connection, after=max(newest, self.end))
        return any(p.covers(entry) for p in self.purges)

    def _check_end(self, ends: Sequence[_End]) -> None:
        v, head = self.verification, ends[0]
        last = v.last or Head(0, START)
        if len(ends) > 1 or head.id != 1 or head.sequence is None:
            v.add(last.sequence, "altered", "the head of the log, its last sequence and hash, is missing or altered")
        elif last.sequence < head.sequence:
            text = f"missing at the end: {_span(last.sequence + 1, head.sequence)}; the head of the log names the last"
            v.add(last.sequence + 1, "shortened", text)
        elif last.sequence > head.sequence:
            text = f"the head of the log is entry {head.sequence}: it was set back, or later entries were added"
            v.add(head.sequence + 1, "altered", text)
        elif last.hash != head.hash:
            v.add(last.sequence, "altered", f"the head of the log has another hash, {head.hash}")
        if self.expect is not None and last.sequence < self.expect.sequence:
            text = f"the log ends with entry {last.sequence}, but entry {self.expect.sequence} was noted"
            v.add(last.sequence + 1, "shortened", text)


def _opens(keys: LogKeys, part: PersonalPart) -> bool:
    try:
        keys.decrypt(part)
    except (UnreadablePart, TypeError):
        return False
    return True


def _hash_at(sequence: int, entry: Entry) -> str | None:
    """Return the hash of an entry at a place of the chain; None if a column has bytes, which SQLite takes anywhere."""
    try:
        return hash_of(sequence, *entry[1:-1])
    except TypeError:
        return None


def _span(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first:,} to {last:,}"
