"""The writer of the decision log: one thread of a worker, which commits what has come together meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from serving.asgi import Problem
from serving.decisions.appending import append
from serving.decisions.entries import NewEntry
from serving.decisions.log_keys import LogKeys
from serving.stores import StoreUnavailable, open_store, store_errors, transaction, writing_connection
from serving.watching.records import RecordCounter

log = logging.getLogger("chehang.serving")
MAX_WAITING = 20_000  # entries; more than a worker can write within the time limit of a request
MAX_COMMIT = 4_000  # entries of one transaction, so that other workers do not wait long
RETRY_SECONDS = 1.0
GATHER_SECONDS = 0.003
RETRY_AFTER = ((b"retry-after", b"1"),)


@dataclass(slots=True, eq=False)
class _Request:
    """Entries that one request waits for."""

    entries: Sequence[NewEntry]
    future: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class _Group:
    """Requests of an event loop that the thread gets at once."""

    loop: asyncio.AbstractEventLoop
    deadline: asyncio.TimerHandle | None = None
    is_complete: bool = False  # handed over
    requests: list[_Request] = field(default_factory=list)


class LogWriter:
    """Appends entries durably: `append` returns after the commit that has them.

    A commit is shared by many answers under load (group commit): the thread commits all that wait, and the event loop
    hands requests over when there are as many as waited at the end of the last commit, or `GATHER_SECONDS` after the
    first of them. A single desk therefore never waits for others. The loop is woken once for each commit.

    If the store fails, the requests that wait are refused with status 503, further ones within a second without a
    try, and the next one after that tries again: nothing has to be restarted.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of the decision store. It is opened by the thread, so that a service also starts while its
        database does not answer.
    keys : LogKeys or None
        Encrypt the personal parts; without keys they are not stored.

    Examples
    --------
    >>> import asyncio
    >>> from tempfile import TemporaryDirectory
    >>> from serving.decisions.reading import read_head
    >>> with TemporaryDirectory() as folder:
    ...     writer = LogWriter(f"sqlite:///{folder}/decisions.db", None)
    ...     writer.start()
    ...     asyncio.run(writer.append([NewEntry("decision", "d1", "{}")]))
    ...     with writer.engine.connect() as connection:
    ...         print(read_head(connection).sequence)
    ...     writer.close()
    1
    """

    def __init__(self, url: str, keys: LogKeys | None) -> None:
        self.url = url
        self.keys = keys
        self._counter = RecordCounter("decisions")
        self._engine: sa.Engine | None = None
        self._queue: SimpleQueue[_Group | None] = SimpleQueue()
        self._group: _Group | None = None
        self._waiting = 0
        self._expected = 1  # requests for which a commit waits
        self._retry_at = 0.0  # monotonic time; 0 while the store works
        self._connection: sa.Connection | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread, which opens the store; without it nothing can be appended."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="decision-log", daemon=True)
            self._thread.start()

    @property
    def engine(self) -> sa.Engine:
        """The decision store, for reading; raises a `Problem` of status 503 while it could not be opened."""
        if self._engine is None:
            raise unavailable()
        return self._engine

    def check(self) -> None:
        """Refuse a request whose decision could not be written, before it is computed.

        Raises
        ------
        Problem
            Status 503: the store has failed within the last second, too many entries wait, or `start` was not called.
        """
        if (
            self._thread is None
            or self._waiting > MAX_WAITING
            or (self._retry_at and time.monotonic() < self._retry_at)
        ):
            raise unavailable()

    async def append(self, entries: Sequence[NewEntry]) -> None:
        """Write entries; returns when they are durable. A caller that stops waiting does not stop the writing.

        Raises
        ------
        Problem
            Status 503: they could not be written; the log does not have them.
        """
        self.check()
        loop = asyncio.get_running_loop()
        group = self._group
        if group is None or group.loop is not loop:
            group = self._group = _Group(loop)
            if self._expected > 1:
                group.deadline = loop.call_later(GATHER_SECONDS, self._hand_over, group)
            else:
                loop.call_soon(self._hand_over, group)
        request = _Request(entries, loop.create_future())
        group.requests.append(request)
        if group.deadline is not None and len(group.requests) >= self._expected:
            group.deadline.cancel()
            group.deadline = None
            loop.call_soon(self._hand_over, group)
        self._waiting += len(entries)
        await request.future

    def close(self) -> None:
        """Write what waits, and end the thread; nothing can be appended afterwards."""
        if (group := self._group) is not None:
            self._hand_over(group)
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _hand_over(self, group: _Group) -> None:
        if self._group is group:
            self._group = None
        if not group.is_complete:
            group.is_complete = True
            self._queue.put(group)

    def _run(self) -> None:
        self._commit([])  # opens the store
        while (group := self._queue.get()) is not None:
            groups, count = [group], len(group.requests)
            while count < MAX_COMMIT:
                try:
                    further = self._queue.get_nowait()
                except Empty:
                    break
                if further is None:
                    self._queue.put(None)
                    break
                groups.append(further)
                count += len(further.requests)
            self._write(groups)
        self._disconnect()
        if self._engine is not None:
            self._engine.dispose()

    def _write(self, groups: Sequence[_Group]) -> None:
        has_failed = not self._commit([e for group in groups for request in group.requests for e in request.entries])
        further = self._group
        self._expected = sum(len(g.requests) for g in groups) + (0 if further is None else len(further.requests))
        for group in groups:
            try:
                group.loop.call_soon_threadsafe(self._resolve, group.requests, has_failed)
            except RuntimeError:  # the loop was closed: nobody waits
                self._waiting -= sum(len(request.entries) for request in group.requests)

    def _commit(self, entries: Sequence[NewEntry]) -> bool:
        """Write entries in one transaction and return whether that succeeded; the log of the service has the reason."""
        if self._retry_at and time.monotonic() < self._retry_at:
            return False  # they came before the last failure
        try:
            if self._engine is None:
                self._engine = open_store(self.url, "decisions")
            with store_errors(self._engine, "decisions"):
                if self._connection is None:
                    self._connection = writing_connection(self._engine)
                if entries:
                    started = time.perf_counter()
                    with transaction(self._connection):
                        append(self._connection, entries, self.keys)
                    self._counter.add_commit((e.kind for e in entries), time.perf_counter() - started)
        except Exception as e:  # no error may end the thread
            self._disconnect()
            self._counter.add_failure()
            if not self._retry_at:
                reason = str(e) if isinstance(e, StoreUnavailable) else type(e).__name__
                log.error("decisions are refused with status 503, because their log cannot be written: %s", reason)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return False
        if self._retry_at:
            self._retry_at = 0.0
            log.warning("the decision log is written again")
        return True

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError, connection.dialect.loaded_dbapi.Error):
                connection.invalidate()
                connection.close()

    def _resolve(self, requests: Sequence[_Request], has_failed: bool) -> None:
        for request in requests:
            self._waiting -= len(request.entries)
            if not request.future.done():
                if has_failed:
                    request.future.set_exception(unavailable())
                else:
                    request.future.set_result(None)


def unavailable() -> Problem:
    """Return the `Problem` of a request whose decision cannot be written to the log: status 503 with Retry-After.

    >>> unavailable().headers
    ((b'retry-after', b'1'),)
    """
    text = "the decision log cannot be written, so no decision is given; try again in a second"
    return Problem(503, "log_unavailable", text, headers=RETRY_AFTER)
