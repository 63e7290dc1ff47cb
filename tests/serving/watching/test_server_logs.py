"""The log of a server with two workers: whole lines of one format, and nothing of a request in them."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests.serving.running import JSON, PATH, Server, serving, until

if TYPE_CHECKING:
    from tests.conftest import Trained

SECRET = "ZhangWei13812345678"


def _raw(server: Server, content: bytes) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def _send_hostile(server: Server) -> None:
    """Send requests that are refused, fail or are no HTTP, each with a secret in every place."""
    query, headers = f"?name={SECRET}", {**JSON, "user-agent": SECRET, "cookie": SECRET, "x-request-id": f"{SECRET}!"}
    example = server.example()
    bodies = [
        SECRET.encode(),
        json.dumps({SECRET: SECRET}).encode(),
        json.dumps({**example, SECRET: 1}).encode(),
        json.dumps({**example, "loan_amount": SECRET}).encode(),
        json.dumps({**example, "application_id": SECRET}).encode(),
        json.dumps({"items": [example, {"name": SECRET}]}).encode(),
        b"[" * 50_000,
        b'{"a": "\xff\xfe' + SECRET.encode() + b'"}',
        f'{{"x": "{SECRET}\\u0000"}}'.encode(),
    ]
    for body in bodies:
        for path in (PATH, f"{PATH}/batch", PATH + query, f"/v1/{SECRET}", f"/v1/credit_risk.{SECRET}"):
            server.client.post(path, content=body, headers=headers)
    server.client.request("DELETE", PATH + query, headers=headers)
    server.client.get(f"/{SECRET}{query}", headers={"authorization": f"Bearer {SECRET}"})
    _raw(server, f"{SECRET} / HTTP/1.1\r\n\r\n".encode())
    _raw(server, f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {SECRET}\r\n\r\n".encode())
    _raw(server, f"POST {PATH} HTTP/1.1\r\nhost: x\r\n{SECRET}\r\n\r\n".encode())
    _raw(server, f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{SECRET}".encode())


@pytest.mark.slow
def test_every_line_is_json_and_nothing_of_a_request_is_in_it(credit_risk: Trained, tmp_path: Path) -> None:
    limits = {"CHEHANG_WORKERS": "2", "CHEHANG_LOG_FORMAT": "json", "CHEHANG_LOG_REQUESTS": "1"}
    with serving(credit_risk.home, tmp_path / "log", **limits) as server:
        until(lambda: server.metric("chehang_model_swaps_total") == 2)
        threads = [threading.Thread(target=_send_hostile, args=(server,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answer = server.client.post(PATH, json=server.example(), headers={"x-request-id": "r-77"})
        assert answer.status_code == 200
        os.kill(server.process.pid, 0)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0
    text = (tmp_path / "log").read_text()
    assert SECRET not in text and "13812345678" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"chehang.start", "bentoml.serve", "chehang.serving", "chehang.requests"} <= {
        line["logger"] for line in lines
    }
    assert {line.get("worker") for line in lines} == {None, 1, 2}
    requests = [line for line in lines if line["logger"] == "chehang.requests"]
    assert len(requests) > 90 and {line["route"] for line in requests} >= {PATH, f"{PATH}/batch", "unmatched"}
    assert [line["status"] for line in requests if line.get("request_id") == "r-77"] == [200]


@pytest.mark.slow
def test_without_the_flag_requests_have_no_lines(credit_risk: Trained, tmp_path: Path) -> None:
    with serving(credit_risk.home, tmp_path / "log") as server:
        server.answer()
        with httpx.Client(base_url=server.url) as own:
            own.get(f"/{SECRET}")
    text = (tmp_path / "log").read_text()
    assert "chehang.requests" not in text and SECRET not in text and "INFO    [1] chehang.serving: credit_risk" in text
