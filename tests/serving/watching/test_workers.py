"""Metrics of two workers, one of which dies, and a disk that fills up while requests are answered."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.serving.running import PATH, Server, serving, until
from tests.serving.small_disk import fill, small_disk

if TYPE_CHECKING:
    from tests.conftest import Trained

ANSWERED = "chehang_requests_total"


def _workers(server: Server) -> list[int]:
    """Return the process identifiers of the living workers."""
    workers = []
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.Error):  # one that is ending
            if "--worker-id" in child.cmdline():
                workers.append(child.pid)
    return workers


@contextmanager
def _load(server: Server) -> Iterator[Counter[object]]:
    """Send the example in two threads, as a preview: with a full disk, decisions are refused.

    Counts answers by status, and connections that end without one.
    """
    answers: Counter[object] = Counter()
    stop, body, url = threading.Event(), server.example(), f"{server.url}{PATH}?preview=true"

    def send() -> None:
        while not stop.is_set():
            try:
                # Each request has a connection of its own, so that both workers get some.
                answer = httpx.post(url, json=body, headers=server.client.headers, timeout=30)
                answers[answer.status_code] += 1
            except httpx.TransportError as e:
                answers[type(e).__name__] += 1

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_a_worker_that_dies_and_is_replaced_keeps_the_counts(credit_risk: Trained, tmp_path: Path) -> None:
    with serving(credit_risk.home, tmp_path / "log", CHEHANG_WORKERS="2") as server:
        until(lambda: server.metric("chehang_model_swaps_total") == 2)
        both = [server.metric("chehang_model_version", task="credit_risk", worker=w) for w in ("1", "2")]
        assert both == [1, 1]
        counts = [server.metric(ANSWERED, route=PATH)]
        with _load(server) as answers:
            for swaps in (3, 4):  # each successor loads the champion once more
                present, enough = _workers(server), answers[200] + 50
                until(lambda enough=enough: answers[200] > enough)  # type: ignore[misc]
                os.kill(present[0], signal.SIGKILL)
                until(lambda gone=present[0]: gone not in _workers(server) and len(_workers(server)) == 2)  # type: ignore[misc]
                counts.append(server.metric(ANSWERED, route=PATH))
                # The successor must answer before the other worker may die.
                loaded = partial(server.metric, "chehang_model_swaps_total")
                until(lambda loaded=loaded, swaps=swaps: loaded() == swaps, seconds=90)  # type: ignore[misc]
                counts.append(server.metric(ANSWERED, route=PATH))
        until(lambda: server.metric("chehang_requests_in_flight") == 1)  # this scrape: none of a dead worker
        counts.append(server.metric(ANSWERED, route=PATH))
        assert counts == sorted(counts) and len(set(counts)) > 2
        assert set(answers) <= {200, "ConnectError", "ReadError", "RemoteProtocolError"}
        # A dying worker may have answered a request without counting it, or the other way round: one at a time.
        assert counts[-1] == pytest.approx(answers[200], abs=4)
        assert server.metric("chehang_model_version") == 2, "one series for each living worker"


@pytest.mark.small_disk
def test_a_disk_that_fills_up_kills_no_worker_and_counting_goes_on(credit_risk: Trained, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=64) as disk:
        home = disk / "home"
        shutil.copytree(credit_risk.home, home)
        with serving(home, tmp_path / "log", CHEHANG_WORKERS="2") as server:
            until(lambda: server.metric("chehang_model_swaps_total") == 2)
            workers = _workers(server)
            with _load(server) as answers:
                until(lambda: answers[200] > 20)
                ballast = fill(disk)
                counted, full = server.metric(ANSWERED, route=PATH, status="200"), answers[200]
                until(lambda: answers[200] > full + 100)
                # Series that nobody has used before the disk was full.
                assert server.client.get("/no-such-path").status_code == 404
                assert server.client.post(PATH, json={}).status_code == 422
                assert server.metric("chehang_request_errors_total", route="unmatched", code="not_found") == 1
                assert server.metric(ANSWERED, route=PATH, status="422") == 1
                until(lambda: server.metric(ANSWERED, route=PATH, status="200") > counted + 100)
                ballast.unlink()
                more = answers[200] + 20
                until(lambda: answers[200] > more)
            assert set(answers) == {200}
            assert _workers(server) == workers, "the same processes"
            assert not list((home / "serving").rglob("*.db")), "nobody writes files of Prometheus' client library"
