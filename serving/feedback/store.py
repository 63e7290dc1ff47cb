"""The feedback store of one worker, which is opened when it is needed and may be out of order for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa

from serving.asgi import Problem
from serving.stores import StoreUnavailable, open_store, store_errors
from serving.watching.records import RecordCounter

RETRY_SECONDS = 5
T = TypeVar("T")


class FeedbackStore:
    """A feedback store; a failed opening is tried again with the next request.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: setting `feedback_store` of the service.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = FeedbackStore(f"sqlite:///{folder}/feedback.db")
    ...     store.run(lambda engine: engine.dialect.name)
    'sqlite'
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._counter = RecordCounter("feedback")
        self._engine: sa.Engine | None = None
        self._lock = Lock()

    def run(self, work: Callable[[sa.Engine], T]) -> T:
        """Return ``work(engine)``.

        Parameters
        ----------
        work : callable
            Takes the engine of the store; its transaction is on the disk when it returns.

        Raises
        ------
        Problem
            Status 503, code `feedback_unavailable`: the store cannot be opened, read or written.
        """
        started = time.perf_counter()
        try:
            engine = self.open()
            with store_errors(engine, "feedback"):
                result = work(engine)
        except StoreUnavailable:
            self._counter.add_failure()
            text = "the feedback store cannot be written; nothing of this request was stored: send it again later"
            headers = [(b"retry-after", b"%d" % RETRY_SECONDS)]
            raise Problem(503, "feedback_unavailable", text, headers=headers) from None
        self._counter.add_commit((), time.perf_counter() - started)
        return result

    def open(self) -> sa.Engine:
        """Return the engine, and create or update the tables at the first call.

        Raises
        ------
        StoreUnavailable
            The database cannot be reached or written.
        """
        with self._lock:
            if self._engine is None:
                self._engine = open_store(self.url, "feedback")
            return self._engine
