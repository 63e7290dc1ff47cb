"""Records of the decision log and the feedback by kind, commits and failures."""

from __future__ import annotations

import time

import pytest

from serving.metrics import RECORD_COMMITS, RECORD_FAILURES, RECORD_TIME, RECORDS
from serving.watching.records import RecordCounter


def test_a_commit_counts_its_records_its_duration_and_its_time() -> None:
    counter, before = RecordCounter("test"), time.time()
    counter.add_commit(["decision", "override", "decision"], 0.25)
    counter.add_commit([], 0.25)
    counter.add_failure()
    assert (RECORDS.value("test", "decision"), RECORDS.value("test", "override")) == (2, 1)
    assert sum(RECORD_COMMITS.values("test")[:-1]) == 2 and RECORD_COMMITS.values("test")[-1] == pytest.approx(0.5)
    assert RECORD_FAILURES.value("test") == 1 and before <= RECORD_TIME.value("test") <= time.time()
