"""A real server on the loopback interface, and requests to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import ROOT

PATH = "/v1/credit_risk"
JSON = {"content-type": "application/json"}
DEVELOPMENT_KEY = f"chk_{'test' * 10}key"
WITH_KEY = {"authorization": f"Bearer {DEVELOPMENT_KEY}"}


@dataclass(frozen=True)
class Server:
    """A running server; `home` is its CHEHANG_HOME, and `client` sends its development key."""

    client: httpx.Client
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """URL without a trailing slash."""
        return str(self.client.base_url).rstrip("/")

    @property
    def ready(self) -> bool:
        """Whether /readyz answers 200."""
        return self.client.get("/readyz").status_code == 200

    def example(self) -> dict[str, Any]:
        """Return a valid request."""
        return dict(self.client.get(f"{PATH}/example").json())

    def answer(self) -> dict[str, Any]:
        """Return the answer to the example; it must have status 200."""
        answer = self.client.post(PATH, json=self.example())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over the series with these labels; 0 without such a series."""
        pairs = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.client.get("/metrics").text.splitlines()
        series = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in series if all(pair in line for pair in pairs))


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.05)


@contextmanager
def serving(
    home: Path, log: Path, *, command: Sequence[str] = ("-m", "serving"), ready: bool = True, **environment: str
) -> Iterator[Server]:
    """Start a server and wait until it is ready (or alive); at the end, SIGTERM must stop it with status 0."""
    port = free_port()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "CHEHANG_", "PROMETHEUS_"))}
    env |= {"CHEHANG_DEVELOPMENT_KEY": DEVELOPMENT_KEY, "CHEHANG_HOME": str(home)}
    env |= {"CHEHANG_POLL_SECONDS": "0.2", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)], env=env | environment, stdout=out, stderr=out
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, headers=WITH_KEY) as client:
        try:
            until(lambda: _alive(client) or process.poll() is not None, seconds=90)
            assert process.poll() is None, log.read_text()
            server = Server(client, home, log, process)
            if ready:
                until(lambda: server.ready, seconds=60)
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=30) == 0


def _alive(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
