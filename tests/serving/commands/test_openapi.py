"""`chehang openapi`: the document without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.registry import TASKS
from serving.commands.openapi import openapi
from tests.commands import chehang
from tests.serving.running import Server


def test_it_is_the_document_of_a_server_over_the_same_home(server: Server, configs: Path) -> None:
    run = chehang("openapi", home=server.home, CHEHANG_CONFIGS=str(configs))  # examples name vehicles in stock
    document = server.client.get("/openapi.json").json()
    assert json.loads(run.stdout) == document and "no champion" not in run.stderr
    assert document["paths"]["/v1/credit_risk"]["post"]["requestBody"]["content"]["application/json"]["example"]


def test_a_task_without_a_champion_is_named_and_described_as_any_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    config = tmp_path / "serving.yaml"
    config.write_text("max_batch_rows: 7")
    openapi(config)
    output = capsys.readouterr()
    notes = output.err.splitlines()
    assert [note.split()[1] for note in notes] == list(TASKS)
    assert all(f"chehang promote {task}" in note for task, note in zip(TASKS, notes, strict=True))
    batch = json.loads(output.out)["paths"]["/v1/credit_risk/batch"]["post"]["requestBody"]["content"]
    assert batch["application/json"]["schema"]["properties"]["items"] == {
        "type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 7,
    }  # fmt: skip
    assert not (tmp_path / "home" / "mlflow.db").exists(), "reading makes nothing"
