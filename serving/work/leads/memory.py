"""Results that are slow to compute, one memory for each process: scores by lead, orders of calls."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock, RLock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from serving.work.routing import WorkContext

Result = TypeVar("Result")
MAX_RESULTS = 200  # of one name: callers of single stores have results of their own


class Memory:
    """Results by name and key; those of another state are forgotten.

    Examples
    --------
    >>> memory = Memory()
    >>> memory.latest("order", 1, lambda: "first"), memory.latest("order", 1, lambda: "second")
    ('first', 'first')
    >>> memory.latest("order", 2, lambda: "third")
    'third'
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._results: dict[str, dict[Hashable, Any]] = {}
        self._locks: dict[str, RLock] = {}

    def once(self, name: str, compute: Callable[[], Result]) -> Result:
        """Return ``compute()`` of the first call."""
        return self.latest(name, None, compute)

    def latest(self, name: str, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return ``compute()``, once for each key; a second caller waits for the first."""
        with self._lock:
            results = self._results.setdefault(name, {})
            lock = self._locks.setdefault(name, RLock())
        if key in results:
            return results[key]  # type: ignore[no-any-return]
        with lock:
            if key not in results:
                if len(results) >= MAX_RESULTS or name == "leads":
                    results.clear()
                results[key] = compute()
            return results[key]  # type: ignore[no-any-return]


_MEMORIES: WeakKeyDictionary[Any, Memory] = WeakKeyDictionary()
_LOCK = Lock()


def memory_of(context: WorkContext) -> Memory:
    """Return the memory of a process; it lives as long as its records."""
    with _LOCK:
        return _MEMORIES.setdefault(context.records, Memory())
