"""The writer: durable before the answer, shared commits, refusals while the store fails, recovery without a restart."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving.asgi import Problem
from serving.decisions import writer as module
from serving.decisions.writer import LogWriter, unavailable
from tests.serving.decisions.logs import KEYS, decision, log_in, rows
from tests.serving.running import until


@contextmanager
def running(folder: Path, keys: object = KEYS) -> Iterator[LogWriter]:
    """Yield a started writer on the log of a folder."""
    writer = LogWriter(f"sqlite:///{folder}/decisions.db", keys)  # type: ignore[arg-type]
    writer.start()
    until(lambda: writer._engine is not None)
    try:
        yield writer
    finally:
        writer.close()


def test_an_entry_is_durable_when_append_returns(tmp_path: Path) -> None:
    with running(tmp_path) as writer:

        async def append_and_read() -> list[str | None]:
            await writer.append([decision(1)])
            other = sqlite3.connect(tmp_path / "decisions.db")
            return [row[0] for row in other.execute("SELECT decision_id FROM decision_entries")]

        assert asyncio.run(append_and_read()) == ["d1"]


def test_requests_of_one_pass_of_the_loop_share_a_commit_and_a_wake_up(tmp_path: Path, monkeypatch) -> None:
    sizes, wake_ups = [], []
    with running(tmp_path) as writer:
        commit, resolve = writer._commit, writer._resolve

        def counting(entries):
            sizes.append(len(entries))
            return commit(entries)

        def resolving(requests, has_failed):
            wake_ups.append(len(requests))
            resolve(requests, has_failed)

        monkeypatch.setattr(writer, "_commit", counting)
        monkeypatch.setattr(writer, "_resolve", resolving)

        async def together() -> None:
            await asyncio.gather(*(writer.append([decision(n)]) for n in range(50)))

        asyncio.run(together())
        assert (sizes, wake_ups) == ([50], [50])
    entries = rows(log_in(tmp_path))
    assert [e.decision_id for e in entries] == [f"d{n}" for n in range(50)]
    assert len({e.at for e in entries}) == 1


def commit_sizes(writer: LogWriter, monkeypatch) -> list[int]:
    """Return a list that gets the number of entries of each commit."""
    sizes, commit = [], writer._commit

    def counting(entries):
        sizes.append(len(entries))
        return commit(entries)

    monkeypatch.setattr(writer, "_commit", counting)
    return sizes


async def in_separate_passes(writer: LogWriter, numbers: range) -> None:
    tasks = []
    for number in numbers:
        tasks.append(asyncio.create_task(writer.append([decision(number)])))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)


def test_a_commit_waits_for_as_many_requests_as_the_last_one_had(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 600)
    with running(tmp_path) as writer:
        sizes = commit_sizes(writer, monkeypatch)

        async def several() -> None:
            await asyncio.gather(*(writer.append([decision(n)]) for n in range(5)))
            await in_separate_passes(writer, range(5, 10))

        asyncio.run(several())
        assert sizes == [5, 5]


def test_a_commit_waits_for_further_requests_for_a_short_time_only(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.001)
    with running(tmp_path) as writer:
        sizes = commit_sizes(writer, monkeypatch)

        async def fewer() -> None:
            await asyncio.gather(*(writer.append([decision(n)]) for n in range(5)))
            for number in (5, 6):  # one client is left: only the first of its requests waits
                await writer.append([decision(number)])
                expected.append(writer._expected)

        expected: list[int] = []
        asyncio.run(fewer())
        assert (sizes, expected) == ([5, 1, 1], [1, 1])


def test_closing_does_not_wait_for_further_requests(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 600)
    with running(tmp_path) as writer:

        async def close() -> None:
            await asyncio.gather(*(writer.append([decision(n)]) for n in range(5)))
            task = asyncio.create_task(writer.append([decision(5)]))
            await asyncio.sleep(0)
            await asyncio.to_thread(writer.close)
            await task

        asyncio.run(close())
    assert [e.decision_id for e in rows(log_in(tmp_path))] == [f"d{n}" for n in range(6)]


def test_a_batch_is_one_transaction(tmp_path: Path) -> None:
    with running(tmp_path) as writer:
        asyncio.run(writer.append([decision(n) for n in range(1_000)]))
        assert [e.sequence for e in rows(log_in(tmp_path))] == list(range(1, 1_001))


def test_a_caller_that_stops_waiting_does_not_stop_the_writing(tmp_path: Path) -> None:
    with running(tmp_path) as writer:

        async def leave() -> None:
            task = asyncio.create_task(writer.append([decision(1)]))
            await asyncio.sleep(0)  # the entry waits
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await writer.append([decision(2)])

        asyncio.run(leave())
        assert [e.decision_id for e in rows(log_in(tmp_path))] == ["d1", "d2"]


def test_a_loop_that_was_closed_does_not_stop_the_others(tmp_path: Path) -> None:
    with running(tmp_path) as writer:
        blocker = sqlite3.connect(tmp_path / "decisions.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")

        async def leave() -> None:
            task = asyncio.create_task(writer.append([decision(1)]))
            await asyncio.sleep(0.05)
            task.cancel()

        asyncio.run(leave())
        blocker.execute("COMMIT")
        asyncio.run(writer.append([decision(2)]))
        assert [e.decision_id for e in rows(log_in(tmp_path))] == ["d1", "d2"]
        assert writer._waiting == 0


def refusal(writer: LogWriter, *numbers: int) -> list[int]:
    """Return the status of each append, 200 if it succeeded."""

    async def each(number: int) -> int:
        try:
            await writer.append([decision(number)])
        except Problem as problem:
            assert (problem.code, list(problem.headers)) == ("log_unavailable", [(b"retry-after", b"1")])
            return problem.status
        return 200

    async def every() -> list[int]:
        return list(await asyncio.gather(*map(each, numbers)))

    return asyncio.run(every())


def fill(writer: LogWriter) -> Callable[[], None]:
    """Let every write to the store fail as a full disk does; return a function that frees it."""
    assert writer._connection is not None
    driver = writer._connection.connection.driver_connection
    assert driver is not None
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: driver.execute("PRAGMA max_page_count = 1000000")


def test_a_full_store_refuses_and_recovers_without_a_restart(tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    with running(tmp_path) as writer:
        assert refusal(writer, 1) == [200]
        fill(writer)
        statuses = refusal(writer, *range(2, 400))
        assert set(statuses) == {503}
        assert "database or disk is full" in caplog.text
        # The connection of the failure is replaced, and the new one has no limit.
        until(lambda: refusal(writer, 1_000) == [200])
        assert "written again" in caplog.text
    entries = rows(log_in(tmp_path))
    assert [e.decision_id for e in entries] == ["d1", "d1000"]
    assert [e.sequence for e in entries] == [1, 2]


def test_within_a_second_after_a_failure_requests_are_refused_without_a_try(tmp_path: Path, monkeypatch) -> None:
    with running(tmp_path) as writer:
        refusal(writer, 1)
        fill(writer)
        assert refusal(writer, *range(2, 400))[0] == 503
        tries = []
        monkeypatch.setattr(writer, "_commit", lambda entries: tries.append(entries))
        with pytest.raises(Problem):
            writer.check()
        assert refusal(writer, 3) == [503] and tries == []
        writer._retry_at = time.monotonic() - 1
        writer.check()


def test_a_log_without_its_head_is_not_continued(tmp_path: Path, caplog) -> None:
    with running(tmp_path) as writer:
        sqlite3.connect(tmp_path / "decisions.db", isolation_level=None).execute("DELETE FROM decision_head")
        assert refusal(writer, 1) == [503]
        assert "its head was removed, so that it cannot be continued; run: chehang decisions verify" in caplog.text


def test_a_service_starts_while_its_store_cannot_be_opened(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    place = tmp_path / "folder"
    place.touch()  # a file where the folder must be
    writer = LogWriter(f"sqlite:///{place}/decisions.db", None)
    with pytest.raises(Problem):
        writer.check()  # not started
    writer.start()
    until(lambda: bool(writer._retry_at))
    with pytest.raises(Problem, match="log_unavailable"):
        _ = writer.engine
    assert refusal(writer, 1) == [503]
    place.unlink()
    until(lambda: refusal(writer, 2) == [200])
    writer.close()
    assert [e.decision_id for e in rows(log_in(place))] == ["d2"]


def test_too_many_waiting_entries_are_refused_before_they_are_computed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    with running(tmp_path) as writer:
        statuses = refusal(writer, *range(6))
        assert statuses == [200, 200, 200, 200, 503, 503]
        assert refusal(writer, 7) == [200]


def test_closing_writes_what_waits(tmp_path: Path) -> None:
    with running(tmp_path) as writer:

        async def append() -> None:
            task = asyncio.create_task(writer.append([decision(1)]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.to_thread(writer.close)
            await task

        asyncio.run(append())
    assert [e.decision_id for e in rows(log_in(tmp_path))] == ["d1"]


def test_each_refusal_is_its_own_error() -> None:
    assert unavailable() is not unavailable()
    assert unavailable().status == 503
