"""A wrong key of a configuration is reported before slow libraries are imported and before any data is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("lightgbm", "sklearn", "pandas", "matplotlib", "mlflow", "statsforecast", "optuna", "implicit", "pyarrow")
CODE = """
import sys
from chehang.cli import main
try:
    main()
finally:
    print(*[name for name in {slow} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("command", "task", "is_source"),
    [
        ("check credit_risk", "credit_risk", False),
        ("train credit_risk", "credit_risk", True),
        ("score credit_risk --out a.csv", "credit_risk", True),
        ("forecast --out a.csv", "demand_forecast", True),
        ("alarms --out a.csv", "fault_rate", True),
        ("value --out a.csv", "", False),
    ],
)
def test_a_wrong_key_imports_no_slow_library(tmp_path: Path, command: str, task: str, is_source: bool) -> None:
    table = "{parquet: none.parquet, colunms: {}}" if is_source else "{parquet: none.parquet}"
    (tmp_path / "sources.yaml").write_text(f"tables: {{leads: {table}}}")
    time = {"credit_risk": "submitted_at", "demand_forecast": "sold_at", "fault_rate": "serviced_at"}.get(task)
    content = f"task: {task}\ntime: {time}\n" if task else ""
    (tmp_path / "task.yaml").write_text(f"{content}sources: sources.yaml\n{'' if is_source else 'colour: red'}")
    arguments = [*command.split(), "-c", "task.yaml"]
    result = subprocess.run(
        [sys.executable, "-c", CODE.format(slow=SLOW), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "", "CHEHANG_HOME": str(tmp_path / "home")},
    )
    *_, error, modules = result.stderr.splitlines()
    assert ("tables.leads.colunms: unknown key" if is_source else "colour: unknown key") in error
    assert modules == "" and result.returncode == 1
    assert not (tmp_path / "home").exists()
