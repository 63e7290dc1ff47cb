"""A backup of a service with two workers under load, restored elsewhere: a verified log and the same answers."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from ml import champions
from serving.backup.restoring import restore
from tests.commands import chehang_apart
from tests.conftest import Trained
from tests.serving.running import PATH, Server, serving

KEYS = {"CHEHANG_LOG_KEYS": f"test:{base64.b64encode(bytes(range(32))).decode()}"}


def answer(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that is not logged."""
    response = server.client.post(f"{PATH}?preview=true", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


@pytest.mark.slow
def test_a_backup_under_load_is_restored_with_a_verified_log_and_the_same_answers(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(shutil.copytree(credit_risk.home, tmp_path / "original"))
    stop, statuses = threading.Event(), []
    with serving(home, tmp_path / "log", CHEHANG_WORKERS="2", **KEYS) as server:
        body = server.example()
        expected = answer(server, body)

        def decide() -> None:
            while not stop.is_set():
                statuses.append(server.client.post(PATH, json=body).status_code)

        threads = [threading.Thread(target=decide) for _ in range(4)]
        for thread in threads:
            thread.start()
        results = []
        try:
            for name in ("one", "two"):
                done = chehang_apart("backup", str(tmp_path / name), "--json", home=home)
                results.append(json.loads(done.stdout))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert set(statuses) == {200}, "the service answered meanwhile"
    sequences = [int(result["head"].partition(":")[0]) for result in results]
    assert 0 < sequences[0] < sequences[1] <= len(statuses)
    home.rename(tmp_path / "away")
    new = restore(tmp_path / "two", tmp_path / "elsewhere" / "new", sha256=results[1]["sha256"]).home
    verified = chehang_apart("decisions", "verify", "--expect", results[1]["head"], "--json", home=new, **KEYS)
    assert verified.returncode == 0, verified.stderr
    monkeypatch.setenv("CHEHANG_HOME", str(new))
    assert champions.load(champions.version("credit_risk", expected["model_version"])).version == 1
    with serving(new, tmp_path / "log", **KEYS) as server:
        assert answer(server, body) == expected
        assert server.client.post(PATH, json=body).status_code == 200, "the restored log goes on"
    again = chehang_apart("decisions", "verify", "--expect", results[1]["head"], "--json", home=new, **KEYS)
    assert again.returncode == 0
