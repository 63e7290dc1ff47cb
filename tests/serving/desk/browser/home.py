"""A small dealer group with six champions, a second version of one model, alarms and a monitoring report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ml.registry import TASKS
from tests.conftest import ROOT

SIZE = ("--stores", "4", "--customers", "8000", "--months", "30")
PEOPLE = {  # name of the key by role; the second finance officer confirms what the first decides
    "finance_officer": "王晓岚",
    "second_officer": "李志远",
    "sales": "陈佳",
    "planner": "周敏",
    "after_sales": "赵卫国",
    "manager": "徐建华",
    "data_scientist": "Lin Yue",
    "admin": "admin",
}


def run(home: Path, *arguments: str) -> str:
    """Run a command of the product, and return its output."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHEHANG_", "MLFLOW_"))}
    environment = {**clean, "CHEHANG_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "chehang", *arguments]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode in (0, 3, 4), f"chehang {' '.join(arguments)}\n{result.stdout}{result.stderr}"
    return result.stdout


def make_home(home: Path) -> None:
    """Simulate the group, train and promote every task (credit risk twice), and run alarms and the monitor."""
    run(home, "sample-data", *SIZE)
    for task in (*TASKS, "credit_risk"):
        overlay = ROOT / "configs" / "demo" / f"{task}.yaml"
        run(home, "train", task, *(("--with", str(overlay)) if overlay.exists() else ()))
        # A group this small does not pass every gate.
        run(home, "promote", task, "--force", "--reason", "a small group for tests")
    run(home, "alarms", "--out", str(home / "alarms.parquet"))
    run(home, "service-due", "--out", str(home / "service_due.parquet"))


def make_keys(home: Path) -> dict[str, str]:
    """Create a key of each person, and return it by role."""
    keys = {}
    for role, name in PEOPLE.items():
        real = "finance_officer" if role == "second_officer" else role
        answer = json.loads(run(home, "keys", "create", name, "--role", real, "--by", "a test", "--json"))
        keys[role] = answer["key"]
    return keys
