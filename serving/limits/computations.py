"""Run computations in a few threads with a bounded queue, and stop those whose answer nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from ml.deadlines import Work, running, stop_if_abandoned
from serving.asgi import Disconnected, Problem, Receive, Scope
from serving.metrics import PENDING, QUEUED
from serving.watching.stages import begin_stage

RETRY_AFTER_SECONDS = 1
WATCH_AFTER_SECONDS = 0.2  # most answers are ready before, and need no task that waits for a disconnect
SLICE_ROWS = 50
Result = TypeVar("Result")
Row = TypeVar("Row")


class Computations:
    """The computations of one worker process: a few at the same time, some that wait, and no others.

    Answers that the event loop computes itself never wait here.

    Parameters
    ----------
    max_computations : int
        Number of threads.
    max_queue : int
        Number of computations that wait for a thread; a further one is refused.

    Attributes
    ----------
    pending : int
        Number of computations that wait or run, abandoned ones that have not stopped yet included.
    max_computations : int
        Number of threads.

    Examples
    --------
    >>> computations = Computations(max_computations=2, max_queue=8)
    >>> asyncio.run(computations.run(sum, (1, 2)))
    3
    """

    def __init__(self, *, max_computations: int, max_queue: int) -> None:
        self.max_computations = max_computations
        self.pending = 0
        self._max_pending = max_computations + max_queue
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_computations, thread_name_prefix="computation")

    async def run(self, function: Callable[..., Result], *args: Any, receive: Receive | None = None) -> Result:
        """Return the result of a function, which is called in a thread; await it.

        If the awaiting task is cancelled (a time limit) or the client disconnects, a waiting computation is not begun,
        and a running one stops at its next `ml.deadlines.stop_if_abandoned`.

        Parameters
        ----------
        function, args : callable, object
            What is called.
        receive : callable, optional
            Of the ASGI request whose body is complete: its next message is the disconnect.

        Raises
        ------
        Problem
            Status 503, code `busy`: the queue is full.
        Disconnected
            The client disconnected.
        """
        work = Work()
        computation = self._submit(work, function, *args)
        answer = asyncio.wrap_future(computation)
        watch = None if receive is None else _DisconnectWatch(receive, answer)
        try:
            return await answer
        except asyncio.CancelledError:
            if watch is not None and watch.is_disconnected:
                raise Disconnected from None
            raise
        finally:
            work.is_abandoned = True  # has no effect on a finished one
            if watch is not None:
                watch.stop()

    def _submit(self, work: Work, function: Callable[..., Result], *args: Any) -> Future[Result]:
        with self._lock:
            if self.pending >= self._max_pending:
                text = "the service computes as many answers as it can; send the request again in a second"
                headers = [(b"retry-after", b"%d" % RETRY_AFTER_SECONDS)]
                raise Problem(503, "busy", text, headers=headers)
            self.pending += 1
            self._report()
        computation = self._executor.submit(_call, work, function, *args)
        computation.add_done_callback(self._leave)
        return computation

    def _leave(self, computation: Future[Any]) -> None:
        with self._lock:
            self.pending -= 1
            self._report()

    def _report(self) -> None:
        PENDING.set(self.pending)
        QUEUED.set(max(0, self.pending - self.max_computations))


def _call(work: Work, function: Callable[..., Result], *args: Any) -> Result:
    with running(work):
        return function(*args)


class _DisconnectWatch:
    """Cancels an answer when the client disconnects; it begins to watch after a while."""

    def __init__(self, receive: Receive, answer: asyncio.Future[Any]) -> None:
        self.is_disconnected = False
        self._receive = receive
        self._answer = answer
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start)

    def _start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._answer.done():
            self.is_disconnected = True
            self._answer.cancel()

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()


async def compute(scope: Scope, function: Callable[..., Result], *args: Any) -> Result:
    """Return the result of a function, which is called in a thread of the worker's computations; await it.

    Parameters
    ----------
    scope : mapping
        ASGI scope. `serving.guard.Guard` sets `computations` and `receive`; in an application without a guard, the
        process has computations of its own and no disconnect is noticed.
    function, args : callable, object
        What is called. Long loops in it call `ml.deadlines.stop_if_abandoned`.

    Raises
    ------
    Problem
        Status 503, code `busy`: too many computations wait.
    Disconnected
        The client disconnected; the guard counts the request and sends nothing.

    Examples
    --------
    >>> asyncio.run(compute({}, sum, (1, 2)))
    3
    """
    begin_stage(scope, "computing")
    computations: Computations = scope.get("computations") or _unguarded()
    return await computations.run(function, *args, receive=scope.get("receive"))


def slices(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield the rows of a batch in slices of 50, which share the fixed costs of a call.

    Raises
    ------
    Abandoned
        Nobody waits for the answer any more; noticed between slices.

    Examples
    --------
    >>> [len(rows) for rows in slices(range(120))]
    [50, 50, 20]
    """
    for first in range(0, len(rows), SLICE_ROWS):
        stop_if_abandoned()
        yield rows[first : first + SLICE_ROWS]


@cache
def _unguarded() -> Computations:
    return Computations(max_computations=4, max_queue=64)
