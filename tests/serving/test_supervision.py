"""Workers end with their supervisor, and a server starts only where no other one listens."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.supervision import check_address
from tests.conftest import ROOT
from tests.serving.running import free_port, serving, until

CHILD = (
    "import time; from serving.supervision import end_with_parent; end_with_parent(seconds=0.05); print(1, flush=True)"
)
PARENT = (
    "import subprocess, sys, time;"
    f"child = subprocess.Popen([sys.executable, '-c', '{CHILD}; time.sleep(60)'], stdout=subprocess.PIPE);"
    "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_process_ends_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _runs(child)
        parent.kill()
        parent.wait()
        until(lambda: not _runs(child))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_an_address_in_use_is_refused(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = f"port {port}: another program listens on {host}:{port}; stop it, or choose another --port"
        with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
            check_address(host, port)
    check_address(host, port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^host 192\.0\.2\.1: .*; give an address of this machine$"):
        check_address("192.0.2.1", free_port())
    with pytest.raises(ConfigError, match=r"^host no\.such\.invalid: .*; give a name or address of this machine$"):
        check_address("no.such.invalid", free_port())


@pytest.mark.slow
def test_a_killed_server_leaves_no_worker_and_frees_its_port(tmp_path: Path) -> None:
    with serving(tmp_path / "home", tmp_path / "log", ready=False, CHEHANG_WORKERS="2") as server:
        host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
        command = [sys.executable, "-m", "serving", "--port", str(port)]
        env = os.environ | {"CHEHANG_HOME": str(server.home), "PYTHONPATH": str(ROOT)}
        second = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert (second.returncode, second.stderr.count("\n")) == (1, 1) and "another program listens" in second.stderr
        assert server.client.get("/metrics").status_code == 200  # a second start has changed nothing

        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        until(lambda: _is_free(host, port))


def _is_free(host: str, port: int) -> bool:
    try:
        check_address(host, port)
    except ConfigError:
        return False
    return True
