"""`mlflow run` starts the entry points of MLproject on a sample dealership."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ml.registry import TASKS
from tests.commands import chehang
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CHEHANG_HOME with a small sample dealership."""
    folder = tmp_path_factory.mktemp("mlproject") / "home"
    chehang("sample-data", "--stores", "2", "--customers", "10000", "--months", "24", home=folder)
    return folder


def mlflow_run(entry_point: str, home: Path, **parameters: str) -> str:
    """Run an entry point with the interpreter of this environment first on PATH; returns what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | {
        "CHEHANG_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    chosen = [option for name, value in parameters.items() for option in ("-P", f"{name}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "run", str(ROOT), "-e", entry_point, "--env-manager", "local", *chosen],
        cwd=home, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_mlflow_run_trains_and_promotes(home: Path) -> None:
    assert "registered credit_risk version 1" in mlflow_run("train", home, task="credit_risk")
    assert "credit_risk version 1 is champion" in mlflow_run("promote", home, task="credit_risk")


def test_every_entry_point_names_a_command_and_options_that_exist() -> None:
    from chehang.cli import COMMANDS

    entry_points = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    assert set(entry_points) == {"train", "tune", "evaluate", "forecast", "alarms", "promote", "score"}
    for name, entry_point in entry_points.items():
        words = entry_point["command"].split()
        assert words[:4] == ["python", "-m", "chehang", name]
        options = {option for parameter in COMMANDS[name].load(name).params for option in parameter.opts}
        assert {w for w in words if w.startswith("--")} <= options
        single_task = {"forecast": "demand_forecast", "alarms": "fault_rate"}
        if name in single_task:
            assert f"/{single_task[name]}.yaml" in entry_point["command"] and "task" not in entry_point["parameters"]
        else:
            assert entry_point["parameters"]["task"]["default"] in TASKS
