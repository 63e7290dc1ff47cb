"""Start a server, send requests to it with wrk, and measure the CPU time of its processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

READY_TIMEOUT_SECONDS = 120
LUA = """
local file = io.open(os.getenv("BENCHMARK_BODY"))
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "application/json"
local key = os.getenv("BENCHMARK_KEY")
if key then wrk.headers["Authorization"] = "Bearer " .. key end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Run:
    """Measurements of one load: rate in requests/s, latencies in ms, CPU in microseconds per request."""

    server: str
    connections: int
    rate: float
    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Target:
    """A running server, with the URL and the file of the request body."""

    name: str
    url: str
    body: Path
    process: psutil.Process


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def server(
    command: list[str], *, url: str, body: bytes | None, folder: Path | None = None, **environment: str
) -> Iterator[psutil.Process]:
    """Start a server in a folder and wait until it answers (a GET request if `body` is None); stop it at the end.

    Its doors are off, unless `environment` has `CHEHANG_DOORS`.
    """
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CHEHANG_DOORS": "false", **environment}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True, cwd=folder)
        try:
            _wait(url, body, process, log)
            yield psutil.Process(process.pid)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # only the session started above
                process.wait()


def _wait(url: str, body: bytes | None, process: subprocess.Popen[bytes], log: Any) -> None:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    problem = "no answer"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(request, timeout=5).read()
            return
        except urllib.error.HTTPError as e:
            problem = f"{e.code} {e.read(300).decode(errors='replace')}"
        except OSError as e:
            problem = str(e)
        time.sleep(0.3)
    log.seek(0)
    tail = log.read().decode(errors="replace")[-2_000:]
    raise SystemExit(f"{url} does not answer within {READY_TIMEOUT_SECONDS} s ({problem}); end of its log:\n{tail}")


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time (user and system, in seconds) of a process and all its children."""
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return float(sum(t.user + t.system for t in times))


def load(target: Target, *, connections: int, seconds: float, script: Path) -> Run:
    """Load a server with wrk for some seconds."""
    env = {**os.environ, "BENCHMARK_BODY": str(target.body)}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s", "-s", str(script), target.url]
    before = cpu_seconds(target.process)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    cpu = cpu_seconds(target.process) - before
    results = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not results:
        raise SystemExit(f"wrk failed: {done.stdout}{done.stderr}")
    summary = json.loads(results[0])
    if summary["failed"] or not summary["requests"]:
        raise SystemExit(f"{target.name}: {summary['failed']} of {summary['requests']} requests failed: no result")
    rate = summary["requests"] / summary["seconds"]
    return Run(target.name, connections, rate, summary["p50"], summary["p99"], cpu / summary["requests"] * 1e6)


def median_run(runs: Sequence[Run]) -> Run:
    """Return the median of each measurement over several loads of one server, which ignores single outliers.

    >>> measured = ((5_000, 2.0), (4_900, 2.2), (2_500, 230.0))
    >>> median_run([Run("plain", 8, rate, 1.0, p99, 150.0) for rate, p99 in measured])
    Run(server='plain', connections=8, rate=4900.0, p50=1.0, p99=2.2, cpu=150.0)
    """
    medians = [float(np.median([getattr(r, name) for r in runs])) for name in ("rate", "p50", "p99", "cpu")]
    return Run(runs[0].server, runs[0].connections, *medians)
