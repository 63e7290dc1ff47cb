"""Full disks, dead stores, sources that are not what they should be, and kills at the worst moments, as processes."""

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
# The ordinary command line, which dies by SIGKILL where the function named by the first argument would be called:
# module:name or module:class.name.
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


def _error_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the error line of a failed command."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


@pytest.fixture
def home(credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lender's store, version 1 being champion; also read by the test itself."""
    shutil.copytree(credit_risk.home, tmp_path / "home")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "home"


def _champion() -> int:
    """The champion's number, its files being whole."""
    found = champions.champion("credit_risk")
    assert found is not None
    champions.load(found)
    return found.number


def _numbers() -> list[int]:
    """All versions, the files of each being whole."""
    known = champions.versions("credit_risk")
    for version in known:
        champions.load(version)
    return [v.number for v in known]


def _limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


@pytest.mark.slow
def test_a_disk_that_is_full_registers_nothing(home: Path, credit_risk: Trained) -> None:
    train = ("train", "credit_risk", "-c", str(credit_risk.config))
    # A limit on the size of files stands in for the full disk: it needs no mount and no root.
    full = python("-m", "chehang", *train, home=home, before=_limit_file_size)
    assert "free" in _error_line(full)
    assert _numbers() == [1] and _champion() == 1
    run.train(load_config("credit_risk", credit_risk.config))
    assert _numbers() == [1, 2]


@pytest.mark.slow
def test_a_tracking_server_that_is_down_is_told_soon(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://someone:secret@127.0.0.1:{unused.getsockname()[1]}"
    started = time.monotonic()
    told = _error_line(python("-m", "chehang", "compare", "credit_risk", home=tmp_path, MLFLOW_TRACKING_URI=server))
    assert "MLFLOW_TRACKING_URI" in told and "secret" not in told
    assert time.monotonic() - started < 45


def _sources(folder: Path, name: str) -> Mapping[str, Any]:
    """A source of applications that cannot be read."""
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
        return {"parquet": "a.parquet", **instant}
    return {"sql": "SELECT * FROM applications", "url": "postgresql://reader:secret@127.0.0.1:9/crm"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gb18030", "set `encoding: gb18030`"),
        ("folder", "is a folder: `csv` needs a file"),
        ("mixed types", "term_months"),
        ("database", "127.0.0.1"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line(
    tmp_path: Path, name: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_credit_risk(tmp_path, credit_risk_tables(rows=300))
    sources = yaml.safe_load((tmp_path / "sources.yaml").read_text())
    sources["tables"]["applications"] = _sources(tmp_path, name)
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(sources))
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["chehang", "check", "credit_risk", "-c", str(config)])
    with pytest.raises(SystemExit) as ended:
        main()
    (told,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("· ")]  # steps
    assert ended.value.code == 1 and told.startswith("error: ")
    assert said in told and "applications" in told and "secret" not in told


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("task: credit_risk", "key `task` is given twice"),
        ("gate: {no_such: {at_most: 1}}", "gate.no_such: no such metric"),
        ("gate: {brier: {}}", "give at_least, at_most or both"),
        ("gate: {brier: {at_most: .nan}}", "finite"),
        ("split: {seed: -5}", "greater than or equal to 0"),
        ("protected: " + "[" * 2_000, "nested more than 50 levels deep"),
    ],
)
def test_a_configuration_that_cannot_be_meant(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "credit_risk.yaml"
    path.write_text(f"task: credit_risk\ntime: submitted_at\n{line}\n")
    with pytest.raises(ConfigError, match=said):
        load_config("credit_risk", path)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ("{low: 0, high: 2, log: true}", "above 0 on a log scale"),
        ("{low: .nan, high: 2}", "finite"),
        ("{low: 3, high: 9.5, integer: true}", "whole numbers"),
    ],
)
def test_a_search_range_that_cannot_be(credit_risk: Trained, span: str, said: str) -> None:
    setting = f"tune={{space: {{params.boosted_trees.num_leaves: {span}}}}}"
    with pytest.raises(ConfigError, match=said):
        load_config("credit_risk", credit_risk.config, settings=[setting.replace(", integer: true", "")])


def test_answers_do_not_overwrite_the_rows_they_answer(tmp_path: Path, credit_risk: Trained) -> None:
    rows = tmp_path / "rows.parquet"
    shutil.copy(credit_risk.config.parent / "applications.parquet", rows)
    before = rows.read_bytes()
    score = ("score", "credit_risk", "-c", str(credit_risk.config), "--data", str(rows), "--out", str(rows))
    assert "--data reads" in _error_line(chehang(*score, home=credit_risk.home, check=False))
    assert rows.read_bytes() == before


@pytest.mark.slow
def test_a_training_killed_at_any_of_its_steps_leaves_no_version(home: Path, credit_risk: Trained) -> None:
    train = ("train", "credit_risk", "-c", str(credit_risk.config))
    for moment in (
        "ml.model:_sha256",  # the model's files are half written
        "mlflow:log_artifacts",  # the model is in the store, its report is not
        "mlflow:MlflowClient.create_model_version",  # all but the version is there
    ):
        killed = python("-c", DIES, moment, *train, home=home)
        assert killed.returncode == -9, killed.stderr
        assert _numbers() == [1] and _champion() == 1
    run.train(load_config("credit_risk", credit_risk.config))
    assert _numbers() == [1, 2] and _champion() == 1


@pytest.mark.slow
def test_killed_and_crowded_promotions_leave_a_whole_champion(home: Path, credit_risk: Trained) -> None:
    run.train(load_config("credit_risk", credit_risk.config))
    for moment in ("set_registered_model_tag", "set_registered_model_alias"):
        assert python("-c", DIES, f"mlflow:MlflowClient.{moment}", *FORCED, home=home).returncode == -9
        assert _champion() == 1
        assert [m.version for m in champions.history("credit_risk")] == [1]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: chehang_apart(*FORCED, home=home, check=False), range(2)))
    assert sorted(d.returncode for d in both) == [0, 1]
    assert "is the champion already" in _error_line(max(both, key=lambda d: d.returncode))
    assert _champion() == 2
    assert [m.version for m in champions.history("credit_risk")] == [1, 2]
