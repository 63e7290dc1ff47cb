"""Full disks, unreachable stores, unreadable sources and killed processes."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from chehang.cli import main
from features.errors import ConfigError
from ml import champions
from tests.commands import chehang, chehang_apart, python
from tests.conftest import Trained
from tests.small.credit_risk import credit_risk_tables, write_credit_risk
from training import train as run
from training.config import load_config

FORCED = ("promote", "credit_risk", "--version", "2", "--force", "--reason", "trial")
# The command line, killed by SIGKILL when it calls the function named by the first argument (module:name or
# module:class.name).
DIES = """
import importlib, os, signal, sys
module, _, name = sys.argv.pop(1).partition(":")
from chehang.cli import main
owner = importlib.import_module(module)
*inside, name = name.split(".")
for part in inside:
    owner = getattr(owner, part)
assert callable(getattr(owner, name))
setattr(owner, name, lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))
main()
"""


def _error_line(process: subprocess.CompletedProcess[str]) -> str:
    """Return the error line of a failed command."""
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


@pytest.fixture
def home(credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the lender's home with version 1 as champion; the test reads it too."""
    shutil.copytree(credit_risk.home, tmp_path / "home")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "home"


def _champion() -> int:
    """Return the number of the champion, after a check of its files."""
    champion = champions.champion("credit_risk")
    assert champion is not None
    champions.load(champion)
    return champion.number


def _numbers() -> list[int]:
    """Return the numbers of all versions, after a check of their files."""
    versions = champions.versions("credit_risk")
    for version in versions:
        champions.load(version)
    return [v.number for v in versions]


def _limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


@pytest.mark.slow
def test_a_full_disk_registers_nothing(home: Path, credit_risk: Trained) -> None:
    train = ("train", "credit_risk", "-c", str(credit_risk.config))
    # A limit on the file size simulates a full disk without a mount or root.
    full = python("-m", "chehang", *train, home=home, before=_limit_file_size)
    assert "free" in _error_line(full)
    assert _numbers() == [1] and _champion() == 1
    run.train(load_config("credit_risk", credit_risk.config))
    assert _numbers() == [1, 2]


@pytest.mark.slow
def test_an_unreachable_tracking_server_is_reported_soon(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://someone:secret@127.0.0.1:{unused.getsockname()[1]}"
    started = time.monotonic()
    message = _error_line(python("-m", "chehang", "compare", "credit_risk", home=tmp_path, MLFLOW_TRACKING_URI=server))
    assert "MLFLOW_TRACKING_URI" in message and "secret" not in message
    assert time.monotonic() - started < 45


def _sources(folder: Path, name: str) -> Mapping[str, Any]:
    """Return a source of applications that cannot be read."""
    applications = credit_risk_tables(rows=300)["applications"]
    instant = {"columns": {"submitted_at": {"from": "submitted_at", "unit": "us"}}}
    if name == "gb18030":
        text = applications.with_columns(region=pl.lit("华东")).write_csv()
        (folder / "a.csv").write_bytes(text.encode("gb18030"))
        return {"csv": "a.csv", **instant}
    if name == "folder":
        (folder / "a.csv").mkdir()
        return {"csv": "a.csv"}
    if name == "mixed types":
        mixed = pl.Series(["many" if i % 3 else "36" for i in range(applications.height)])
        applications.with_columns(term_months=mixed).write_parquet(folder / "a.parquet")
        columns = {**instant["columns"], "term_months": "term_months"}  # a column found by its name alone is set aside
        return {"parquet": "a.parquet", "columns": columns}
    return {"sql": "SELECT * FROM applications", "url": "postgresql://reader:secret@127.0.0.1:9/crm"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gb18030", "set `encoding: gb18030`"),
        ("folder", "is a folder: `csv` needs a file"),
        ("mixed types", "term_months"),
        ("database", "127.0.0.1"),
    ],
)
def test_an_unreadable_source_is_one_error_line(
    tmp_path: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_credit_risk(tmp_path, credit_risk_tables(rows=300))
    sources = yaml.safe_load((tmp_path / "sources.yaml").read_text())
    sources["tables"]["applications"] = _sources(tmp_path, name)
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(sources))
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["chehang", "check", "credit_risk", "-c", str(config)])
    with pytest.raises(SystemExit) as ended:
        main()
    (message,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("· ")]  # steps
    assert ended.value.code == 1 and message.startswith("error: ")
    assert text in message and "applications" in message and "secret" not in message


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("task: credit_risk", "key `task` is given twice"),
        ("gate: {no_such: {at_most: 1}}", "gate.no_such: is not a metric of credit_risk"),
        ("gate: {brier: {}}", "give at_least, at_most or both"),
        ("gate: {brier: {at_most: .nan}}", "finite"),
        ("split: {seed: -5}", "greater than or equal to 0"),
        ("protected: " + "[" * 2_000, "nested more than 50 levels deep"),
    ],
)
def test_an_invalid_configuration_is_refused(tmp_path: Path, line: str, text: str) -> None:
    path = tmp_path / "credit_risk.yaml"
    path.write_text(f"task: credit_risk\ntime: submitted_at\n{line}\n")
    with pytest.raises(ConfigError, match=text):
        load_config("credit_risk", path)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ("{low: 0, high: 2, log: true}", "above 0 on a log scale"),
        ("{low: .nan, high: 2}", "finite"),
        ("{low: 3, high: 9.5, integer: true}", "whole numbers"),
    ],
)
def test_an_invalid_search_range_is_refused(credit_risk: Trained, span: str, text: str) -> None:
    setting = f"tune={{space: {{params.boosted_trees.num_leaves: {span}}}}}"
    with pytest.raises(ConfigError, match=text):
        load_config("credit_risk", credit_risk.config, settings=[setting.replace(", integer: true", "")])


def test_predictions_do_not_overwrite_the_input_file(tmp_path: Path, credit_risk: Trained) -> None:
    rows = tmp_path / "rows.parquet"
    shutil.copy(credit_risk.config.parent / "applications.parquet", rows)
    before = rows.read_bytes()
    score = ("score", "credit_risk", "-c", str(credit_risk.config), "--data", str(rows), "--out", str(rows))
    assert "is the input file of --data" in _error_line(chehang(*score, home=credit_risk.home, check=False))
    assert rows.read_bytes() == before


@pytest.mark.slow
def test_a_training_killed_at_any_step_leaves_no_version(home: Path, credit_risk: Trained) -> None:
    train = ("train", "credit_risk", "-c", str(credit_risk.config))
    for function in (
        "ml.model:_sha256",  # some files of the model are written
        "mlflow:log_artifacts",  # the model is stored, its report is not
        "mlflow:MlflowClient.create_model_version",  # everything but the version is stored
    ):
        killed = python("-c", DIES, function, *train, home=home)
        assert killed.returncode == -9, killed.stderr
        assert _numbers() == [1] and _champion() == 1
    run.train(load_config("credit_risk", credit_risk.config))
    assert _numbers() == [1, 2] and _champion() == 1


@pytest.mark.slow
def test_killed_and_concurrent_promotions_leave_a_complete_champion(home: Path, credit_risk: Trained) -> None:
    run.train(load_config("credit_risk", credit_risk.config))
    for function in ("set_registered_model_tag", "set_registered_model_alias"):
        assert python("-c", DIES, f"mlflow:MlflowClient.{function}", *FORCED, home=home).returncode == -9
        assert _champion() == 1
        assert [m.version for m in champions.history("credit_risk")] == [1]
    with ThreadPoolExecutor(2) as pool:
        processes = list(pool.map(lambda _: chehang_apart(*FORCED, home=home, check=False), range(2)))
    assert sorted(d.returncode for d in processes) == [0, 1]
    assert "is the champion already" in _error_line(max(processes, key=lambda d: d.returncode))
    assert _champion() == 2
    assert [m.version for m in champions.history("credit_risk")] == [1, 2]
