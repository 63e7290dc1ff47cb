"""Heavy modules are imported only when needed, and after the first line of output."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

import chehang
from chehang.cli import COMMANDS
from features.errors import ConfigError, ModelNotFound
from ml.registry import ENTRIES, GROUPS, TASKS, check_task
from tests.commands import python
from tests.conftest import Trained
from tests.small.credit_risk import write_eight_applications

HEAVY = (
    "mlflow", "pandera", "lightgbm", "sklearn", "pandas", "scipy.stats", "matplotlib", "optuna", "fairlearn",
    "mlforecast", "statsforecast",
)  # fmt: skip
# Runs a command, and records which of the heavy modules were imported at its first line of output and at its end.
WATCHED = """
import json, sys
names = sys.argv.pop(1).split(",")
imported = lambda: [name for name in names if name in sys.modules]
first = []

class Watched:
    def __init__(self, stream):
        self.stream = stream
    def __getattr__(self, name):
        return getattr(self.stream, name)
    def write(self, text):
        if text.strip() and not first:
            first.append((text.strip(), imported()))
        return self.stream.write(text)

sys.stdout, sys.stderr = Watched(sys.stdout), Watched(sys.stderr)
from chehang.cli import main
try:
    main()
finally:
    with open("imports.json", "w") as f:
        json.dump({"first": first, "end": imported()}, f)
"""


def _imports(folder: Path, *arguments: str, home: Path | None = None) -> tuple[str, list[str], list[str]]:
    """Return the first line of a command, the heavy modules imported by then, and those imported by its end."""
    program = WATCHED.replace('"imports.json"', repr(str(folder / "imports.json")))
    done = python("-c", program, ",".join(HEAVY), *arguments, home=home or folder / "home", seconds=300)
    assert "Traceback" not in done.stderr, done.stderr
    content = json.loads((folder / "imports.json").read_text())
    ((line, modules),) = content["first"]
    return line, modules, content["end"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["tasks"], ["tasks", "--json"], ["train", "--help"], ["nonsense"]]
)
def test_listing_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    assert _imports(tmp_path, *arguments)[2] == []


def test_checking_a_small_file_imports_nothing_heavy(tmp_path: Path) -> None:
    line, _, modules = _imports(tmp_path, "check", "credit_risk", "-c", str(write_eight_applications(tmp_path)))
    assert line.startswith("·") and "credit_risk.yaml" in line
    assert modules == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "credit_risk"], "reading configs/credit_risk.yaml"),
        (["tune", "credit_risk"], "reading configs/credit_risk.yaml"),
        (["evaluate", "credit_risk"], "reading configs/credit_risk.yaml"),
        (["score", "credit_risk", "--out", "a.csv"], "reading configs/credit_risk.yaml"),
        (["forecast", "--out", "a.csv"], "reading configs/demand_forecast.yaml"),
        (["alarms", "--out", "a.csv"], "reading configs/fault_rate.yaml"),
        (["alarm"], "reading configs/fault_alarms.yaml"),
        (["value", "--out", "a.csv", "--config", "none.yaml"], "reading none.yaml"),
        (["service-due", "--out", "a.csv", "--config", "none.yaml"], "reading none.yaml"),
        (["compare", "credit_risk"], "reading the model registry"),
        (["history", "credit_risk"], "reading the model registry"),
        (["promote", "credit_risk"], "reading the model registry"),
        (["rollback", "credit_risk"], "reading the model registry"),
        (["tasks", "--champions"], "reading the model registry"),
    ],
)
def test_the_first_line_comes_before_anything_heavy(tmp_path: Path, arguments: list[str], line: str) -> None:
    first, modules, _ = _imports(tmp_path, *arguments)
    assert line in first and modules == []


def test_an_invalid_configuration_is_reported_before_mlflow_is_imported(tmp_path: Path) -> None:
    config = write_eight_applications(tmp_path)
    assert _imports(tmp_path, "train", "credit_risk", "-c", str(config), "--set", "time=created_at")[2] == []


def test_every_command_is_there_and_its_help_is_the_first_sentence_of_its_docstring() -> None:
    for name, entry in COMMANDS.items():
        function = getattr(import_module(entry.module), entry.module.rpartition(".")[2])
        text = function.info.help if isinstance(function, typer.Typer) else function.__doc__
        assert entry.help == re.split(r"(?<=\.)\s", text)[0], name
        command = entry.load(name)
        assert isinstance(command, TyperCommand | TyperGroup)
        assert isinstance(command, TyperGroup) or command.name == name
    folders = [*Path("training/commands").glob("*.py"), *Path("serving/commands").glob("*.py")]
    modules = {".".join(p.with_suffix("").parts) for p in folders if p.stem != "__init__"}
    assert modules == {entry.module for entry in COMMANDS.values()}


def test_every_task_is_listed_as_it_is() -> None:
    assert list(TASKS) == list(ENTRIES) and len(TASKS) == len(ENTRIES)
    assert not set(GROUPS) & set(TASKS)


def test_a_name_that_is_no_task_is_refused() -> None:
    assert "loans" not in TASKS
    with pytest.raises(KeyError):
        TASKS["loans"]
    with pytest.raises(ConfigError, match=r"'loans' is unknown; the tasks are: recommendation, "):
        check_task("loans")


def test_the_python_api(credit_risk: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(credit_risk.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert re.match(r"\d+\.\d+", chehang.__version__)
    assert [task.name for task in chehang.tasks()] == list(TASKS)
    assert chehang.load_config("credit_risk", credit_risk.config).task == "credit_risk"
    model = chehang.load_champion("credit_risk")
    answer = model.estimator.predict({n: [v] for n, v in model.card["example"].items()})
    assert 0 < answer["probability_of_default"][0] < 1
    with pytest.raises(ModelNotFound, match="chehang train lead_scoring"):
        chehang.load_champion("lead_scoring")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chehang.nothing  # noqa: B018


@pytest.mark.parametrize("name", chehang.__all__)
def test_every_name_of_the_api_can_be_called(name: str) -> None:
    assert callable(getattr(chehang, name))
