"""The valid keys in the memory of a worker, by the digest of their text."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import make_url

from features.errors import ChehangError
from ml.home import file_state
from serving.asgi import Problem
from serving.doors.caller import Caller
from serving.doors.key_store import KeyStore, StoredKey
from serving.doors.key_texts import tag_of
from serving.doors.roles import scopes_of
from serving.stores import StoreUnavailable

log = logging.getLogger("chehang.serving")
REFRESH_SECONDS = 0.5
USE_SECONDS = 10.0
NANOSECONDS = 1_000_000_000
NEVER = 2**62


class Limit(NamedTuple):
    """Limit of the requests of a caller.

    Attributes
    ----------
    interval : int
        Nanoseconds in which one request is allowed for a long time; 0 for no limit.
    burst : int
        Requests at once after a pause.
    """

    interval: int
    burst: int

    @classmethod
    def of(cls, rate_per_second: float, burst: int) -> Limit:
        """Return the limit of a rate.

        >>> Limit.of(100, 200)
        Limit(interval=10000000, burst=200)
        """
        return cls(max(1, round(NANOSECONDS / rate_per_second)), burst)


class Entry:
    """A valid key or token in memory.

    Parameters
    ----------
    caller : Caller
        Its owner.
    limit : Limit
        Of its requests.
    tag : int
        Its bucket in the shared file.
    deadline : int
        Nanoseconds of `time.monotonic_ns` at which it expires. A clock that is set back does not prolong it.
    is_local : bool
        Whether it holds on loopback addresses only.

    Attributes
    ----------
    is_used : bool
        Whether it was used since that was last stored.
    """

    __slots__ = ("caller", "deadline", "is_local", "is_used", "limit", "tag")

    def __init__(
        self, caller: Caller, limit: Limit, *, tag: int, deadline: int = NEVER, is_local: bool = False
    ) -> None:
        self.caller = caller
        self.limit = limit
        self.tag = tag
        self.deadline = deadline
        self.is_local = is_local
        self.is_used = False


class KeyRing:
    """The valid keys of a store, followed by a thread.

    A change in the store, such as a revocation, is in force within `REFRESH_SECONDS` and the time of one query. While
    the store cannot be read, the keys that were read last remain valid for `grace_seconds`.

    Parameters
    ----------
    url : str
        SQLAlchemy URL, the setting `key_store`.
    limit : Limit
        Of keys without limits of their own.
    grace_seconds : float
        The setting `key_grace_seconds`.
    fixed : mapping of bytes to Entry
        Keys by digest that are in no store, such as the development key.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.doors.key_texts import digest_of
    >>> with TemporaryDirectory() as folder:
    ...     store = KeyStore(f"sqlite:///{folder}/keys.db")
    ...     key, text = store.create("desk", "sales", by="li.wei")
    ...     ring = KeyRing(f"sqlite:///{folder}/keys.db", limit=Limit.of(100, 200), grace_seconds=900, fixed={})
    ...     ring.refresh()
    ...     ring.entry(digest_of(text.encode())).caller.role
    'sales'
    """

    def __init__(self, url: str, *, limit: Limit, grace_seconds: float, fixed: Mapping[bytes, Entry]) -> None:
        self._url = url
        self._limit = limit
        self._grace = grace_seconds
        self._fixed = dict(fixed)
        self._entries: dict[bytes, Entry] = dict(fixed)
        self._store: KeyStore | None = None
        self._revision: int | None = None
        self._file: int | None = None
        self._expiries: dict[str, tuple[int | None, int]] = {}  # key id: instant of expiry and its deadline
        self._read_at: float | None = None
        self._is_unreadable = False
        self._flushed_at = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def entry(self, digest: bytes) -> Entry | None:
        """Return the key with this digest; None if it is unknown, revoked or long expired.

        Raises
        ------
        Problem
            Status 503: the key is not in memory, and the store cannot be read.
        """
        entry = self._entries.get(digest)
        if entry is None and self._is_unreadable:
            text = "the key store cannot be read, so that this key cannot be checked; try again later"
            raise Problem(503, "keys_unavailable", text, headers=[(b"retry-after", b"5")])
        return entry

    def start(self) -> None:
        """Read the keys, and start the thread that follows changes."""
        if self._thread is None:
            self.refresh()
            self._thread = threading.Thread(target=self._run, name="key-ring", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and store which keys were used."""
        self._stop.set()
        self._record_uses()

    def _run(self) -> None:
        while not self._stop.wait(REFRESH_SECONDS):
            self.refresh()
            if time.monotonic() - self._flushed_at >= USE_SECONDS:
                self._flushed_at = time.monotonic()
                self._record_uses()

    def refresh(self) -> None:
        """Read the keys if they have changed. No error is raised: it is logged once."""
        try:
            self._read()
        except Exception as e:  # no error of a file or database may end the thread
            reason = str(e) if isinstance(e, ChehangError) else type(e).__name__
            self._become_unreadable(reason)
        else:
            if self._is_unreadable:
                log.info("the key store can be read again")
            self._is_unreadable, self._read_at = False, time.monotonic()
        self._shorten_deadlines()

    def _read(self) -> None:
        file = _inode(self._url)
        if file is None and self._file is not None:  # opening it would make a new store without keys
            raise StoreUnavailable("the file of the key store is missing; restore it from a backup")
        if self._store is not None and file != self._file:  # a restored file, for example
            self._store.close()
            self._store, self._revision = None, None
        if self._store is None:
            self._store = KeyStore(self._url)
            file = _inode(self._url)
        self._file = file
        if self._store.revision() == self._revision:
            return
        revision, keys = self._store.read()
        self._entries = {**dict(self._valid(keys)), **self._fixed}
        self._revision = revision

    def _valid(self, keys: Iterable[StoredKey]) -> Iterable[tuple[bytes, Entry]]:
        now, instant = time.monotonic_ns(), time.time_ns()
        present = {entry.caller.key_id: entry for entry in self._entries.values()}
        for key in keys:
            if key.state(instant // 1_000) != "active":
                continue
            try:
                scopes = scopes_of(key.role, key.scopes or ())
            except ChehangError as e:  # a role or scope of another version of the service
                log.error("key %s is ignored: %s", key.key_id, e)
                continue
            stores = None if key.stores is None else frozenset(key.stores)
            own = self._limit
            if key.rate_per_second is not None:
                own = Limit.of(key.rate_per_second, key.burst or self._limit.burst)
            deadline = self._deadline(key, now, instant)
            entry = Entry(
                Caller(key.key_id, key.name, key.role, scopes, stores),
                own,
                tag=tag_of("key", key.key_id),
                deadline=deadline,
            )
            entry.is_used = key.key_id in present and present[key.key_id].is_used
            yield bytes.fromhex(key.digest), entry

    def _deadline(self, key: StoredKey, now: int, instant: int) -> int:
        """Return the end of a key on the monotonic clock, never later than computed before for the same expiry."""
        if key.expires_at is None:
            return NEVER
        deadline = now + key.expires_at * 1_000 - instant
        earlier = self._expiries.get(key.key_id)
        if earlier is not None and earlier[0] == key.expires_at:
            deadline = min(deadline, earlier[1])
        self._expiries[key.key_id] = key.expires_at, deadline
        return deadline

    def _shorten_deadlines(self) -> None:
        """Follow a clock that is set forward, or that went on while the machine slept."""
        now, instant = time.monotonic_ns(), time.time_ns()
        for entry in self._entries.values():
            expiry = self._expiries.get(entry.caller.key_id)
            if expiry is not None and expiry[0] is not None:
                entry.deadline = min(entry.deadline, now + expiry[0] * 1_000 - instant)

    def _become_unreadable(self, reason: str) -> None:
        if not self._is_unreadable:
            text = "the key store cannot be read, the keys read before remain valid for %g s: %s"
            log.error(text, self._grace, reason)
        self._is_unreadable = True
        if self._read_at is None or time.monotonic() - self._read_at > self._grace:
            self._entries, self._revision = dict(self._fixed), None

    def _record_uses(self) -> None:
        entries = [e for e in self._entries.values() if e.is_used and not e.is_local]
        if not entries or self._store is None:
            return
        for entry in entries:
            entry.is_used = False
        try:
            self._store.record_use([e.caller.key_id for e in entries])
        except ChehangError:  # the next round stores it; a store that cannot be read is logged by `refresh`
            for entry in entries:
                entry.is_used = True


def _inode(url: str) -> int | None:
    """Return the inode of a SQLite file, which tells a file that was restored; None for another database or no file."""
    address = make_url(url)
    state = file_state(Path(address.database or "")) if address.get_backend_name() == "sqlite" else None
    return None if state is None else state[2]
