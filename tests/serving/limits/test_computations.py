"""Computations: how many run and wait, and that abandoned ones stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ml.deadlines import Abandoned, stop_if_abandoned
from serving.asgi import Disconnected, Message, Problem
from serving.limits.computations import Computations, compute
from tests.serving.running import until

Call = Callable[[], str]


class Loops:
    """Calls that run until they are told to end, and what became of them."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.running = 0
        self.abandoned = 0

    def __call__(self) -> str:
        self.running += 1
        try:
            while not self.end.wait(0.01):
                stop_if_abandoned()
        except Abandoned:
            self.abandoned += 1
            raise
        finally:
            self.running -= 1
        return "done"


@pytest.fixture
def loops() -> Iterator[Loops]:
    loops = Loops()
    yield loops
    loops.end.set()


@contextmanager
def _refused_as_busy() -> Iterator[None]:
    with pytest.raises(Problem) as caught:
        yield
    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert dict(caught.value.headers) == {b"retry-after": b"1"}


async def _eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_few_run_some_wait_and_the_next_is_refused(loops: Loops) -> None:
    async def scenario() -> list[str]:
        computations = Computations(max_computations=2, max_queue=3)
        tasks = [asyncio.create_task(computations.run(loops)) for _ in range(5)]
        await _eventually(lambda: loops.running == 2)
        assert computations.pending == 5
        with _refused_as_busy():
            await computations.run(loops)
        loops.end.set()
        answers = await asyncio.gather(*tasks)
        await _eventually(lambda: computations.pending == 0)
        return answers

    assert asyncio.run(scenario()) == ["done"] * 5


def test_one_that_waits_leaves_the_queue_when_its_client_has_gone(loops: Loops) -> None:
    gone = asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def scenario() -> None:
        computations = Computations(max_computations=1, max_queue=1)
        first = asyncio.create_task(computations.run(loops))
        await _eventually(lambda: loops.running == 1)
        second = asyncio.create_task(computations.run(loops, receive=receive))
        await asyncio.sleep(0)
        with _refused_as_busy():
            await computations.run(loops)
        gone.set()
        with pytest.raises(Disconnected):
            await second
        assert computations.pending == 1, "its place is free at once"
        loops.end.set()
        assert await first == "done"

    asyncio.run(scenario())


def test_one_that_runs_stops_when_its_client_has_gone_or_its_time_is_over(loops: Loops) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def scenario() -> None:
        computations = Computations(max_computations=1, max_queue=0)
        scope = {"computations": computations, "receive": receive}
        with pytest.raises(Disconnected):
            await compute(scope, loops)
        await _eventually(lambda: computations.pending == 0)
        assert (loops.running, loops.abandoned) == (0, 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await compute({"computations": computations}, loops)
        with _refused_as_busy():  # an abandoned computation keeps its thread until it has stopped
            await computations.run(loops)
        await _eventually(lambda: computations.pending == 0)
        assert loops.abandoned == 2

    asyncio.run(scenario())


def test_errors_reach_the_caller_and_free_the_thread() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def scenario() -> None:
        computations = Computations(max_computations=1, max_queue=0)
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                await computations.run(fail)
            await _eventually(lambda: computations.pending == 0)

    asyncio.run(scenario())


def test_a_check_outside_a_computation_does_nothing() -> None:
    stop_if_abandoned()
    finished = threading.Thread(target=stop_if_abandoned)
    finished.start()
    until(lambda: not finished.is_alive())
