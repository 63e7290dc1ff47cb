"""The server as a process: how it starts, stops, keeps its time, and lives beside others."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from serving.api import build_app
from serving.model_store import ModelStore
from serving.settings import Settings
from tests.serving.running import JSON, PATH, Server, serving, until

if TYPE_CHECKING:
    from tests.conftest import Trained

ROWS = 15_000  # below 500,000 values, and seconds of computation


@pytest.mark.slow
def test_the_command_serves_beside_another_server_keeps_its_time_and_stops_whole(
    server: Server, credit_risk: Trained, tmp_path: Path
) -> None:
    server.answer()
    counted = server.metric("chehang_requests_total", route=PATH)
    assert counted >= 1
    limits = {"CHEHANG_WORKERS": "2", "CHEHANG_TIMEOUT_SECONDS": "1"}
    limits |= {"CHEHANG_MAX_BATCH_ROWS": str(ROWS), "CHEHANG_MAX_BULK_BYTES": "100000000"}
    command = ("-m", "chehang", "serve")
    with serving(credit_risk.home, tmp_path / "log", command=command, **limits) as own:
        until(lambda: own.metric("chehang_model_swaps_total") == 2)  # /readyz speaks for the worker that is asked
        assert own.metric("chehang_requests_total", route=PATH) == 0, "it counts its own questions alone"
        assert server.metric("chehang_requests_total", route=PATH) == counted, "and leaves those of the first alone"

        items = b", ".join([json.dumps(own.example()).encode()] * ROWS)
        answer = own.client.post(f"{PATH}/batch", content=b'{"items": [%b]}' % items, headers=JSON)
        assert answer.status_code == 504 and answer.headers["x-request-id"]
        error = answer.json()["error"]
        assert (error["code"], error["details"]) == ("timeout", []) and "1 s" in error["message"]
        assert own.answer()["model_version"] == 1

        family = [own.process.pid, *(p.pid for p in psutil.Process(own.process.pid).children(recursive=True))]
        assert len(family) > 2, "a supervisor and its workers"
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait(timeout=30) == 0
        until(lambda: not any(psutil.pid_exists(pid) for pid in family))
    assert server.answer()["model_version"] == 1


def test_no_champion_is_503_naming_the_command(tmp_path: Path) -> None:
    with serving(tmp_path / "home", tmp_path / "log", ready=False) as server:
        until(lambda: "being loaded" not in server.client.get("/readyz").text)
        for answer in (
            server.client.post(PATH, content=b"nonsense", headers=JSON),
            server.client.post(f"{PATH}/batch", json={}),
            server.client.get(f"{PATH}/example"),
            server.client.get("/readyz"),
        ):
            assert answer.status_code == 503 and set(answer.json()["error"]) == {"code", "message", "details"}
            assert "chehang promote credit_risk" in answer.json()["error"]["message"]
        assert server.client.get("/healthz").status_code == 200
        assert server.metric("chehang_store_errors_total") == 0, "a store that nobody has made yet is no error"


@pytest.mark.slow
def test_the_service_starts_although_the_tracking_server_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        limits = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_TIMEOUT": "1"}
        with serving(tmp_path / "home", tmp_path / "log", ready=False, **limits) as server:
            assert server.client.get("/healthz").status_code == 200 and not server.ready
            until(lambda: server.metric("chehang_store_errors_total") >= 1)
            answer = server.client.post(PATH, content=b"{}", headers=JSON)
            assert answer.status_code == 503 and "MLFLOW_TRACKING_URI" in answer.json()["error"]["message"]
    assert (tmp_path / "log").read_text().count("model store cannot be read") == 1


def test_a_server_that_loads_some_champions_still_is_not_ready() -> None:
    done = threading.Event()

    class Slow(ModelStore):
        def refresh(self) -> None:
            done.wait(30)

        def current(self, task: str) -> Any:
            return SimpleNamespace(version=3) if task == "credit_risk" else None

    store = Slow(poll_seconds=60)
    follower = threading.Thread(target=store.start)
    follower.start()
    transport = httpx.ASGITransport(build_app(store, Settings()))

    async def state() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.get("/readyz")

    early = asyncio.run(state())
    assert early.status_code == 503 and "being loaded" in early.text
    done.set()
    follower.join()
    until(lambda: store.has_checked)
    assert asyncio.run(state()).json()["champions"] == {"credit_risk": 3}
    store.stop()
