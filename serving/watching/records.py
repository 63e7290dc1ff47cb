"""Count what is written to the decision log and the feedback store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from serving.metrics import RECORD_COMMITS, RECORD_FAILURES, RECORD_TIME, RECORDS


class RecordCounter:
    """Counts the records of one store in the metrics.

    Parameters
    ----------
    store : str
        `decisions` or `feedback`: the label of the series.

    Examples
    --------
    >>> counter = RecordCounter("decisions")
    >>> before = RECORDS.value("decisions", "decision")
    >>> counter.add_commit(["decision", "access", "decision"], 0.002)
    >>> RECORDS.value("decisions", "decision") - before
    2.0
    """

    def __init__(self, store: str) -> None:
        self._store = store

    def add_commit(self, kinds: Iterable[str], seconds: float) -> None:
        """Count a commit that took so long and wrote records of these kinds."""
        for kind, count in Counter(kinds).items():
            RECORDS.add(count, self._store, kind)
        RECORD_COMMITS.observe(seconds, self._store)
        RECORD_TIME.set(time.time(), self._store)

    def add_failure(self) -> None:
        """Count a commit that failed."""
        RECORD_FAILURES.add(1, self._store)
