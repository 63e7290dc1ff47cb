"""Stop a computation whose result nobody waits for: its loops call `stop_if_abandoned`, which then raises an error.

Threads of Python cannot be stopped from outside. The service marks the work of a request as abandoned when its time is
over or its client has gone; the loop notices at its next step and ends, so that the thread serves others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_current = threading.local()


class Abandoned(BaseException):
    """The result of the computation is no longer needed.

    It is no `Exception`, as `asyncio.CancelledError` is none: code that survives errors must not survive this one.
    """


class Work:
    """A computation of one thread that another thread may abandon.

    Attributes
    ----------
    is_abandoned : bool
        Whether the result is no longer needed; set it to stop the computation at its next `stop_if_abandoned`.

    Examples
    --------
    >>> work = Work()
    >>> with running(work):
    ...     stop_if_abandoned()
    ...     work.is_abandoned = True
    ...     try:
    ...         stop_if_abandoned()
    ...     except Abandoned:
    ...         print("stopped")
    stopped
    """

    __slots__ = ("is_abandoned",)

    def __init__(self) -> None:
        self.is_abandoned = False


@contextmanager
def running(work: Work) -> Iterator[None]:
    """Make `stop_if_abandoned` in this thread look at a computation until the end of the `with` block.

    Parameters
    ----------
    work : Work
        The computation.
    """
    _current.work = work
    try:
        yield
    finally:
        _current.work = None


def stop_if_abandoned() -> None:
    """Raise an error if the computation of this thread was abandoned; return None if not, or outside `running`.

    It takes 0.1 microseconds; call it in loops whose steps take longer than that and that may run for more than half a
    second.

    Raises
    ------
    Abandoned
        Nobody waits for the result.
    """
    work = getattr(_current, "work", None)
    if work is not None and work.is_abandoned:
        raise Abandoned
