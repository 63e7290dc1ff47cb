"""Abandoned computations stop at their next question, in their own thread alone."""

from __future__ import annotations

import threading

import pytest

from ml.deadlines import Abandoned, Work, running, stop_if_abandoned


def test_an_abandoned_computation_stops_and_survivors_of_errors_do_not_catch_it() -> None:
    work = Work()
    with pytest.raises(Abandoned), running(work):
        stop_if_abandoned()
        work.is_abandoned = True
        try:
            stop_if_abandoned()
        except Exception:  # pragma: no cover
            raise AssertionError("a loop that survives errors would go on") from None
    stop_if_abandoned()  # the computation is over


def test_other_threads_go_on() -> None:
    work = Work()
    work.is_abandoned = True
    outcomes: list[str] = []

    def other() -> None:
        stop_if_abandoned()
        outcomes.append("went on")

    with running(work):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert outcomes == ["went on"]
