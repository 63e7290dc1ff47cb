"""The log of a real server with two workers: killed under load, on a full disk, purged, and written from outside."""

from __future__ import annotations

import base64
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
import sqlalchemy as sa

from serving.decisions.log_keys import log_keys
from serving.decisions.purge import purge_personal_parts
from serving.decisions.reading import ENTRIES
from serving.decisions.verification import Verification, verify_log
from serving.stores import open_store
from tests.serving.databases import postgresql
from tests.serving.decisions.logs import decision, write
from tests.serving.running import PATH, Server, serving, until
from tests.serving.small_disk import fill, small_disk

if TYPE_CHECKING:
    from tests.conftest import Trained

LOG_KEYS = f"test:{base64.b64encode(bytes(range(32))).decode()}"
SETTINGS = {"CHEHANG_WORKERS": "2", "CHEHANG_LOG_KEYS": LOG_KEYS, "CHEHANG_KEY_RATE": "100000",
            "CHEHANG_KEY_BURST": "100000"}  # fmt: skip


@dataclass
class Load:
    """What clients received: statuses (or types of broken connections), and the ids of the decisions."""

    statuses: Counter[object] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)


@contextmanager
def load(server: Server, *, threads: int = 4) -> Iterator[Load]:
    """Send decisions, single and in batches of three, while the block runs."""
    received, stop, body = Load(), threading.Event(), server.example()

    def send(number: int) -> None:
        with httpx.Client(base_url=server.url, headers=server.client.headers, timeout=30) as client:
            while not stop.is_set():
                try:
                    if number % 2:
                        answer = client.post(f"{PATH}/batch", json={"items": [body] * 3})
                    else:
                        answer = client.post(PATH, json=body)
                except httpx.TransportError as e:
                    received.statuses[type(e).__name__] += 1
                    stop.wait(0.02)
                    continue
                received.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    content = answer.json()
                    received.ids.extend(item["decision_id"] for item in content.get("items", [content]))

    senders = [threading.Thread(target=send, args=(n,)) for n in range(threads)]
    for sender in senders:
        sender.start()
    try:
        yield received
    finally:
        stop.set()
        for sender in senders:
            sender.join()


def verified(url: str) -> tuple[Verification, list[str]]:
    """Return the verification of a log, and the ids of its decisions."""
    engine = open_store(url, "decisions")
    result = verify_log(engine, keys=log_keys({"CHEHANG_LOG_KEYS": LOG_KEYS}))
    with engine.connect() as connection:
        query = sa.select(ENTRIES.c.decision_id).where(ENTRIES.c.kind == "decision").order_by(ENTRIES.c.sequence)
        ids = list(connection.execute(query).scalars())
    engine.dispose()
    return result, ids


def check_log(url: str, received: Load) -> list[str]:
    """Verify a log, and check that it has each decision that a client received, once; return all ids."""
    result, ids = verified(url)
    assert result.is_whole, result.faults
    assert result.verified_parts == result.parts
    assert len(ids) == len(set(ids))
    assert set(received.ids) <= set(ids), "a client received a decision that the log does not have"
    return ids


def kill_all(server: Server) -> None:
    """Kill supervisor and workers at once, as a power failure of the machine would."""
    family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.process.wait(timeout=30)
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))


def kill_under_load(home: Path, log: Path, url: str, **settings: str) -> None:
    both = {**SETTINGS, **settings}
    received = Load()
    for _ in range(2):
        with serving(home, log, **both) as server:
            with load(server) as part:
                until(lambda part=part: len(part.ids) > 200)  # type: ignore[misc]
                kill_all(server)
            received.ids += part.ids
        check_log(url, received)
    with serving(home, log, **both) as server:
        received.ids.append(server.answer()["decision_id"])
    check_log(url, received)


@pytest.mark.slow
def test_a_kill_under_load_loses_no_decision_that_a_client_received(credit_risk: Trained, tmp_path: Path) -> None:
    home = Path(shutil.copytree(credit_risk.home, tmp_path / "home"))
    kill_under_load(home, tmp_path / "log", f"sqlite:///{home}/decisions.db")


@pytest.mark.slow
@pytest.mark.postgres
def test_a_kill_under_load_loses_no_decision_in_postgresql(credit_risk: Trained, tmp_path: Path) -> None:
    home = Path(shutil.copytree(credit_risk.home, tmp_path / "home"))
    with postgresql() as url:
        kill_under_load(home, tmp_path / "log", url, CHEHANG_DECISION_STORE=url)


@pytest.mark.small_disk
def test_on_a_full_disk_decisions_are_refused_and_all_else_goes_on(credit_risk: Trained, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=64) as disk:
        home = Path(shutil.copytree(credit_risk.home, disk / "home"))
        with serving(home, tmp_path / "log", **SETTINGS) as server:
            until(lambda: server.metric("chehang_model_swaps_total") == 2)
            family = {p.pid for p in psutil.Process(server.process.pid).children(recursive=True)}
            with load(server) as received:
                until(lambda: received.statuses[200] > 20)
                ballast = fill(disk)
                until(lambda: received.statuses[503] > 50)
                refused = server.client.post(PATH, json=server.example())
                assert refused.status_code == 503 and refused.json()["error"]["code"] == "log_unavailable"
                assert int(refused.headers["retry-after"]) >= 1
                assert server.client.get("/healthz").status_code == 200
                assert server.client.get("/metrics").status_code == 200 and server.ready
                preview = server.client.post(f"{PATH}?preview=true", json=server.example())
                assert preview.status_code == 200 and preview.json()["binding"] is False
                ballast.unlink()
                recovered = received.statuses[200] + 50
                until(lambda: received.statuses[200] > recovered)
            assert set(received.statuses) == {200, 503}, "no connection broke, and no other error was sent"
            assert {p.pid for p in psutil.Process(server.process.pid).children(recursive=True)} == family
        check_log(f"sqlite:///{home}/decisions.db", received)


@pytest.mark.slow
def test_a_purge_and_a_second_writer_leave_the_log_of_a_busy_server_whole(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.decisions.purge.CHUNK", 40)
    home = Path(shutil.copytree(credit_risk.home, tmp_path / "home"))
    url = f"sqlite:///{home}/decisions.db"
    with serving(home, tmp_path / "log", **SETTINGS) as server, load(server) as received:
        until(lambda: len(received.ids) > 200)
        engine = open_store(url, "decisions")
        newest = received.ids[-1]
        with engine.connect() as connection:
            query = sa.select(ENTRIES.c.at).where(ENTRIES.c.decision_id == newest)
            before = connection.execute(query).scalar_one()
        purge = purge_personal_parts(engine, before=before, who="a test", why="retention")
        for number in range(20):
            write(engine, [decision(number)], log_keys({"CHEHANG_LOG_KEYS": LOG_KEYS}))
        engine.dispose()
        later = len(received.ids) + 100
        until(lambda: len(received.ids) > later)
        assert verified(url)[0].is_whole, "while it is written, too"
    assert set(received.statuses) <= {200, 503} and received.statuses[200] > 0
    check_log(url, received)
    assert purge.parts >= 100 and verified(url)[0].purged_parts == purge.parts
