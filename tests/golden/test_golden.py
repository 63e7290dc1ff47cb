"""The golden files match, are complete, and their comparison shows changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.calls import TASKS, calls, commands, without_golden
from tests.golden.compare import accepted, differences
from tests.golden.record import ROOT
from tests.golden.service import answered_paths

EXPECTED = Path(__file__).parent / "expected"


@pytest.mark.slow
def test_nothing_differs_from_the_golden_files() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "11"}
    command = [sys.executable, "-m", "tests.golden"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1_200)
    assert run.returncode == 0, f"{run.stdout[:20_000]}\n{run.stderr[-2_000:]}"


def test_every_command_has_a_golden_file(tmp_path: Path) -> None:
    assert {"train", "service-due", "serve"} <= commands(tmp_path), "the output of --help can be parsed"
    assert not without_golden(tmp_path), "add these commands to tests/golden/calls.py"
    assert not [c.golden for c in calls() if not (EXPECTED / f"{c.golden}.json").exists()]


def test_every_task_and_every_path_that_takes_a_request_has_a_golden_file() -> None:
    from ml.registry import TASKS as REGISTERED

    assert set(TASKS) == set(REGISTERED)
    document = json.loads((EXPECTED / "openapi.json").read_text(encoding="utf-8"))["output"]
    answers = [json.loads(p.read_text(encoding="utf-8")) for p in (EXPECTED / "service").glob("*/answer*.json")]
    assert {a["path"] for a in answers} == set(answered_paths(document))
    assert {a["answer"]["status"] for a in answers} == {200}


def test_a_figure_a_key_and_a_text_that_change_are_shown(tmp_path: Path) -> None:
    report = {"metrics": {"auc": 0.71, "rows": 12}, "note": "as it was", "old": 1}
    assert accepted({"task/train": report}, tmp_path) == ["task/train"]
    assert differences({"task/train": report | {"metrics": {"auc": 0.710001, "rows": 12}}}, tmp_path) == ""

    changed = {"metrics": {"auc": 0.72, "rows": 12}, "note": "reworded", "new": 1}
    lines = [line for line in differences({"task/train": changed}, tmp_path).splitlines() if line[0] in "+-"]
    assert lines[:2] == ["--- expected/task/train.json", "+++ recorded/task/train.json"]
    text = "\n".join(lines)
    assert all(part in text for part in ('-{"metrics"', "0.72", "reworded", '"new": 1'))
    assert "recorded/other.json" in differences({"task/train": report, "other": 1}, tmp_path)
    assert accepted({}, tmp_path) == ["task/train"] and not list(tmp_path.rglob("*.json"))
